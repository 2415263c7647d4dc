//! `bigchaindb start`: a node, until it is told to stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Machine;
use crate::config::NodeConfig;
use crate::control::{Control, Line};
use crate::metrics::Metrics;
use crate::metrics::statsd::{Emitter, FLUSH};
use crate::record::{Recorder, Writing};
use crate::shell::{NodeHandle, QUERY_TIMEOUT, Setup};
use crate::store::rethinkdb::{RethinkStore, schema};
use crate::store::{EmbeddedStore, Store};
use bigchaindb_core::rules::{Election, Federation, Registry};
use bigchaindb_core::stages::{Config, Report, Settings};
use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use bigchaindb_rethinkdb::{Database, Durability};
use clap::Args;

use super::VERSION;
use super::failure::{Failure, Result};
use super::init::HINT;
use super::own_rethinkdb::OwnRethinkdb;
use super::rethinkdb::{Stop, flush, open};
use super::serving;
use super::source::{Source, client, keypair, node};
use super::tables;
use crate::exit::Exit;

/// Run a node until SIGINT or SIGTERM.
///
/// Makes what is missing of the database first. With `--embedded` there is no database to install:
/// the node brings its own, and other nodes can use it, too.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb start\n  bigchaindb start --embedded data")]
pub(crate) struct Start {
    /// Run the embedded database inside the node, with its documents in this directory. Drivers and
    /// other nodes reach it at `database.port`.
    #[arg(long, value_name = "DIR")]
    embedded: Option<PathBuf>,
    /// The address that the embedded database listens on.
    #[arg(long, value_name = "ADDR", default_value_t = Ipv4Addr::LOCALHOST, requires = "embedded")]
    driver_bind: Ipv4Addr,
    /// Write down all that this node hears, behind what is in this file already: JSON lines, with which
    /// what it did can be gone through again. Its private key is not in there.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Let whoever listens at this Unix socket mislead the clock of this node, and have it die at a point
    /// of its work: for tests.
    #[arg(long, value_name = "SOCKET", hide = true)]
    control: Option<PathBuf>,
}

impl Start {
    pub(crate) fn run(&self, source: &Source, rules: &Registry, rethinkdb: bool) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let settings = serving::settings(&config.server, self.embedded.is_some());
        let setup = setup(&config, settings, rules)?;
        if rethinkdb && self.embedded.is_some() {
            let message = "`--embedded` and `--experimental-start-rethinkdb` are two databases";
            return Err(Failure::no(message, "leave one of them out").of_usage());
        }
        serving::runtime(&config.server)?.block_on(self.serve(&config, setup, rethinkdb))
    }

    async fn serve(&self, config: &NodeConfig, setup: Setup, rethinkdb: bool) -> Result<Exit> {
        let mut stop = Stop::new()?;
        log::info!(target: "bigchaindb", "BigchainDB Version {VERSION}");
        let own = match rethinkdb {
            true => Some(OwnRethinkdb::start(config.database.port).await?),
            false => None,
        };
        let (store, embedded) = self.store(config).await?;
        let address = address(&config.bind).await?;
        let (metrics, emitter) = metrics(config)?;
        let (record, writing) = self.recorder()?;
        let (control, line) = self.control().await?;
        let source = control.source();
        let setup = Setup { store, metrics, record, source, control, ..setup };
        let started = NodeHandle::start(setup, address).await;
        let handle = started.map_err(|error| {
            Failure::surroundings(&error, format!("is {address} taken? see `server.bind`"))
        })?;
        if let Some(line) = line {
            tokio::spawn(line.follow(Some(handle.inbox())));
        }
        println!("http://{}/api/v1/", handle.address());
        stop.wanted().await;
        log::info!(target: "bigchaindb", "stopping");
        let stopped = handle.stop().await;
        stopped.map_err(|error| Failure::surroundings(&error, "please report it"))?;
        emitter.into_iter().for_each(Emitter::stop);
        if let Some(writing) = writing {
            let written = writing.finish();
            written.map_err(|error| Failure::surroundings(&error, "is the disk full?"))?;
        }
        if let Some((database, server)) = embedded {
            server.shutdown().await;
            flush(&database)?;
        }
        if let Some(own) = own {
            own.stop().await;
        }
        Ok(Exit::Done)
    }

    /// Who has a hold on the node, if somebody has.
    async fn control(&self) -> Result<(Control, Option<Line>)> {
        let Some(socket) = &self.control else { return Ok((Control::default(), None)) };
        let taken = Control::taken(socket).await.map_err(|error| {
            let said = format!("nobody takes hold of this node at {}: {error}", socket.display());
            let error = io::Error::new(error.kind(), said);
            Failure::surroundings(&error, "`--control` names a socket at which somebody listens")
        })?;
        Ok((taken.0, Some(taken.1)))
    }

    /// Where what the node hears is written down, if it is.
    fn recorder(&self) -> Result<(Recorder, Option<Writing>)> {
        let Some(file) = &self.record else { return Ok((Recorder::default(), None)) };
        let (recorder, writing) = Recorder::start(file).map_err(|error| {
            let error = io::Error::new(
                error.kind(),
                format!("cannot write the record {}: {error}", file.display()),
            );
            Failure::surroundings(&error, "`--record` names a file in a folder that is there")
        })?;
        Ok((recorder, Some(writing)))
    }

    /// The configured database, with all its tables; what there is of it in here, if it is embedded.
    async fn store(
        &self,
        config: &NodeConfig,
    ) -> Result<(Arc<dyn Store>, Option<(Database, Server)>)> {
        let Some(directory) = &self.embedded else {
            let client = client(&config.database)?;
            let made = schema::init(&client, schema::PATIENCE).await;
            made.map_err(|error| Failure::surroundings(&error, HINT))?;
            return Ok((Arc::new(RethinkStore::new(client)), None));
        };
        let settings = bigchaindb_rethinkdb::Settings {
            bigchain: config.database.name.as_str().into(),
            ..Default::default()
        };
        let database = open(directory, settings)?;
        let made = database.declare_native();
        made.map_err(|error| Failure::surroundings(&error, "is the disk full?"))?;
        let options = ServerOptions {
            bind: SocketAddr::from((self.driver_bind, config.database.port)),
            admin_password: config.database.password.clone(),
            ..ServerOptions::default()
        };
        let server = Server::bind(database.clone(), options).await.map_err(|error| {
            let hint = "is another RethinkDB running? `database.port` says where this one listens";
            Failure::surroundings(&error, hint)
        })?;
        let store = EmbeddedStore::over(database.clone(), Durability::Hard);
        Ok((Arc::new(store), Some((database, server))))
    }
}

