//! The program `bigchaindb`, with silly rules beside the others.
//!
//! `SILLY_SHADY` names the nodes that nobody should trust: public keys with `:` between them.

use std::process::ExitCode;

use bigchaindb_core::model::NodeKey;

fn main() -> ExitCode {
    let shady = std::env::var("SILLY_SHADY").unwrap_or_default();
    let shady = shady.split(':').filter(|key| !key.is_empty()).map(NodeKey::from).collect();
    bigchaindb::cli::main(&silly::registry(shady))
}
