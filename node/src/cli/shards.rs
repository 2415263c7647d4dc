//! `bigchaindb set-shards` and `bigchaindb set-replicas`: how the tables are spread over servers.

use crate::store::rethinkdb::{Error, schema};
use clap::Args;

use super::failure::{Failure, Result};
use super::init::HINT;
use super::source::{Source, client_with, node};
use crate::exit::Exit;

/// Split every table into so many shards.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb set-shards 3")]
pub(crate) struct SetShards {
    /// How many.
    #[arg(value_parser = clap::value_parser!(u64).range(1..=64))]
    num_shards: u64,
}

/// Keep so many replicas of every shard.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  bigchaindb set-replicas 3\n  bigchaindb set-replicas 3 --backups 1"
)]
pub(crate) struct SetReplicas {
    /// How many; at most as many as there are servers.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    num_replicas: u64,
    /// On servers with the tag `original`; and so many copies more, without a vote, on servers with the tag `backup`.
    #[arg(long, value_name = "N")]
    backups: Option<u64>,
}

impl SetShards {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let client = client_with(&node(&source.settings()?)?.database, schema::PATIENCE)?;
        conclude(schema::set_shards(&client, self.num_shards).await)
    }
}

impl SetReplicas {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let client = client_with(&node(&source.settings()?)?.database, schema::PATIENCE)?;
        conclude(match self.backups {
            None => schema::set_replicas(&client, self.num_replicas).await,
            Some(backups) => schema::set_backups(&client, self.num_replicas, backups).await,
        })
    }
}

/// What RethinkDB refuses is a warning, as with the original.
fn conclude(refused: std::result::Result<Vec<(&'static str, Error)>, Error>) -> Result<Exit> {
    for (table, error) in refused.map_err(|error| Failure::surroundings(&error, HINT))? {
        log::warn!(target: "bigchaindb", "{table}: {error}");
    }
    Ok(Exit::Done)
}
