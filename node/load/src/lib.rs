//! The open-loop load engine: it sends what a workload wants sent, when it is due, and records when.
//!
//! Here: the HTTP client of many connections ([`client`]), the loop that keeps to the schedule
//! ([`engine`]); CREATEs at any pace ([`creates`]); and for
//! measuring how much can be done, documents signed beforehand ([`corpus`]) and a closed loop
//! ([`saturate`]). Not here: what a scenario sends and when, which its own
//! [`engine::Workload`] decides (crate `bigchaindb-simulator`).
//!
//! Open loop means that no answer is waited for before the next request goes out; so a slow node
//! makes latencies long instead of making requests rare.

pub mod client;
pub mod corpus;
pub mod creates;
pub mod engine;
pub mod saturate;
