//! The load engine: it sends what a workload wants sent, when it is due, and records when.
//!
//! Here: when requests are due ([`arrivals`]), the HTTP client of many connections ([`client`]), the loop that
//! keeps to the schedule ([`engine`]) and how far it fell behind ([`slip`]); CREATEs at any pace ([`creates`]);
//! and for measuring how much can be done, documents signed beforehand ([`corpus`]), a closed loop
//! ([`saturate`]) and a target that costs nothing ([`blackhole`]). Not here: what a scenario sends, which its
//! own [`engine::Workload`] decides (crate `bigchaindb-simulator`).
//!
//! It is an open loop unless somebody asks for a closed one by name: no answer is waited for before the next
//! request goes out, so a slow node makes latencies long instead of making requests rare.

pub mod arrivals;
pub mod client;
mod connection;
pub mod engine;
pub mod slip;

mod histogram;

pub mod corpus;
pub mod creates;
pub mod saturate;

pub mod blackhole;
