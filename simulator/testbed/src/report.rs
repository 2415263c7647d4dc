//! `testbed report`: the page of a run once more, or several runs on one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bigchaindb_reports::{NamedRun, SideBySide};
use bigchaindb_simulator::record::{Results, RunDirectory};
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Write the report of a run again; of several, a page that compares them.
///
/// The others are held against the baseline or, without one, against the first. Of one run everything
/// that is made from its results.json is written anew.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  testbed report runs/first-federation-sim-1\n  \
                        testbed report runs/after-1 --baseline runs/before-1")]
pub(crate) struct Report {
    /// The folders of runs.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder of the run that the others are compared with.
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// The folder for comparison.html and comparison.md; without it, that of the last run.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// What programs are told.
#[derive(Serialize)]
struct Told {
    report: String,
}

impl Report {
    pub(crate) fn run(&self) -> Result<Exit> {
        let page = match (&self.baseline, self.runs.as_slice()) {
            (None, [run]) => self.again(run)?,
            (baseline, runs) => self.compare(&baseline.iter().chain(runs).collect::<Vec<_>>())?,
        };
        self.output.line(format!("report: {}", page.display()));
        self.output.data(&Told { report: page.display().to_string() });
        Ok(Exit::Done)
    }

    fn again(&self, run: &Path) -> Result<PathBuf> {
        if self.out.is_some() {
            let message = "the page of a single run lies next to its results".to_owned();
            return Err(Failure::wrong(message, "leave `--out` out"));
        }
        bigchaindb_reports::write(run).map_err(|error| {
            Failure::surroundings(&error, "name the folder of a run that has come to its end")
        })
    }

    fn compare(&self, folders: &[&PathBuf]) -> Result<PathBuf> {
        let names = names(folders);
        let runs = folders
            .iter()
            .zip(names)
            .map(|(folder, name)| Ok(NamedRun { name, results: results(folder)? }));
        let comparison = SideBySide { runs: runs.collect::<Result<_>>()? };
        let out = match (&self.out, folders.last()) {
            (Some(out), _) => out,
            (None, Some(last)) => *last,
            (None, None) => unreachable!("clap asks for a run"),
        };
        let failed = |error: bigchaindb_reports::ReportError| {
            Failure::surroundings(&error, "name another folder with `--out`")
        };
        bigchaindb_reports::write_comparison(&comparison, out).map_err(failed)
    }
}

fn results(folder: &Path) -> Result<Results> {
    RunDirectory::open(folder).results().map_err(|error| {
        Failure::surroundings(&error, "name the folder of a run that has come to its end")
    })
}

/// What runs are called: their folders' own names or, where those are not enough, the whole paths.
fn names(folders: &[&PathBuf]) -> Vec<String> {
    let short = |folder: &&PathBuf| RunDirectory::open(folder).name();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    folders.iter().for_each(|folder| *times.entry(short(folder)).or_default() += 1);
    let name = |folder: &&PathBuf| match short(folder) {
        name if !name.is_empty() && times.get(&name) == Some(&1) => name,
        _ => folder.display().to_string(),
    };
    folders.iter().map(name).collect()
}
