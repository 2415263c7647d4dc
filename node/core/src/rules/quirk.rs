//! Quirks: single faults of the rules and stages, each switched on by name on top of `default`.
//!
//! They exist so that the testbed can show that its checkers see them: each takes away one of the
//! rules that keep a federation safe. Those of the rules are in [`Quirky`]; the stages ask for theirs
//! where they act. No configuration file of a node can switch one on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{
    Case, Checked, ClientRules, ConsensusRules, Election, Facts, Federation, InvalidBlock,
    InvalidTransaction, Order, Reading, Tally, TallyError,
};
use crate::model::{Block, BlockId, Json, Keypair, NodeKey, Profile, Raised, Transaction};
use crate::query::VoteRow;

/// The quirks that are switched on.
pub type Quirks = BTreeSet<Quirk>;

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A single fault.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Quirk { $($(#[$doc])* $variant,)* }

        impl Quirk {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in scenarios and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

quirks! {
    /// Nobody looks whether an input is spent already. Replaces the end of rule 4.
    DoubleSpendUnchecked = "double-spend-unchecked",
    /// A transaction leaves the backlog as soon as its assignee has seen it, before any block holds
    /// it. Replaces rule 5.
    DeletedBeforeWritten = "deleted-before-written",
    /// Half of the votes make a block valid. Replaces rule 2.
    TieIsValid = "tie-is-valid",
    /// After a restart a node votes again on every block, under a key of chance. Replaces rule 1.
    VotesAgain = "votes-again",
    /// Blocks are judged without waiting for the decision of earlier ones, and as if those were not
    /// there until they are decided. Replaces rule 4.
    JudgedOutOfOrder = "judged-out-of-order",
    /// A block may name any voters, and each node names itself alone. Replaces rule 0.
    VotersUnchecked = "voters-unchecked",
}

impl Quirk {
    /// The quirk of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
    }
}

/// Rules with some of their safeguards taken away.
#[derive(Debug)]
pub struct Quirky {
    rules: Arc<dyn ConsensusRules>,
    quirks: Quirks,
}

impl Quirky {
    /// These rules with these quirks; the rules themselves if there are none.
    pub fn wrap(rules: Arc<dyn ConsensusRules>, quirks: &Quirks) -> Arc<dyn ConsensusRules> {
        if quirks.is_empty() { rules } else { Arc::new(Self { rules, quirks: quirks.clone() }) }
    }
}

impl ConsensusRules for Quirky {
    fn name(&self) -> &'static str {
        self.rules.name()
    }

    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction> {
        self.rules.create(posted, node, uuid, timestamp)
    }

    fn check(&self, transaction: &Transaction) -> Checked {
        self.rules.check(transaction)
    }

    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        if self.quirks.contains(&Quirk::DoubleSpendUnchecked) {
            return self.rules.judge(Case { facts: &without_spends(case.facts), ..case });
        }
        self.rules.judge(case)
    }

    fn admit(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        if self.quirks.contains(&Quirk::DoubleSpendUnchecked) {
            return self.rules.admit(Case { facts: &without_spends(case.facts), ..case });
        }
        self.rules.admit(case)
    }

    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised> {
        self.rules.validate_fulfillments(case)
    }

    fn can_be_kept(&self, transaction: &Transaction) -> Result<(), InvalidTransaction> {
        self.rules.can_be_kept(transaction)
    }

    fn reading(&self) -> Reading {
        self.rules.reading()
    }

    fn profile(&self) -> Profile {
        self.rules.profile()
    }

    fn order(&self) -> Order {
        self.rules.order()
    }

    fn clients(&self) -> &dyn ClientRules {
        self.rules.clients()
    }

    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        if self.quirks.contains(&Quirk::VotersUnchecked) {
            let keyring = block.voters().to_vec();
            let claimed = Federation::new(block.node_pubkey().clone(), keyring);
            return self.rules.check_block(block, &claimed);
        }
        self.rules.check_block(block, federation)
    }

    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        self.rules.check_genesis(block, federation)
    }

    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError> {
        if self.quirks.contains(&Quirk::TieIsValid) {
            let valid = |voter: &&_| {
                self.vote_of(block, voter, votes).is_some_and(|row| row.vote.is_valid_vote())
            };
            if federation.voters().iter().filter(valid).count() * 2 >= federation.len() {
                return Ok(Tally { election: Election::Valid, ignored: 0 });
            }
        }
        self.rules.tally(block, federation, votes)
    }

    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow> {
        self.rules.vote_of(block, voter, votes)
    }
}

fn without_spends(facts: &Facts) -> Facts {
    Facts { spends: Default::default(), ..facts.clone() }
}
