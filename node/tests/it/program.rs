//! The program `bigchaindb`, as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// The program, with nothing of this machine's in its environment.
pub(crate) fn bigchaindb(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bigchaindb"));
    command.args(arguments).env_clear().env("HOME", home);
    command
}

/// Runs a program to its end; its exit code, stdout and stderr.
pub(crate) fn output(mut command: Command, input: &str) -> (i32, String, String) {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // One that ends without reading it is no failure of the test's.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A node with a database of its own, in a directory of its own.
pub(crate) fn embedded(home: &Path) -> Command {
    let mut command = bigchaindb(home, &[]);
    as_embedded(&mut command, home);
    command
}

/// The same behind a shell that has set these limits (`ulimit`) first.
pub(crate) fn embedded_with(home: &Path, limits: &str) -> Command {
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_bigchaindb");
    command.args(["-c", &format!("ulimit {limits}; exec {program} \"$@\""), "sh"]);
    command.env_clear().env("HOME", home);
    as_embedded(&mut command, home);
    command
}

fn as_embedded(command: &mut Command, home: &Path) {
    let keypair = bigchaindb_core::model::Keypair::from_seed([1; 32]);
    let data = home.join("data");
    command
        .args(["start", "--embedded"])
        .arg(data)
        .env("BIGCHAINDB_KEYPAIR_PRIVATE", keypair.private())
        .env("BIGCHAINDB_DATABASE_PORT", free_port().to_string())
        .env("BIGCHAINDB_SERVER_BIND", "127.0.0.1:0");
}

/// A program that serves until it is told to stop.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    /// Waits for the line with the address.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self::of(child, address.trim_end().to_owned())
    }

    /// A program that serves there already.
    pub(crate) fn of(child: Child, address: String) -> Self {
        Self { child, address }
    }

    /// Where a node's API listens.
    pub(crate) fn api(&self) -> SocketAddr {
        let address = self.address.strip_prefix("http://");
        let address = address.and_then(|address| address.strip_suffix("/api/v1/"));
        address.unwrap_or_else(|| panic!("{}", self.address)).parse().unwrap()
    }

    /// What it says on stderr, if that was to be piped.
    pub(crate) fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(mut self) -> i32 {
        self.terminate();
        self.wait()
    }

    /// Waits for its end; the exit code.
    pub(crate) fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
    }
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
