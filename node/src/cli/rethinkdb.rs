//! `bigchaindb rethinkdb`: the embedded database as a server of its own, for any driver.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use bigchaindb_rethinkdb::{Database, Settings};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;
use super::failure::{Failure, Result};

/// The file in the data directory that holds the documents.
const FILE: &str = "rethinkdb.redb";

/// Serve RethinkDB's drivers until SIGINT or SIGTERM.
///
/// Prints the address on stdout as soon as drivers can connect. Documents are kept in memory, unless
/// there is a directory for them.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb rethinkdb --directory data --driver-port 28015")]
pub(crate) struct Rethinkdb {
    /// The directory that keeps the documents. It is made if it is not there.
    #[arg(long, short, value_name = "DIR", conflicts_with = "memory")]
    directory: Option<PathBuf>,
    /// Keep the documents in memory, and forget them at the end: as without `--directory`.
    #[arg(long)]
    memory: bool,
    /// The address to listen on; `all` means every one that this machine has.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    bind: IpAddr,
    /// The port for drivers. 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 28015)]
    driver_port: u16,
    /// The server's name, as `table_config` and `server_status` show it.
    #[arg(long, short = 'n', value_name = "S", default_value = "bigchaindb")]
    server_name: String,
    /// The password of the user `admin`.
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true)]
    initial_password: String,
}

fn address(text: &str) -> std::result::Result<IpAddr, std::net::AddrParseError> {
    if text == "all" { Ok(Ipv4Addr::UNSPECIFIED.into()) } else { text.parse() }
}

impl Rethinkdb {
    pub(crate) async fn run(&self) -> Result<Exit> {
        let database = match &self.directory {
            Some(directory) => open(directory, Settings::default())?,
            None => Database::in_memory(),
        };
        // Before the address is printed: whoever reads it may send a signal at once.
        let mut stop = Stop::new()?;
        let options = ServerOptions {
            bind: SocketAddr::new(self.bind, self.driver_port),
            name: self.server_name.clone(),
            admin_password: self.initial_password.clone(),
            ..ServerOptions::default()
        };
        let server = Server::bind(database.clone(), options).await.map_err(|error| {
            Failure::surroundings(&error, "is the port taken? `--driver-port 0` takes any")
        })?;
        // Whoever closed stdout early wants no address.
        let _closed = writeln!(io::stdout(), "{}", server.local_addr());
        stop.wanted().await;
        eprintln!("shutting down");
        server.shutdown().await;
        flush(&database)?;
        Ok(Exit::Done)
    }
}

/// SIGINT or SIGTERM.
pub(super) struct Stop {
    interrupted: Signal,
    terminated: Signal,
}

impl Stop {
    /// From now on neither ends the process by itself.
    pub(super) fn new() -> Result<Self> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::surroundings(&error, "try again"));
        let (interrupted, terminated) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(Self { interrupted, terminated })
    }

    /// Waits for one.
    pub(super) async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}

/// The database that a directory keeps; the directory is made if it is not there.
pub(super) fn open(directory: &Path, settings: Settings) -> Result<Database> {
    fs::create_dir_all(directory).map_err(|error| {
        Failure::surroundings(&error, format!("may `{}` be written?", directory.display()))
    })?;
    let opened = Database::open(&directory.join(FILE), &settings);
    opened.map_err(|error| Failure::surroundings(&error, "is another server using this directory?"))
}

/// What was written softly is on disk before the process ends.
pub(super) fn flush(database: &Database) -> Result<()> {
    database.sync().map_err(|error| Failure::surroundings(&error, "is the disk full?"))
}
