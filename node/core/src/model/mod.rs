//! The documents: what they say, byte for byte, and how they are made.
//!
//! Here: canonical JSON, hashes, keys, crypto-conditions, transactions, blocks, votes. Not here:
//! whether a document is acceptable (`rules`). Nothing in here does I/O, asks a clock or draws
//! chance: times and random identifiers are arguments.

mod json;

mod base58;
mod hash;
mod id;
mod key;
mod profile;
mod raised;
mod seal;
mod signature_check;
mod uuid;

pub mod cryptoconditions;

mod block;
mod document;
mod genesis;
mod transaction;
mod vote;

pub use base58::{Base58Error, from_base58, to_base58};
pub use block::{Block, MakeBlockError};
pub use document::MalformedDocument;
pub use hash::keccak256_hex;
pub use id::{BlockId, NodeKey, Output, Position, TxId};
pub(crate) use json::write_name;
pub use json::{CanonicalJsonError, Json, MAX_DEPTH, Object, ParseJsonError};
pub use key::{KeyError, Keypair, Strictness, public_key_bytes, signature_bytes, verify};
pub use profile::{NotAscii, Profile, Thresholds};
pub use raised::Raised;
pub(crate) use raised::{element, item, items};
pub use signature_check::{Direct, Memo, SignatureCheck};
pub(crate) use transaction::signature_of;
pub use transaction::{Draft, SignError, Texts, Transaction};
pub use uuid::uuid;
pub use vote::{CyclicVote, Vote};
