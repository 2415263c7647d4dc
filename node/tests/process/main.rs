//! The program `bigchaindb rethinkdb` as a process of its own: killed in the middle of its work, and
//! told nonsense for hours.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chance;
mod client;
mod killed;
mod nonsense;
mod program;
