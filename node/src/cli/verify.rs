//! `bigchaindb verify`: the whole chain, judged again.

use crate::admin;
use bigchaindb_core::rules::Registry;
use clap::Args;

use super::failure::Result;
use super::progress::OnStderr;
use super::source::{Source, node};
use super::tables::{Where, failure, known_federation, print, rules};
use crate::exit::Exit;

/// Judge the whole chain again, from the first block to the last.
///
/// Ids, hashes and signatures of blocks, transactions and votes; every transaction of every valid block
/// from what was decided before it; elections, the list of blocks, votes of strangers, second votes,
/// votes on nothing. By the configured rules and keyring. Nothing is changed. Ends with 1 if anything is
/// wrong.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  bigchaindb verify\n  bigchaindb verify --embedded data --json"
)]
pub(crate) struct Verify {
    #[command(flatten)]
    database: Where,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) async fn run(&self, source: &Source, known: &Registry) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let rules = rules(&config, known)?;
        let federation = known_federation(&config)?;
        let tables = self.database.open(&config.database).await?;
        let progress = OnStderr::new();
        let verified = admin::verify(&tables.client, &rules, &federation, &progress).await;
        progress.end();
        let verified = verified.map_err(|error| failure(&error))?;
        tables.close().await?;
        print(self.json, &verified, || {
            let admin::Verified { blocks, valid, invalid, undecided, unlisted, .. } = &verified;
            let admin::Verified { transactions, votes, findings, .. } = &verified;
            let mut lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "{blocks} blocks ({valid} valid, {invalid} invalid, {undecided} undecided, \
                 {unlisted} of them without a place), {transactions} transactions, {votes} votes: \
                 {} findings",
                findings.len()
            ));
            lines
        })?;
        Ok(if verified.findings.is_empty() { Exit::Done } else { Exit::No })
    }
}
