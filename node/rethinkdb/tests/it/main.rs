//! The engine as its users see it: queries and rows in, answers and changes out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

/// What every transaction here carries: natively nothing is lost, be it as odd as it may.
const PAYLOAD: &str = r#"{"é\u0000":[1.5,1.0,12345678901234567890,-0.0]}"#;

mod database;
mod durability;
mod feeds;
mod handshake;
mod indexes;
mod language;
mod malformed;
mod scan;
mod server;
mod twins;
