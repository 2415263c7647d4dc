//! `testbed saturate`: how much load a federation sustains.
//!
//! Not here: when a rate is sustained, and which comes next (`saturate` of the simulator); the page
//! (`reports`).

use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::record::RunDirectory;
use bigchaindb_simulator::saturate::{Knee, Next, Rate, Run, Saturation};
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::run::{backend, empty, unused_folder};
use crate::{matrix, progress};

/// Find the knee: the highest rate of load that a scenario's federation sustains.
///
/// The rate of its load is doubled until it is not sustained any more, then the two rates are brought
/// together; each is run with several seeds until runs agree. A rate is sustained if everything that is
/// accepted is decided, in time, without latencies that grow. The exit code is 0 if the knee is found, 1
/// if not even the lowest rate is sustained, 3 if every rate that was tried is.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed saturate scenarios/load/one-node.toml --backend sim")]
pub(crate) struct Saturate {
    /// The scenario's file.
    file: PathBuf,
    /// Which of its loads, counted from 1, gets the rates; it need not be said if there is one.
    #[arg(long)]
    load: Option<usize>,
    /// The first rate, like 100/s; without it, the load's own.
    #[arg(long, value_parser = rate)]
    from: Option<Rate>,
    /// How far apart the two rates may be in the end.
    #[arg(long, default_value = "5%", value_parser = crate::compare::share)]
    precision: f64,
    /// How many runs at a rate have to agree.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    agree: u32,
    /// The first seed of each rate; without it, the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to run it: sim (virtual time), local (real time, real sockets), processes or docker.
    #[arg(long, value_parser = backend)]
    backend: Option<Backend>,
    /// The folder for all that is kept; without it, a new one in `runs`.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn rate(text: &str) -> std::result::Result<Rate, String> {
    Rate::parse(text).ok_or_else(|| "a rate like 100/s".to_owned())
}

impl Saturate {
    pub(crate) fn run(&self) -> Result<Exit> {
        let scenario = Scenario::load(&self.file, self.backend)?;
        matrix::refuse(&scenario)?;
        for note in &scenario.notes {
            eprintln!("note: {note}");
        }
        let field = self.field(&scenario)?;
        let own = scenario.value(&field).and_then(|text| Rate::parse(&text));
        let Some(first) = self.from.or(own) else {
            let message = format!("{} has no `{field}`", self.file.display());
            let hint =
                "only constant and poisson arrivals have one rate; name the load with `--load`";
            return Err(Failure::wrong(message, hint));
        };
        let folder = match &self.out {
            Some(path) => empty(path)?,
            None => {
                let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
                unused_folder(&format!("{stem}-{}-saturate", scenario.backend()))
            }
        };
        let (name, story) = (scenario.name.clone(), scenario.story.clone());
        let mut found = Saturation::new(name, story, scenario.backend().to_string(), first);
        found.command = self.again(&scenario);
        (found.precision, found.agree) = (self.precision, self.agree);
        found.first_seed = self.seed.unwrap_or(scenario.seed);
        let directory = RunDirectory::create(&folder).map_err(|error| unwritten(&error))?;
        directory.write_scenario(&scenario.text).map_err(|error| unwritten(&error))?;
        self.output.line(format!("runs: {}", folder.display()));
        found.knee = Some(self.search(&scenario, &field, &folder, &mut found)?);
        found.save(&folder).map_err(|error| unwritten(&error))?;
        let report = bigchaindb_reports::write_saturation(&folder).map_err(|error| {
            Failure::surroundings(&error, "the results themselves are in saturation.json")
        })?;
        self.output.line(bigchaindb_reports::knee(&found));
        self.output.line(format!("report: {}", report.display()));
        self.output.data(&found);
        Ok(match found.knee {
            Some(Knee { sustained: Some(_), not_sustained: Some(_) }) => Exit::Done,
            Some(Knee { sustained: None, .. }) => Exit::No,
            _ => Exit::Unknown,
        })
    }

    /// Runs what the search asks for, until it is over.
    fn search(
        &self,
        scenario: &Scenario,
        field: &str,
        folder: &Path,
        found: &mut Saturation,
    ) -> Result<Knee> {
        loop {
            let (rate, seed) = match found.next() {
                Next::Done(knee) => return Ok(knee),
                Next::Run { rate, seed } => (rate, seed),
            };
            let at_rate = scenario.with(field, &format!("\"{rate}\""))?;
            let name = rate.to_string().replace("/s", "-per-s");
            let out = folder.join(&name);
            let spinner = progress::spinner(format!("{} at {rate}", scenario.name));
            let results = matrix::once(&at_rate, seed, &out.join(format!("seed-{seed}")))?;
            spinner.finish_and_clear();
            let run = Run::of(&results, format!("{name}/seed-{seed}"), found.rule);
            self.output.line(format!(
                "  {rate}, seed {seed}: {:.1} decided a second, p99 {:.1} ms: {}",
                run.decided_per_s,
                run.p99_us as f64 / 1e3,
                run.broken
                    .as_ref()
                    .map_or("sustained".to_owned(), |why| format!("not sustained, {why}")),
            ));
            found.add(rate, run);
            // Whoever is killed leaves what has been found so far.
            found.save(folder).map_err(|error| unwritten(&error))?;
        }
    }

    /// The field that gets the rates.
    fn field(&self, scenario: &Scenario) -> Result<String> {
        let count = scenario.loads.len();
        let number = match (self.load, count) {
            (None, 1) => 1,
            (Some(number), _) if (1..=count).contains(&number) => number,
            _ => {
                let message = format!("{} has {count} loads", self.file.display());
                return Err(Failure::wrong(message, "name one of them with `--load`, from 1 on"));
            }
        };
        Ok(format!("load.{number}.arrivals.rate"))
    }

    fn again(&self, scenario: &Scenario) -> String {
        let mut command = format!(
            "cargo run --release -- saturate {} --backend {} --precision {}% --agree {}",
            crate::run::quoted(&self.file),
            scenario.backend(),
            self.precision * 100.0,
            self.agree,
        );
        for (option, value) in [
            ("--load", self.load.map(|number| number.to_string())),
            ("--from", self.from.map(|rate| rate.to_string())),
            ("--seed", self.seed.map(|seed| seed.to_string())),
        ] {
            command.extend(value.map(|value| format!(" {option} {value}")));
        }
        command
    }
}

fn unwritten(error: &dyn std::error::Error) -> Failure {
    Failure::surroundings(error, "name a folder that can be written with `--out`")
}
