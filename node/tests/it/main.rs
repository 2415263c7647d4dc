//! Nodes as their clients and operators see them: over HTTP, killed, paused, cut off.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod bounds;
mod cli;
mod client;
mod commands;
mod config;
mod crowd;
mod database;
mod databases;
mod description;
#[path = "../../core/tests/vectors/differences.rs"]
mod differences;
mod exchange;
mod faults;
mod heard;
mod http;
mod library;
mod list;
mod malformed;
mod metrics;
mod mixed;
mod original;
#[path = "../../core/tests/vectors/outcome.rs"]
#[expect(dead_code, reason = "the golden vectors of the core need more of it")]
mod outcome;
mod program;
mod proxy;
mod readme;
mod recorded;
mod restart;
mod support;
mod trouble;
mod watchdog;
