//! Nodes as their clients and operators see them: over HTTP, killed, paused, cut off.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod cli;
mod commands;
mod config;
mod database;
mod exchange;
mod faults;
mod http;
mod list;
mod metrics;
mod mixed;
mod original;
mod program;
mod readme;
mod recorded;
mod restart;
mod support;
