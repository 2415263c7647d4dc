//! What documents are held to. Gather, then judge.
//!
//! A judgement has three steps. [`ConsensusRules::check`] looks at the document alone (shape, id,
//! signatures): costly, the same for ever, so it is done in parallel and remembered.
//! [`ConsensusRules::needs`] says which facts the rest depends on; the stages gather them for a whole
//! block in one question. [`ConsensusRules::judge`] then is a cheap pure function of all that.
//!
//! Profiles: [`default`](DefaultRules) is what we stand behind, [`v0.6.0`](OriginalRules) does what
//! BigchainDB 0.6.0 did, to the verdict, [`mixed`](MixedRules) agrees with nodes that do. Not here: in which order blocks are judged (`stages`).

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use crate::model::{
    Block, BlockId, Json, Keypair, Memo, NodeKey, Output, Profile, Raised, SignatureCheck,
    Transaction,
};
use crate::query::{Needs, VoteRow};

mod default;
mod original;

mod clients;
mod facts;
mod federation;
mod invalid;
mod mixed;
mod opening;
mod quirk;
mod reading;
mod registry;
mod storable;
mod tally;

pub use clients::{ClientRules, Documented, Phase, Wording};
pub use default::DefaultRules;
pub use facts::{Facts, Placed, Spent};
pub use federation::Federation;
pub use invalid::{InvalidBlock, InvalidTransaction};
pub use mixed::{MAX_PAYLOAD_NESTING, MixedRules};
pub use opening::Checked;
pub use original::OriginalRules;
pub use quirk::{Kind as QuirkKind, Quirk, Quirks};
pub use reading::{Ballot, Reading, Status};
pub use registry::{Registry, UnknownRules};
pub use storable::{MAX_ARRAY, MAX_NESTING};
pub use tally::{Count, Election, Ignored, Tally, TallyError, is_good_vote};

/// The most transactions a block may hold, as the original's pipeline cut them.
pub const MAX_BLOCK_TRANSACTIONS: usize = 1000;

/// A transaction and all that its judgement depends on.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is judged.
    pub transaction: &'a Transaction,
    /// What [`ConsensusRules::check`] of the same rules said about it.
    pub checked: &'a Checked,
    /// Where it and its inputs stand.
    pub facts: &'a Facts,
    /// The time its conditions are judged at, in Unix seconds.
    pub at: u64,
    /// Who are members.
    pub federation: &'a Federation,
}

/// What a federation holds its documents to; a plugin by name.
///
/// Source: BigchainDB 0.6 docs, "The Consensus Plugin Interface" (`AbstractConsensusRules`).
pub trait ConsensusRules: Send + Sync + Debug {
    /// The name under which configuration files know it.
    fn name(&self) -> &'static str;

    /// The CREATE that a node makes of a posted one: the asset goes to those who are named as
    /// `owners_before` in the posted one's first fulfillment, with the posted payload; signed by
    /// the node. `timestamp` in Unix seconds.
    ///
    /// # Errors
    /// If the posted document does not say these things, or they make no transaction.
    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction>;

    /// Looks at the document alone, once: shape, id, signatures.
    fn check(&self, transaction: &Transaction) -> Checked;

    /// The same rules for a node that remembers at least so many signatures that it has verified, and what
    /// remembers them; none if these rules cannot. A judgement is the same, only sooner.
    fn remembering(&self, _capacity: usize) -> Option<(Arc<dyn ConsensusRules>, Arc<Memo>)> {
        None
    }

    /// The facts that judging these depends on: where they and their inputs' transactions stand,
    /// and who spends their inputs. Sorted, nothing twice.
    fn needs(&self, transactions: &mut dyn Iterator<Item = &Transaction>) -> Needs {
        let (mut ids, mut outputs) = (BTreeSet::new(), BTreeSet::new());
        for transaction in transactions {
            ids.insert(transaction.id().clone());
            for input in transaction.inputs() {
                ids.insert(input.txid.clone());
                outputs.insert(input.clone());
            }
        }
        Needs { transactions: ids.into_iter().collect(), outputs: outputs.into_iter().collect() }
    }

    /// Judges a transaction from what [`check`](Self::check) of these same rules said about it and
    /// from facts.
    ///
    /// # Errors
    /// The reason to refuse it; a final one, if there is one.
    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction>;

    /// Judges a transaction that is to go into a new block: besides what voters ask, it must not
    /// stand in a block already.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    fn admit(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        case.facts.is_new(case.transaction.id())?;
        self.judge(case)
    }

    /// Whether every fulfillment opens the condition it is meant for, whatever else there is to be
    /// said about the transaction.
    ///
    /// # Errors
    /// What the original raises. Profiles `v0.6.0` and `mixed`.
    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised>;

    /// Refuses what the store would not give back unchanged.
    ///
    /// # Errors
    /// The place and the reason. The original never asks.
    fn can_be_kept(&self, transaction: &Transaction) -> Result<(), InvalidTransaction> {
        let _ = transaction;
        Ok(())
    }

    /// How what is in the database is read.
    fn reading(&self) -> Reading {
        Reading::Clean
    }

    /// The outputs that belong to an owner: [`Reading::owned`].
    fn owned(
        &self,
        owner: &str,
        found: &[(BlockId, Arc<Transaction>)],
        facts: &Facts,
    ) -> Vec<Result<Output, Raised>> {
        self.reading().owned(owner, found, facts)
    }

    /// How documents are made and signed.
    fn profile(&self) -> Profile {
        Profile::Default
    }

    /// The safeguards that these rules, and stages that follow them, do without.
    fn quirks(&self) -> &Quirks {
        static NONE: Quirks = Quirks::new();
        &NONE
    }

    /// Where these rules take the order of blocks from.
    fn order(&self) -> Order {
        Order::List
    }

    /// What clients are told.
    fn clients(&self) -> &dyn ClientRules {
        &Documented
    }

    /// Looks at a block alone, as [`check`](Self::check) does at each of its transactions. A
    /// genesis block is refused here.
    ///
    /// # Errors
    /// The reason to refuse it, for ever.
    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock>;

    /// Looks at the first block of a chain, with its one transaction. It is never voted on.
    ///
    /// # Errors
    /// The reason to refuse it, for ever.
    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock>;

    /// Adds up the votes on a block; `votes` may be anybody's, in any order. `federation` are the
    /// block's voters.
    ///
    /// # Errors
    /// Where the original gives up; never under `default`.
    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError>;

    /// The one vote of this member on this block that counts, if it has cast one.
    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow>;
}

/// Where the order of blocks comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// From the federation's one list (table `positions`): all judge in the same order, and what is
    /// no proper block is invalid whatever anybody votes.
    List,
    /// From nowhere: each voter goes by the order in which it hears of blocks, and tells it in its
    /// votes. Only votes decide.
    Votes,
}

/// The rules of this name, of those that come with this crate, without some of their safeguards.
/// Only `default` has safeguards that can be taken away.
///
/// # Errors
/// If there are none.
pub fn without(
    name: &str,
    quirks: &Quirks,
    signatures: Arc<dyn SignatureCheck>,
) -> Result<Arc<dyn ConsensusRules>, UnknownRules> {
    if name == Profile::Default.name() {
        return Ok(Arc::new(DefaultRules::without(quirks.clone(), signatures)));
    }
    Registry::default().get_with(name, signatures)
}

/// The rules of this name, of those that come with this crate.
///
/// # Errors
/// If there are none.
pub fn by_name(name: &str) -> Result<Arc<dyn ConsensusRules>, UnknownRules> {
    Registry::default().get(name)
}
