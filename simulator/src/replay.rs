//! What a node of a run heard, told to its core again.
//!
//! In virtual time a run is the same whenever it is carried out; in real time it never is, so the run
//! directory keeps all that came to each core. Here: finding that, and the keys, which follow from the
//! plan's seed and stand in no record. Not here: the record itself (`bigchaindb::record`). Start at
//! [`Replay`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb::record::{self, ReplayError, Replayed};
use bigchaindb_core::model::{Keypair, Memo, NodeKey, SignatureCheck};

use crate::plan::Plan;
use crate::record::RunDirectory;

/// Signatures remembered: the nodes of a run verify the same ones.
const SIGNATURES: usize = 100_000;

/// A run whose nodes can be told again what they heard.
pub struct Replay<'a> {
    directory: &'a RunDirectory,
    keys: BTreeMap<NodeKey, Keypair>,
    signatures: Arc<dyn SignatureCheck>,
}

impl<'a> Replay<'a> {
    /// The run in this folder, with its plan.
    pub fn of(directory: &'a RunDirectory, plan: &Plan) -> Self {
        let memo = Arc::new(Memo::new(SIGNATURES));
        let keypair = |node| Keypair::from_seed(plan.node_key_seed(node)).known_to(memo.clone());
        let keypairs = (0..plan.nodes.len()).map(keypair);
        let keys = keypairs.map(|pair| (pair.public().clone(), pair)).collect();
        Self { directory, keys, signatures: memo }
    }

    /// Whether there is a record of what this node heard.
    pub fn has(&self, node: &str) -> bool {
        self.directory.heard(node).exists()
    }

    /// Tells this node's core again what it heard.
    ///
    /// # Errors
    /// [`ReplayError`], if that cannot be. That something else comes of it is none.
    pub fn node(&self, node: &str) -> Result<Replayed, ReplayError> {
        let keys = |key: &NodeKey| self.keys.get(key).cloned();
        record::replay(&self.directory.heard(node), keys, &self.signatures)
    }
}
