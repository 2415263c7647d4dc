//! Writes a chain straight into an embedded database: `bulk-chain DIR TRANSACTIONS`.
//!
//! Half are CREATEs, half move what was created; a thousand in a block; four members vote. For trying
//! out what works on whole databases. Prints the environment in which `bigchaindb` is one of the four.
#![expect(clippy::unwrap_used, reason = "an example that cannot go on ends")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bigchaindb::store::rethinkdb::{Limits, Server};
use bigchaindb_core::model::Keypair;
use bigchaindb_rethinkdb::server::{Server as EmbeddedServer, ServerOptions};
use bigchaindb_rethinkdb::{Database, Settings};
use rayon::prelude::*;

#[path = "../tests/it/admin/chain.rs"]
mod chain;

/// Transactions in a block.
const BLOCK: usize = 1000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("which directory?"));
    let transactions = arguments.next().expect("how many transactions?").parse::<usize>().unwrap();
    std::fs::create_dir_all(&directory).unwrap();
    let database = Database::open(&directory.join("rethinkdb.redb"), &Settings::default()).unwrap();
    database.declare_native().unwrap();
    let bind = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ServerOptions { bind, ..ServerOptions::default() };
    let served = EmbeddedServer::bind(database.clone(), options).await.unwrap();
    let mut server: Server = format!("rethinkdb://{}", served.local_addr()).parse().unwrap();
    server.options.query_timeout = Duration::from_secs(60);
    let mut chain = chain::Chain::begin(server.client(Limits::default()), 4).await;
    let (alice, bob) = (Keypair::from_seed([50; 32]), Keypair::from_seed([51; 32]));
    for pair in 0..transactions.div_ceil(2 * BLOCK) {
        let made: Vec<_> = (0..BLOCK)
            .into_par_iter()
            .map(|number| {
                let created = chain.create(&alice, &format!("{pair}/{number}"));
                let moved = chain::transfer(&created, &alice, &bob);
                (created, moved)
            })
            .collect();
        let (created, moved) = made.into_iter().unzip();
        chain.grow(created).await;
        chain.grow(moved).await;
    }
    let members = &chain.members;
    let keyring: Vec<_> = members[1..].iter().map(|one| one.public().to_string()).collect();
    println!("BIGCHAINDB_KEYPAIR_PRIVATE={}", members[0].private());
    println!("BIGCHAINDB_KEYRING={}", keyring.join(":"));
    drop(chain);
    served.shutdown().await;
    database.sync().unwrap();
}
