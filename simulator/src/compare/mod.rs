//! Two programs held against each other: what changed, how sure that is, and whether it matters.
//!
//! Each side is a number of runs of one scenario: a [`Sample`] each, of a run directory or out of a
//! baseline that was stored. In virtual time runs are exact, and are compared seed by seed, to the last
//! figure (`exact`). In real time no run is the same again: each figure gets an interval, by resampling
//! repetitions and seconds (`resample`), and is better, worse, the same, or unclear (`figure`). Machines
//! that differ, and loads that differ, are named, and make the answer unclear. Not here: carrying out
//! the runs (the command line), showing it (`bigchaindb_reports`). Start at [`compare`].

mod baseline;
mod exact;
mod figure;
mod resample;
mod sample;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::backends::Backend;
use crate::calibration::Calibration;

pub use baseline::{Baseline, BaselineError};
pub use exact::Difference;
pub use figure::{Compared, Figure};
pub use resample::{Change, Mean, Pairs, change};
pub use sample::{Moment, Sample};

/// Fewer runs than these on a side say nothing of how much runs differ by themselves.
pub const REPETITIONS_MIN: usize = 3;

/// What a comparison says, of a figure or of all. What comes later weighs more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Nothing that matters.
    Same,
    /// Less than the baseline took, or more than it did.
    Better,
    /// The runs do not tell.
    Unclear,
    /// The other way round.
    Worse,
}

impl Answer {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Unclear => "unclear",
            Self::Worse => "worse",
        }
    }
}

/// How two sides are compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Terms {
    /// A change of less than this does not matter: 0.05 is five per cent. In real time only.
    pub threshold: f64,
    /// The chance that two equal programs are called different, over all figures together.
    pub mistaken: f64,
    /// Whether the runs of both sides belong together, the first with the first: those that were made
    /// one right after the other.
    pub pairs: Pairs,
    /// Whether machines may differ.
    pub any_machine: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { threshold: 0.05, mistaken: 0.05, pairs: Pairs::None, any_machine: false }
    }
}

/// All that a comparison came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// The scenario's name.
    pub scenario: String,
    /// The world.
    pub backend: String,
    /// Whether every figure was compared exactly, seed by seed.
    pub exact: bool,
    /// What is new to be judged: how many runs, and how fast their machine was.
    pub program: Side,
    /// What it is held against.
    pub baseline: Side,
    /// What was measured, with intervals; empty where runs are exact.
    pub figures: Vec<Compared>,
    /// What is different, seed by seed; only where runs are exact.
    pub differences: Vec<Difference>,
    /// Why nothing can be said for sure, or what is to be known besides; a sentence each.
    pub caveats: Vec<String>,
    /// What changed less than this was called the same; nothing was, where runs are exact.
    pub threshold: f64,
    /// What all of it comes to.
    pub answer: Answer,
}

/// One side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Side {
    /// How many runs counted.
    pub runs: usize,
    /// How many did not, as the harness itself fell short.
    pub void: usize,
    /// How fast the machine was, typically.
    pub calibration: Option<Calibration>,
}

/// Why two sides cannot be compared at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Incomparable {
    /// A side has nothing.
    #[error("there is no run of the {0} that counts")]
    Nothing(&'static str),
    /// They are of different things.
    #[error("runs of different {what} cannot be compared: {one} and {other}")]
    Different {
        /// What of them differs.
        what: &'static str,
        /// What one has.
        one: String,
        /// And another.
        other: String,
    },
    /// In virtual time runs are compared seed by seed.
    #[error("no seed was run on both sides: {program} and {baseline}")]
    OtherSeeds {
        /// The program's seeds.
        program: String,
        /// The baseline's.
        baseline: String,
    },
}

