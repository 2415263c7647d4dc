//! What is known of a block, a vote and a transaction, and what news there can be of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};
use bigchaindb_core::rules::Election;

use super::{BlockDocument, TransactionDocument};

/// Something that a record changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A block is there that was not.
    Block(BlockId),
    /// A good vote is there: well-signed, by a voter. Others are not news.
    Vote(GoodVote),
    /// A block's election has another outcome than before.
    Elected {
        /// The block.
        block: BlockId,
        /// What it was.
        was: Election,
        /// What it is.
        is: Election,
    },
    /// The list of blocks has an entry more.
    Listed {
        /// The entry's key.
        position: u64,
    },
    /// A transaction is, or is no longer, where it was: backlog or blocks.
    Moved(TxId),
}

/// A good vote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoodVote {
    /// The row's key.
    pub key: Arc<str>,
    /// Who votes.
    pub voter: NodeKey,
    /// On which block.
    pub block: BlockId,
    /// Which block it names as the one before.
    pub previous: BlockId,
    /// Is the block valid?
    pub valid: bool,
    /// When, by the voter's clock, Unix seconds; none if it does not say so.
    pub timestamp: Option<u64>,
}

/// A block that was seen.
#[derive(Clone, Debug)]
pub struct BlockSeen {
    /// What it says.
    pub document: BlockDocument,
    /// When it was first seen.
    pub seen_at_us: u64,
    /// Whether it is there; a row can be deleted or lost.
    pub present: bool,
    /// Whether its author is who it says, as id and signature prove (others than `default`: taken for
    /// granted).
    pub sealed: bool,
    /// Why it is invalid without an election, if it is (profile `default`).
    pub malformed: Option<String>,
    /// How it is decided.
    pub election: Election,
    /// Since when.
    pub elected_at_us: u64,
    /// When it was first listed.
    pub listed_at_us: Option<u64>,
}

/// A transaction that was seen.
#[derive(Clone, Debug, Default)]
pub struct TransactionSeen {
    /// What it says, as first seen.
    pub document: TransactionDocument,
    /// Whether it waits in the backlog.
    pub waiting: bool,
    /// The blocks that hold it.
    pub blocks: BTreeSet<BlockId>,
    /// When it was first seen in a block.
    pub in_block_at_us: Option<u64>,
    /// When a block that holds it was first VALID.
    pub valid_at_us: Option<u64>,
    /// Its first row in the backlog, if there are times in what it fulfills.
    pub row: Option<Arc<Json>>,
}
