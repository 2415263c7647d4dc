//! `bigchaindb show-config` and `bigchaindb export-my-pubkey`: what is configured.

use std::io::{self, Write};

use clap::Args;

use super::failure::{Failure, Result};
use super::source::{Source, pretty};
use crate::exit::Exit;

/// Print the effective configuration, with the private key masked.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  BIGCHAINDB_DATABASE_HOST=db bigchaindb show-config")]
pub(crate) struct ShowConfig {}

/// Print this node's public key, for the other members' keyrings.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb export-my-pubkey")]
pub(crate) struct ExportMyPubkey {}

impl ShowConfig {
    pub(crate) fn run(&self, source: &Source) -> Result<Exit> {
        print(&pretty(&source.settings()?.masked()))
    }
}

impl ExportMyPubkey {
    pub(crate) fn run(&self, source: &Source) -> Result<Exit> {
        let settings = source.settings()?;
        match settings.document().get("keypair").and_then(|pair| pair.get("public")?.as_str()) {
            Some(public) => print(public),
            None => Err(Failure::no(
                "This node's public key wasn't set anywhere so it can't be exported",
                "run `bigchaindb configure`",
            )),
        }
    }
}

fn print(text: &str) -> Result<Exit> {
    let written = writeln!(io::stdout(), "{text}");
    written.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
    Ok(Exit::Done)
}
