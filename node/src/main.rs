//! The program `bigchaindb`, with the consensus rules that come with it.

use std::process::ExitCode;

use bigchaindb_core::rules::Registry;

fn main() -> ExitCode {
    bigchaindb::cli::main(&Registry::default())
}
