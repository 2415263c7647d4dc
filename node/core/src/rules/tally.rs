//! Adding up everyone's votes on a block.
//!
//! Here: the two ways to count. Under `default` a vote stands under a key of its own, so that nobody
//! votes twice, and what is no good vote of a member is left out ([`Count`]). Under `v0.6.0` it is
//! counted as the original did. Not here: the votes themselves (`model::Vote`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Federation;
use crate::model::{BlockId, Direct, NodeKey, Profile, Raised, SignatureCheck, Vote};
use crate::query::VoteRow;

/// How a block is decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Election {
    /// For ever part of the chain.
    Valid,
    /// Never part of the chain.
    Invalid,
    /// Not enough votes yet.
    Undecided,
}

/// What the votes on a block come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// How the block is decided.
    pub election: Election,
    /// Rows that do not count. Under `v0.6.0` every one does.
    pub ignored: usize,
}

/// Why votes cannot be added up. Profile `v0.6.0` only.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TallyError {
    /// A node voted more than once.
    #[error("Block {block} has multiple votes ({votes}) from voting node {voter}")]
    MultipleVotes {
        /// Which block.
        block: BlockId,
        /// How many votes the node cast.
        votes: usize,
        /// Which node.
        voter: NodeKey,
    },
    /// There are more votes than voters.
    #[error("Block {block} has {votes} votes cast, but only {voters} voters")]
    TooManyVotes {
        /// Which block.
        block: BlockId,
        /// How many votes there are.
        votes: usize,
        /// How many voters there are.
        voters: usize,
    },
    /// A signature is not even the text of one.
    #[error(transparent)]
    Raised(#[from] Raised),
}

impl TallyError {
    /// The class of exception that stands for it in BigchainDB 0.6.0.
    pub fn class(&self) -> &'static str {
        match self {
            Self::MultipleVotes { .. } | Self::TooManyVotes { .. } => "MultipleVotesError",
            Self::Raised(raised) => raised.class,
        }
    }
}

/// By which votes are verified under `default`.
const PROFILE: Profile = Profile::Default;

/// The votes on a block, added up under `default`.
#[derive(Clone, PartialEq, Debug)]
pub struct Count {
    /// What they come to.
    pub election: Election,
    /// The one good vote of each member that cast one, in the federation's order.
    pub counted: Vec<VoteRow>,
    /// The rows left out, in the order of their keys, each with the reason.
    pub ignored: Vec<(VoteRow, Ignored)>,
}

/// Why a row of `votes` is not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ignored {
    /// It is a vote on another block.
    OtherBlock,
    /// Its voter is no member.
    Stranger,
    /// Its signature is not its voter's.
    BadSignature,
    /// It stands under another key than this voter's next for this block.
    OtherKey,
}

impl Count {
    /// Adds up the votes on a block.
    ///
    /// A member's vote is the first good one under [`Vote::key`] 0, 1, 2 …; a key is passed over only
    /// if its row holds something else, which nobody can take away again. Valid once more than half
    /// of the voters voted valid and name the same previous block; invalid once the votes still
    /// missing cannot make it so (a tie counts against the block); undecided until then. As votes
    /// arrive, each of the two can only become true, and never both.
    pub fn of(
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
        signatures: &dyn SignatureCheck,
    ) -> Self {
        let mut first: BTreeMap<&NodeKey, &VoteRow> = BTreeMap::new();
        let mut rows: BTreeMap<&str, &VoteRow> = BTreeMap::new();
        for row in votes {
            // Nearly all votes are good ones under their voters' first keys, which they know.
            let vote = &row.vote;
            let is_first = vote.block() == block && row.key == *vote.first_key();
            if is_first && federation.contains(vote.voter()) && vote.is_signed(PROFILE, signatures)
            {
                first.insert(vote.voter(), row);
            } else {
                rows.insert(&*row.key, row);
            }
        }
        let mut counted = Vec::with_capacity(first.len());
        let mut forged = Vec::new();
        for voter in federation.voters() {
            if let Some(row) = first.get(voter) {
                counted.push((*row).clone());
                continue;
            }
            for number in 0.. {
                // What is no row need not be looked for under any key.
                if rows.is_empty() {
                    break;
                }
                let Some(row) = rows.remove(&*Vote::key(block, voter, number)) else { break };
                if is_good(&row.vote, block, voter, signatures) {
                    counted.push(row.clone());
                    break;
                }
                forged.push(row);
            }
        }
        let reason = |row: &VoteRow| {
            let vote = &row.vote;
            if vote.block() != block {
                Ignored::OtherBlock
            } else if !federation.contains(vote.voter()) {
                Ignored::Stranger
            } else if !vote.is_signed(PROFILE, signatures) {
                Ignored::BadSignature
            } else {
                Ignored::OtherKey
            }
        };
        let ignored = rows.into_values().chain(forged);
        let mut ignored: Vec<_> = ignored.map(|row| (row.clone(), reason(row))).collect();
        ignored.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        Self { election: decide(federation.len(), &counted), counted, ignored }
    }
}

