//! `testbed defects`: which of the original's defects the hunt finds, and how soon.

use std::ops::ControlFlow;
use std::path::PathBuf;

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::defects::{self, Defect, Find, Line, Table, hunt};
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::shrink::{Size, keep, shrink};
use clap::Args;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::shrink::write;
use crate::{environment, progress};

/// Whoever takes a rule away looks at so many seeds at most.
const SEEDS_OF_ABLATION: u64 = 5_000;
/// What took more seeds than this to find is found once.
const SEEDS_OF_MORE: u64 = 50;

/// Hunt the known defects over random seeds, and tell which are found and how soon.
///
/// Each defect is switched on over the default rules. A seed counts if one of its checkers fires, is
/// silent without it, and the same plan passes with everything off.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  testbed defects q01 voters-unchecked --cpu-seconds 60 --shrink"
)]
pub(crate) struct Defects {
    /// Which: numbers like q01, or names; without any, all.
    names: Vec<String>,
    /// The rules of `default`, each taken away, instead of the defects.
    #[arg(long)]
    ablations: bool,
    /// How long to hunt for each, in seconds of a processor.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    cpu_seconds: u32,
    /// How many seeds to try for each at most; without it, 5000 for rules taken away.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Make what is found small, and keep it.
    #[arg(long)]
    shrink: bool,
    /// Try so many smaller runs of each at most.
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(1..))]
    tries: u64,
    /// Where what is soon found stays large, make so many finds small at most, and keep the smallest.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    finds: u32,
    /// The folder for the table and what is kept.
    #[arg(long, default_value = "scenarios/defects")]
    out: PathBuf,
    /// The folder of the scenarios in which they are hunted.
    #[arg(long, default_value = "scenarios/hunts")]
    hunts: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Defects {
    pub(crate) fn run(&self) -> Result<Exit> {
        let chosen = self.choose()?;
        let unusable = |error: std::io::Error| {
            let message = format!("{}: {error}", self.out.display());
            Failure::wrong(message, "name another folder with `--out`")
        };
        let mut table = Table::load(&self.out).map_err(unusable)?;
        let mut now = Table::default();
        for defect in chosen {
            let line = self.hunt(defect)?;
            self.output.line(told(defect, &line));
            // After each, so that nothing is lost if somebody cannot wait.
            table.put(line.clone());
            table.save(&self.out).map_err(unusable)?;
            now.put(line);
        }
        let found = now.lines.iter().filter(|line| line.is_found()).count();
        self.output.line(format!("found: {found} of {}", now.lines.len()));
        self.output.line(format!("table: {}", self.out.join("README.md").display()));
        self.output.data(&now);
        Ok(if found == now.lines.len() { Exit::Done } else { Exit::No })
    }

    fn choose(&self) -> Result<Vec<&'static Defect>> {
        if self.names.is_empty() {
            return Ok(defects::all().filter(|one| one.is_ablation() == self.ablations).collect());
        }
        let named = |name: &String| {
            let is = |one: &&Defect| one.quirk.name() == *name || one.number() == *name;
            defects::all().find(is).ok_or_else(|| {
                let message = format!("there is no defect `{name}`");
                Failure::wrong(
                    message,
                    "name one like q01 or deleted-before-written, or none for all",
                )
            })
        };
        self.names.iter().map(named).collect()
    }

    fn hunt(&self, defect: &'static Defect) -> Result<Line> {
        let load = |name: &&str| {
            let file = self.hunts.join(format!("{name}.toml"));
            Ok(Scenario::load(&file, Some(Backend::Sim))?)
        };
        let scenarios = defect.hunts.iter().map(load).collect::<Result<Vec<_>>>()?;
        let most = self.seeds.or(defect.is_ablation().then_some(SEEDS_OF_ABLATION));
        let name = defect.quirk.name();
        let go_on_from = |after: u64| {
            let spinner = progress::spinner(format!("{} {name}", defect.number()));
            let began = environment::processor_seconds();
            let worked = || Some(environment::processor_seconds()? - began?);
            let hunted = hunt(defect, &scenarios, after, |seeds| {
                spinner.set_message(format!("{} {name}: {seeds} seeds", defect.number()));
                let late = worked().is_some_and(|seconds| seconds >= f64::from(self.cpu_seconds));
                let over = late || most.is_some_and(|most| seeds >= most);
                if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            spinner.finish_and_clear();
            let hunted = hunted.map_err(|error| Failure::broken(format!("{name}: {error}")))?;
            Ok::<_, Failure>((hunted, worked()))
        };
        let (hunted, seconds) = go_on_from(0)?;
        let mut line = Line {
            quirk: name.to_owned(),
            seeds: hunted.seeds,
            other_causes: hunted.other_causes,
            processor_seconds: seconds,
            invariant: None,
            found_in: None,
            before: None,
            after: None,
            file: None,
        };
        if let Some(find) = hunted.find {
            let mut before = Size::of(&find.plan);
            let mut best = find;
            if self.shrink {
                best = self.make_small(defect, best);
                let mut tried = hunted.seeds;
                for _ in 1..self.finds {
                    if Size::of(&best.plan).is_handy() || hunted.seeds > SEEDS_OF_MORE {
                        break;
                    }
                    let (hunted, _) = go_on_from(tried)?;
                    tried = hunted.seeds;
                    let Some(another) = hunted.find else { break };
                    let size = Size::of(&another.plan);
                    let another = self.make_small(defect, another);
                    if Size::of(&another.plan).weight() < Size::of(&best.plan).weight() {
                        (best, before) = (another, size);
                    }
                }
            }
            let file = &scenarios[best.scenario].file;
            line.invariant = Some(best.target.invariant.clone());
            line.found_in = Some(format!("{file} --seed {}", best.seed));
            line.before = Some(before);
            if self.shrink {
                self.keep(defect, best, &mut line)?;
            }
        }
        Ok(line)
    }

    /// The find with all that it does not need taken out.
    fn make_small(&self, defect: &Defect, find: Find) -> Find {
        let Find { plan, ref target, .. } = find;
        let label = format!("{} {}", defect.number(), defect.quirk.name());
        let spinner = progress::spinner(format!("{label}: {}", Size::of(&plan)));
        let (plan, _) = shrink(plan, self.tries, &mut |smaller| {
            let fails = target.is_met_by(smaller);
            if fails {
                spinner.set_message(format!("{label}: {}", Size::of(smaller)));
            }
            fails
        });
        spinner.finish_and_clear();
        Find { plan, ..find }
    }

    fn keep(&self, defect: &Defect, find: Find, line: &mut Line) -> Result<()> {
        let Find { plan: mut small, target, .. } = find;
        defect.quirk.name().clone_into(&mut small.scenario);
        line.after = Some(Size::of(&small));
        let kept = keep(&small, &target, &defect.head()).map_err(|error| {
            Failure::surroundings(&error, "this is a defect of the testbed: please report it")
        })?;
        write(&self.out.join(defect.file()), &kept.text)?;
        line.file = Some(defect.file());
        Ok(())
    }
}

fn told(defect: &Defect, line: &Line) -> String {
    let Line { quirk, seeds, processor_seconds, invariant, after, .. } = line;
    let seconds = processor_seconds.map_or_else(String::new, |s| format!(", {s:.1} CPU-seconds"));
    let found = match invariant {
        Some(invariant) => format!("{invariant} is violated"),
        None => format!("not found ({} fired for another cause)", line.other_causes),
    };
    let small = after.map_or_else(String::new, |small| format!("; small: {small}"));
    format!("{} {quirk}: {found}; {seeds} seeds{seconds}{small}", defect.number())
}
