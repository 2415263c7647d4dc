//! A RethinkDB of this node's own, for `--experimental-start-rethinkdb`.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::failure::{Failure, Result};

/// The program, as the operator has installed it.
const PROGRAM: &str = "rethinkdb";

/// What it prints once drivers can connect.
const READY: &str = "Server ready";

/// How long it may take to write down what it has in memory, once it is told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// A RethinkDB server; killed if it is dropped.
#[derive(Debug)]
pub(crate) struct OwnRethinkdb(Child);

impl OwnRethinkdb {
    /// Starts one in the current directory, and waits until drivers can connect at `port`.
    ///
    /// It listens on the loopback addresses only: the original had it listen on all, where anybody may
    /// read and write. A federation starts its RethinkDB servers itself.
    ///
    /// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
    pub(crate) async fn start(port: u16) -> Result<Self> {
        let missing = "install RethinkDB; or `bigchaindb start --embedded DIR` needs no database";
        let child = Command::new(PROGRAM)
            .args(["--driver-port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.map_err(|error| {
            let error = io::Error::new(error.kind(), format!("cannot run `{PROGRAM}`: {error}"));
            Failure::surroundings(&error, missing)
        })?;
        let output = child.stdout.take().expect("it was asked for");
        let (mut lines, mut last) = (BufReader::new(output).lines(), String::new());
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with(READY) {
                let pid = child.id().unwrap_or_default();
                log::info!(target: "bigchaindb", "RethinkDB started with PID {pid}");
                // It must not be stopped by a pipe that nobody reads.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self(child));
            }
            last = line;
        }
        let message = format!("Error starting RethinkDB, reason is: {last}");
        Err(Failure::no(
            message,
            "is another one running? `database.port` says where this one listens",
        ))
    }

    /// Ends it as Ctrl-C would: what is in memory is written down first.
    pub(crate) async fn stop(mut self) {
        let pid = self.0.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        // One that is gone already needs no end.
        if let Some(pid) = pid
            && kill_process(pid, Signal::INT).is_ok()
            && tokio::time::timeout(STOP_TIMEOUT, self.0.wait()).await.is_err()
        {
            log::warn!(target: "bigchaindb", "RethinkDB does not stop, and is killed");
        }
    }
}
