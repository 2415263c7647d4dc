//! The database as BigchainDB 0.6.0 reads it.
//!
//! Its mistakes are kept: votes that cannot be added up end every question about the block, copies of
//! one spend count as two, timestamps are compared as texts, and a condition that is not the owner's
//! brings the one before it once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::original::lookup;
use super::super::{ConsensusRules, Election, Facts, Federation, Spent, TallyError};
use super::Ballot;
use crate::model::{
    BlockId, Direct, Json, NodeKey, Output, Profile, Raised, Transaction, TxId, item, items,
};
use crate::query::{BlockHead, VoteRow};

pub(super) fn election(rules: &dyn ConsensusRules, ballot: Ballot<'_>) -> Result<Election, Raised> {
    let Ballot { head, votes, .. } = ballot;
    let of_block = |row: &&VoteRow| row.vote.block() == &head.id;
    let votes: Vec<_> = votes.iter().filter(of_block).cloned().collect();
    let voters = Federation::of_block(&head.voters);
    let tally = rules.tally(&head.id, &voters, &votes);
    tally.map(|tally| tally.election).map_err(|error| match error {
        TallyError::Raised(raised) => raised,
        other => Raised::new(other.class(), other.to_string()),
    })
}

pub(super) fn check_valid_once(id: &TxId, facts: &Facts) -> Result<(), Raised> {
    let placed = facts.found.get(id).into_iter().flatten();
    lookup::at_most_once_valid(id, placed.map(|placed| (&placed.block, placed.election)))
}

/// Of one live spend, the first of all is taken for it.
pub(super) fn spender<'a>(output: &Output, facts: &'a Facts) -> Result<Option<&'a Spent>, Raised> {
    match lookup::live_spends(output, facts)? {
        (0, _) => Ok(None),
        (1, first) => Ok(first),
        _ => Err(lookup::spent_twice(output)),
    }
}

pub(super) fn owned(
    owner: &str,
    found: &[(BlockId, Arc<Transaction>)],
    facts: &Facts,
) -> Vec<Result<Output, Raised>> {
    let mut owned = Vec::new();
    // What stays of one condition to the next.
    let mut input = None;
    let named = found.iter().filter(|(_, transaction)| names(transaction, owner));
    let walked = named.map(|(_, transaction)| transaction).try_for_each(|transaction| {
        check_valid_once(transaction.id(), facts)?;
        let placed = facts.found.get(transaction.id()).into_iter().flatten();
        if placed.clone().all(|placed| placed.election == Election::Invalid) {
            return Ok(());
        }
        for condition in items(item(transaction.body(), "conditions")?)? {
            if is_theirs(condition, owner)? {
                let cid = item(condition, "cid")?.clone();
                let txid = transaction.id().as_str().into();
                input = Some(Output::of_input(&Json::object([("cid", cid), ("txid", txid)])));
            }
            let input = input.clone().ok_or_else(|| {
                let text = "local variable 'tx_input' referenced before assignment";
                Raised::new("UnboundLocalError", text)
            })?;
            owned.push(Ok(input));
        }
        Ok(())
    });
    owned.extend(walked.err().map(Err));
    owned
}

/// Whether the database finds the owner: it gives up on the transaction at a condition that names
/// nobody.
fn names(transaction: &Transaction, owner: &str) -> bool {
    for condition in transaction.conditions() {
        let owners = condition.get("owners_after").and_then(Json::as_array);
        let Some(owners) = owners else { return false };
        if owners.iter().any(|one| one.as_str() == Some(owner)) {
            return true;
        }
    }
    false
}

fn is_theirs(condition: &Json, owner: &str) -> Result<bool, Raised> {
    let owners = item(condition, "owners_after")?.as_array();
    let owners = owners.ok_or_else(|| Raised::new("TypeError", "object has no len()"))?;
    let details = || item(item(condition, "condition")?, "details");
    if owners.len() == 1 {
        return Ok(item(details()?, "public_key")?.as_str() == Some(owner));
    }
    asks_for(details()?, owner)
}

fn asks_for(details: &Json, owner: &str) -> Result<bool, Raised> {
    match details {
        Json::Object(fields) => match fields.get("subfulfillments") {
            Some(parts) => asks_for(parts, owner),
            None => Ok(fields.get("public_key").and_then(Json::as_str) == Some(owner)),
        },
        Json::Array(parts) => {
            for part in parts {
                if asks_for(part, owner)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Json::String(_) => Ok(false),
        _ => Err(Raised::new("TypeError", "argument is not iterable")),
    }
}

pub(super) fn has_voted(head: &BlockHead, me: &NodeKey, votes: &[VoteRow]) -> Result<bool, Raised> {
    let mine = votes.iter().filter(|row| row.vote.block() == &head.id && row.vote.voter() == me);
    let mine: Vec<_> = mine.collect();
    let id = &head.id;
    match &mine[..] {
        [] => Ok(false),
        [row] => {
            if head.voters.contains(me) && row.vote.verify(Profile::Original, &Direct)? {
                return Ok(true);
            }
            let text =
                format!("Block {id} already has an incorrectly signed vote from public key {me}");
            Err(Raised::new("ImproperVoteError", text))
        }
        several => {
            let count = several.len();
            let text = format!("Block {id} has {count} votes from public key {me}");
            Err(Raised::new("MultipleVotesError", text))
        }
    }
}

/// Of the votes of the latest time, the one that the chain of these votes ends with.
pub(super) fn last_voted(votes: &[VoteRow]) -> Result<Option<BlockId>, Raised> {
    let timestamp = |row: &VoteRow| {
        let vote = row.vote.document().get("vote")?;
        vote.get("timestamp")?.as_str().map(str::to_owned)
    };
    let Some(latest) = votes.iter().filter_map(timestamp).max() else { return Ok(None) };
    let last = votes.iter().filter(|row| timestamp(row).as_ref() == Some(&latest));
    let following: BTreeMap<_, _> =
        last.map(|row| (row.vote.previous(), row.vote.block())).collect();
    let Some(mut block) = following.values().next().copied() else { return Ok(None) };
    let mut explored = BTreeSet::new();
    loop {
        if !explored.insert(block) {
            return Err(Raised::new("CyclicBlockchainError", ""));
        }
        match following.get(block) {
            Some(next) => block = next,
            None => return Ok(Some(block.clone())),
        }
    }
}
