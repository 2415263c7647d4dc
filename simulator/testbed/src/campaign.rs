//! `testbed campaign`: many seeds, and which of them fail.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::clock;
use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::campaign::{Asked, Found, Order, State, StateError, Tally, campaign};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::{RunDirectory, write_at_once};
use bigchaindb_simulator::run::{RunError, run};
use bigchaindb_simulator::scenario::{Federation, Scenario};
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
/// The state is written so often, and after the first run.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Run many seeds of one or several scenarios in virtual time, and tell which fail.
///
/// One run in twenty is done twice, and both have to come to the same, to the byte.
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
    /// End with the first run that does not pass.
    #[arg(long)]
    stop_on_failure: bool,
    /// Where the table of it all is written; without it, `runs/campaign.html`.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A file that keeps how far it has come: the same campaign goes on from there.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    quirks: WithQuirks,
    #[command(flatten)]
    output: Output,
}

/// What programs are told.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    tally: &'a Tally,
    not_kept: u64,
    verdict: &'a str,
    seconds: f64,
    /// Runs per minute of one processor, if the system tells how long its processors worked.
    runs_per_cpu_minute: Option<f64>,
    html: String,
}

impl Campaign {
    pub(crate) fn run(&self) -> Result<Exit> {
        let load = |file: &PathBuf| -> Result<Scenario> {
            let mut scenario = Scenario::load(file, Some(Backend::Sim))?;
            self.quirks.apply(&mut scenario)?;
            Ok(scenario)
        };
        let scenarios = self.files.iter().map(load).collect::<Result<Vec<_>>>()?;
        let state = self.carry_out(&scenarios)?;
        let html = self.write_table(&scenarios, &state)?;
        self.tell(&scenarios, &state, &html);
        self.keep(&scenarios, &state.tally)?;
        Ok(exit(&state.tally))
    }

