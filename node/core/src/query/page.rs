//! What the library asks beyond what a node does: pages of blocks, transactions and votes.
//!
//! A page is bounded by how many rows are looked at, not by how many are found: it may be empty and
//! still not be the last one.

use std::sync::Arc;

use crate::model::{Block, BlockId, NodeKey, Transaction};

/// Which part of a table is looked at: rows in the order of their primary keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    /// Rows behind this one; from the first one on if it is none.
    pub after: Option<Arc<str>>,
    /// How many rows at most; at least one is looked at.
    pub limit: usize,
}

/// Part of a longer answer, in the order of primary keys.
#[derive(Clone, PartialEq, Debug)]
pub struct Page<T> {
    /// What was found.
    pub found: Vec<T>,
    /// After which row to go on, if there may be more.
    pub next: Option<Arc<str>>,
}

impl Range {
    /// From the first row on.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// How many rows are looked at.
    pub fn rows(&self) -> usize {
        self.limit.max(1)
    }
}

/// Which blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BlocksOf {
    /// All.
    All,
    /// Those with these ids.
    Ids(Vec<BlockId>),
    /// Those that are found by an index under a text.
    Index(BlockIndex, String),
}

/// The indexes of `bigchain` that the original made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockIndex {
    /// `block_timestamp`.
    Timestamp,
    /// `transaction_id`.
    TransactionId,
    /// `payload_uuid`.
    PayloadUuid,
}

impl BlockIndex {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Timestamp, Self::TransactionId, Self::PayloadUuid];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "block_timestamp",
            Self::TransactionId => "transaction_id",
            Self::PayloadUuid => "payload_uuid",
        }
    }
}

/// Which transactions in blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransactionsOf {
    /// Those with this `data.uuid`.
    PayloadUuid(String),
    /// Those that name this key among the `owners_after` of a condition.
    Owner(String),
}

/// What an election needs to know of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockHead {
    /// Which block.
    pub id: BlockId,
    /// Who may vote on it, as it says.
    pub voters: Vec<NodeKey>,
    /// When it was made, as it says: Unix seconds, in decimal.
    pub timestamp: Option<Arc<str>>,
    /// Whether its first transaction is a GENESIS.
    pub is_genesis: bool,
}

impl BlockHead {
    /// The head of a block.
    pub fn of(block: &Block) -> Self {
        let body = block.frame().get("block");
        let timestamp = body.and_then(|body| body.get("timestamp")?.as_str());
        Self {
            id: block.id().clone(),
            voters: block.voters().to_vec(),
            timestamp: timestamp.map(Arc::from),
            is_genesis: block.is_genesis(),
        }
    }
}

impl TransactionsOf {
    /// Whether this transaction is one of them.
    pub fn has(&self, transaction: &Transaction) -> bool {
        match self {
            Self::PayloadUuid(uuid) => {
                let data = transaction.body().get("data");
                let named = data.and_then(|data| data.get("uuid")?.as_str());
                named == Some(uuid)
            }
            Self::Owner(owner) => transaction.conditions().iter().any(|condition| {
                let owners = condition.get("owners_after").and_then(|owners| owners.as_array());
                owners.is_some_and(|owners| owners.iter().any(|one| one.as_str() == Some(owner)))
            }),
        }
    }
}
