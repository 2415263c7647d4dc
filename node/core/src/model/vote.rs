//! A vote: one node's word on a block.
//!
//! Here: the document. Not here: adding votes up (`rules::tally`).

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::document::{self, MalformedDocument};
use super::seal::{is_sealed, seal};
use super::{
    BlockId, Direct, Json, Keypair, NodeKey, Profile, Raised, SignatureCheck, Strictness,
    keccak256_hex,
};

/// One node's word on a block.
///
/// Source: BigchainDB 0.6 docs, "The Vote Model".
#[derive(Clone)]
pub struct Vote {
    document: Json,
    block: BlockId,
    previous: BlockId,
    voter: NodeKey,
    valid: bool,
    known: Known,
}

/// What was found out about a vote, which never changes: every node reads every vote many times over.
#[derive(Clone, Default)]
struct Known {
    /// Its key if it is its voter's first row on the block.
    first_key: OnceLock<Arc<str>>,
    /// Whether its voter signed it, by profile.
    signed: [OnceLock<bool>; 2],
}

impl Known {
    /// A moment ago its voter has signed it.
    fn signed() -> Self {
        Self { signed: [true.into(), true.into()], ..Self::default() }
    }
}

/// What it says, and the signature that makes it this one.
impl fmt::Debug for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, block, previous, voter, valid, known: _ } = self;
        let signature = document.get("signature").and_then(Json::as_str).unwrap_or_default();
        let word = if *valid { "valid" } else { "invalid" };
        write!(f, "Vote({voter}: {block} after {previous} is {word}, {signature})")
    }
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
        Ok(Self { document, block, previous, voter, valid, known: Known::default() })
    }

    /// This node's vote on a block. `timestamp` in Unix seconds.
    ///
    /// # Errors
    /// If the block would be its own predecessor.
    pub fn create(
        node: &Keypair,
        block: &BlockId,
        previous: &BlockId,
        valid: bool,
        timestamp: u64,
    ) -> Result<Self, CyclicVote> {
        if block == previous {
            return Err(CyclicVote { block: block.clone() });
        }
        let vote = Json::object([
            ("invalid_reason", Json::Null),
            ("is_block_valid", valid.into()),
            ("previous_block", previous.as_str().into()),
            ("timestamp", timestamp.to_string().into()),
            ("voting_for_block", block.as_str().into()),
        ]);
        let text = vote.canonical().expect("strings and a truth value have a canonical text");
        let signature = seal(&text, node, Profile::Default).expect("UTF-8 takes any text");
        let voter = node.public().clone();
        let document = Json::object([
            ("node_pubkey", voter.as_str().into()),
            ("signature", signature),
            ("vote", vote),
        ]);
        let (block, previous, known) = (block.clone(), previous.clone(), Known::signed());
        Ok(Self { document, block, previous, voter, valid, known })
    }

    /// Under which key a voter's vote on a block is written: hex Keccak-256 of `block/voter/i`.
    /// `i` is 0, unless that row holds something that is no such vote; then the next number.
    /// Profile `default`.
    pub fn key(block: &BlockId, voter: &NodeKey, i: u32) -> Arc<str> {
        keccak256_hex(format!("{block}/{voter}/{i}").as_bytes()).into()
    }

    /// Under which key this vote is written if its voter's first row on the block is free.
    pub fn first_key(&self) -> &Arc<str> {
        self.known.first_key.get_or_init(|| Self::key(&self.block, &self.voter, 0))
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

    /// When it was cast, as it says: Unix seconds, in decimal.
    pub fn timestamp(&self) -> Option<&str> {
        self.document.get("vote")?.get("timestamp")?.as_str()
    }

    /// What the voter says: is the block valid?
    pub fn is_valid_vote(&self) -> bool {
        self.valid
    }

    /// The text that the voter signs.
    fn signed_text(&self) -> Result<String, Raised> {
        Ok(document::field(&self.document, "vote", "vote")?.canonical()?)
    }

    /// Whether its voter signed it.
    ///
    /// # Errors
    /// What the original raises if key or signature are not even the text of one, or the vote has
    /// no text to be signed.
    pub fn verify(
        &self,
        profile: Profile,
        signatures: &dyn SignatureCheck,
    ) -> Result<bool, Raised> {
        let signature = self.document.get("signature");
        is_sealed(&self.signed_text()?, signature, &self.voter, profile, signatures)
    }

    /// Whether its voter signed it; what is no signature at all is none of his.
    /// Verified once; whoever asks again hears the same.
    pub fn is_signed(&self, profile: Profile, signatures: &dyn SignatureCheck) -> bool {
        let known = &self.known.signed[match profile {
            Profile::Default => 0,
            Profile::Original => 1,
        }];
        *known.get_or_init(|| self.verify(profile, signatures).unwrap_or(false))
    }

    /// Whether its voter signed it, whoever asks.
    pub fn is_well_signed(&self, strictness: Strictness) -> bool {
        let profile = match strictness {
            Strictness::Strict => Profile::Default,
            Strictness::Original => Profile::Original,
        };
        self.is_signed(profile, &Direct)
    }
}

/// A vote may not name the same block as voted for and as previous.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("block {block} cannot be its own previous block")]
pub struct CyclicVote {
    /// Which block.
    pub block: BlockId,
}

impl CyclicVote {
    /// The class of exception that stands for it in BigchainDB 0.6.0.
    pub fn class(&self) -> &'static str {
        "CyclicBlockchainError"
    }
}
