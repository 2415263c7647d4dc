//! `bigchaindb repair`: a database that came back from a storage snapshot, made fit again.

use crate::admin::{self, Plan};
use bigchaindb_core::rules::Registry;
use clap::Args;

use super::failure::Result;
use super::progress::OnStderr;
use super::source::{Source, node};
use super::tables::{Where, failure, known_federation, print, rules};
use crate::exit::Exit;

/// Make a database fit for nodes that came back from a storage snapshot.
///
/// Empties the backlog, deletes what is not decided behind the last decided block, with its votes and
/// places, and votes on blocks that are not there; fills places that are missing, as the votes tell;
/// makes the indexes anew. Only says what it would do, unless there is `-y`. No node may run on the
/// database meanwhile. If it breaks off, run it again.
///
/// Source: BigchainDB 0.6 docs, "Combining RethinkDB Replication with Storage Snapshots".
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb repair\n  bigchaindb -y repair")]
pub(crate) struct Repair {
    #[command(flatten)]
    database: Where,
    /// Print what is done as JSON.
    #[arg(long)]
    json: bool,
}

impl Repair {
    pub(crate) async fn run(&self, source: &Source, known: &Registry) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let rules = rules(&config, known)?;
        let federation = known_federation(&config)?;
        let tables = self.database.open(&config.database).await?;
        let progress = OnStderr::new();
        let plan = if source.yes {
            admin::repair(&tables.client, &*rules, &federation, &progress).await
        } else {
            admin::plan(&tables.client, &*rules, &federation, &progress).await
        };
        progress.end();
        let plan = plan.map_err(|error| failure(&error))?;
        tables.close().await?;
        print(self.json, &plan, || lines(&plan))?;
        if !source.yes {
            log::info!(target: "bigchaindb", "nothing was changed; `bigchaindb -y repair` does it");
        }
        Ok(Exit::Done)
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("the last decided block is {}", plan.last)];
    if plan.backlog {
        lines.push("empty the backlog".to_owned());
    }
    lines.extend(plan.blocks.iter().map(|id| format!("delete block {id}: it is not decided")));
    if !plan.votes.is_empty() {
        let votes = plan.votes.len();
        lines.push(format!("delete {votes} votes on these, and on blocks that are not there"));
    }
    lines.extend(plan.places.iter().map(|place| format!("delete place {place}")));
    let lost = plan.lost.iter();
    lines.extend(lost.map(|(place, block)| format!("give block {block} its place {place} again")));
    let unknown = plan.unknown.iter();
    lines
        .extend(unknown.map(|place| format!("leave place {place} empty: no vote tells its block")));
    lines.push("make the indexes anew".to_owned());
    lines
}
