//! A block.

use std::sync::Arc;

use super::{BlockId, Json, Transaction};

/// A block, with its whole document.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    id: BlockId,
    document: Json,
    transactions: Vec<Arc<Transaction>>,
}

impl Block {
    /// Its id, as the document says it.
    pub fn id(&self) -> &BlockId {
        &self.id
    }

    /// The whole document.
    pub fn document(&self) -> &Json {
        &self.document
    }

    /// What it holds.
    pub fn transactions(&self) -> &[Arc<Transaction>] {
        &self.transactions
    }
}
