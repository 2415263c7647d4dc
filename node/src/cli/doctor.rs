//! `bigchaindb doctor`: whether a node has what it needs.

use std::path::Path;

use crate::admin::doctor::{Check, State, check_database, check_machine, check_settings};
use clap::Args;

use super::failure::Result;
use super::source::Source;
use super::tables::{Where, print};
use crate::exit::Exit;

/// Look at the machine, the settings and the database, and say what to do.
///
/// One line for each check: ok, warning or problem. Ends with 1 if there is a problem. Nothing is
/// changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb doctor\n  bigchaindb doctor --json")]
pub(crate) struct Doctor {
    #[command(flatten)]
    database: Where,
    /// Print the checks as JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let loaded = source.loaded()?;
        let directory = self.database.directory().unwrap_or(Path::new("."));
        let mut checks: Vec<Check> = check_machine(directory);
        checks.extend(check_settings(&loaded.settings, loaded.file.as_deref()));
        let database = super::source::database(&loaded.settings)?;
        let tables = self.database.open(&database).await?;
        checks.extend(check_database(&tables.client).await);
        tables.close().await?;
        print(self.json, &checks, || checks.iter().map(ToString::to_string).collect())?;
        let is_well = checks.iter().all(|check| check.state < State::Problem);
        Ok(if is_well { Exit::Done } else { Exit::No })
    }
}
