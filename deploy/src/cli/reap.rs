//! `deploy reap`: what is left of runs whose time is over, whoever has forgotten them.

use bigchaindb_deploy::error::{Exit, Result};
use bigchaindb_deploy::run::{from_rfc3339, rfc3339};
use clap::Args;

use super::{Means, now_s, sure};
use bigchaindb_deploy::aws;

/// Take away what is left of every run whose time is over: on AWS, in every region of the account; or of containers.
///
/// Runs are known by their tags or labels; what has none of ours is left alone.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deploy reap --dry-run\n  deploy reap --region eu-central-1 --yes\n  \
                  deploy reap --provider docker --yes"
)]
pub(crate) struct Reap {
    /// Who has made the machines.
    #[arg(long, default_value = aws::NAME)]
    provider: String,
    /// Look only here; may be given several times.
    #[arg(long)]
    region: Vec<String>,
    /// Say what would go, and let it stay. Exit code 1: something would.
    #[arg(long)]
    dry_run: bool,
    /// With `--dry-run`: as if it were that time, like 2026-11-29T03:00:00Z.
    #[arg(long, value_name = "TIME", requires = "dry_run", value_parser = time)]
    at: Option<u64>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

fn time(text: &str) -> std::result::Result<u64, String> {
    from_rfc3339(text).ok_or_else(|| "no time like 2026-11-29T03:00:00Z".to_owned())
}

impl Reap {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let provider = means.provider(&self.provider)?;
        let expired = provider.expired(&self.region, self.at.unwrap_or_else(now_s))?;
        means.print(&expired, || {
            let lines = expired.iter().flat_map(|run| {
                let title = format!("{} was to end at {}", run.run, rfc3339(run.expires_s));
                let left = run.left.iter().map(|left| format!("  {left}"));
                std::iter::once(title).chain(left).collect::<Vec<_>>()
            });
            let lines: Vec<_> = lines.collect();
            if lines.is_empty() {
                vec!["nothing is left of runs that are over".to_owned()]
            } else {
                lines
            }
        });
        if self.dry_run || expired.is_empty() {
            return Ok(if expired.is_empty() { Exit::Done } else { Exit::No });
        }
        if !sure(&format!("take away what is left of {} runs", expired.len()), self.yes)? {
            return Ok(Exit::No);
        }
        for run in &expired {
            provider.reap(run)?;
            eprintln!("{}: gone", run.run);
        }
        Ok(Exit::Done)
    }
}
