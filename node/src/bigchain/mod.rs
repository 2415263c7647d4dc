//! The library: what a program does with a BigchainDB database without running a node.
//!
//! [`Bigchain`] is the original's class of that name, over any [`Store`]: it makes, signs, judges,
//! writes and finds transactions, blocks and votes. What depends on rules is decided by the rules it
//! was given: under `v0.6.0` every answer and exception is the original's. Here: construction. The
//! methods are in `transactions`, `outputs`, `blocks` and `votes`; what they have in common, gathering
//! facts, is in `facts`. Not here: a running node (`shell`), a client over HTTP (`client`).
//!
//! Source: BigchainDB 0.6 docs, "The Bigchain class", "The Python Server API by Example".

mod blocks;
mod error;
mod facts;
mod outputs;
mod transactions;
mod votes;

use std::fmt;
use std::sync::Arc;

use bigchaindb_core::model::{Keypair, NodeKey, uuid};
use bigchaindb_core::rules::{ConsensusRules, Federation, Registry};

pub use error::Error;
pub use transactions::{Found, Written};

use crate::clock;
use crate::config::NodeConfig;
use crate::store::Store;

/// A node's view of the database, and its keys.
#[derive(Clone)]
pub struct Bigchain {
    store: Arc<dyn Store>,
    keypair: Keypair,
    federation: Federation,
    rules: Arc<dyn ConsensusRules>,
    now: Clock,
}

/// Tells the time in Unix seconds.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Bigchain {
    /// As the node with these keys, whose fellow members are in the keyring.
    pub fn new(
        store: Arc<dyn Store>,
        keypair: Keypair,
        keyring: Vec<NodeKey>,
        rules: Arc<dyn ConsensusRules>,
    ) -> Self {
        let federation = Federation::new(keypair.public().clone(), keyring);
        let now = Arc::new(|| clock::now().unix_ms / 1000);
        Self { store, keypair, federation, rules, now }
    }

    /// As the node that is configured.
    ///
    /// # Errors
    /// [`Error::KeypairNotFound`] if no keys are configured, [`Error::UnknownRules`] if the
    /// registry has no rules of the configured name.
    pub fn configured(
        store: Arc<dyn Store>,
        config: &NodeConfig,
        registry: &Registry,
    ) -> Result<Self, Error> {
        let keypair = config.keypair.clone().ok_or(Error::KeypairNotFound)?;
        let rules = registry.get(&config.consensus_plugin)?;
        Ok(Self::new(store, keypair, config.keyring.clone(), rules))
    }

    /// The same by another clock, which tells Unix seconds.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), ..self }
    }

    /// This node's keys.
    pub fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    /// This node's public key.
    pub fn me(&self) -> &NodeKey {
        self.keypair.public()
    }

    /// The members.
    pub fn federation(&self) -> &Federation {
        &self.federation
    }

    /// The rules.
    pub fn rules(&self) -> &dyn ConsensusRules {
        &*self.rules
    }

    fn now(&self) -> u64 {
        (self.now)()
    }
}

impl fmt::Debug for Bigchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keypair, rules, .. } = self;
        f.debug_struct("Bigchain").field("keypair", keypair).field("rules", rules).finish()
    }
}

/// A uuid that nobody has.
fn fresh_uuid() -> String {
    uuid(&crate::entropy::<16>()).to_string()
}
