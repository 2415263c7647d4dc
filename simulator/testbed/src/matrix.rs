//! `testbed run` of a scenario with a matrix: every combination, with every seed.
//!
//! Each run has a folder of its own, like any other run, in the folder of its combination. One that was
//! killed is gone on with: a run whose results are there, of the plan that it is to have, is not done
//! again. Not here: what is counted (`matrix` of the simulator), the page (`reports`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use bigchaindb_core::rules::Quirks;
use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::matrix::{FILE, Measure, Share, Sum, Swept, SweptError, Unit};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::{Results, RunDirectory};
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::{Cell, Scenario};
use serde::Serialize;

use crate::exit::{self, Exit};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::run::{replay, unused_folder};
use crate::{environment, progress};

/// What is asked for.
pub(crate) struct Order {
    /// The scenario, which has a matrix.
    pub(crate) scenario: Scenario,
    /// The first seed.
    pub(crate) first_seed: u64,
    /// How many for each combination.
    pub(crate) seeds: u32,
    /// How many runs at once.
    pub(crate) at_once: usize,
}

/// What programs are told.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    swept: &'a Swept,
    verdict: &'a str,
    run: String,
    report: String,
}

/// For commands that take a single scenario.
pub(crate) fn refuse(scenario: &Scenario) -> Result<()> {
    if scenario.matrix.is_none() {
        return Ok(());
    }
    let message = format!("{} is many scenarios: it has a `[matrix]`", scenario.file);
    Err(Failure::wrong(message, "`testbed run` runs every combination of it"))
}

/// The scenario of a folder in which a matrix was begun, and what was asked for; none if it is another
/// run's.
pub(crate) fn begun(path: &Path, jobs: Option<u16>) -> Result<Option<Order>> {
    if !path.join(FILE).exists() {
        return Ok(None);
    }
    let swept = Swept::load(path).map_err(|error| unusable(&error))?;
    let scenario = Scenario::load(&path.join("scenario.toml"), None)?;
    let scenario = Scenario { file: swept.file, ..scenario };
    let at_once = at_once(jobs, scenario.backend());
    Ok(Some(Order { scenario, first_seed: swept.first_seed, seeds: swept.seeds, at_once }))
}

/// How many runs are done at once, if nobody says: in real time each wants the machine for itself.
pub(crate) fn at_once(jobs: Option<u16>, backend: Backend) -> usize {
    match (jobs, backend) {
        (Some(jobs), _) => jobs.into(),
        (None, Backend::Sim) => environment::cores(),
        (None, _) => 1,
    }
}

impl Order {
    /// Carries it out in a folder, where some of it may have been done already.
    pub(crate) fn carry_out(&self, path: &Path, output: Output) -> Result<Exit> {
        let Self { scenario, first_seed, seeds, .. } = self;
        let Some(matrix) = &scenario.matrix else {
            let message = format!("{} has no matrix", scenario.file);
            return Err(Failure::wrong(message, "run it without `--seeds`"));
        };
        let cells = matrix.cells(scenario)?;
        let mut swept = Swept::new(scenario, &cells, *seeds, *first_seed);
        let rules = (&scenario.federation.rules, Quirks::new());
        let again =
            replay(Path::new(&scenario.file), *first_seed, scenario.backend(), "default", &rules.1);
        swept.command = format!("{again} --seeds {seeds}");
        let directory = RunDirectory::create(path).map_err(|error| unwritten(&error))?;
        directory.write_scenario(&scenario.text).map_err(|error| unwritten(&error))?;
        swept.save(path).map_err(|error| unusable(&error))?;

        let total = cells.len() * *seeds as usize;
        output.line(format!(
            "combinations: {}, each with {seeds} seeds from {first_seed} on",
            cells.len()
        ));
        output.line(format!("run: {}", path.display()));
        let bar = progress::bar(total as u64, scenario.name.clone());
        let each = |number: usize| {
            let (cell, seed) = (number / *seeds as usize, number % *seeds as usize);
            let folder = path.join(&swept.cells[cell].folder);
            of_cell(&cells[cell], first_seed.wrapping_add(seed as u64), &folder)
        };
        let mut sums = swept.cells.clone();
        let done = all(total, self.at_once, &each, |number, results: &Results| {
            sums[number / *seeds as usize].add(results);
            bar.inc(1);
        });
        bar.finish_and_clear();
        done?;
        swept.cells = sums;
        swept.save(path).map_err(|error| unusable(&error))?;
        let report = bigchaindb_reports::write_matrix(path).map_err(|error| {
            Failure::surroundings(&error, "the results themselves are in matrix.json")
        })?;
        tell(&swept, path, &report, output);
        Ok(exit::of_verdict(swept.verdict()))
    }
}

