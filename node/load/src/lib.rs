//! The open-loop load engine: it sends what a workload wants sent, when it is due, and records when.
//!
//! Here: the HTTP client of many connections ([`client`]), the loop that keeps to the schedule
//! ([`engine`]). Not here: what is sent and when, which a [`engine::Workload`] decides.
//!
//! Open loop means that no answer is waited for before the next request goes out; so a slow node
//! makes latencies long instead of making requests rare.

pub mod client;
pub mod engine;
