//! What is under way to or from a node.

use std::sync::Arc;

use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_core::stages::Ticket;

/// Something under way to or from a node.
#[derive(Clone, Debug)]
pub(in crate::exhaust) enum Message {
    /// A client's request.
    Post { number: usize },
    /// A question on its way to the store.
    Question { ticket: Ticket, query: Query },
    /// Its answer on its way back.
    Answer { ticket: Ticket, answer: Result<Answer, StoreError>, to: Asked },
    /// An element of a feed; those of one row come by their turns.
    Element { feed: Feed, key: Arc<str>, turn: usize, change: Change },
    /// A time that the node has asked for has come.
    Woken,
}

/// What an answer is the answer to, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::exhaust) enum Asked {
    InsertBacklog,
    InsertBlock,
    DeleteBacklog,
    Claim,
    Positions,
    Votes,
    Reassign,
    Other,
}

impl Asked {
    pub(in crate::exhaust) fn by(query: &Query) -> Self {
        match query {
            Query::InsertBacklog { .. } => Self::InsertBacklog,
            Query::InsertBlock { .. } => Self::InsertBlock,
            Query::DeleteBacklog { .. } => Self::DeleteBacklog,
            Query::Claim { .. } => Self::Claim,
            Query::Positions { .. } => Self::Positions,
            Query::Votes { .. } => Self::Votes,
            Query::Reassign { .. } => Self::Reassign,
            _ => Self::Other,
        }
    }
}
