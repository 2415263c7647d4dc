//! `deploy up`: from a wish to a federation that stands.

use std::path::PathBuf;

use bigchaindb_deploy::error::{Exit, Result};
use bigchaindb_deploy::lifecycle;
use clap::Args;

use super::{Means, Wanted, now_s};
use bigchaindb_deploy::error::DeployError;

/// Make a wish's machines and the federation on them; or go on where that has stopped (`--run`).
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deploy up deploy/clusters/three.toml --owner me --operator 203.0.113.7/32"
)]
pub(crate) struct Up {
    #[command(flatten)]
    wanted: Wanted,
    /// The playbook that makes nodes of machines.
    #[arg(long, value_name = "FILE", default_value = "deploy/ansible/site.yml")]
    playbook: PathBuf,
    /// Make the machines and reach them; put nothing on them.
    #[arg(long)]
    machines_only: bool,
}

impl Up {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let playbook = (!self.machines_only).then_some(self.playbook);
        if let Some(playbook) = playbook.as_deref().filter(|playbook| !playbook.is_file()) {
            let hint = "call this from the project's folder, or name one with `--playbook`";
            return Err(DeployError::wrong(format!("no playbook {}", playbook.display()), hint));
        }
        let mut run = match (&self.wanted.file, &self.wanted.run) {
            (None, Some(id)) => means.open(id)?,
            _ => self.wanted.begin(&means.deployments)?,
        };
        if run.state.expires_s <= now_s() {
            let message = format!("run `{}` was to end at {}", run.state.id, run.expires_at());
            return Err(DeployError::wrong(
                message,
                format!("take it away: `deploy down {}`", run.state.id),
            ));
        }
        let id = run.state.id.clone();
        eprintln!("run: {id}, until {}", run.expires_at());
        // Before machines are there to be paid for.
        let program = &run.state.program;
        if playbook.is_some() && !program.is_file() {
            let message = format!("no program {} to put on machines", program.display());
            let hint = format!(
                "`cargo build --release -p bigchaindb` makes one; then `deploy up --run {id}` goes on"
            );
            return Err(DeployError::wrong(message, hint));
        }
        let provider = means.provider(&run.state.provider)?;
        let tell = |what: &str| eprintln!("{id}: {what}");
        let up = lifecycle::up(provider.as_ref(), &mut run, playbook.as_deref(), means.pause, tell);
        let inventory = up.inspect_err(|_| {
            eprintln!("{id}: `deploy up --run {id}` goes on, `deploy down {id}` takes it away");
        })?;
        means.print(&inventory, || {
            let line = |host: &bigchaindb_deploy::inventory::Host| {
                format!("{} {} {}", host.name, host.public, host.id)
            };
            inventory.hosts.iter().map(line).collect()
        });
        Ok(Exit::Done)
    }
}
