//! Which rows of which tables a question touches: what the cluster has to reach to answer it.

use bigchaindb_core::model::{Json, Position};
use bigchaindb_core::query::{Answer, Query, Standing, StoreError, Write};
use bigchaindb_rethinkdb::cluster::{
    Access, AccessKind, Durability, KeyRange, Keys, ReadMode, TableNumber, number_key, text_key,
};

use crate::observe::Table;

/// How a store is asked.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) read_mode: ReadMode,
    pub(super) durability: Durability,
    /// Transactions and blocks are acknowledged before they are on disk (quirk `soft-writes`).
    pub(super) soft: bool,
}

/// The number by which the cluster knows a table.
pub(super) fn number(table: Table) -> TableNumber {
    match table {
        Table::Backlog => 0,
        Table::Bigchain => 1,
        Table::Votes => 2,
        Table::Positions => 3,
    }
}

/// The primary key of a row, as the cluster takes it. Other than texts and numbers there are none.
pub(super) fn key(row: &Json) -> Vec<u8> {
    key_of(row.get("id"))
}

/// A primary key, as the cluster takes it.
#[expect(clippy::cast_precision_loss, reason = "keys of rows stay far below 2^53")]
pub(super) fn key_of(id: Option<&Json>) -> Vec<u8> {
    match id {
        Some(Json::Int(number)) => number_key(*number as f64),
        Some(Json::Float(number)) => number_key(*number),
        id => text_key(id.and_then(Json::as_str).unwrap_or_default()),
    }
}

/// All that a question touches.
pub(super) fn accesses(query: &Query, manner: Manner) -> Vec<Access> {
    let read = AccessKind::Read(manner.read_mode);
    let write = AccessKind::Write(manner.durability);
    let hasty = if manner.soft { AccessKind::Write(Durability::Soft) } else { write };
    let access = |table, keys, kind| Access { table: number(table), keys, kind };
    let one = |key| Keys::These(vec![key]);
    let texts = |ids: &mut dyn Iterator<Item = &str>| Keys::These(ids.map(text_key).collect());
    match query {
        Query::InsertBacklog { transaction, .. } => {
            vec![access(Table::Backlog, one(text_key(transaction.id().as_str())), hasty)]
        }
        Query::Reassign { transaction, .. } => {
            vec![access(Table::Backlog, one(text_key(transaction.as_str())), write)]
        }
        Query::DeleteBacklog { transactions } => {
            let ids = texts(&mut transactions.iter().map(|id| id.as_str()));
            vec![access(Table::Backlog, ids, write)]
        }
        Query::Backlog { .. } => vec![access(Table::Backlog, Keys::All, read)],
        Query::Gather(needs) => {
            // By secondary index in `bigchain`, by primary key in the backlog.
            let waiting = texts(&mut needs.transactions.iter().map(|id| id.as_str()));
            vec![access(Table::Bigchain, Keys::All, read), access(Table::Backlog, waiting, read)]
        }
        Query::InsertBlock { block } => {
            vec![access(Table::Bigchain, one(text_key(block.id().as_str())), hasty)]
        }
        Query::Blocks { ids } | Query::KnownBlocks { ids } => {
            vec![access(Table::Bigchain, texts(&mut ids.iter().map(|id| id.as_str())), read)]
        }
        Query::UnlistedBlocks { .. } => vec![
            access(Table::Bigchain, Keys::All, read),
            access(Table::Positions, Keys::All, read),
        ],
        Query::InsertVote { vote } => {
            vec![access(Table::Votes, one(text_key(&vote.key)), write)]
        }
        Query::Votes { .. } | Query::VotesOn { .. } | Query::VotesBy { .. } => {
            vec![access(Table::Votes, Keys::All, read)]
        }
        Query::Heads { .. } | Query::Transactions { .. } => {
            vec![access(Table::Bigchain, Keys::All, read)]
        }
        Query::Positions { from, .. } => {
            // Numbers lie before all texts.
            let range = KeyRange { from: position(*from), to: Some(text_key("")) };
            vec![access(Table::Positions, Keys::Between(range), read)]
        }
        Query::Claim { entry } => {
            vec![access(Table::Positions, one(position(entry.position)), write)]
        }
        Query::PutBack(row) => vec![match row {
            Standing::Block(block) => {
                access(Table::Bigchain, one(text_key(block.id().as_str())), write)
            }
            Standing::Vote(vote) => access(Table::Votes, one(text_key(&vote.key)), write),
            Standing::Entry(entry) => {
                access(Table::Positions, one(position(entry.position)), write)
            }
        }],
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions stay far below 2^53")]
fn position(position: Position) -> Vec<u8> {
    number_key(position.0 as f64)
}

/// The part of a question whose rows are reached; only one that writes many rows has parts.
pub(super) fn part(query: &Query, reached: impl Fn(&[u8]) -> bool) -> Query {
    let Query::DeleteBacklog { transactions } = query else { return query.clone() };
    let reached = transactions.iter().filter(|id| reached(&text_key(id.as_str())));
    Query::DeleteBacklog { transactions: reached.cloned().collect() }
}

/// The answer to a question whose parts were done one after the other.
pub(super) fn together(
    earlier: Option<Result<Answer, StoreError>>,
    later: Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    match (earlier, later) {
        (Some(Ok(Answer::Written(Write::Changed))), Ok(Answer::Written(_))) => {
            Ok(Answer::Written(Write::Changed))
        }
        (_, later) => later,
    }
}