/// Compares a program's runs with a baseline's.
///
/// # Errors
/// [`Incomparable`], if they are runs of different scenarios or worlds, or one side has none.
pub fn compare(
    baseline: &[Sample],
    program: &[Sample],
    terms: Terms,
) -> Result<Comparison, Incomparable> {
    let all: Vec<&Sample> = baseline.iter().chain(program).collect();
    let first = *all.first().ok_or(Incomparable::Nothing("baseline"))?;
    alike(&all)?;
    if first.backend == Backend::Sim.name() {
        return exact::compare(baseline, program);
    }
    let (baseline, program) = counting(baseline, program, terms.pairs);
    for (side, what) in [(&baseline, "baseline"), (&program, "program")] {
        if side.0.is_empty() {
            return Err(Incomparable::Nothing(what));
        }
    }
    let mut caveats = loads(&baseline.0, &program.0);
    let machines = [typical(&baseline.0), typical(&program.0)];
    caveats.extend(machines_differ(machines, terms.any_machine));
    let figures = figure::compare(&baseline.0, &program.0, terms);
    if baseline.0.len().min(program.0.len()) < REPETITIONS_MIN {
        let few = format!(
            "fewer than {REPETITIONS_MIN} runs on a side do not tell how much runs differ by themselves"
        );
        caveats.push(few);
    }
    let worst = figures.iter().map(|figure| figure.answer).max().unwrap_or(Answer::Unclear);
    let answer = if caveats.is_empty() { worst } else { Answer::Unclear };
    let side = |(runs, void): (Vec<&Sample>, usize), calibration| Side {
        runs: runs.len(),
        void,
        calibration,
    };
    let [of_baseline, of_program] = machines;
    Ok(Comparison {
        scenario: first.scenario.clone(),
        backend: first.backend.clone(),
        exact: false,
        program: side(program, of_program),
        baseline: side(baseline, of_baseline),
        figures,
        differences: Vec::new(),
        caveats,
        threshold: terms.threshold,
        answer,
    })
}

/// All have to be runs of one scenario in one world, by one set of rules, of as many nodes.
fn alike(all: &[&Sample]) -> Result<(), Incomparable> {
    type Trait = (&'static str, fn(&Sample) -> String);
    let traits: [Trait; 4] = [
        ("scenarios", |sample| format!("`{}`", sample.scenario)),
        ("worlds", |sample| format!("`{}`", sample.backend)),
        ("rules", |sample| format!("`{}`", sample.rules)),
        ("federations", |sample| format!("{} nodes", sample.nodes)),
    ];
    for (what, of) in traits {
        for pair in all.windows(2) {
            let (one, other) = (of(pair[0]), of(pair[1]));
            if one != other {
                return Err(Incomparable::Different { what, one, other });
            }
        }
    }
    Ok(())
}

type Counting<'a> = (Vec<&'a Sample>, usize);

/// The runs that count, and how many do not; of pairs both have to.
fn counting<'a>(
    baseline: &'a [Sample],
    program: &'a [Sample],
    pairs: Pairs,
) -> (Counting<'a>, Counting<'a>) {
    let void = |side: &[Sample]| side.iter().filter(|sample| !sample.counts()).count();
    let voids = (void(baseline), void(program));
    let (baseline, program) = match pairs {
        Pairs::None => {
            let counts = |sample: &&Sample| sample.counts();
            (baseline.iter().filter(counts).collect(), program.iter().filter(counts).collect())
        }
        Pairs::InOrder => {
            let both = baseline.iter().zip(program);
            both.filter(|(one, other)| one.counts() && other.counts()).unzip()
        }
    };
    ((baseline, voids.0), (program, voids.1))
}

/// Runs with the same seed were asked the same, and those with others about as much, or they are no runs
/// of the same.
fn loads(baseline: &[&Sample], program: &[&Sample]) -> Vec<String> {
    // Poisson's arrivals differ from seed to seed, but not by a tenth where there are enough to compare.
    const APART: f64 = 1.1;
    let of_seed = |sample: &&Sample| (sample.seed, sample.requested);
    let asked: BTreeMap<u64, u64> = baseline.iter().map(of_seed).collect();
    let differs = program.iter().find_map(|sample| {
        let before = asked.get(&sample.seed).filter(|before| **before != sample.requested)?;
        Some(format!(
            "not the same was asked: with seed {}, {before} operations of the baseline and {} now",
            sample.seed, sample.requested
        ))
    });
    let mean = |side: &[&Sample]| {
        side.iter().map(|sample| sample.requested as f64).sum::<f64>() / side.len().max(1) as f64
    };
    let (before, after) = (mean(baseline), mean(program));
    let is_far = before.max(after) > before.min(after) * APART;
    let more_or_less =
        || format!("not as much was asked: {before:.0} operations of the baseline, {after:.0} now");
    differs.or_else(|| is_far.then(more_or_less)).into_iter().collect()
}

fn typical(side: &[&Sample]) -> Option<Calibration> {
    let known: Vec<_> = side.iter().filter_map(|sample| sample.calibration).collect();
    Calibration::typical(&known)
}

fn machines_differ(
    [baseline, program]: [Option<Calibration>; 2],
    any_machine: bool,
) -> Vec<String> {
    if any_machine {
        return Vec::new();
    }
    let (Some(baseline), Some(program)) = (baseline, program) else {
        return vec!["how fast the machines were is not known of both sides".to_owned()];
    };
    let said = |difference: String| format!("the machines differ, in {difference}");
    baseline.differences(&program).into_iter().map(said).collect()
}
