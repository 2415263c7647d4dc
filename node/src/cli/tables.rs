//! The database that a command works on as a whole: on a server, or embedded in a directory.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::admin::AdminError;
use crate::config::{Database, NodeConfig};
use crate::store::rethinkdb::{Client, Error};
use bigchaindb_core::rules::{ConsensusRules, Federation, Registry};
use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use clap::Args;
use serde::Serialize;

use super::failure::{Failure, Result};
use super::init::HINT;
use super::rethinkdb::{FILE, flush, open};
use super::source::client_with;

/// Which database.
#[derive(Args, Debug)]
pub(crate) struct Where {
    /// The embedded database in this directory, instead of the server that is configured. No node may
    /// be using it.
    #[arg(long, value_name = "DIR")]
    embedded: Option<PathBuf>,
}

/// A whole table's question may take longer than a node's.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// A database that is open.
pub(crate) struct Tables {
    pub(crate) client: Client,
    embedded: Option<(bigchaindb_rethinkdb::Database, Server)>,
}

impl Where {
    /// Where the embedded database is, if it is meant.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.embedded.as_deref()
    }

    /// Opens the database, which has to be there.
    pub(crate) async fn open(&self, config: &Database) -> Result<Tables> {
        if let Some(directory) = &self.embedded
            && !directory.join(FILE).exists()
        {
            let message = format!("there is no database in `{}`", directory.display());
            return Err(Failure::no(message, "name the directory that `start --embedded` uses"));
        }
        self.open_or_make(config).await
    }

    /// Opens the database; an embedded one is made if it is not there.
    pub(crate) async fn open_or_make(&self, config: &Database) -> Result<Tables> {
        let Some(directory) = &self.embedded else {
            let client = client_with(config, QUERY_TIMEOUT)?;
            return Ok(Tables { client, embedded: None });
        };
        let settings = bigchaindb_rethinkdb::Settings {
            bigchain: config.name.as_str().into(),
            ..Default::default()
        };
        let database = open(directory, settings)?;
        // Only this process knows the way in.
        let password: String =
            crate::entropy::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let options = ServerOptions {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin_password: password.clone(),
            ..ServerOptions::default()
        };
        let server = Server::bind(database.clone(), options)
            .await
            .map_err(|error| Failure::surroundings(&error, "is there a loopback interface?"))?;
        let here = Database {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: server.local_addr().port(),
            name: config.name.clone(),
            user: "admin".to_owned(),
            password,
            tls: None,
        };
        let client = client_with(&here, QUERY_TIMEOUT)?;
        Ok(Tables { client, embedded: Some((database, server)) })
    }
}

impl Tables {
    /// What was written is on disk.
    pub(crate) async fn close(self) -> Result<()> {
        drop(self.client);
        if let Some((database, server)) = self.embedded {
            server.shutdown().await;
            flush(&database)?;
        }
        Ok(())
    }
}

/// The configured rules.
pub(crate) fn rules(config: &NodeConfig, known: &Registry) -> Result<Arc<dyn ConsensusRules>> {
    let rules = known.get(&config.consensus_plugin);
    rules.map_err(|error| Failure::usage(&error, "correct `consensus_plugin`"))
}

/// The configured federation; none if this node has no keys.
pub(crate) fn federation(config: &NodeConfig) -> Option<Federation> {
    let me = config.keypair.as_ref()?.public().clone();
    Some(Federation::new(me, config.keyring.clone()))
}

/// The configured federation, without which nothing can be judged.
pub(crate) fn known_federation(config: &NodeConfig) -> Result<Federation> {
    federation(config).ok_or_else(|| {
        Failure::no(
            "nobody knows the federation: this node has no keypair",
            "run `bigchaindb configure`, or name a config file of a member",
        )
    })
}

/// Prints an outcome on stdout, as JSON or as lines.
pub(crate) fn print(
    json: bool,
    outcome: &impl Serialize,
    lines: impl FnOnce() -> Vec<String>,
) -> Result<()> {
    let mut out = io::stdout().lock();
    let told = if json {
        let text = serde_json::to_string(outcome).map_err(io::Error::from);
        text.and_then(|text| writeln!(out, "{text}"))
    } else {
        lines().iter().try_for_each(|line| writeln!(out, "{line}"))
    };
    told.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))
}

/// How a command ends that could not be done.
pub(crate) fn failure(error: &AdminError) -> Failure {
    match error {
        AdminError::Store(Error::Query { .. }) => {
            Failure::surroundings(error, "is all there? see `bigchaindb doctor`")
        }
        AdminError::Store(_) => Failure::surroundings(error, HINT),
        AdminError::Write(_) | AdminError::Temporary(_) => {
            Failure::surroundings(error, "is the disk full?")
        }
        AdminError::Archive(_) => Failure::with_no(error, "take another archive"),
        AdminError::NotEmpty { .. } => Failure::with_no(
            error,
            "drop it first, or add `--merge` to keep what is there and add what is missing",
        ),
        AdminError::NoGenesis => Failure::with_no(error, "check the keyring"),
        AdminError::OtherRestore { .. } => {
            Failure::with_no(error, "finish that one first, or drop the database")
        }
        AdminError::Unreadable { .. } | AdminError::Refused { .. } => {
            Failure::with_no(error, "is the database's version supported? see `bigchaindb doctor`")
        }
    }
}
