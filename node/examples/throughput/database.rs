//! A RethinkDB server of a run's own: on free ports, with its files in the run's folder, gone with the run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb::store::RethinkStore;
use bigchaindb::store::rethinkdb::{Client, Limits, Options, Tcp, schema};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Result;

/// What it prints with the port it has taken for drivers.
const PORT: &str = "Listening for client driver connections on port ";

/// What it prints once drivers can connect.
const READY: &str = "Server ready";

/// How long it may take to make tables.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server; killed when it is dropped.
pub(crate) struct Rethinkdb {
    process: Child,
    port: u16,
}

impl Rethinkdb {
    /// Starts this program, and waits until drivers can connect.
    pub(crate) async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .arg("--directory")
            .arg(folder.join("rethinkdb"))
            .args([
                "--driver-port",
                "0",
                "--cluster-port",
                "0",
                "--no-http-admin",
                "--no-update-check",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        let output = process.stdout.take().expect("it was asked for");
        let (mut lines, mut port, mut last) = (BufReader::new(output).lines(), None, String::new());
        while let Some(line) = lines.next_line().await? {
            if let Some(taken) = line.strip_prefix(PORT) {
                port = Some(taken.trim().parse()?);
            }
            if let (Some(port), true) = (port, line.starts_with(READY)) {
                // It must not be stopped by a pipe that nobody reads.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { process, port });
            }
            last = line;
        }
        Err(format!("{} does not start: {last}", program.display()).into())
    }

    /// A database of this name as nodes find it, with as many connections as so many nodes have together.
    pub(crate) async fn store(&self, database: &str, nodes: usize) -> Result<RethinkStore> {
        let tcp = Tcp { host: "127.0.0.1".to_owned(), port: self.port, tls: None };
        let options = Options {
            database: database.to_owned(),
            query_timeout: QUERY_TIMEOUT,
            ..Options::default()
        };
        let each = Limits::default();
        let limits = Limits { connections: each.connections * nodes, ..each };
        let client = Client::new(tcp, options, limits);
        schema::init(&client, PATIENCE).await?;
        Ok(RethinkStore::new(client))
    }

    /// Ends it; nothing that it holds is needed any more.
    pub(crate) async fn stop(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }
}
