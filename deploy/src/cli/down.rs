//! `deploy down`: nothing is left, and it is looked whether that is so.

use bigchaindb_deploy::error::{Exit, Result};
use bigchaindb_deploy::lifecycle;
use clap::Args;

use super::{Means, sure};

/// Take away all that a run has made, and look whether anything is left. Exit code 1: something is.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deploy down three-1a2b3c --yes")]
pub(crate) struct Down {
    /// The run.
    run: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Down {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let mut run = means.open(&self.run)?;
        let provider = means.provider(&run.state.provider)?;
        if !sure(
            &format!("take away run `{}` with all its machines and their data", self.run),
            self.yes,
        )? {
            return Ok(Exit::No);
        }
        let left =
            lifecycle::down(provider.as_ref(), &mut run, |what| eprintln!("{}: {what}", self.run))?;
        means.print(&left, || {
            if left.is_empty() {
                return vec![format!("nothing is left of `{}`", self.run)];
            }
            left.iter().map(|left| format!("left: {left}")).collect()
        });
        Ok(if left.is_empty() { Exit::Done } else { Exit::No })
    }
}
