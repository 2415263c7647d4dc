//! The program in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bigchaindb");

pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
}

impl Process {
    /// It keeps its documents in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::run(Command::new(PROGRAM).args(["rethinkdb", "--directory"]).arg(folder))
    }

    /// It keeps its documents in memory.
    pub(crate) fn in_memory() -> Self {
        Self::run(Command::new(PROGRAM).args(["rethinkdb", "--memory"]).stderr(Stdio::piped()))
    }

    fn run(command: &mut Command) -> Self {
        let start = now();
        let command = command.args(["--driver-port", "0"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim_end().parse().expect("it says where it listens");
        Client::connect(address).unwrap().ask(&json!([62, []])).unwrap();
        Self { child, address, started_in: start.elapsed() }
    }

    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How much memory it has, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Ends it; what it has said on stderr, if that is piped.
    pub(crate) fn last_words(mut self) -> String {
        self.kill();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    /// Ends it as nothing else does: it hears nothing of it.
    pub(crate) fn kill(&mut self) {
        assert!(self.lives(), "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a restart takes is reported")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