    fn carry_out(&self, scenarios: &[Scenario]) -> Result<State> {
        let asked = Asked::new(scenarios, self.from);
        let stored = match &self.state {
            Some(path) => State::load(path, &asked).map_err(|error| unusable(&error))?,
            None => None,
        };
        let mut state = stored.unwrap_or_else(|| State::new(asked, scenarios));
        let before = state.clone();
        let at_once = self.jobs.map_or_else(environment::cores, usize::from);
        let order = Order { scenarios, first: self.from, total: self.seeds, at_once };
        let bar = progress::bar(self.seeds, String::new());
        bar.set_position(before.tally.runs);
        let (began, worked) = (clock::now().monotonic, environment::processor_seconds());
        let mut saved = None;
        let mut failure = Ok(());
        campaign(
            order,
            |number| before.is_done(number),
            |job, twice, came| {
                let found = state.tally.count(job, twice, &came);
                state.done(job.number);
                let now = clock::now().monotonic;
                state.seconds = before.seconds + (now - began).as_secs_f64();
                if let (Some(then), Some(now)) = (worked, environment::processor_seconds()) {
                    state.processor_seconds = before.processor_seconds + now - then;
                }
                if saved.is_none_or(|saved| now - saved >= SAVE_EVERY) {
                    saved = Some(now);
                    failure = self.save(&state);
                }
                bar.set_position(state.tally.runs);
                bar.set_message(live(&state));
                let over = failure.is_err() || self.stop_on_failure && found.is_some();
                if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        bar.finish_and_clear();
        failure?;
        self.save(&state)?;
        Ok(state)
    }

    fn save(&self, state: &State) -> Result<()> {
        let Some(path) = &self.state else { return Ok(()) };
        state.save(path).map_err(|error| unusable(&error))
    }

    fn write_table(&self, scenarios: &[Scenario], state: &State) -> Result<PathBuf> {
        let path = self.html.clone().unwrap_or_else(|| Path::new("runs").join("campaign.html"));
        let again = |found: &Found| again(scenarios, found);
        let page = bigchaindb_reports::campaign(state, &again);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| write_at_once(&path, page.as_bytes())).map_err(|error| {
            let message = format!("{} cannot be written: {error}", path.display());
            Failure {
                message,
                hint: "name another file with `--html`".into(),
                exit: Exit::Surroundings,
            }
        })?;
        Ok(path)
    }

    fn tell(&self, scenarios: &[Scenario], state: &State, html: &Path) {
        let State { tally, seconds, .. } = state;
        let Tally { runs, pass, fail, unknown, void, undone, twice, .. } = tally;
        for found in &tally.found {
            let Found { verdict, scenario, seed, reason, .. } = found;
            self.output.line(format!("{verdict}: {scenario} --seed {seed}: {reason}"));
            self.output.line(format!("  replay: {}", again(scenarios, found)));
        }
        if tally.not_kept() > 0 {
            self.output.line(format!("and {} more that did not pass", tally.not_kept()));
        }
        for (invariant, times) in &tally.violated {
            self.output.line(format!("{invariant}: violated in {times} of {runs} runs"));
        }
        let speed = runs_per_cpu_minute(state);
        let told = speed.map_or_else(String::new, |runs| format!(", {runs:.0} per CPU-minute"));
        self.output.line(format!(
            "{runs} runs in {seconds:.1} s{told}: \
             {pass} pass, {fail} fail, {unknown} unknown, {void} void, {undone} undone"
        ));
        self.output.line(format!("pairs of a fault and a step it met: {}", tally.coverage.pairs()));
        self.output.line(format!("run twice, to the same digest: {twice}"));
        self.output.line(format!("verdict: {}", verdict(tally)));
        self.output.line(format!("table: {}", html.display()));
        self.output.data(&Told {
            tally,
            not_kept: tally.not_kept(),
            verdict: verdict(tally),
            seconds: *seconds,
            runs_per_cpu_minute: speed,
            html: html.display().to_string(),
        });
    }

    /// Runs the first failures once more, each into a folder of its own.
    fn keep(&self, scenarios: &[Scenario], tally: &Tally) -> Result<()> {
        let judged = |found: &&Found| found.verdict != "undone";
        for found in tally.found.iter().filter(judged).take(KEPT) {
            let scenario = &scenarios[found.job.scenario];
            let file = &self.files[found.job.scenario];
            let plan = Arc::new(plan::make(scenario, found.seed)?);
            let path = unused(file, &plan);
            let failed =
                |error: RunError| Failure::surroundings(&error, "there is no report of it");
            let directory = RunDirectory::create(&path).map_err(|error| failed(error.into()))?;
            directory.write_scenario(&scenario.text).map_err(|error| failed(error.into()))?;
            run(&plan, Some(&directory), again(scenarios, found), environment::of_this())
                .map_err(failed)?;
            let report = bigchaindb_reports::write(&path).map_err(|error| {
                Failure::surroundings(&error, "the results are in results.json")
            })?;
            self.output.line(format!("report: {}", report.display()));
        }
        Ok(())
    }
}

/// The command that runs it again.
fn again(scenarios: &[Scenario], found: &Found) -> String {
    let federation = &scenarios[found.job.scenario].federation;
    let Federation { rules, quirks, .. } = federation;
    replay(found.scenario.as_ref(), found.seed, Backend::Sim, rules, quirks)
}

/// The line at a terminal.
fn live(state: &State) -> String {
    let State { tally, seconds, .. } = state;
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (runs, hours) = (tally.runs as f64, tally.run_us as f64 / 3.6e9);
    let failures = tally.runs - tally.pass;
    let pairs = tally.coverage.pairs();
    let speed = runs / seconds.max(0.01);
    format!(
        "{speed:.1} seeds/s, {hours:.1} h simulated, {failures} failures, {pairs} pairs of fault and step"
    )
}

fn runs_per_cpu_minute(state: &State) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let runs = state.tally.runs as f64;
    (state.processor_seconds > 0.0).then(|| runs * 60.0 / state.processor_seconds)
}

fn verdict(tally: &Tally) -> &'static str {
    match exit(tally) {
        Exit::Done => "pass",
        Exit::No => "fail",
        Exit::Unknown => "unknown",
        Exit::Wrong | Exit::Surroundings => "void",
    }
}

fn exit(tally: &Tally) -> Exit {
    // A seed that the harness itself breaks on is as bad as a federation that fails.
    match (tally.fail + tally.undone, tally.void, tally.unknown) {
        (0, 0, 0) => Exit::Done,
        (0, 0, _) => Exit::Unknown,
        (0, _, _) => Exit::Surroundings,
        _ => Exit::No,
    }
}

fn unusable(error: &StateError) -> Failure {
    let hint = "name another file with `--state`, or remove this one";
    match error {
        StateError::Io { .. } => Failure::surroundings(error, hint),
        _ => Failure::wrong(error.to_string(), hint),
    }
}
