//! The program `bigchaindb`, started as an operator would.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bigchaindb_load::client::{Call, Client};

/// Long enough for anything here, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program, with nothing of this machine's in its environment.
pub(crate) fn bigchaindb(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bigchaindb"));
    command.args(arguments).env_clear().env("HOME", home);
    command
}

pub(crate) fn output(mut command: Command, input: &str) -> (i32, String, String) {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A program that serves until it is told to stop.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Serving {
    /// Waits for the line with the address.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim_end().to_owned() }
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
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

pub(crate) async fn until_valid(client: &Client, node: usize, id: &str) {
    let path = format!("/api/v1/transactions/{id}/status");
    let valid = async {
        loop {
            let answer = client.call(node, Call::Get(path.clone()), PATIENCE, || ()).await.unwrap();
            if answer.body.windows(7).any(|word| word == b"\"valid\"") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, valid).await.expect("it is decided sooner or later");
}
