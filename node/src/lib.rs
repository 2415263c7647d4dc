//! A BigchainDB 0.6 node: the shell around the core.
//!
//! The core (crate `bigchaindb-core`) decides, this crate does: it runs a node's events and effects
//! on tokio ([`shell`]), listens to clients ([`http`]), asks the database ([`store`]), and starts
//! several nodes in one process ([`federation`]). It tells StatsD how it goes ([`metrics`]), writes down
//! what a node hears so that it can be told to a core again ([`record`]), and saves, restores, checks
//! and repairs what a federation wrote ([`admin`]). Whoever tests a node can have it die at a point of its work, or
//! mislead its clock ([`control`]). A program that works on the database itself has the
//! library ([`bigchain`]); one that talks to nodes has the client driver ([`client`]). The command line
//! is in [`cli`], so that a program with rules of its own has it, too. Not here: anything that depends on what a transaction says. Start at [`shell::NodeHandle::start`].

mod address;
pub mod admin;
pub mod bigchain;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod control;
pub mod exit;
pub mod federation;
pub mod http;
pub mod metrics;
pub mod record;
pub mod shell;
pub mod store;

/// Random bytes, as keys and names need them.
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}
