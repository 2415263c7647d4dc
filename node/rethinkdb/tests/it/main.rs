//! The engine as its users see it: queries and rows in, answers and changes out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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
