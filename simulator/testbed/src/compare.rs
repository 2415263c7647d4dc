//! `testbed compare`: is a program better or worse than before?
//!
//! Of runs that are there, or of runs that it makes itself, of two programs in turn. Not here: what is
//! compared and how sure it is (`compare` of the simulator), how it is said (`reports`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bigchaindb_simulator::compare::{
    Baseline, Comparison, Incomparable, Pairs, Sample, Terms, compare,
};
use bigchaindb_simulator::record::RunDirectory;
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;

use crate::exit::{self, Exit};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress;
use crate::run::empty;

/// Compare runs with a baseline: better, the same, unclear or worse.
///
/// Runs in virtual time are compared exactly, seed by seed. Of runs in real time each figure has an
/// interval, over repetitions and seconds; machines that differ make the answer unclear. The exit code is
/// 0 if it is the same or better, 1 if it is worse, 3 if it is unclear.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  testbed compare runs/new-* --baseline baseline.json\n  \
    testbed compare scenarios/load/one-node.toml --baseline-program ../before/testbed --repetitions 7")]
pub(crate) struct Compare {
    /// Folders of runs, or stored baselines; with `--baseline-program`, a scenario to be run.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// What they are held against: folders of runs, or stored baselines.
    #[arg(long, value_name = "RUN", num_args = 1.., required_unless_present_any = ["save", "baseline_program"])]
    baseline: Vec<PathBuf>,
    /// Store the runs as a baseline, a small file.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline_program")]
    save: Option<PathBuf>,
    /// Run a scenario with this program and with another one in turn, and compare those runs.
    #[arg(long, value_name = "PATH", conflicts_with = "baseline")]
    baseline_program: Option<PathBuf>,
    /// The other one; without it, this program.
    #[arg(long, value_name = "PATH", requires = "baseline_program")]
    program: Option<PathBuf>,
    /// How often each of them runs it, each time with the next seed.
    #[arg(long, default_value_t = 7, requires = "baseline_program", value_parser = clap::value_parser!(u16).range(1..=1000))]
    repetitions: u16,
    /// The first seed; without it, the scenario's own.
    #[arg(long, requires = "baseline_program")]
    seed: Option<u64>,
    /// The folder for those runs; without it, a new one in `runs`.
    #[arg(long, requires = "baseline_program", value_name = "DIR")]
    out: Option<PathBuf>,
    /// What both programs are told besides, after two dashes: `-- --backend local --no-record`.
    #[arg(last = true, requires = "baseline_program")]
    arguments: Vec<String>,
    /// Changes of less than this do not matter.
    #[arg(long, default_value = "5%", value_parser = share)]
    threshold: f64,
    /// Compare runs of different machines, too.
    #[arg(long)]
    any_machine: bool,
    /// Write the comparison as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// `5%`, as a share of 1.
pub(crate) fn share(text: &str) -> std::result::Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let share = number.filter(|number| (0.0..=100.0).contains(number));
    share.map(|number| number / 100.0).ok_or_else(|| "a share like 5%".to_owned())
}

impl Compare {
    pub(crate) fn run(&self) -> Result<Exit> {
        let terms =
            Terms { threshold: self.threshold, any_machine: self.any_machine, ..Terms::default() };
        let (baseline, program, terms) = match &self.baseline_program {
            Some(before) => {
                let (baseline, program) = self.make(before)?;
                // One right after the other, on one machine.
                (baseline, program, Terms { pairs: Pairs::InOrder, any_machine: true, ..terms })
            }
            None => (samples(&self.baseline)?, samples(&self.runs)?, terms),
        };
        if let Some(path) = &self.save {
            Baseline::new(program.clone()).save(path).map_err(|error| {
                Failure::surroundings(&error, "name a file that can be written with `--save`")
            })?;
            self.output.line(format!("baseline: {} (runs: {})", path.display(), program.len()));
        }
        if self.baseline.is_empty() && self.baseline_program.is_none() {
            return Ok(Exit::Done);
        }
        let comparison = compare(&baseline, &program, terms).map_err(|error| {
            let hint = match &error {
                Incomparable::Nothing(_) => "look at their reports: the harness itself fell short",
                Incomparable::Different { .. } => "name runs of one scenario in one world",
                Incomparable::OtherSeeds { .. } => "run the same seeds again with `--seed`",
            };
            Failure::wrong(error.to_string(), hint)
        })?;
        self.tell(&comparison)?;
        Ok(exit::of_answer(comparison.answer))
    }

