//! `deploy ssh`: onto a machine.

use std::os::unix::process::CommandExt as _;

use bigchaindb_deploy::error::{DeployError, Exit, Result};
use bigchaindb_deploy::reach;
use clap::Args;

use super::Means;

/// Log in on a machine of a run, or carry out a command there, with the run's own keys.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deploy ssh three-1a2b3c node2\n  deploy ssh three-1a2b3c node2 -- uptime\n  \
                        deploy ssh three-1a2b3c node2 -- -N -L 8080:localhost:8080"
)]
pub(crate) struct Ssh {
    /// The run.
    run: String,
    /// The machine, by name.
    machine: String,
    /// What to do there; or options of `ssh`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Ssh {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let inventory = means.look(&self.run)?.inventory()?;
        let host = inventory.host(&self.machine).ok_or_else(|| {
            let names: Vec<_> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
            let message = format!("run `{}` has no `{}`", self.run, self.machine);
            DeployError::wrong(message, format!("it has: {}", names.join(", ")))
        })?;
        // The run is not held while somebody is logged in: this program becomes `ssh`.
        Err(reach::not_there(reach::ssh(&inventory, host).args(self.arguments).exec()))
    }
}
