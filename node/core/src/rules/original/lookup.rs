//! What the original looked up in the database, answered from facts.
//!
//! Its mistakes are kept: copies of a transaction in several blocks count as several spends, a spend
//! in an invalid block can hide a live one, and a condition is found by position after sorting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::{Election, Facts, InvalidTransaction, Spent, Status};
use super::database;
use crate::model::{BlockId, Json, Output, Raised, Transaction, TxId, element, item, signature_of};

/// The transaction of this id: from a block decided valid, else from an undecided one; only if no
/// block at all holds it, from the backlog.
pub(super) fn transaction(id: &TxId, facts: &Facts) -> Result<Option<Arc<Transaction>>, Raised> {
    Ok(standing(id, facts)?.map(|(_, transaction)| transaction))
}

/// Where it is found.
pub(in crate::rules) fn standing(
    id: &TxId,
    facts: &Facts,
) -> Result<Option<(Status, Arc<Transaction>)>, Raised> {
    database::check_text(id.as_str())?;
    let placed = facts.found.get(id).map(Vec::as_slice).unwrap_or_default();
    if placed.is_empty() {
        database::check_primary_key(id.as_str())?;
        return Ok(facts.waiting.get(id).map(|waiting| (Status::Backlog, waiting.clone())));
    }
    at_most_once_valid(id, placed.iter().map(|placed| (&placed.block, placed.election)))?;
    let standing = placed.iter().filter(|placed| placed.election != Election::Invalid);
    Ok(standing.min_by_key(|placed| placed.election).map(|placed| {
        let decided = placed.election == Election::Valid;
        let status = if decided { Status::Valid } else { Status::Undecided };
        (status, placed.transaction.clone())
    }))
}

/// The original gives up on a transaction that is in several valid blocks.
pub(in crate::rules) fn at_most_once_valid<'a>(
    id: &TxId,
    blocks: impl Iterator<Item = (&'a BlockId, Election)>,
) -> Result<(), Raised> {
    let valid = blocks.filter(|(_, election)| *election == Election::Valid);
    let valid: BTreeSet<_> = valid.map(|(block, _)| block.as_str()).collect();
    if valid.len() < 2 {
        return Ok(());
    }
    let blocks: Vec<_> = valid.into_iter().map(|block| format!("'{block}'")).collect();
    let blocks = blocks.join(", ");
    let text = format!("Transaction {id} is present in multiple valid blocks: [{blocks}]");
    Err(Raised::new("Exception", text))
}

/// How often an output is spent by what may count, by the original's count, which ends at two; and
/// the first spend of all.
pub(in crate::rules) fn live_spends<'a>(
    input: &Output,
    facts: &'a Facts,
) -> Result<(usize, Option<&'a Spent>), Raised> {
    let spends = facts.spends.get(input).map(Vec::as_slice).unwrap_or_default();
    // Every block that holds a spender holds its spend, so where it stands can be read from these.
    let mut blocks: BTreeMap<&TxId, Vec<(&BlockId, Election)>> = BTreeMap::new();
    for spent in spends {
        blocks.entry(&spent.by).or_default().push((&spent.block, spent.election));
    }
    let mut live = 0;
    for spent in spends {
        let placed = &blocks[&spent.by];
        at_most_once_valid(&spent.by, placed.iter().copied())?;
        live += usize::from(placed.iter().any(|(_, election)| *election != Election::Invalid));
        if live == 2 {
            break;
        }
    }
    Ok((live, spends.first()))
}

/// An output is spent more than once.
pub(in crate::rules) fn spent_twice(output: &Output) -> Raised {
    let text =
        format!("`{}` was spent more then once. There is a problem with the chain", output.txid);
    Raised::new("DoubleSpend", text)
}

/// Whether no other transaction spends this output, by the original's count.
pub(super) fn check_unspent(
    transaction: &Transaction,
    input: &Output,
    facts: &Facts,
) -> Result<(), InvalidTransaction> {
    let (live, first) = live_spends(input, facts)?;
    let Some(spent) = first.filter(|_| live > 0) else { return Ok(()) };
    if live == 2 {
        return Err(spent_twice(input).into());
    }
    // Of one live spend, the first of all is taken for it. Only here the id is looked at.
    item(transaction.document(), "id")?;
    if spent.by == *transaction.id() {
        return Ok(());
    }
    Err(InvalidTransaction::DoubleSpend {
        input: input.clone(),
        spent_by: spent.by.clone(),
        block: spent.block.clone(),
        election: spent.election,
    })
}

/// The URI of the condition that a fulfillment is meant to open.
pub(super) fn input_condition(fulfillment: &Json, facts: &Facts) -> Result<String, Raised> {
    let input = item(fulfillment, "input")?;
    if !input.is_truthy() {
        // Made up from the first owner: a plain signature.
        let owner = element(item(fulfillment, "owners_before")?, &Json::Int(0))?;
        let owner =
            owner.as_str().ok_or_else(|| Raised::new("TypeError", "a key has to be a string"))?;
        return Ok(signature_of(owner)?.condition_uri()?);
    }
    let txid = item(input, "txid")?.as_str().unwrap_or_default();
    let previous = transaction(&txid.into(), facts)?;
    let previous = previous
        .ok_or_else(|| Raised::new("TypeError", "'NoneType' object is not subscriptable"))?;
    let conditions = previous.sorted_conditions()?;
    let condition = element(&conditions, item(input, "cid")?)?;
    let uri = item(item(condition, "condition")?, "uri")?;
    // What is no string equals no URI.
    Ok(uri.as_str().unwrap_or_default().to_owned())
}

/// What the original makes of an argument that may be a list: nothing for null, a list of one for
/// anything else that is none. The owners in it have to be strings.
pub(super) fn as_list(value: &Json) -> Result<Vec<String>, Raised> {
    let owners = match value {
        Json::Null => &[],
        Json::Array(owners) => owners.as_slice(),
        single => std::slice::from_ref(single),
    };
    let text = |owner: &Json| owner.as_str().map(str::to_owned);
    let owners = owners.iter().map(text).collect::<Option<_>>();
    owners.ok_or_else(|| Raised::new("TypeError", "a key has to be a string"))
}