/// The node, but for its store.
fn setup(config: &NodeConfig, settings: Settings, rules: &Registry) -> Result<Setup> {
    let keypair = keypair(config)?;
    let federation = Federation::new(keypair.public().clone(), config.keyring.clone());
    let rules = tables::rules(config, rules)?;
    Ok(Setup {
        config: Arc::new(Config { keypair, federation, settings }),
        rules,
        // Nothing is asked of it: it makes room for the real one.
        store: Arc::new(EmbeddedStore::in_memory()),
        query_timeout: QUERY_TIMEOUT,
        service: serving::service(config),
        source: Arc::new(Machine),
        on_report: Arc::new(|report| tell(&report)),
        metrics: Metrics::default(),
        record: Recorder::default(),
        control: Control::default(),
    })
}

/// Where metrics go, and the thread that brings them there.
fn metrics(config: &NodeConfig) -> Result<(Metrics, Option<Emitter>)> {
    let Some(statsd) = &config.statsd else { return Ok(Default::default()) };
    for warning in &statsd.warnings {
        log::warn!(target: "bigchaindb", "{warning}");
    }
    let (metrics, lines) = Metrics::new(statsd.names.clone(), statsd.rate);
    let emitter = Emitter::start(lines, &statsd.host, statsd.port, FLUSH);
    let emitter = emitter.map_err(|error| {
        Failure::surroundings(&error, "are there too many threads? see `ulimit -u`")
    })?;
    Ok((metrics, Some(emitter)))
}

/// Where the configured name is.
async fn address(bind: &str) -> Result<SocketAddr> {
    crate::address::of(bind).await.map_err(|error| {
        let error = io::Error::new(error.kind(), format!("cannot listen on `{bind}`: {error}"));
        Failure::surroundings(&error, "`server.bind` is a host and a port, like `localhost:9984`")
    })
}

/// A line of the log; those that the original has read as there.
fn tell(report: &Report) {
    match report {
        Report::BlockWritten { block, transactions } => log::info!(
            target: "bigchaindb.pipelines.block",
            "Write new block {block} with {transactions} transactions"
        ),
        Report::Voted { block, valid: true, .. } => {
            log::info!(target: "bigchaindb.pipelines.vote", "Voted valid on block {block}");
        }
        Report::Voted { block, reason, .. } => log::warn!(
            target: "bigchaindb.pipelines.vote",
            "Voted invalid on block {block}: {}",
            reason.as_deref().unwrap_or("it is malformed")
        ),
        Report::Decided { block, election } => {
            let election = if *election == Election::Valid { "valid" } else { "invalid" };
            log::info!(
                target: "bigchaindb.pipelines.election",
                "Block {block} is decided {election}"
            );
        }
        Report::Dropped { transaction, reason } => log::warn!(
            target: "bigchaindb.pipelines.block",
            "Dropped transaction {transaction}: {reason}"
        ),
        Report::Reassigned { transaction, from } => log::info!(
            target: "bigchaindb.pipelines.stale",
            "Took over transaction {transaction} from {from}, which did not come"
        ),
        Report::Ignored { block, votes } => log::warn!(
            target: "bigchaindb.pipelines.election",
            "{votes} votes on block {block} are not counted"
        ),
        Report::Requeued { block, transactions } => log::info!(
            target: "bigchaindb.pipelines.election",
            "Rewriting {transactions} transactions from invalid block {block}"
        ),
        Report::Harmed { table, key, deleted } => log::warn!(
            target: "bigchaindb.watchdog",
            "Somebody {} row {key} of {table}",
            if *deleted { "deleted" } else { "changed" }
        ),
        Report::PutBack { table, key } => {
            log::warn!(target: "bigchaindb.watchdog", "Put back row {key} of {table}");
        }
        Report::Twin { block } => log::warn!(
            target: "bigchaindb",
            "Block {block}, or a vote on it, is signed with this node's key, and not by this node: does another \
             node run with the same keypair?"
        ),
        Report::Listed { .. } | Report::Judged { .. } | Report::Cast { .. } => {}
        Report::Fell { part, reason } => log::error!(
            target: "bigchaindb",
            "{part} fell over and stands still until this node is started again: {reason}"
        ),
        Report::Trouble(what) => log::warn!(target: "bigchaindb", "{what}"),
    }
}
