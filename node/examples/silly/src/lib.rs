//! Consensus rules from outside: those of `default`, and two silly ones.
//!
//! What a plugin needs: a type that implements [`ConsensusRules`], and a name for it in the
//! [`Registry`]. Whatever it does not change it hands on to the rules it is built on. `main.rs` is the
//! whole `bigchaindb` with these rules beside the others; a node runs by them if its configuration says
//! `"consensus_plugin": "silly"`. All members of a federation have to run by the same rules.
//!
//! Source: BigchainDB 0.6 docs, "The Consensus Plugin Interface", its example.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, Json, Keypair, NodeKey, Raised, SignatureCheck, Transaction,
};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{
    Case, Checked, ConsensusRules, DefaultRules, Federation, InvalidBlock, InvalidTransaction,
    Registry, Tally, TallyError,
};

/// The name that configurations use.
pub const NAME: &str = "silly";

/// The rules that come with BigchainDB, and the silly ones, which do not trust these nodes.
pub fn registry(shady: BTreeSet<NodeKey>) -> Registry {
    Registry::default()
        .with(NAME, move |signatures| Arc::new(SillyRules::new(signatures, shady.clone())))
}

/// Likes only transactions that some node stamped in an even second, and does not trust one node.
#[derive(Debug)]
pub struct SillyRules {
    base: DefaultRules,
    /// Nodes whose blocks are voted invalid.
    shady: BTreeSet<NodeKey>,
}

impl SillyRules {
    /// These rules, with signatures verified by `signatures`.
    pub fn new(signatures: Arc<dyn SignatureCheck>, shady: BTreeSet<NodeKey>) -> Self {
        Self { base: DefaultRules::new(signatures), shady }
    }
}

impl ConsensusRules for SillyRules {
    fn name(&self) -> &'static str {
        NAME
    }

    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction> {
        // The node stamps a CREATE itself, and wants to like it.
        self.base.create(posted, node, uuid, timestamp & !1)
    }

    fn check(&self, transaction: &Transaction) -> Checked {
        self.base.check(transaction)
    }

    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.base.judge(case)?;
        let second = case.transaction.timestamp().and_then(|text| text.parse::<u64>().ok());
        match second {
            Some(second) if second.is_multiple_of(2) => Ok(()),
            _ => Err(InvalidTransaction::Plugin("Odd... very odd indeed.".into())),
        }
    }

    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised> {
        self.base.validate_fulfillments(case)
    }

    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        self.base.check_block(block, federation)?;
        match self.shady.contains(block.node_pubkey()) {
            true => {
                let reason = format!("{} is shady, its blocks are ignored", block.node_pubkey());
                Err(InvalidBlock::Plugin(reason))
            }
            false => Ok(()),
        }
    }

    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        self.base.check_genesis(block, federation)
    }

    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError> {
        self.base.tally(block, federation, votes)
    }

    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow> {
        self.base.vote_of(block, voter, votes)
    }
}