/// Runs all numbers below `total`, several at once; the first failure ends it.
fn all(
    total: usize,
    at_once: usize,
    each: &(impl Fn(usize) -> Result<Results> + Sync),
    mut done: impl FnMut(usize, &Results),
) -> Result<()> {
    let next = AtomicUsize::new(0);
    // Bounded: results that nobody has counted yet take memory.
    let (tell, outcomes) = mpsc::sync_channel(at_once.max(1));
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            let (next, tell) = (&next, tell.clone());
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more once a run has failed.
                    if number >= total || tell.send((number, each(number))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for (number, outcome) in outcomes {
            done(number, &outcome?);
        }
        Ok(())
    })
}

/// One run, unless it is there already.
fn of_cell(cell: &Cell, seed: u64, folder: &Path) -> Result<Results> {
    once(&cell.scenario, seed, &folder.join(format!("seed-{seed}")))
}

/// A run of a scenario in a folder, with all that belongs to a run.
pub(crate) fn once(scenario: &Scenario, seed: u64, path: &Path) -> Result<Results> {
    let plan = Arc::new(plan::make(scenario, seed)?);
    let there = RunDirectory::open(path);
    if let (Ok(results), Ok(planned)) = (there.results(), there.plan())
        && planned == *plan
    {
        return Ok(results);
    }
    let directory = RunDirectory::create(path).map_err(|error| unwritten(&error))?;
    directory.write_scenario(&scenario.text).map_err(|error| unwritten(&error))?;
    // The folder holds all that it takes to do it again, the scenario without a matrix too.
    let file = path.join("scenario.toml");
    let command = replay(&file, seed, plan.backend, "default", &Quirks::new());
    let results = run(&plan, Some(&directory), command, environment::of_this())
        .map_err(|error| Failure::surroundings(&error, "go on with `testbed run --resume`"))?;
    bigchaindb_reports::write(path).map_err(|error| {
        Failure::surroundings(&error, "the results themselves are in results.json")
    })?;
    Ok(results)
}

fn tell(swept: &Swept, path: &Path, report: &Path, output: Output) {
    let fields: Vec<_> = swept.axes.iter().map(|(field, _)| field.as_str()).collect();
    let words: Vec<_> = swept.measures.iter().map(|measure| measure.words()).collect();
    output.line(format!("{}: {}", fields.join(", "), words.join("; ")));
    for cell in &swept.cells {
        let measured: Vec<_> =
            swept.measures.iter().map(|measure| measured(cell, *measure)).collect();
        let verdicts: Vec<_> =
            cell.verdicts.iter().map(|(verdict, runs)| format!("{runs} {verdict}")).collect();
        let said = if cell.may_fail { " (may fail)" } else { "" };
        output.line(format!(
            "  {}: {}; {}{said}",
            cell.values.join(", "),
            measured.join("; "),
            verdicts.join(", ")
        ));
    }
    let verdict = swept.verdict();
    output.line(format!("verdict: {verdict}"));
    for cell in swept.cells.iter().filter(|cell| !cell.may_fail) {
        reasons(cell, path).iter().for_each(|reason| output.line(format!("  {reason}")));
    }
    output.line(format!("report: {}", report.display()));
    output.data(&Told {
        swept,
        verdict: verdict.as_str(),
        run: path.display().to_string(),
        report: report.display().to_string(),
    });
}

fn measured(cell: &Sum, measure: Measure) -> String {
    let Share { part, whole } = cell.share(measure);
    match (measure.unit(), cell.value(measure)) {
        (Unit::Share, _) => format!("{part} of {whole}"),
        (_, None) => "none".to_owned(),
        (Unit::Throughput, Some(per_s)) => format!("{per_s:.1}/s"),
        (Unit::Time, Some(us)) => format!("{:.1} ms", us / 1e3),
    }
}

/// Where to look at what did not pass.
fn reasons(cell: &Sum, path: &Path) -> Vec<String> {
    let of = |seed: &u64| path.join(&cell.folder).join(format!("seed-{seed}")).join("report.html");
    let reason = |seed: &u64| format!("{}: see {}", cell.values.join(", "), of(seed).display());
    cell.not_passed.iter().map(reason).collect()
}

fn unusable(error: &SweptError) -> Failure {
    Failure::surroundings(error, "name another folder")
}

fn unwritten(error: &dyn std::error::Error) -> Failure {
    Failure::surroundings(error, "name a folder that can be written with `--out`")
}

/// A folder for a matrix that nobody has used yet.
pub(crate) fn unused(file: &Path, backend: Backend) -> PathBuf {
    let stem = file.file_stem().map_or_else(|| "matrix".into(), |stem| stem.to_string_lossy());
    unused_folder(&format!("{stem}-{backend}-matrix"))
}
