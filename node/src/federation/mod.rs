//! Several nodes in one process that share one store: for trying out, and for tests.
//!
//! Here: starting them, and doing to each what can befall a machine: kill, restart, pause, cut off
//! from the store. Keys are kept in a file ([`keys`]). Not here: what a node is (`shell`).

pub mod keys;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Keypair, NodeKey};
use bigchaindb_core::rules::{ConsensusRules, Federation, Order};
use bigchaindb_core::stages::{Config, Report, Settings};
use bigchaindb_rethinkdb::{Durability, OpenError};
use tokio::task::JoinError;

use crate::clock::Machine;
use crate::control::Control;
use crate::http::Service;
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::shell::{NodeHandle, OnReport, Setup};
use crate::store::{self, CuttableStore, EmbeddedStore, Link, Store};

/// The file of a federation's keys.
const KEYS_FILE: &str = "keys.json";

/// The file of a federation's store.
const STORE_FILE: &str = "store.redb";

/// Why a federation cannot be started from its folder.
#[derive(Debug, thiserror::Error)]
pub enum OpenFederationError {
    /// Its keys cannot be had.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// Its store cannot be opened.
    #[error("cannot open the store")]
    Store(#[from] OpenError),
    /// The folder cannot be made, or a node cannot listen on its address.
    #[error("cannot start")]
    Start(#[from] io::Error),
}

/// What all nodes of a local federation have in common.
#[derive(Clone)]
pub struct Common {
    /// What they hold documents to.
    pub rules: Arc<dyn ConsensusRules>,
    /// Their bounds and waits.
    pub settings: Settings,
    /// How long they wait for an answer of the store.
    pub query_timeout: Duration,
    /// Hears the reports of each node, named by its index.
    pub on_report: Arc<dyn Fn(usize, Report) + Send + Sync>,
    /// Where the metrics of each node go, by its index; behind the last one, nowhere.
    pub metrics: Vec<Metrics>,
    /// Where all that the core of each node hears is written down, by its index; behind the last one,
    /// nowhere.
    pub records: Vec<Recorder>,
}

/// Nodes in one process. Dropping it kills them.
pub struct LocalFederation {
    members: Vec<Member>,
}

/// A node of a local federation, whether it runs or not.
struct Member {
    setup: Setup,
    link: Link,
    address: SocketAddr,
    running: Option<NodeHandle>,
}

impl LocalFederation {
    /// Starts a node for each pair of keys, on these addresses (port 0: any free one; it is kept
    /// for later restarts).
    ///
    /// # Errors
    /// If a node cannot listen on its address.
    ///
    /// # Panics
    /// If there are not as many addresses as keys.
    pub async fn start(
        store: Arc<dyn Store>,
        common: &Common,
        keypairs: &[Keypair],
        addresses: &[SocketAddr],
    ) -> io::Result<Self> {
        assert_eq!(keypairs.len(), addresses.len(), "each node has an address");
        if common.rules.order() == Order::Votes {
            // Nobody's claim decides who makes genesis: it is there before the nodes, as the
            // original's operators made it on one node.
            let (me, others) = keypairs.split_first().expect("a federation has members");
            let keyring = others.iter().map(|pair| pair.public().clone()).collect();
            let federation = Federation::new(me.public().clone(), keyring);
            let found = store::found(&*store, me, &federation).await;
            found.map_err(|error| io::Error::other(error.to_string()))?;
        }
        let mut members = Vec::with_capacity(keypairs.len());
        for (index, (keypair, address)) in keypairs.iter().zip(addresses).enumerate() {
            let link = Link::default();
            let setup = common.setup(index, keypair, keypairs, &store, &link);
            let running = NodeHandle::start(setup.clone(), *address).await?;
            let address = running.address();
            members.push(Member { setup, link, address, running: Some(running) });
        }
        Ok(Self { members })
    }

    /// Starts the federation that is kept in a folder: its keys in `keys.json`, its store beside
    /// them, durable before anything is answered. In an empty folder it is a new one.
    ///
    /// # Errors
    /// [`OpenFederationError`].
    pub async fn open(
        folder: &Path,
        common: &Common,
        addresses: &[SocketAddr],
    ) -> Result<Self, OpenFederationError> {
        std::fs::create_dir_all(folder)?;
        let keypairs = keys::load_or_make(&folder.join(KEYS_FILE), addresses.len())?;
        let store = EmbeddedStore::open(&folder.join(STORE_FILE), Durability::Hard)?;
        Ok(Self::start(Arc::new(store), common, &keypairs, addresses).await?)
    }

    /// Where each listens, running or not.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.address).collect()
    }

    /// The store as a node sees it, with what befalls the link between them.
    pub fn store_of(&self, node: usize) -> Arc<dyn Store> {
        self.members[node].setup.store.clone()
    }

    /// The link between a node and the store.
    pub fn link(&self, node: usize) -> &Link {
        &self.members[node].link
    }

    /// The node, if it runs.
    pub fn node(&self, node: usize) -> Option<&NodeHandle> {
        self.members[node].running.as_ref().filter(|handle| handle.is_running())
    }

    /// Kills a node; one that does not run stays as it is.
    ///
    /// # Errors
    /// If it had ended before, by a panic.
    pub async fn kill(&mut self, node: usize) -> Result<(), JoinError> {
        match self.members[node].running.take() {
            Some(handle) => handle.kill().await,
            None => Ok(()),
        }
    }

    /// Starts a node again that was killed, where it was.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub async fn restart(&mut self, node: usize) -> io::Result<()> {
        let member = &mut self.members[node];
        let running = NodeHandle::start(member.setup.clone(), member.address).await?;
        member.running = Some(running);
        Ok(())
    }

    /// Stops all nodes gracefully.
    ///
    /// # Errors
    /// The first node's that had ended before, by a panic.
    pub async fn stop(self) -> Result<(), JoinError> {
        for member in self.members {
            if let Some(handle) = member.running {
                handle.stop().await?;
            }
        }
        Ok(())
    }
}

impl Common {
    fn setup(
        &self,
        index: usize,
        keypair: &Keypair,
        keypairs: &[Keypair],
        store: &Arc<dyn Store>,
        link: &Link,
    ) -> Setup {
        let me = keypair.public();
        let others = keypairs.iter().map(Keypair::public).filter(|key| *key != me);
        let keyring: Vec<NodeKey> = others.cloned().collect();
        let on_report = self.on_report.clone();
        let on_report: OnReport = Arc::new(move |report| on_report(index, report));
        Setup {
            config: Arc::new(Config {
                keypair: keypair.clone(),
                federation: Federation::new(me.clone(), keyring),
                settings: self.settings.clone(),
            }),
            rules: self.rules.clone(),
            store: Arc::new(CuttableStore::new(store.clone(), link.clone())),
            query_timeout: self.query_timeout,
            service: Service::default(),
            source: Arc::new(Machine),
            on_report,
            metrics: self.metrics.get(index).cloned().unwrap_or_default(),
            record: self.records.get(index).cloned().unwrap_or_default(),
            control: Control::default(),
        }
    }
}
