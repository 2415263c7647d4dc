//! What the default rules become with some of their safeguards taken away, where that takes more
//! than leaving out a check.
//!
//! Source: BigchainDB 0.6.0, `core.py`, `consensus.py`, as read; each is named in `rules::quirk`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{BlockId, NodeKey, Output, TxId};
use crate::query::VoteRow;
use crate::rules::{
    Count, Election, Facts, Federation, Ignored, InvalidTransaction, Quirk, Quirks, Tally,
    TallyError,
};

/// Adds up votes that were counted already.
pub(super) fn tally(
    quirks: &Quirks,
    block: &BlockId,
    federation: &Federation,
    votes: &[VoteRow],
    count: &Count,
) -> Result<Tally, TallyError> {
    if quirks.contains(&Quirk::SurplusVotesRaise) {
        check_surplus(block, federation, votes)?;
    }
    let voters = federation.len();
    let mut previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
    for row in count.counted.iter().filter(|row| row.vote.is_valid_vote()) {
        *previous.entry(row.vote.previous()).or_default() += 1;
    }
    let valid: usize = previous.values().sum();
    let agreeing = previous.into_values().max().unwrap_or_default();
    // What was ignored takes the place of a vote to come.
    let bad = |(_, why): &&(VoteRow, Ignored)| {
        matches!(why, Ignored::BadSignature | Ignored::Stranger)
            && quirks.contains(&Quirk::BadVotesCount)
    };
    let bad = count.ignored.iter().filter(bad).count();
    let missing = voters.saturating_sub(count.counted.len() + bad);
    let flips = quirks.contains(&Quirk::DecisionsFlip) && valid * 2 > voters;
    let tie = quirks.contains(&Quirk::TieIsValid) && valid * 2 == voters;
    let election = if agreeing * 2 > voters || tie {
        Election::Valid
    } else if flips || (agreeing + missing) * 2 <= voters {
        Election::Invalid
    } else {
        Election::Undecided
    };
    Ok(Tally { election, ignored: count.ignored.len() })
}

fn check_surplus(
    block: &BlockId,
    federation: &Federation,
    votes: &[VoteRow],
) -> Result<(), TallyError> {
    let cast = votes.iter().map(|row| &row.vote).filter(|vote| vote.block() == block);
    let mut by_voter: BTreeMap<&NodeKey, usize> = BTreeMap::new();
    for vote in cast.clone() {
        *by_voter.entry(vote.voter()).or_default() += 1;
    }
    let block = block.clone();
    if let Some((voter, votes)) = by_voter.into_iter().find(|(_, votes)| *votes > 1) {
        return Err(TallyError::MultipleVotes { block, votes, voter: voter.clone() });
    }
    match (cast.count(), federation.len()) {
        (votes, voters) if votes > voters => Err(TallyError::TooManyVotes { block, votes, voters }),
        _ => Ok(()),
    }
}

/// Whether nobody else spends the output, where copies and the first spend found are taken for what
/// they are not.
pub(super) fn is_unspent(
    quirks: &Quirks,
    output: &Output,
    id: &TxId,
    facts: &Facts,
    in_block: bool,
) -> Result<(), InvalidTransaction> {
    let spends = facts.spends.get(output).map(Vec::as_slice).unwrap_or_default();
    let refusal = |spent: &crate::rules::Spent| InvalidTransaction::DoubleSpend {
        input: output.clone(),
        spent_by: spent.by.clone(),
        block: spent.block.clone(),
        election: spent.election,
    };
    let copy = spends.iter().find(|spent| spent.by == *id);
    if quirks.contains(&Quirk::CopiesCountAsSpends)
        && in_block
        && let Some(copy) = copy
    {
        // The block under judgement holds another one.
        return Err(refusal(copy));
    }
    if !quirks.contains(&Quirk::FirstSpendHidesOthers) {
        return facts.is_unspent(output, id);
    }
    let live = spends.iter().filter(|spent| spent.election != Election::Invalid);
    let live: BTreeSet<_> = live.map(|spent| &spent.by).collect();
    match spends.first() {
        Some(first) if !live.is_empty() && first.by != *id => Err(refusal(first)),
        _ => Ok(()),
    }
}
