//! What is said of documents that stand in the database: how a block is decided, where a transaction
//! stands, who spends an output, what belongs to whom, what a node voted on last.
//!
//! Pure functions of what was gathered. Two readings: the clean one, and the original's, which is part
//! of profile `v0.6.0` with all its mistakes and exceptions. Not here: gathering (crate
//! `bigchaindb`, `bigchain`), judging documents (the rules).

mod clean;
mod original;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::original::lookup;
use super::{ConsensusRules, Election, Facts, Federation, Spent};
use crate::model::{BlockId, NodeKey, Output, Raised, Transaction, TxId};
use crate::query::{BlockHead, VoteRow};

/// Where a transaction stands. Source: BigchainDB 0.6 docs, "The HTTP Client-Server API".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// In a block decided valid.
    Valid,
    /// Only in blocks decided invalid, and not waiting. The original never says so.
    Invalid,
    /// In a block that is not decided.
    Undecided,
    /// Waiting.
    Backlog,
}

impl Status {
    /// The one that the HTTP API says with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Valid, Self::Invalid, Self::Undecided, Self::Backlog]
            .into_iter()
            .find(|status| status.word() == word)
    }

    /// The word for it, as the HTTP API says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Undecided => "undecided",
            Self::Backlog => "backlog",
        }
    }
}

impl From<Election> for Status {
    fn from(election: Election) -> Self {
        match election {
            Election::Valid => Self::Valid,
            Election::Invalid => Self::Invalid,
            Election::Undecided => Self::Undecided,
        }
    }
}

/// A block whose votes are to be added up, and what that depends on.
#[derive(Clone, Copy, Debug)]
pub struct Ballot<'a> {
    /// The block.
    pub head: &'a BlockHead,
    /// Everybody's votes on it, perhaps among others.
    pub votes: &'a [VoteRow],
    /// Who are members.
    pub federation: &'a Federation,
    /// With which block the list begins, if there is a list.
    pub first: Option<&'a BlockId>,
}

/// A way to read what is in the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// As it is meant. Of profiles `default` and `mixed`.
    Clean,
    /// As BigchainDB 0.6.0 reads it. Profile `v0.6.0`.
    Original,
}

impl Reading {
    /// How a block is decided.
    ///
    /// # Errors
    /// Where the original gives up: a voter voted twice, there are more votes than voters, a
    /// signature is no signature's text.
    pub fn election(
        self,
        rules: &dyn ConsensusRules,
        ballot: Ballot<'_>,
    ) -> Result<Election, Raised> {
        match self {
            Self::Clean => Ok(clean::election(rules, ballot)),
            Self::Original => original::election(rules, ballot),
        }
    }

    /// The blocks that hold a transaction, and how they are decided.
    ///
    /// # Errors
    /// The original gives up if more than one of them is valid.
    pub fn blocks(self, id: &TxId, facts: &Facts) -> Result<BTreeMap<BlockId, Election>, Raised> {
        if self == Self::Original {
            original::check_valid_once(id, facts)?;
        }
        let placed = facts.found.get(id).into_iter().flatten();
        Ok(placed.map(|placed| (placed.block.clone(), placed.election)).collect())
    }

    /// Where a transaction stands, and its document from there.
    ///
    /// # Errors
    /// As [`blocks`](Self::blocks).
    pub fn standing(
        self,
        id: &TxId,
        facts: &Facts,
    ) -> Result<Option<(Status, Arc<Transaction>)>, Raised> {
        match self {
            Self::Clean => Ok(clean::standing(id, facts)),
            Self::Original => lookup::standing(id, facts),
        }
    }

    /// Who spends an output, in a block that may count.
    ///
    /// # Errors
    /// `DoubleSpend` if it is spent more than once: by the original's count, or by several
    /// transactions in valid blocks.
    pub fn spender<'a>(
        self,
        output: &Output,
        facts: &'a Facts,
    ) -> Result<Option<&'a Spent>, Raised> {
        match self {
            Self::Clean => clean::spender(output, facts),
            Self::Original => original::spender(output, facts),
        }
    }

    /// The outputs that belong to an owner, spent or not, of these transactions, each with a block
    /// that holds it; `facts` say where they stand. The clean reading knows only what may be spent:
    /// the transaction is decided valid.
    ///
    /// The last one may be an error: there the original gives up.
    pub fn owned(
        self,
        owner: &str,
        found: &[(BlockId, Arc<Transaction>)],
        facts: &Facts,
    ) -> Vec<Result<Output, Raised>> {
        match self {
            Self::Clean => clean::owned(owner, found, facts).into_iter().map(Ok).collect(),
            Self::Original => original::owned(owner, found, facts),
        }
    }

    /// Whether this node voted on a block; `votes` are its own, perhaps among others.
    ///
    /// # Errors
    /// The original gives up on a vote that is badly signed, and on two.
    pub fn has_voted(
        self,
        rules: &dyn ConsensusRules,
        head: &BlockHead,
        me: &NodeKey,
        votes: &[VoteRow],
    ) -> Result<bool, Raised> {
        match self {
            Self::Clean => Ok(rules.vote_of(&head.id, me, votes).is_some()),
            Self::Original => original::has_voted(head, me, votes),
        }
    }

    /// Those of these blocks that this node has still to vote on, oldest first. Genesis is not
    /// voted on.
    pub fn unvoted(
        self,
        rules: &dyn ConsensusRules,
        heads: Vec<BlockHead>,
        me: &NodeKey,
        votes: &[VoteRow],
    ) -> Vec<BlockHead> {
        let mut by_block: BTreeMap<&BlockId, Vec<VoteRow>> = BTreeMap::new();
        for row in votes.iter().filter(|row| row.vote.voter() == me) {
            by_block.entry(row.vote.block()).or_default().push(row.clone());
        }
        let voted = |head: &BlockHead| match (by_block.get(&head.id), self) {
            (None, _) => false,
            (Some(_), Self::Original) => true,
            (Some(votes), Self::Clean) => rules.vote_of(&head.id, me, votes).is_some(),
        };
        let mut unvoted: Vec<_> =
            heads.into_iter().filter(|head| !head.is_genesis && !voted(head)).collect();
        match self {
            Self::Clean => unvoted.sort_by_key(|head| (clean::time(head), head.id.clone())),
            Self::Original => unvoted.sort_by(|one, other| one.timestamp.cmp(&other.timestamp)),
        }
        unvoted
    }

    /// The block that this node voted on last, of its own votes; none if it never voted.
    ///
    /// # Errors
    /// `CyclicBlockchainError` if its votes name one another as previous.
    pub fn last_voted(
        self,
        rules: &dyn ConsensusRules,
        me: &NodeKey,
        votes: &[VoteRow],
    ) -> Result<Option<BlockId>, Raised> {
        match self {
            Self::Clean => clean::last_voted(rules, me, votes),
            Self::Original => original::last_voted(votes),
        }
    }

    /// Whether a block is judged by what was known before it, as if it were not in the database yet.
    pub fn leaves_out_itself(self) -> bool {
        self == Self::Clean
    }
}
