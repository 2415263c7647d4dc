//! The store as a node sees it: one suite for the embedded store, the client on the embedded
//! server, and the client on a real RethinkDB; and the client alone, on a line into nowhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

/// What every transaction here carries: no more than RethinkDB gives back unchanged.
const PAYLOAD: &str = r#"{"é":[1.5,-0.0,["\u0000\"",{}]]}"#;

mod backends;
mod connection;
mod feeds;
mod golden;
#[path = "../../rethinkdb/tests/it/language.rs"]
mod language;
mod peer;
mod random;
mod schema;
mod suite;
mod tls;
mod together;
