//! What goes over the line between a driver and a RethinkDB server: bytes and their meaning.
//!
//! Here: the handshakes of both sides ([`handshake`]) with their authentication ([`scram`]), the
//! frames that carry queries and responses ([`frame`]), what a response says ([`Response`]), and the
//! protocol's numbers ([`numbers`]).
//! Not here: sockets, time and chance (module `server`; the client in the crate `bigchaindb`), and
//! what a query says ([`reql`](crate::reql)). Everything is a function or a state machine: bytes in,
//! bytes out.
//!
//! Source: RethinkDB manual, "Writing RethinkDB drivers".

pub mod frame;
pub mod handshake;
pub mod numbers;
mod response;
pub mod scram;

pub use response::Response;

/// The release of RethinkDB whose protocol is spoken and whose answers are given.
pub const RELEASE: &str = "2.4.4";
