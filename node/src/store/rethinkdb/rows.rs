//! Rows of the tables, as documents of the core.
//!
//! A row that is not what its table is for does not exist here, as in the embedded store: no query
//! and no feed tells of it. Only where it stands in the way is it told of.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Json, Object, Transaction, Vote};
use bigchaindb_core::query::{BacklogRow, ListEntry, VoteRow};
use bigchaindb_rethinkdb::{Row, Shape, list_entry};

/// A row of `backlog`.
pub(super) fn waiting(mut document: Json) -> Option<BacklogRow> {
    let assignee = take(&mut document, "assignee")?.as_str()?.into();
    let transaction = Arc::new(Transaction::from_document(document).ok()?);
    Some(BacklogRow { transaction, assignee })
}

/// A row of `bigchain`.
pub(super) fn block(document: Json) -> Option<Arc<Block>> {
    Block::from_document(document).ok().map(Arc::new)
}

/// A row of `votes`.
pub(super) fn vote(document: Json) -> Option<VoteRow> {
    let key = document.get("id")?.as_str()?.into();
    let vote = Arc::new(Vote::from_document(document).ok()?);
    Some(VoteRow { key, vote })
}

/// A row of `positions`.
pub(super) fn entry(document: Json) -> Option<ListEntry> {
    list_entry(&Row::new(Shape::Plain, document))
}

/// The id of a block.
pub(super) fn block_id(id: Json) -> Option<BlockId> {
    Some(id.as_str()?.into())
}

/// A row of `backlog`, as a document.
pub(super) fn waiting_document(row: &BacklogRow) -> Json {
    with(row.transaction.document(), "assignee", row.assignee.as_str())
}

/// A row of `votes`, as a document.
pub(super) fn vote_document(row: &VoteRow) -> Json {
    with(row.vote.document(), "id", &row.key)
}

/// A row of `positions`, as a document.
pub(crate) fn entry_document(entry: &ListEntry) -> Json {
    let mut document = Object::new();
    document.insert("id", Json::from(entry.position.0));
    document.insert("block", Json::from(entry.block.as_str()));
    if let Some(genesis) = &entry.genesis {
        document.insert("genesis", genesis.document().clone());
    }
    document.into()
}

/// Whether a document that was read is the one that was sent: the server knows only doubles.
pub(super) fn is_same(sent: &Json, read: &Json) -> bool {
    match (sent, read) {
        (Json::Array(sent), Json::Array(read)) => {
            sent.len() == read.len()
                && sent.iter().zip(read).all(|(sent, read)| is_same(sent, read))
        }
        (Json::Object(sent), Json::Object(read)) => {
            sent.len() == read.len()
                && sent
                    .iter()
                    .zip(read.iter())
                    .all(|((name, sent), (other, read))| name == other && is_same(sent, read))
        }
        _ => match (number(sent), number(read)) {
            (Some(sent), Some(read)) => sent == read,
            _ => sent == read,
        },
    }
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Int(int) => Some(*int as f64),
        Json::BigInt(digits) => digits.parse().ok(),
        Json::Float(float) => Some(*float),
        _ => None,
    }
}

fn take(document: &mut Json, name: &str) -> Option<Json> {
    if let Json::Object(fields) = document { fields.remove(name) } else { None }
}

fn with(document: &Json, name: &str, value: &str) -> Json {
    let mut document = document.clone();
    if let Json::Object(fields) = &mut document {
        fields.insert(name, Json::from(value));
    }
    document
}
