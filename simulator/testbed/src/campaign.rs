//! `testbed campaign`: many seeds, and which of them fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bigchaindb::clock;
use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::campaign::{Came, Job, campaign};
use bigchaindb_simulator::checkers::{Outcome, Verdict};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::{Results, RunDirectory};
use bigchaindb_simulator::run::{RunError, run};
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::quirks::WithQuirks;
use crate::run::{replay, unused};
use crate::{environment, progress};

/// So many failed runs are run once more, to be kept with their reports.
const KEPT: usize = 3;

/// Run many seeds of one or several scenarios in virtual time, and tell which fail.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed campaign scenarios/smoke/*.toml --seeds 200 --jobs 2")]
pub(crate) struct Campaign {
    /// The scenarios' files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How many runs, all scenarios together: they take turns.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many runs at once; without it, as many as there are cores.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    quirks: WithQuirks,
    #[command(flatten)]
    output: Output,
}

/// What came of all runs.
#[derive(Serialize, Default)]
struct Summary {
    runs: u64,
    pass: u64,
    fail: u64,
    unknown: u64,
    void: u64,
    undone: u64,
    /// How often each invariant was violated, in runs.
    violated: BTreeMap<String, u64>,
    /// Every run that did not pass, in the order of scenarios and seeds.
    found: Vec<Found>,
    seconds: f64,
    /// Runs per minute of one processor, if the system tells how long its processors worked.
    runs_per_cpu_minute: Option<f64>,
}

#[derive(Serialize)]
struct Found {
    scenario: String,
    seed: u64,
    verdict: &'static str,
    invariants: Vec<String>,
    reason: String,
    replay: String,
    #[serde(skip)]
    job: Job,
}

impl Campaign {
    pub(crate) fn run(&self) -> Result<Exit> {
        let load = |file: &PathBuf| -> Result<Scenario> {
            let mut scenario = Scenario::load(file, Some(Backend::Sim))?;
            self.quirks.apply(&mut scenario);
            Ok(scenario)
        };
        let scenarios = self.files.iter().map(load).collect::<std::result::Result<Vec<_>, _>>()?;
        let at_once = self.jobs.map_or_else(environment::cores, usize::from);
        let mut summary = Summary::default();
        let bar = progress::bar(self.seeds, format!("{} scenarios", scenarios.len()));
        let (began, worked) = (clock::now().monotonic, environment::processor_seconds());
        campaign(&scenarios, self.from, self.seeds, at_once, |job, came| {
            let scenario = &scenarios[job.scenario];
            if let Some(found) = summary.count(scenario, job, &came) {
                bar.set_message(format!("last: {}", found.line()));
                summary.found.push(found);
            }
            bar.inc(1);
        });
        bar.finish_and_clear();
        summary.found.sort_by_key(|found| found.job);
        summary.seconds = (clock::now().monotonic - began).as_secs_f64();
        if let (Some(before), Some(after)) = (worked, environment::processor_seconds()) {
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let runs = summary.runs as f64;
            summary.runs_per_cpu_minute = Some(runs * 60.0 / (after - before).max(0.01));
        }
        self.tell(&summary);
        self.keep(&scenarios, &summary)?;
        Ok(summary.exit())
    }

    fn tell(&self, summary: &Summary) {
        let Summary { runs, pass, fail, unknown, void, undone, seconds, .. } = summary;
        for found in &summary.found {
            self.output.line(found.line());
            self.output.line(format!("  replay: {}", found.replay));
        }
        for (invariant, times) in &summary.violated {
            self.output.line(format!("{invariant}: violated in {times} of {runs} runs"));
        }
        let speed = summary.runs_per_cpu_minute;
        let speed = speed.map_or_else(String::new, |runs| format!(", {runs:.0} per CPU-minute"));
        self.output.line(format!(
            "{runs} runs in {seconds:.1} s{speed}: \
             {pass} pass, {fail} fail, {unknown} unknown, {void} void, {undone} undone"
        ));
        self.output.line(format!("verdict: {}", summary.verdict()));
        self.output.data(summary);
    }

    /// Runs the first failures once more, each into a folder of its own.
    fn keep(&self, scenarios: &[Scenario], summary: &Summary) -> Result<()> {
        let judged = |found: &&Found| found.verdict != "undone";
        for found in summary.found.iter().filter(judged).take(KEPT) {
            let scenario = &scenarios[found.job.scenario];
            let file = &self.files[found.job.scenario];
            let plan = Arc::new(plan::make(scenario, found.seed)?);
            let path = unused(file, &plan);
            let failed =
                |error: RunError| Failure::surroundings(&error, "there is no report of it");
            let directory = RunDirectory::create(&path).map_err(|error| failed(error.into()))?;
            directory.write_scenario(&scenario.text).map_err(|error| failed(error.into()))?;
            run(&plan, Some(&directory), found.replay.clone(), environment::of_this())
                .map_err(failed)?;
            let report = bigchaindb_reports::write(&path).map_err(|error| {
                Failure::surroundings(&error, "the results are in results.json")
            })?;
            self.output.line(format!("report: {}", report.display()));
        }
        Ok(())
    }
}

impl Found {
    fn line(&self) -> String {
        let Self { scenario, seed, verdict, reason, .. } = self;
        format!("{verdict}: {scenario} --seed {seed}: {reason}")
    }
}

impl Summary {
    /// Counts a run; one that did not pass is told of.
    fn count(&mut self, scenario: &Scenario, job: Job, came: &Came) -> Option<Found> {
        self.runs += 1;
        let mut invariants = Vec::new();
        let (verdict, reason) = match came {
            Came::To(results) => {
                match results.verdict {
                    Verdict::Pass => self.pass += 1,
                    Verdict::Fail => self.fail += 1,
                    Verdict::Unknown => self.unknown += 1,
                    Verdict::Void => self.void += 1,
                }
                if results.verdict == Verdict::Pass {
                    return None;
                }
                invariants = violated(results);
                for invariant in &invariants {
                    *self.violated.entry(invariant.clone()).or_default() += 1;
                }
                (results.verdict.as_str(), results.reasons.first().cloned().unwrap_or_default())
            }
            Came::Undone(undone) => {
                self.undone += 1;
                ("undone", undone.to_string())
            }
        };
        let Scenario { file, .. } = scenario;
        let quirks = &scenario.federation.quirks;
        let replay = replay(file.as_ref(), job.seed, Backend::Sim, quirks);
        let (scenario, seed) = (file.clone(), job.seed);
        Some(Found { scenario, seed, verdict, invariants, reason, replay, job })
    }

    fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Done => "pass",
            Exit::No => "fail",
            Exit::Unknown => "unknown",
            Exit::Wrong | Exit::Surroundings => "void",
        }
    }

    fn exit(&self) -> Exit {
        // A seed that the harness itself breaks on is as bad as a federation that fails.
        match (self.fail + self.undone, self.void, self.unknown) {
            (0, 0, 0) => Exit::Done,
            (0, 0, _) => Exit::Unknown,
            (0, _, _) => Exit::Surroundings,
            _ => Exit::No,
        }
    }
}

/// The invariants that a run violated, or was to violate and did not.
fn violated(results: &Results) -> Vec<String> {
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    let judgements = results.invariants.iter();
    let wrong = judgements.filter(|judged| fails(&judged.outcome) != judged.meant_to_fail);
    wrong.map(|judged| judged.invariant.clone()).collect()
}
