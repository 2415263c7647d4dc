//! The life line of a transaction: every event that touched it, in order.

use std::collections::BTreeSet;

use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};

use super::reference::Reference;
use super::{LifeEvent, Violation};
use crate::observe::{Change, Observed, Operation, Record, Table, election_word};

/// How many events a life line has at most. A transaction that goes round in circles for minutes
/// tells no more after these.
const EVENTS_MAX: usize = 400;

/// Every event that touched a violation's transaction, its blocks, and the votes on them.
pub fn life_line(
    records: &[Observed],
    reference: &Reference,
    violation: &Violation,
) -> Vec<LifeEvent> {
    let transaction = violation.transaction.as_deref().map(TxId::from);
    let mut blocks: BTreeSet<BlockId> =
        violation.blocks.iter().map(|block| BlockId::from(block.as_str())).collect();
    if let Some(seen) = transaction.as_ref().and_then(|id| reference.transaction(id)) {
        blocks.extend(seen.blocks.iter().cloned());
    }
    let is_ours = |operation: &&Operation| transaction.is_some() && operation.tx == transaction;
    let numbers: BTreeSet<u64> =
        operations(records).filter(is_ours).map(|operation| operation.number).collect();
    let subject = Subject { transaction, blocks, numbers, reference };
    let mut line: Vec<LifeEvent> = records
        .iter()
        .filter_map(|observed| {
            let Event { place, node, what } = subject.event(&observed.record)?;
            Some(LifeEvent { at_us: observed.at_us, place, node, what })
        })
        .collect();
    line.extend(subject.elections());
    line.sort_by_key(|event| event.at_us);
    if line.len() > EVENTS_MAX {
        let rest = line.split_off(EVENTS_MAX);
        let what = format!("{} more events", rest.len());
        line.push(LifeEvent { at_us: rest[0].at_us, place: "…".into(), node: None, what });
    }
    line
}

fn operations(records: &[Observed]) -> impl Iterator<Item = &Operation> {
    records.iter().filter_map(|observed| match &observed.record {
        Record::Operation(operation) => Some(operation),
        _ => None,
    })
}

/// Whose life it is.
struct Subject<'a> {
    transaction: Option<TxId>,
    blocks: BTreeSet<BlockId>,
    /// The operations about the transaction; a CREATE's begins before its id is known.
    numbers: BTreeSet<u64>,
    reference: &'a Reference,
}

/// Where something happened, which node it has to do with, and what it was.
struct Event {
    place: String,
    node: Option<String>,
    what: String,
}

impl Subject<'_> {
    /// The event that a record is; none if it is somebody else's.
    fn event(&self, record: &Record) -> Option<Event> {
        match record {
            Record::Operation(operation) => self.operation(operation),
            Record::Change(change) => self.change(change),
            Record::Decided(decided) => self.blocks.contains(&decided.block).then(|| {
                let word = election_word(decided.election);
                let what = format!("says block {} is {word}", short(&decided.block));
                Event { place: decided.node.to_string(), node: None, what }
            }),
            Record::Run(_)
            | Record::Fault(_)
            | Record::Node(_)
            | Record::Act(_)
            | Record::Gauge(_)
            | Record::Owned(_)
            | Record::Stored(_)
            | Record::Counter(_)
            | Record::Final(_)
            | Record::End(_) => None,
        }
    }

    fn operation(&self, operation: &Operation) -> Option<Event> {
        let named = self.transaction.is_some() && operation.tx == self.transaction;
        let nameless = operation.tx.is_none() && self.numbers.contains(&operation.number);
        if !named && !nameless {
            return None;
        }
        let Operation { number, kind, call, what, node, http, value, .. } = operation;
        let mut text = format!("{what} {number}: {call} to {node}, {kind}");
        if let Some(http) = http {
            text += &format!(" {http}");
        }
        if let Some(value) = value {
            text += &format!(": {value}");
        }
        let place = format!("client {}", operation.process);
        Some(Event { place, node: Some(node.to_string()), what: text })
    }

    fn change(&self, change: &Change) -> Option<Event> {
        let id = change.id()?;
        let row = change.new.as_deref();
        let text = |path: &[&str]| {
            path.iter().try_fold(row?, |value, key| value.get(key)).and_then(Json::as_str)
        };
        let done = match (&change.old, &change.new) {
            (None, _) => "inserted",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "deleted",
        };
        let (node, what) = match change.table {
            Table::Backlog => {
                if self.transaction.as_ref().is_none_or(|wanted| wanted.as_str() != &*id) {
                    return None;
                }
                let assignee =
                    text(&["assignee"]).map(|key| self.reference.name(&key.into()).to_owned());
                let what =
                    assignee.as_ref().map_or(done.to_owned(), |name| format!("{done}, for {name}"));
                (assignee, what)
            }
            Table::Bigchain => {
                let block = BlockId::from(&*id);
                if !self.blocks.contains(&block) {
                    return None;
                }
                let author = text(&["block", "node_pubkey"]).map(NodeKey::from);
                let author = author.map(|key| self.reference.name(&key).to_owned());
                let name = author.as_deref().unwrap_or("?");
                let what = format!("block {} {done}, by {name}", short(&block));
                (author, what)
            }
            Table::Votes => {
                let block = BlockId::from(text(&["vote", "voting_for_block"])?);
                if !self.blocks.contains(&block) {
                    return None;
                }
                let voter = NodeKey::from(text(&["node_pubkey"])?);
                let voter = self.reference.name(&voter).to_owned();
                let valid = row?.get("vote")?.get("is_block_valid")?.as_bool()?;
                let word = if valid { "valid" } else { "invalid" };
                let previous = BlockId::from(text(&["vote", "previous_block"])?);
                let what = format!(
                    "{voter} votes {word} on block {}, after {}",
                    short(&block),
                    short(&previous)
                );
                (Some(voter), what)
            }
            Table::Positions => {
                let block = BlockId::from(text(&["block"])?);
                if !self.blocks.contains(&block) {
                    return None;
                }
                (None, format!("block {} listed at {id}", short(&block)))
            }
        };
        Some(Event { place: change.table.to_string(), node, what })
    }

    /// When the votes on its blocks came to which outcome.
    fn elections(&self) -> impl Iterator<Item = LifeEvent> {
        let ours = |(_, block, _): &&(u64, BlockId, _)| self.blocks.contains(block);
        self.reference.history().iter().filter(ours).map(|(at_us, block, election)| LifeEvent {
            at_us: *at_us,
            place: "election".into(),
            node: None,
            what: format!("block {} is {}", short(block), election_word(*election)),
        })
    }
}

/// Enough of an id to tell it from others.
fn short(block: &BlockId) -> &str {
    block.as_str().get(..8).unwrap_or(block.as_str())
}
