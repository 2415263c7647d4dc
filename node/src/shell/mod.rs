//! The shell: runs a node's core on tokio. Effects become I/O, answers become events.
//!
//! Here: starting a node and ending it, gracefully or not ([`NodeHandle`]). The loop that owns the
//! core is in `driver`, the queue in front of it in `inbox`, what is counted and timed in `meter`. Not here: anything the node
//! decides (`bigchaindb_core::stages`), how requests read (`http`), the database (`store`).

mod driver;
mod inbox;
mod meter;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::NodeKey;
use bigchaindb_core::rules::{ConsensusRules, Quirk};
use bigchaindb_core::stages::{Config, Report};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use crate::clock::Source;
use crate::control::Control;
use crate::http::{self, Api, Service};
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::store::Store;
use driver::Driver;

pub use inbox::{Busy, Inbox};

/// How long a node waits for its store, unless told otherwise. A store that is well answers within
/// milliseconds; one that fails over, within a few seconds.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Signatures that a node remembers to have made or verified: it meets those that it made again within
/// milliseconds. At most twice as many, of some 50 bytes each.
const SIGNATURES_REMEMBERED: usize = 10_000;

/// What a node tells besides its answers; called on the node's own tasks, so it must not wait.
pub type OnReport = Arc<dyn Fn(Report) + Send + Sync>;

/// What a node is started with.
#[derive(Clone)]
pub struct Setup {
    /// Its keys, its federation, its bounds.
    pub config: Arc<Config>,
    /// What it holds documents to.
    pub rules: Arc<dyn ConsensusRules>,
    /// Its database.
    pub store: Arc<dyn Store>,
    /// How long it waits for an answer of its database.
    pub query_timeout: Duration,
    /// How it serves clients.
    pub service: Service,
    /// Where its time and chance come from.
    pub source: Arc<dyn Source>,
    /// Who hears its reports.
    pub on_report: OnReport,
    /// Where its metrics go; nowhere by default.
    pub metrics: Metrics,
    /// Where all that its core hears is written down; nowhere by default.
    pub record: Recorder,
    /// Who may have it die, and looks how full it is; nobody by default.
    pub control: Control,
}

impl Setup {
    /// The same, remembering which signatures this node has made or verified: a CREATE, a block and a vote of its
    /// own are judged like everybody's, and it need not verify what it has just signed.
    fn remembering(self) -> Self {
        let Some((rules, memo)) = self.rules.remembering(SIGNATURES_REMEMBERED) else {
            return self;
        };
        let Config { keypair, federation, settings } = &*self.config;
        let keypair = keypair.clone().known_to(memo);
        let (federation, settings) = (federation.clone(), settings.clone());
        let config = Arc::new(Config { keypair, federation, settings });
        Self { config, rules, ..self }
    }
}

/// A running node. Dropping the handle kills the node.
#[derive(Debug)]
pub struct NodeHandle {
    address: SocketAddr,
    inbox: Inbox,
    key: NodeKey,
    paused: watch::Sender<bool>,
    stopping: watch::Sender<bool>,
    driver: JoinHandle<()>,
    server: JoinHandle<()>,
    drain_timeout: Duration,
}

impl NodeHandle {
    /// Starts a node that listens on `address` (port 0: any free one). Serves from the moment this
    /// returns; requests that need the store wait for it.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub async fn start(setup: Setup, address: SocketAddr) -> io::Result<Self> {
        let setup = setup.remembering();
        let listener = http::listen(address, &setup.service).await?;
        let address = listener.local_addr()?;
        let key = setup.config.federation.me().clone();
        let service = setup.service.clone();
        let (paused, pauses) = watch::channel(false);
        let (stopping, stops) = watch::channel(false);
        let requests = setup.config.settings.requests;
        let (inbox, inputs) = Inbox::new(requests, service.line_wait, pauses.clone());
        let api = Api::new(inbox.clone(), &setup, &address.to_string());
        let drain_timeout = service.drain_timeout;
        let last = serves_last(&setup);
        let driver = Driver::new(setup, inbox.clone(), pauses);
        Ok(Self {
            address,
            inbox,
            key,
            paused,
            stopping,
            driver: tokio::spawn(driver.run(inputs)),
            server: tokio::spawn(async move {
                tokio::time::sleep(last).await;
                http::serve(listener, api, service, stops).await;
            }),
            drain_timeout,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its public key.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// The way into it.
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// The node stands still: what arrives waits, nothing is answered, its clock goes on.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// The node goes on where it stood.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Whether it runs. A node ends by itself only by a broken promise of its own.
    pub fn is_running(&self) -> bool {
        !self.driver.is_finished()
    }

    /// Answers the requests under way, then ends.
    ///
    /// # Errors
    /// If the node had ended before, by a panic.
    pub async fn stop(mut self) -> Result<(), JoinError> {
        self.stopping.send_replace(true);
        // What takes longer than that is cut off.
        if tokio::time::timeout(self.drain_timeout, &mut self.server).await.is_err() {
            cut_off(&mut self.server).await?;
        }
        cut_off(&mut self.driver).await
    }

    /// Ends at once, as a kill would: nothing is finished, connections break. What had been sent to
    /// the store may still be done there.
    ///
    /// # Errors
    /// If the node had ended before, by a panic.
    pub async fn kill(mut self) -> Result<(), JoinError> {
        // The server first, so that no client is told that the node is stopping.
        cut_off(&mut self.server).await?;
        cut_off(&mut self.driver).await
    }
}

/// How long a node does not serve yet. The original began to serve when its pipelines ran: whose feeds
/// open late serves later still, so that it misses what others are told, not what it was told itself.
fn serves_last(setup: &Setup) -> Duration {
    const FEED_GAPS: u32 = 4;
    match setup.rules.quirks().contains(&Quirk::FeedGap) {
        true => setup.config.settings.feed_gap * FEED_GAPS,
        false => Duration::ZERO,
    }
}

/// Ends a task wherever it is.
async fn cut_off(task: &mut JoinHandle<()>) -> Result<(), JoinError> {
    task.abort();
    match task.await {
        Err(error) if error.is_panic() => Err(error),
        _ => Ok(()),
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.driver.abort();
        self.server.abort();
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, rules, store, query_timeout, service, source, .. } = self;
        f.debug_struct("Setup")
            .field("me", config.federation.me())
            .field("rules", &rules.name())
            .field("store", store)
            .field("query_timeout", query_timeout)
            .field("service", service)
            .field("source", source)
            .finish_non_exhaustive()
    }
}
