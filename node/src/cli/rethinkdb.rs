//! `bigchaindb rethinkdb`: the embedded database as a server of its own, for any driver.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bigchaindb_rethinkdb::cluster::Timing;
use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use bigchaindb_rethinkdb::{Database, Settings};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::failure::{Failure, Result};
use crate::exit::Exit;

/// The file in the data directory that holds the documents.
pub(super) const FILE: &str = "rethinkdb.redb";

/// Serve RethinkDB's drivers until SIGINT or SIGTERM.
///
/// Prints the address on stdout as soon as drivers can connect. Documents are kept in memory, unless
/// there is a directory for them.
///
/// With `--servers` it is a cluster of so many servers, each with a port of its own, that share the
/// documents and behave as RethinkDB's do: with shards, replicas, failover and the errors of all that.
/// What goes wrong between them is a row of the table `harms` of the database `rethinkdb`, for as long as
/// it is there: {"kind": "kill", "server": "bigchaindb2"}. Kinds are kill, power-loss, stop, pause and full,
/// each of a server, slow, of a server and with a `factor`, and partition, `of` some servers `from` others,
/// perhaps `oneway`. The last server that runs can be harmed only where there is a `--door`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  bigchaindb rethinkdb --directory data --driver-port 28015\n  \
                        bigchaindb rethinkdb --servers 3 --server-name s"
)]
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
    /// The port for drivers; further servers take those that follow. 0 takes any that are free.
    #[arg(long, value_name = "N", default_value_t = 28015)]
    driver_port: u16,
    /// How many servers the cluster has.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=SERVERS_MAX))]
    servers: u16,
    /// A further port of several servers, at which none of what goes wrong between them is felt.
    #[arg(long, value_name = "N")]
    door: Option<u16>,
    /// The server's name, as `table_config` and `server_status` show it. Of several servers each has its
    /// number behind it, from 1 on.
    #[arg(long, short = 'n', value_name = "S", default_value = "bigchaindb")]
    server_name: String,
    /// The password of the user `admin`.
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true)]
    initial_password: String,
}

/// More than anybody tries out on one machine; each has a thread for every query that waits.
const SERVERS_MAX: i64 = 64;

/// How often it is looked whether the disk has failed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
        let servers = self.bind(&database).await?;
        for server in &servers {
            // Whoever closed stdout early wants no address.
            let _closed = writeln!(io::stdout(), "{}", server.local_addr());
        }
        let door = self.door(servers.first()).await?;
        tokio::select! {
            () = stop.wanted() => {}
            failure = fails(&database) => return Err(failure),
        }
        eprintln!("shutting down");
        if let Some(door) = door {
            door.shutdown().await;
        }
        for server in servers {
            server.shutdown().await;
        }
        flush(&database)?;
        Ok(Exit::Done)
    }

    /// The door, if one is wanted.
    async fn door(&self, server: Option<&Server>) -> Result<Option<Server>> {
        let (Some(port), Some(server)) = (self.door, server) else { return Ok(None) };
        let opened = server.open_door(SocketAddr::new(self.bind, port)).await;
        let door = opened.map_err(|error| {
            Failure::surroundings(&error, "is the port taken? `--door 0` takes any")
        })?;
        match door {
            Some(door) => Ok(Some(door)),
            None => {
                let message =
                    "one server alone has no `--door`: nothing goes wrong between servers";
                Err(Failure::no(message, "leave it out, or say `--servers 3`").of_usage())
            }
        }
    }

    async fn bind(&self, database: &Database) -> Result<Vec<Server>> {
        let bound = match self.servers {
            1 => {
                let options = self.options(self.driver_port, self.server_name.clone());
                Server::bind(database.clone(), options).await.map(|server| vec![server])
            }
            _ => {
                let (servers, timing) = (self.cluster()?, Timing::default());
                Server::bind_cluster(database.clone(), servers, timing).await
            }
        };
        bound.map_err(|error| {
            Failure::surroundings(&error, "is the port taken? `--driver-port 0` takes any")
        })
    }

    fn cluster(&self) -> Result<Vec<ServerOptions>> {
        let server = |number: u16| {
            let port = match self.driver_port {
                0 => Some(0),
                first => first.checked_add(number - 1),
            };
            Some(self.options(port?, format!("{}{number}", self.server_name)))
        };
        let servers: Option<Vec<_>> = (1..=self.servers).map(server).collect();
        servers.ok_or_else(|| {
            let (first, servers) = (self.driver_port, self.servers);
            let message = format!("there are no {servers} ports from {first} on");
            Failure::usage(&io::Error::other(message), "choose a smaller `--driver-port`")
        })
    }

    fn options(&self, port: u16, name: String) -> ServerOptions {
        ServerOptions {
            bind: SocketAddr::new(self.bind, port),
            name,
            admin_password: self.initial_password.clone(),
            ..ServerOptions::default()
        }
    }
}

/// Waits until the disk fails. Nothing can be written from then on, whatever becomes of the disk: the
/// server ends, and whoever supervises it starts it again.
async fn fails(database: &Database) -> Failure {
    loop {
        if let Some(why) = database.failure() {
            let error = io::Error::other(format!("the database cannot be written any more: {why}"));
            let hint =
                "make room, or mend the disk, and start it again: what was acknowledged is there";
            return Failure::surroundings(&error, hint);
        }
        sleep(LOOK_EVERY).await;
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
