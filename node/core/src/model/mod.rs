//! The documents: what they say, byte for byte, and how they are made.
//!
//! Here: canonical JSON, hashes, keys, crypto-conditions, transactions, blocks, votes. Not here:
//! whether a document is acceptable (`rules`). Nothing in here does I/O, asks a clock or draws
//! chance: times and random identifiers are arguments.

mod block;
mod document;
mod id;
mod json;
mod transaction;
mod vote;

pub use block::Block;
pub use document::MalformedDocument;
pub use id::{BlockId, NodeKey, Output, Position, TxId};
pub use json::{Json, Object};
pub use transaction::Transaction;
pub use vote::Vote;
