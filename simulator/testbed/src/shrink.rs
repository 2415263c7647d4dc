//! `testbed shrink`: what of a failing run the failure needs.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::write_at_once;
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::shrink::{Kept, Size, Target, keep, shrink};
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress;
use crate::quirks::WithQuirks;

/// Make a failing run as small as it can be, and keep it as a scenario.
///
/// Faults, operations, nodes and servers are taken out, and times made short and round, as long as the
/// same checker fires. If the run passes with its quirks off, so does what is left of it.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed shrink scenarios/smoke/conflict-storm.toml --seed 3 \
                  --quirk double-spend-unchecked")]
pub(crate) struct Shrink {
    /// The scenario's file.
    file: PathBuf,
    /// The seed of the run that fails; without it, the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// The invariant that is violated, by id; without it, the first that is.
    #[arg(long, value_name = "ID")]
    invariant: Option<String>,
    /// The file to write; without it, one in `runs`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Try so many smaller runs at most.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    tries: u64,
    #[command(flatten)]
    quirks: WithQuirks,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Told<'a> {
    invariant: &'a str,
    violations: &'a [String],
    before: Size,
    after: Size,
    tries: u64,
    digest: &'a str,
    file: String,
    repro: &'a str,
}

impl Shrink {
    pub(crate) fn run(&self) -> Result<Exit> {
        let mut scenario = Scenario::load(&self.file, Some(Backend::Sim))?;
        self.quirks.apply(&mut scenario)?;
        let seed = self.seed.unwrap_or(scenario.seed);
        let plan = plan::make(&scenario, seed)?;
        let target = Target::find(&plan, self.invariant.as_deref()).map_err(|error| {
            Failure::wrong(
                error.to_string(),
                "choose a seed that fails: `testbed campaign` finds some",
            )
        })?;
        let before = Size::of(&plan);
        let spinner = progress::spinner(format!("{} is violated: {before}", target.invariant));
        let (small, tries) = shrink(plan, self.tries, &mut |smaller| {
            let fails = target.is_met_by(smaller);
            if fails {
                spinner.set_message(format!("{}: {}", target.invariant, Size::of(smaller)));
            }
            fails
        });
        spinner.finish_and_clear();
        let from = format!("Made small from {}, seed {seed}.", self.file.display());
        let kept = keep(&small, &target, &from).map_err(|error| {
            Failure::surroundings(&error, "this is a defect of the testbed: please report it")
        })?;
        let path = self.path(&target.invariant, seed);
        write(&path, &kept.text)?;
        self.tell(&kept, &target, before, Size::of(&small), tries, &path);
        Ok(Exit::Done)
    }

    fn path(&self, invariant: &str, seed: u64) -> PathBuf {
        let stem =
            self.file.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
        let name = format!("{stem}-{seed}-{invariant}.toml");
        self.out.clone().unwrap_or_else(|| Path::new("runs").join(name))
    }

    fn tell(
        &self,
        kept: &Kept,
        target: &Target,
        before: Size,
        after: Size,
        tries: u64,
        path: &Path,
    ) {
        let repro = format!("cargo run --release -- repro {}", path.display());
        self.output.line(format!("violated: {}", kept.violations.join(", ")));
        self.output.line(format!("before: {before}"));
        self.output.line(format!("after: {after} ({tries} runs tried)"));
        self.output.line(format!("digest: {}", kept.digest));
        self.output.line(format!("file: {}", path.display()));
        self.output.line(format!("repro: {repro}"));
        self.output.data(&Told {
            invariant: &target.invariant,
            violations: &kept.violations,
            before,
            after,
            tries,
            digest: &kept.digest,
            file: path.display().to_string(),
            repro: &repro,
        });
    }
}

/// Writes a file, with the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| write_at_once(path, text.as_bytes())).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Failure { message, hint: "name another file".into(), exit: Exit::Surroundings }
    })
}
