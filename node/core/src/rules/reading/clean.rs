//! The database as it is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::original::lookup::spent_twice;
use super::super::{ConsensusRules, Election, Facts, Spent};
use super::{Ballot, Status};
use crate::model::{BlockId, Json, NodeKey, Output, Raised, Transaction, TxId};
use crate::query::{BlockHead, VoteRow};

/// Genesis counts as valid if the list begins with it, or there is no list. A block with other
/// voters than the members is invalid, whatever anybody votes.
pub(super) fn election(rules: &dyn ConsensusRules, ballot: Ballot<'_>) -> Election {
    let Ballot { head, votes, federation, first } = ballot;
    if head.is_genesis && first.is_none_or(|first| *first == head.id) {
        return Election::Valid;
    }
    if !federation.is_exactly(&head.voters) {
        return Election::Invalid;
    }
    let of_block = |row: &&VoteRow| row.vote.block() == &head.id;
    let votes: Vec<_> = votes.iter().filter(of_block).cloned().collect();
    // What cannot be added up decides nothing.
    rules.tally(&head.id, federation, &votes).map_or(Election::Undecided, |tally| tally.election)
}

pub(super) fn standing(id: &TxId, facts: &Facts) -> Option<(Status, Arc<Transaction>)> {
    let found = facts.found.get(id).map_or(&[][..], Vec::as_slice);
    let in_block = |election| {
        let placed = found.iter().find(|placed| placed.election == election)?;
        Some((Status::from(election), placed.transaction.clone()))
    };
    let waiting = || Some((Status::Backlog, facts.waiting.get(id)?.clone()));
    in_block(Election::Valid)
        .or_else(|| in_block(Election::Undecided))
        .or_else(waiting)
        .or_else(|| in_block(Election::Invalid))
}

/// The valid spender, if there is one; else an undecided one.
pub(super) fn spender<'a>(output: &Output, facts: &'a Facts) -> Result<Option<&'a Spent>, Raised> {
    let spends = facts.spends.get(output).map(Vec::as_slice).unwrap_or_default();
    let valid = || spends.iter().filter(|spent| spent.election == Election::Valid);
    if valid().map(|spent| &spent.by).collect::<BTreeSet<_>>().len() > 1 {
        return Err(spent_twice(output));
    }
    let undecided = || spends.iter().find(|spent| spent.election == Election::Undecided);
    Ok(valid().next().or_else(undecided))
}

/// Outputs that name the owner and ask for the owner's key somewhere, each once.
pub(super) fn owned(
    owner: &str,
    found: &[(BlockId, Arc<Transaction>)],
    facts: &Facts,
) -> Vec<Output> {
    let mut seen = BTreeSet::new();
    let decided = found.iter().filter(|(_, transaction)| {
        seen.insert(transaction.id()) && facts.decided(transaction.id()).is_ok()
    });
    decided.flat_map(|(_, transaction)| of_transaction(owner, transaction)).collect()
}

fn of_transaction(owner: &str, transaction: &Transaction) -> Vec<Output> {
    let outputs = transaction.conditions().iter().filter_map(|condition| {
        let owners = condition.get("owners_after")?.as_array()?;
        let is_named = owners.iter().any(|one| one.as_str() == Some(owner));
        let details = condition.get("condition")?.get("details")?;
        let cid = condition.get("cid")?.as_i64()?;
        let output = || Output { txid: transaction.id().clone(), cid, oddity: None };
        (is_named && asks_for(details, owner)).then(output)
    });
    outputs.collect()
}

/// Whether a condition's `details` ask for this key, at any depth.
fn asks_for(details: &Json, key: &str) -> bool {
    let mut places = vec![details];
    while let Some(place) = places.pop() {
        if place.get("public_key").and_then(Json::as_str) == Some(key) {
            return true;
        }
        places.extend(place.get("subfulfillments").and_then(Json::as_array).unwrap_or_default());
    }
    false
}

/// When a block was made, as a number; one that does not say it comes first.
pub(super) fn time(head: &BlockHead) -> Option<u64> {
    head.timestamp.as_deref()?.parse().ok()
}

/// The end of the chain that its votes make: each names the block before. Only if there are several
/// ends, clocks decide.
pub(super) fn last_voted(
    rules: &dyn ConsensusRules,
    me: &NodeKey,
    votes: &[VoteRow],
) -> Result<Option<BlockId>, Raised> {
    let mut by_block: BTreeMap<&BlockId, Vec<VoteRow>> = BTreeMap::new();
    for row in votes.iter().filter(|row| row.vote.voter() == me) {
        by_block.entry(row.vote.block()).or_default().push(row.clone());
    }
    let counted: Vec<_> =
        by_block.iter().filter_map(|(block, rows)| rules.vote_of(block, me, rows)).collect();
    let previous: BTreeSet<_> = counted.iter().map(|row| row.vote.previous()).collect();
    let ends = counted.iter().filter(|row| !previous.contains(row.vote.block()));
    let last = ends.max_by_key(|row| {
        let timestamp = row.vote.document().get("vote").and_then(|vote| vote.get("timestamp"));
        let timestamp = timestamp.and_then(|text| text.as_str()?.parse::<u64>().ok());
        (timestamp, row.vote.block())
    });
    match last {
        Some(row) => Ok(Some(row.vote.block().clone())),
        None if counted.is_empty() => Ok(None),
        None => {
            let text = "the votes name one another as previous";
            Err(Raised::new("CyclicBlockchainError", text))
        }
    }
}
