//! `deploy plan`: what would be made, and what it costs.

use bigchaindb_deploy::error::{DeployError, Exit, Result};
use bigchaindb_deploy::keys;
use bigchaindb_deploy::provider::Plan as Planned;
use bigchaindb_deploy::run::Run;
use clap::Args;
use serde::Serialize;

use super::{Means, Wanted, dollars};

/// Say what would be made or changed, and what it costs an hour and until it ends. Exit code 1: something would.
///
/// Of a wish, a run is begun in a folder that is thrown away; of a run (`--run`), what would change is said.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deploy plan deploy/clusters/three.toml --owner me --operator 203.0.113.7/32"
)]
pub(crate) struct Plan {
    #[command(flatten)]
    wanted: Wanted,
}

/// What programs are told.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    plan: &'a Planned,
    /// Millionths of a US dollar: at least, at most; of all whose price is known.
    hourly: (u64, u64),
    until_the_end: (u64, u64),
    ttl_s: u64,
}

impl Plan {
    pub(crate) fn run(self, means: &Means) -> Result<Exit> {
        let folder = tempfile::tempdir().map_err(|error| {
            DeployError::surroundings(error.to_string(), "is there room in /tmp?")
        })?;
        let mut run = match (&self.wanted.file, &self.wanted.run) {
            (None, Some(id)) => means.open(id)?,
            _ => self.wanted.begin(folder.path())?,
        };
        keys::make(&run)?;
        let provider = means.provider(&run.state.provider)?;
        let plan = provider.plan(&mut run)?;
        tell(means, &run, &plan);
        Ok(if plan.differs { Exit::No } else { Exit::Done })
    }
}

fn tell(means: &Means, run: &Run, plan: &Planned) {
    let known = plan.lines.iter().filter_map(|line| line.hourly);
    let hourly = known.fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
    let ttl_s = run.wish.ttl_s;
    let until_the_end = (hourly.0 * ttl_s / 3_600, hourly.1 * ttl_s / 3_600);
    let told = Told { plan, hourly, until_the_end, ttl_s };
    means.print(&told, || {
        let mut lines = Vec::new();
        for line in &plan.lines {
            let price = line.hourly.map_or_else(|| "price unknown".to_owned(), dollars);
            lines.push(format!(
                "{:>3} × {} in {}: {price} an hour",
                line.count, line.what, line.region
            ));
        }
        let ttl = humantime::format_duration(std::time::Duration::from_secs(ttl_s));
        if !plan.lines.is_empty() {
            lines.push(format!(
                "all of it: {} an hour, {} in {ttl}",
                dollars(hourly),
                dollars(until_the_end)
            ));
        }
        lines.extend(plan.changes.iter().map(|change| format!("  {change}")));
        lines.extend(plan.notes.iter().map(|note| format!("note: {note}")));
        lines.push(
            if plan.differs { "something would change" } else { "nothing would change" }.to_owned(),
        );
        lines
    });
}
