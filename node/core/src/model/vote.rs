//! A vote.

use super::{BlockId, Json};

/// One node's word on a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    block: BlockId,
    document: Json,
}

impl Vote {
    /// The block voted for.
    pub fn block(&self) -> &BlockId {
        &self.block
    }

    /// The whole document, without the row's id.
    pub fn document(&self) -> &Json {
        &self.document
    }
}