    fn tell(&self, comparison: &Comparison) -> Result<()> {
        let rows = bigchaindb_reports::gate_rows(comparison);
        let mut sentences = bigchaindb_reports::gate_sentences(comparison).into_iter();
        sentences.next().iter().for_each(|line| self.output.line(line));
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        for [what, one, other, change, answer] in &rows {
            let [first, second, third, fourth, _] = widths;
            self.output.line(format!(
                "  {what:first$}  {one:>second$}  {other:>third$}  {change:>fourth$}  {answer}"
            ));
        }
        sentences.for_each(|line| self.output.line(line));
        self.output.data(comparison);
        if let Some(path) = &self.markdown {
            std::fs::write(path, bigchaindb_reports::gate(comparison)).map_err(|error| {
                let message = format!("cannot write {}: {error}", path.display());
                let hint = "name a file that can be written with `--markdown`".to_owned();
                Failure { message, hint, exit: Exit::Surroundings }
            })?;
        }
        Ok(())
    }

    /// Runs a scenario with both programs in turn, so that what the machine does meanwhile meets both:
    /// once the one first, once the other.
    fn make(&self, before: &Path) -> Result<(Vec<Sample>, Vec<Sample>)> {
        let [file] = &self.runs[..] else {
            let message = "with `--baseline-program` one scenario is run".to_owned();
            return Err(Failure::wrong(message, "name its file, and nothing else"));
        };
        let scenario = Scenario::load(file, None)?;
        crate::matrix::refuse(&scenario)?;
        let this = std::env::current_exe()
            .map_err(|error| Failure::surroundings(&error, "name the program with `--program`"))?;
        let after = self.program.as_deref().unwrap_or(&this);
        let folder = match &self.out {
            Some(path) => empty(path)?,
            None => unused(file),
        };
        self.output.line(format!("runs: {}", folder.display()));
        let first_seed = self.seed.unwrap_or(scenario.seed);
        let bar = progress::bar(2 * u64::from(self.repetitions), scenario.name.clone());
        let (mut baseline, mut program) = (Vec::new(), Vec::new());
        for number in 0..u64::from(self.repetitions) {
            let seed = first_seed.wrapping_add(number);
            let mut sides = [("baseline", before, &mut baseline), ("program", after, &mut program)];
            if number % 2 == 1 {
                sides.reverse();
            }
            for (name, path, samples) in sides {
                let out = folder.join(format!("{name}-{}", number + 1));
                samples.push(self.once(path, file, seed, &out)?);
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok((baseline, program))
    }

    /// One run by a program. Whatever its verdict is, its results are there.
    fn once(&self, program: &Path, file: &Path, seed: u64, out: &Path) -> Result<Sample> {
        let mut command = Command::new(program);
        command.arg("run").arg(file).args(["--seed", &seed.to_string()]).arg("--out").arg(out);
        command.args(&self.arguments).stdin(Stdio::null());
        let ended = command.output().map_err(|error| {
            let hint = "name a program `testbed` that can be started here".to_owned();
            let message = format!("cannot start {}: {error}", program.display());
            Failure { message, hint, exit: Exit::Surroundings }
        })?;
        sample(out).map_err(|failure| {
            let said = String::from_utf8_lossy(&ended.stderr);
            let first = said.lines().next().unwrap_or("it said nothing");
            let message = format!("{} left no results: {first}", program.display());
            Failure { message, hint: "run it by itself to see why".to_owned(), ..failure }
        })
    }
}

/// Of each folder its run, of each file all runs that it stores.
fn samples(paths: &[PathBuf]) -> Result<Vec<Sample>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.push(sample(path)?);
        } else {
            let baseline = Baseline::load(path).map_err(|error| {
                Failure::surroundings(&error, "name the folder of a run, or a file of `--save`")
            })?;
            all.extend(baseline.samples);
        }
    }
    Ok(all)
}

fn sample(folder: &Path) -> Result<Sample> {
    let results = RunDirectory::open(folder).results().map_err(|error| {
        Failure::surroundings(&error, "name the folder of a run that came to its end")
    })?;
    Ok(Sample::of(&results))
}

/// A folder for the runs of a comparison that nobody has used yet.
fn unused(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    crate::run::unused_folder(&format!("{stem}-compare"))
}
