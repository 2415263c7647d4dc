//! `testbed run`: one scenario, one seed, one verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use bigchaindb_core::rules::Quirks;
use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::backends::apart::Means;
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::live::Live;
use bigchaindb_simulator::plan::{self, Plan};
use bigchaindb_simulator::record::{Results, RunDirectory};
use bigchaindb_simulator::run::{ResumeError, RunError, resume, run, run_covered};
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;
use serde::Serialize;

use crate::exit::{self, Exit};
use crate::failure::{Failure, Result};
use crate::live::View;
use crate::means::{self, WithMeans};
use crate::output::Output;
use crate::quirks::WithQuirks;
use crate::{environment, live, matrix};

/// Run a scenario, judge what happened, and write a report.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed run scenarios/smoke/first-federation.toml --seed 7")]
pub(crate) struct Run {
    /// The scenario's file.
    #[arg(required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// The seed of all chance; without it, the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to run it: sim (virtual time), local (real time, real sockets), processes (every node a
    /// process of its own), docker (or a container) or cluster (machines that `--cluster` names).
    #[arg(long, value_parser = backend)]
    backend: Option<Backend>,
    #[command(flatten)]
    means: WithMeans,
    /// Run it so many times at once; if their digests differ, that is an error. Of a scenario with a
    /// matrix: so many of its runs at once; without it, as many as there are cores, and one in real time.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// How many seeds for each combination of a scenario with a matrix; without it, as its file says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    /// The folder for all that is kept of the run; without it, a new one in `runs`.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on with a run that was killed, in virtual time: the folder that it has left.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "seed", "seeds", "backend", "processes", "out", "quirks", "rules", "dash", "cluster"])]
    resume: Option<PathBuf>,
    /// Do not write down what nodes hear: `local` runs then cost less, and cannot be replayed.
    #[arg(long)]
    no_record: bool,
    #[command(flatten)]
    quirks: WithQuirks,
    #[command(flatten)]
    output: Output,
}

/// What programs are told.
#[derive(Serialize)]
struct Told<'a> {
    scenario: &'a str,
    seed: u64,
    backend: &'a str,
    run: String,
    digest: &'a str,
    verdict: &'a str,
    reasons: &'a [String],
    report: String,
    replay: &'a str,
}

pub(crate) fn backend(name: &str) -> std::result::Result<Backend, String> {
    let names = Backend::ALL.map(Backend::name).join(", ");
    let found = Backend::ALL.into_iter().find(|backend| backend.name() == name);
    found.ok_or_else(|| format!("there are: {names}"))
}

