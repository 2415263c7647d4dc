//! The documents: what they say, byte for byte, and how they are made.
//!
//! Here: canonical JSON, hashes, keys, crypto-conditions, transactions, blocks, votes. Not here:
//! whether a document is acceptable (`rules`). Nothing in here does I/O, asks a clock or draws
//! chance: times and random identifiers are arguments.

mod id;

pub use id::{BlockId, NodeKey, Output, Position, TxId};
