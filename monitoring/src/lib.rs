//! How a federation is watched: what becomes of the datagrams that its members send.
//!
//! Here: a relay that makes of StatsD's datagrams what Telegraf makes of them ([`relay`]). The names of all
//! metrics are in the node's own table (`bigchaindb::metrics`), how they become measurements and tags in
//! `telegraf.conf`, for Telegraf and for the relay.
//!
//! Source: BigchainDB 0.6 docs, "Monitoring".

pub mod federation;
pub mod relay;
