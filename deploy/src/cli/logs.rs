//! `deploy logs`: what the machines' services have written, brought here.

use std::fs;

use bigchaindb_deploy::error::{DeployError, Exit, Result};
use bigchaindb_deploy::reach;
use clap::Args;

use super::Means;

/// Bring the journal of every machine of a run here, into the run's folder. Exit code 1: of some there is none.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deploy logs three-1a2b3c --since '1 hour ago'")]
pub(crate) struct Logs {
    /// The run.
    run: String,
    /// From when on, as `journalctl` takes it.
    #[arg(long)]
    since: Option<String>,
}

impl Logs {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let run = means.look(&self.run)?;
        let inventory = run.inventory()?;
        let mut command = "sudo journalctl --no-pager --output short-iso-precise".to_owned();
        if let Some(since) = &self.since {
            command.push_str(&format!(" --since '{}'", since.replace('\'', r"'\''")));
        }
        let mut written = Vec::new();
        let mut all = true;
        for host in &inventory.hosts {
            let output = reach::carry_out(&inventory, host, &command)?;
            if !output.status.success() {
                let told = String::from_utf8_lossy(&output.stderr);
                eprintln!("{}: no journal: {}", host.name, told.trim_end());
                all = false;
                continue;
            }
            let path = run.log(&format!("{}-journal", host.name));
            fs::write(&path, &output.stdout).map_err(DeployError::file(&path))?;
            written.push(path.display().to_string());
        }
        means.print(&written, || written.clone());
        Ok(if all { Exit::Done } else { Exit::No })
    }
}
