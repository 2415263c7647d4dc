//! `testbed gc`: what runs have left behind on this machine; and who sees to it that they do not.

use std::path::PathBuf;

use bigchaindb_simulator::backends::apart::RunId;
use bigchaindb_simulator::backends::apart::reaper::{self, Containers};
use bigchaindb_simulator::backends::cluster;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::means::of_cluster;
use crate::output::Output;

/// Take away what runs have left behind: processes, network namespaces, containers and their networks.
///
/// Runs end without any of it, whatever way they end; this is for a machine on which even that was not
/// to be. What belongs to a run that is still under way stays, and so does every file.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed gc\n  testbed gc --cluster deployments/three-1a2b3c")]
pub(crate) struct Gc {
    /// Undo on the machines of a deployment what a run has left there that was killed: rules that cut nodes off, nodes
    /// that stand still or do not run. The next run on them does so, too.
    #[arg(long, value_name = "DIR")]
    cluster: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// A run, and how much there was of it.
#[derive(Serialize)]
struct Line {
    run: String,
    things: usize,
}

impl Gc {
    pub(crate) fn run(&self) -> Result<Exit> {
        if let Some(folder) = &self.cluster {
            let machines = cluster::mend(folder).map_err(|error| of_cluster(&error))?;
            let run = folder.display().to_string();
            self.output.line(format!("{run}: {machines} nodes run, and nothing cuts them off"));
            self.output.data(&[Line { run, things: machines }]);
            return Ok(Exit::Done);
        }
        let mut lines = Vec::new();
        // Where no engine answers there are no containers.
        let containers = Containers::look().ok();
        for run in reaper::leftovers(containers.as_ref()) {
            let things = reap(&run, containers.as_ref())?;
            self.output.line(format!("{run}: {things} processes, containers and networks"));
            lines.push(Line { run: run.to_string(), things });
        }
        if lines.is_empty() {
            self.output.line("nothing is left behind");
        }
        self.output.data(&lines);
        Ok(Exit::Done)
    }
}

fn reap(run: &RunId, containers: Option<&Containers>) -> Result<usize> {
    let reaped = reaper::reap(run, containers);
    reaped.map_err(|error| Failure::surroundings(&error, "whose are they? try as root"))
}

/// Watch over a run: once stdin closes, take away all that carries its name. Runs start this themselves.
#[derive(Args, Debug)]
#[command(hide = true)]
pub(crate) struct WatchOver {
    /// The run's name.
    run: String,
    /// There are containers of it.
    #[arg(long)]
    containers: bool,
}

impl WatchOver {
    pub(crate) fn run(&self) -> Result<Exit> {
        let run = RunId::of_name(&self.run).filter(|run| run.as_str() == self.run);
        let run = run.ok_or_else(|| {
            Failure::wrong(format!("`{}` is no name of a run", self.run), "see `testbed gc`")
        })?;
        let watched = reaper::watch(&run, self.containers);
        watched.map_err(|error| Failure::surroundings(&error, "see `testbed gc`"))?;
        Ok(Exit::Done)
    }
}