impl Run {
    pub(crate) fn run(&self) -> Result<Exit> {
        match (&self.resume, &self.file) {
            (Some(path), _) => self.resume(path),
            (None, Some(file)) => self.start(file),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }

    fn resume(&self, path: &Path) -> Result<Exit> {
        if let Some(order) = matrix::begun(path, self.jobs)? {
            return order.carry_out(path, self.output);
        }
        if self.jobs.is_some() {
            let message = "a single run is gone on with once".to_owned();
            return Err(Failure::wrong(message, "leave `--jobs` out"));
        }
        let directory = RunDirectory::open(path);
        let results = resume(&directory, environment::of_this()).map_err(|error| match error {
            ResumeError::Differs { .. } => Failure::broken(error.to_string()),
            ResumeError::NotVirtual { .. } => {
                Failure::wrong(error.to_string(), "run its scenario again")
            }
            ResumeError::Run(_) => {
                let hint = "a run that was killed before it had a plan has to be run again";
                Failure::surroundings(&error, hint)
            }
        })?;
        self.output.line(format!("seed: {}", results.seed));
        self.output.line(format!("run: {}", path.display()));
        self.report(&results, path)
    }

    fn report(&self, results: &Results, path: &Path) -> Result<Exit> {
        let report = bigchaindb_reports::write(path).map_err(|error| {
            Failure::surroundings(&error, "the results themselves are in results.json")
        })?;
        self.tell(results, path, &report);
        Ok(exit::of_verdict(results.verdict))
    }

    fn start(&self, file: &Path) -> Result<Exit> {
        let mut scenario = Scenario::load(file, self.means.asked(self.backend)?)?;
        self.means.check(&scenario)?;
        if scenario.matrix.is_some() {
            return self.sweep(scenario, file);
        }
        if self.seeds.is_some() {
            let message = format!("{} has no `[matrix]`, and so no `--seeds`", file.display());
            return Err(Failure::wrong(
                message,
                "name one with `--seed`, or use `testbed campaign`",
            ));
        }
        self.quirks.apply(&mut scenario)?;
        for note in scenario.notes.iter().cloned().chain(self.means.note(scenario.backend())) {
            eprintln!("note: {note}");
        }
        let plan = plan::make(&scenario, self.seed.unwrap_or(scenario.seed))?;
        let plan = Arc::new(self.means.place(plan)?);
        if self.jobs.is_some_and(|jobs| jobs > 1) && plan.backend != Backend::Sim {
            let message =
                format!("`--jobs` compares digests; in {} each run has its own", plan.backend);
            return Err(Failure::wrong(message, "leave `--jobs` out, or run it in sim"));
        }
        let path = match &self.out {
            Some(path) => empty(path)?,
            None => unused(file, &plan),
        };
        self.output.line(format!("seed: {}", plan.seed));
        self.output.line(format!("run: {}", path.display()));

        let mut means = self.means.means();
        if let Some((board, address)) = self.means.open()? {
            self.output.line(format!("page: http://{address}/"));
            means.board = Some(board);
        }
        // Judged while it goes only where somebody sees it: that costs, and is not what was to be measured.
        let live = Live::new(&plan, plan.backend != Backend::Sim && live::is_looked_at());
        means.live = Some(live.clone());
        let view =
            View::open(live, format!("{} in {}, seed {}", scenario.name, plan.backend, plan.seed));
        let results = self.carry_out(&scenario, file, &plan, &path, &means);
        view.close();
        let results = results?;
        self.means.show(&results, &path)?;
        self.report(&results, &path)
    }

    /// All combinations of a matrix.
    fn sweep(&self, scenario: Scenario, file: &Path) -> Result<Exit> {
        if self.quirks.are_any() {
            let message =
                "other rules than the file's would change what its matrix says".to_owned();
            let hint = "leave `--rules` and `--quirk` out, or make them an axis of the matrix";
            return Err(Failure::wrong(message, hint));
        }
        for note in &scenario.notes {
            eprintln!("note: {note}");
        }
        let path = match &self.out {
            Some(path) => empty(path)?,
            None => matrix::unused(file, scenario.backend()),
        };
        let seeds = scenario.matrix.as_ref().map_or(1, |matrix| matrix.seeds);
        let order = matrix::Order {
            first_seed: self.seed.unwrap_or(scenario.seed),
            seeds: self.seeds.unwrap_or(seeds),
            at_once: matrix::at_once(self.jobs, scenario.backend()),
            scenario,
        };
        order.carry_out(&path, self.output)
    }

    fn carry_out(
        &self,
        scenario: &Scenario,
        file: &Path,
        plan: &Arc<Plan>,
        path: &Path,
        means: &Means,
    ) -> Result<Results> {
        let failed = |error: RunError| means::failed(&error);
        let directory = RunDirectory::create(path).map_err(|error| failed(error.into()))?;
        let directory = if self.no_record { directory } else { directory.hearing() };
        directory.write_scenario(&scenario.text).map_err(|error| failed(error.into()))?;
        let command = replay(file, plan.seed, plan.backend, &plan.rules, &plan.quirks());
        let command = command + &self.means.words();
        let outcome = thread::scope(|scope| {
            let others: Vec<_> = (1..self.jobs.unwrap_or(1))
                .map(|_| scope.spawn(|| run(plan, None, command.clone(), environment::of_this())))
                .collect();
            let mut environment = environment::of_this();
            environment.extend(self.means.told(plan.backend));
            let first = run_covered(plan, means, Some(&directory), command.clone(), environment);
            let first = first.map(|(results, _)| results);
            let others = others.into_iter().map(|other| other.join().expect("runs do not panic"));
            (first, others.collect::<Vec<_>>())
        });
        let (results, others) = outcome;
        let results = results.map_err(failed)?;
        for other in others {
            let other = other.map_err(failed)?.digest;
            if other != results.digest {
                let message =
                    format!("the same seed gave two digests: {} and {other}", results.digest);
                return Err(Failure::broken(message));
            }
        }
        Ok(results)
    }

    fn tell(&self, results: &Results, path: &Path, report: &Path) {
        let verdict = results.verdict.as_str();
        self.output.line(format!("digest: {}", results.digest));
        self.output.line(format!("verdict: {verdict}"));
        for reason in &results.reasons {
            self.output.line(format!("  {reason}"));
        }
        self.output.line(format!("report: {}", report.display()));
        if results.verdict != Verdict::Pass {
            self.output.line(format!("replay: {}", results.command));
        }
        self.output.data(&Told {
            scenario: &results.scenario,
            seed: results.seed,
            backend: &results.backend,
            run: path.display().to_string(),
            digest: &results.digest,
            verdict,
            reasons: &results.reasons,
            report: report.display().to_string(),
            replay: &results.command,
        });
    }
}

/// The command that runs a plan again.
pub(crate) fn replay(
    file: &Path,
    seed: u64,
    backend: Backend,
    rules: &str,
    quirks: &Quirks,
) -> String {
    let file = quoted(file);
    let quirks: String = quirks.iter().map(|quirk| format!(" --quirk {}", quirk.name())).collect();
    let rules = if rules == "default" { String::new() } else { format!(" --rules {rules}") };
    format!("cargo run --release -- run {file} --seed {seed} --backend {backend}{rules}{quirks}")
}

/// A path as a shell takes it.
pub(crate) fn quoted(file: &Path) -> String {
    let file = file.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    match file.bytes().all(plain) {
        true => file,
        false => format!("'{}'", file.replace('\'', r"'\''")),
    }
}

/// A folder that was asked for: nothing in it may be overwritten.
pub(crate) fn empty(path: &Path) -> Result<PathBuf> {
    match path.read_dir().map(|mut entries| entries.next().is_none()) {
        Ok(false) => {
            let message = format!("{} is not empty", path.display());
            Err(Failure::wrong(message, "name another folder, or leave `--out` out"))
        }
        Ok(true) | Err(_) => Ok(path.to_owned()),
    }
}

/// A folder for a run that nobody has used yet.
pub(crate) fn unused(file: &Path, plan: &Plan) -> PathBuf {
    let stem = file.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
    unused_folder(&format!("{stem}-{}-{}", plan.backend, plan.seed))
}

/// A folder in `runs` of this name, or of this name and a number.
pub(crate) fn unused_folder(name: &str) -> PathBuf {
    let numbered = |number| match number {
        1 => Path::new("runs").join(name),
        number => Path::new("runs").join(format!("{name}.{number}")),
    };
    (1..).map(numbered).find(|path| !path.exists()).expect("there is always a number left")
}
