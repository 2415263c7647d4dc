//! The program `bigchaindb`, with the consensus rules that come with it.

use std::process::ExitCode;

use bigchaindb_core::rules::Registry;
use mimalloc::MiMalloc;

/// A node makes and drops many small pieces of documents on all its threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    bigchaindb::cli::main(&Registry::default())
}
