//! `bigchaindb init` and `bigchaindb drop`: the database of a federation, made and thrown away.

use std::io;

use crate::store::found;
use crate::store::rethinkdb::{Error, RethinkStore, schema};
use bigchaindb_core::rules::Federation;
use clap::Args;

use super::failure::{Failure, Result};
use super::source::{Source, ask, client, client_with, keypair, node};
use crate::exit::Exit;

/// Make the database: its tables, its indexes and the genesis block.
///
/// What an original node has made is left as it is, and gets what only this one needs beside it.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb init")]
pub(crate) struct Init {}

/// Drop the database with all that is in it; asks before.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb -y drop")]
pub(crate) struct Drop {}

/// What to do about a database that does not answer.
pub(super) const HINT: &str =
    "is RethinkDB running? `database.host` and `database.port` say where it is expected";

impl Init {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let keypair = keypair(&config)?;
        let federation = Federation::new(keypair.public().clone(), config.keyring.clone());
        let client = client(&config.database)?;
        let made = schema::init(&client, schema::PATIENCE).await;
        let made = made.map_err(|error| Failure::surroundings(&error, HINT))?;
        let found = found(&RethinkStore::new(client), &keypair, &federation).await;
        found.map_err(|error| Failure::surroundings(&error, HINT))?;
        if !made.database {
            eprintln!("The database already exists.");
            eprintln!("If you wish to re-initialize it, first drop it.");
        }
        Ok(Exit::Done)
    }
}

impl Drop {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let name = &config.database.name;
        let question = format!("Do you want to drop `{name}` database? [y/n]: ");
        let sure = || ask(&mut io::stdout(), &question).is_ok_and(|answer| answer == "y");
        if !source.yes && !sure() {
            log::info!(target: "bigchaindb", "Drop aborted");
            return Ok(Exit::Done);
        }
        // A long chain takes its time to go.
        let client = client_with(&config.database, schema::PATIENCE)?;
        let dropped = schema::drop_database(&client).await;
        match dropped {
            Ok(()) => Ok(Exit::Done),
            // There is no such database.
            Err(error @ Error::Query { .. }) => {
                Err(Failure::no(error.to_string(), "`database.name` says which one is dropped"))
            }
            Err(error) => Err(Failure::surroundings(&error, HINT)),
        }
    }
}