fn decide(voters: usize, votes: &[VoteRow]) -> Election {
    let mut previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
    for row in votes.iter().filter(|row| row.vote.is_valid_vote()) {
        *previous.entry(row.vote.previous()).or_default() += 1;
    }
    let most = previous.into_values().max().unwrap_or_default();
    let missing = voters - votes.len();
    if most * 2 > voters {
        Election::Valid
    } else if (most + missing) * 2 <= voters {
        Election::Invalid
    } else {
        Election::Undecided
    }
}

/// Whether this is a vote of this member for this block, well signed. Profile `default`.
pub fn is_good_vote(vote: &Vote, block: &BlockId, voter: &NodeKey) -> bool {
    is_good(vote, block, voter, &Direct)
}

/// The one vote of this member on this block that counts. Profile `default`.
pub(super) fn good_vote<'a>(
    block: &BlockId,
    voter: &NodeKey,
    votes: &'a [VoteRow],
    signatures: &dyn SignatureCheck,
) -> Option<&'a VoteRow> {
    let mut good =
        votes.iter().filter(|row| is_good(&row.vote, block, voter, signatures)).peekable();
    // Who has no good row has none under any key.
    good.peek()?;
    if let Some(row) = good.find(|row| row.key == *row.vote.first_key()) {
        return Some(row);
    }
    (0..)
        .map_while(|number| {
            let key = Vote::key(block, voter, number);
            votes.iter().find(|row| row.key == key)
        })
        .find(|row| is_good(&row.vote, block, voter, signatures))
}

fn is_good(vote: &Vote, block: &BlockId, voter: &NodeKey, signatures: &dyn SignatureCheck) -> bool {
    vote.block() == block && vote.voter() == voter && vote.is_signed(PROFILE, signatures)
}

/// The votes on a block, added up as the original did: a vote that is badly signed, or a stranger's,
/// counts as "invalid".
#[derive(Clone, Copy, Debug)]
pub(super) struct OriginalCount {
    voters: usize,
    cast: usize,
    /// Those that say "valid".
    valid: usize,
    /// The most of them that name one previous block.
    agreeing: usize,
}

impl OriginalCount {
    /// # Errors
    /// If a node voted twice, there are more votes than voters, or a signature is no signature's
    /// text.
    pub(super) fn of(
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
        signatures: &dyn SignatureCheck,
    ) -> Result<Self, TallyError> {
        let voters = federation.len();
        let cast: Vec<&Arc<Vote>> =
            votes.iter().map(|row| &row.vote).filter(|vote| vote.block() == block).collect();
        let mut by_voter: BTreeMap<&NodeKey, usize> = BTreeMap::new();
        for vote in &cast {
            *by_voter.entry(vote.voter()).or_default() += 1;
        }
        if let Some((voter, votes)) = by_voter.into_iter().find(|(_, votes)| *votes > 1) {
            let (block, voter) = (block.clone(), voter.clone());
            return Err(TallyError::MultipleVotes { block, votes, voter });
        }
        if cast.len() > voters {
            return Err(TallyError::TooManyVotes {
                block: block.clone(),
                votes: cast.len(),
                voters,
            });
        }
        let mut previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
        for vote in &cast {
            let good =
                federation.contains(vote.voter()) && vote.verify(Profile::Original, signatures)?;
            if good && vote.is_valid_vote() {
                *previous.entry(vote.previous()).or_default() += 1;
            }
        }
        let valid: usize = previous.values().sum();
        let agreeing = previous.into_values().max().unwrap_or_default();
        Ok(Self { voters, cast: cast.len(), valid, agreeing })
    }

    /// The original's decision. A majority for different previous blocks is "invalid" at once, though
    /// a vote that comes later may turn it into "valid".
    ///
    /// Source: BigchainDB 0.6 docs, "The Block Model", "The Vote Model"; change log of 0.6.0.
    pub(super) fn at_once(self) -> Election {
        let Self { voters, cast, valid, agreeing } = self;
        if cast - valid >= voters.div_ceil(2) {
            Election::Invalid
        } else if valid > voters / 2 {
            if agreeing > voters / 2 { Election::Valid } else { Election::Invalid }
        } else {
            Election::Undecided
        }
    }

    /// The same, but "invalid" only once the votes still missing cannot make it "valid". When all have
    /// voted, both are the same.
    pub(super) fn for_ever(self) -> Election {
        let missing = self.voters - self.cast;
        match self.at_once() {
            Election::Invalid
                if self.cast - self.valid < self.voters.div_ceil(2)
                    && self.agreeing + missing > self.voters / 2 =>
            {
                Election::Undecided
            }
            election => election,
        }
    }
}
