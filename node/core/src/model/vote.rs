//! A vote: one node's word on a block.
//!
//! Here: the document. Not here: adding votes up (`rules::tally`).

use super::document::{self, MalformedDocument};
use super::{BlockId, Json, NodeKey};

/// One node's word on a block.
///
/// Source: BigchainDB 0.6 docs, "The Vote Model".
#[derive(Clone, Debug)]
pub struct Vote {
    document: Json,
    block: BlockId,
    previous: BlockId,
    voter: NodeKey,
    valid: bool,
}

impl PartialEq for Vote {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl Vote {
    /// Takes a document for a vote; a field `id`, the row's, is left out of it.
    ///
    /// # Errors
    /// If `node_pubkey` or, in `vote`, `voting_for_block` or `previous_block` is no string, or
    /// `is_block_valid` is no boolean. The signature is looked at when it is verified.
    pub fn from_document(document: Json) -> Result<Self, MalformedDocument> {
        let voter = document::text(&document, "node_pubkey", "node_pubkey")?.into();
        let vote = document::object(&document, "vote", "vote")?;
        let block = document::text(vote, "voting_for_block", "vote.voting_for_block")?.into();
        let previous = document::text(vote, "previous_block", "vote.previous_block")?.into();
        let at = "vote.is_block_valid";
        let Json::Bool(valid) = *document::field(vote, "is_block_valid", at)? else {
            return Err(MalformedDocument::Kind { at, expected: "a boolean" });
        };
        let document = document::without(document, "id");
        Ok(Self { document, block, previous, voter, valid })
    }

    /// The whole document, without the row's id: `node_pubkey`, `signature`, `vote`.
    pub fn document(&self) -> &Json {
        &self.document
    }

    /// The block voted for.
    pub fn block(&self) -> &BlockId {
        &self.block
    }

    /// The block before it, as this voter saw it.
    pub fn previous(&self) -> &BlockId {
        &self.previous
    }

    /// Who votes.
    pub fn voter(&self) -> &NodeKey {
        &self.voter
    }

    /// What the voter says: is the block valid?
    pub fn is_valid_vote(&self) -> bool {
        self.valid
    }
}
