//! `deploy status`: how the machines are, and which runs there are.

use bigchaindb_deploy::error::{Exit, Result};
use bigchaindb_deploy::run::Run;
use clap::Args;

use super::{Means, now_s};

/// Say how a run's machines are, or which runs there are. Exit code 1: a machine does not run.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deploy status three-1a2b3c")]
pub(crate) struct Status {
    /// The run; without one, all of them are named.
    run: Option<String>,
}

impl Status {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let Some(id) = self.run else { return all(means) };
        let run = means.look(&id)?;
        let standing = means.provider(&run.state.provider)?.status(&run)?;
        means.print(&standing, || {
            let machine = |machine: &bigchaindb_deploy::provider::Standing| {
                let or_none =
                    |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                format!(
                    "{} {} {} {}",
                    machine.name,
                    machine.state,
                    or_none(&machine.public),
                    or_none(&machine.id)
                )
            };
            standing.iter().map(machine).collect()
        });
        let runs = standing.iter().all(|machine| machine.state == "running");
        Ok(if runs { Exit::Done } else { Exit::No })
    }
}

fn all(means: &Means) -> Result<Exit> {
    let now_s = now_s();
    let mut states = Vec::new();
    for id in Run::all(&means.deployments) {
        states.push(means.look(&id)?.state);
    }
    means.print(&states, || {
        let line = |state: &bigchaindb_deploy::run::State| {
            let over = if state.expires_s <= now_s { ", over" } else { "" };
            let until = bigchaindb_deploy::run::rfc3339(state.expires_s);
            format!("{} {} {:?} until {until}{over}", state.id, state.provider, state.step)
        };
        states.iter().map(line).collect()
    });
    Ok(Exit::Done)
}
