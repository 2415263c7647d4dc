//! What a matrix came to: for each combination of its values, the runs of all seeds added up.
//!
//! What is measured is a share, so many of so many, which is added up over runs, or a figure that each
//! run has of its own, of which the middle one counts: a [`Measure`] each. Kept as `matrix.json` beside the
//! folders of the runs. Not here: which combinations there are (`scenario::Matrix`), carrying them out and
//! the page (the command line, `reports`), how throughput scales (`scaling`). Start at [`Swept`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bigchaindb_strict::units;
use serde::{Deserialize, Serialize};

use crate::checkers::{Outcome, Verdict};
use crate::compare::Sample;
use crate::record::{Results, write_at_once};
use crate::scenario::{Cell, Scenario};

/// The file that keeps it.
pub const FILE: &str = "matrix.json";

/// What can be shown of a matrix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Blocks that were decided, and then were something else.
    ChangedDecisions,
    /// Blocks that are decided invalid in the end.
    InvalidBlocks,
    /// Accepted transactions of which nothing has become.
    NeverDecided,
    /// Runs that did not pass.
    NotPassed,
    /// Transactions decided a second while there is load.
    Throughput,
    /// How long half of the transactions take at most, from intended to decided.
    Latency,
    /// How long 99 % of them take at most.
    LatencyP99,
}

/// What a measure counts in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// So many of so many.
    Share,
    /// Thousandths of a transaction a second.
    Throughput,
    /// Microseconds.
    Time,
}

impl Measure {
    /// Each.
    pub const ALL: [Self; 7] = [
        Self::ChangedDecisions,
        Self::InvalidBlocks,
        Self::NeverDecided,
        Self::NotPassed,
        Self::Throughput,
        Self::Latency,
        Self::LatencyP99,
    ];

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangedDecisions => "changed-decisions",
            Self::InvalidBlocks => "invalid-blocks",
            Self::NeverDecided => "never-decided",
            Self::NotPassed => "not-passed",
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::LatencyP99 => "latency-p99",
        }
    }

    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ChangedDecisions => "decided blocks that changed their status",
            Self::InvalidBlocks => "blocks that were decided invalid",
            Self::NeverDecided => "accepted transactions that were never decided",
            Self::NotPassed => "runs that did not pass",
            Self::Throughput => "transactions decided a second",
            Self::Latency => "p50 from intended to decided",
            Self::LatencyP99 => "p99 from intended to decided",
        }
    }

    /// What it counts in.
    pub fn unit(self) -> Unit {
        match self {
            Self::ChangedDecisions | Self::InvalidBlocks | Self::NeverDecided | Self::NotPassed => {
                Unit::Share
            }
            Self::Throughput => Unit::Throughput,
            Self::Latency | Self::LatencyP99 => Unit::Time,
        }
    }

    /// What it is of one run, if it is a share.
    pub fn share_of(self, results: &Results) -> Option<Share> {
        let counts = &results.measures.counts;
        let (part, whole) = match self {
            Self::ChangedDecisions => (counts.blocks_changed, counts.blocks_decided),
            Self::InvalidBlocks => (counts.blocks_invalid, counts.blocks),
            Self::NeverDecided => (counts.never_decided, counts.transactions),
            Self::NotPassed => (u64::from(results.verdict != Verdict::Pass), 1),
            Self::Throughput | Self::Latency | Self::LatencyP99 => return None,
        };
        Some(Share { part, whole })
    }

    /// What it is of one run, if it is a figure and the run has one.
    fn figure_of(self, results: &Results) -> Option<u64> {
        let decided = Some(&results.measures.latency.decided).filter(|latency| latency.count > 0);
        match self {
            Self::Throughput => Sample::of(results).decided_per_ks(),
            Self::Latency => decided.map(|latency| latency.p50_us),
            Self::LatencyP99 => decided.map(|latency| latency.p99_us),
            _ => None,
        }
    }
}

/// So many of so many.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub part: u64,
    /// Of how many.
    pub whole: u64,
}

/// All of a matrix.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Swept {
    version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What its file opens with.
    pub story: String,
    /// The file, as it was named.
    pub file: String,
    /// The command that does all of it again.
    pub command: String,
    /// The first seed.
    pub first_seed: u64,
    /// How many seeds each combination is run with.
    pub seeds: u32,
    /// What is to be shown.
    pub measures: Vec<Measure>,
    /// The fields, and the values that they have in turn.
    pub axes: Vec<(String, Vec<String>)>,
    /// The combinations, the values of the last axis changing fastest.
    pub cells: Vec<Sum>,
}

/// The runs of a combination.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Sum {
    /// A value for each axis.
    pub values: Vec<String>,
    /// Whether its runs may break invariants.
    pub may_fail: bool,
    /// The folder of its runs, one for each seed, beside this file.
    pub folder: String,
    /// How many there were, by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// In how many runs each invariant was violated, or was to be and was not.
    pub violated: BTreeMap<String, u64>,
    /// How often a decided block became something else; one can do so many times.
    pub changes: u64,
    /// Every measure that is a share, by name.
    pub shares: BTreeMap<String, Share>,
    /// Every other measure, by name: what it was of each run, ascending.
    #[serde(default)]
    pub figures: BTreeMap<String, Vec<u64>>,
    /// The seeds whose runs did not pass.
    pub not_passed: Vec<u64>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SweptError {
    /// The file cannot be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or of another version.
    #[error("{path} tells of no matrix that this program knows")]
    Form {
        /// The file.
        path: PathBuf,
    },
}

const VERSION: u32 = 1;

impl Swept {
    /// Before the first run.
    pub fn new(scenario: &Scenario, cells: &[Cell], seeds: u32, first_seed: u64) -> Self {
        let matrix = scenario.matrix.iter();
        let axes = matrix.clone().flat_map(|matrix| &matrix.axes);
        let sum = |(number, cell): (usize, &Cell)| Sum {
            values: cell.values.clone(),
            may_fail: cell.may_fail,
            folder: folder(number, &cell.values),
            ..Sum::default()
        };
        Self {
            version: VERSION,
            scenario: scenario.name.clone(),
            story: scenario.story.clone(),
            file: scenario.file.clone(),
            command: String::new(),
            first_seed,
            seeds,
            measures: matrix.flat_map(|matrix| matrix.measures.clone()).collect(),
            axes: axes.map(|axis| (axis.field.clone(), axis.values.clone())).collect(),
            cells: cells.iter().enumerate().map(sum).collect(),
        }
    }

    /// What is kept in this folder.
    ///
    /// # Errors
    /// If there is none that can be read.
    pub fn load(folder: &Path) -> Result<Self, SweptError> {
        let path = folder.join(FILE);
        let text =
            std::fs::read(&path).map_err(|source| SweptError::Io { path: path.clone(), source })?;
        let swept: Option<Self> = serde_json::from_slice(&text).ok();
        swept.filter(|swept| swept.version == VERSION).ok_or(SweptError::Form { path })
    }

    /// Keeps it in this folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), SweptError> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).expect("it has a JSON form");
        text.push(b'\n');
        write_at_once(&path, &text).map_err(|source| SweptError::Io { path, source })
    }

    /// The values of an axis as numbers, if they are all numbers or all durations; those in microseconds.
    pub fn numbers(&self, axis: usize) -> Option<Vec<f64>> {
        let (_, values) = self.axes.get(axis)?;
        let plain = |value: &String| value.parse::<f64>().ok().filter(|number| number.is_finite());
        let time = |value: &String| units::duration(value).map(|us| us as f64);
        values
            .iter()
            .map(plain)
            .collect::<Option<_>>()
            .or_else(|| values.iter().map(time).collect())
    }

    /// The verdict on all of it: the worst of any run, of those that may fail only whether the harness
    /// fell short.
    pub fn verdict(&self) -> Verdict {
        let verdicts = [Verdict::Void, Verdict::Fail, Verdict::Unknown];
        let has = |verdict: &Verdict| {
            self.cells.iter().any(|cell| {
                let counts = !cell.may_fail || *verdict == Verdict::Void;
                counts && cell.verdicts.get(verdict.as_str()).is_some_and(|runs| *runs > 0)
            })
        };
        let mut found: Vec<_> = verdicts.into_iter().filter(has).collect();
        found.sort();
        found.pop().unwrap_or(Verdict::Pass)
    }
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, results: &Results) {
        *self.verdicts.entry(results.verdict.as_str().to_owned()).or_default() += 1;
        if results.verdict != Verdict::Pass {
            let place = self.not_passed.partition_point(|seed| *seed < results.seed);
            self.not_passed.insert(place, results.seed);
        }
        for judged in &results.invariants {
            let fails = matches!(judged.outcome, Outcome::Fail { .. });
            if fails != judged.meant_to_fail {
                *self.violated.entry(judged.invariant.clone()).or_default() += 1;
            }
        }
        self.changes += results.measures.counts.changes;
        for measure in Measure::ALL {
            if let Some(Share { part, whole }) = measure.share_of(results) {
                let share = self.shares.entry(measure.name().to_owned()).or_default();
                share.part += part;
                share.whole += whole;
            }
            if let Some(figure) = measure.figure_of(results) {
                let figures = self.figures.entry(measure.name().to_owned()).or_default();
                let place = figures.partition_point(|other| *other < figure);
                figures.insert(place, figure);
            }
        }
    }

    /// What a measure came to that is a share.
    pub fn share(&self, measure: Measure) -> Share {
        self.shares.get(measure.name()).copied().unwrap_or_default()
    }

    /// What another measure was of each run, ascending.
    pub fn figures(&self, measure: Measure) -> &[u64] {
        self.figures.get(measure.name()).map_or(&[], Vec::as_slice)
    }

    /// What a measure came to: per cent of a share, transactions a second, microseconds. Of figures the
    /// middle one; none if there is nothing of the kind.
    pub fn value(&self, measure: Measure) -> Option<f64> {
        let Share { part, whole } = self.share(measure);
        let figures = self.figures(measure);
        let middle = figures.get(figures.len().saturating_sub(1) / 2).map(|figure| *figure as f64);
        match measure.unit() {
            Unit::Share => (whole > 0).then(|| part as f64 * 100.0 / whole as f64),
            Unit::Throughput => middle.map(|thousandths| thousandths / 1e3),
            Unit::Time => middle,
        }
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.verdicts.values().sum()
    }
}

/// A name for a folder, with nothing in it that a shell or a file system minds.
fn folder(number: usize, values: &[String]) -> String {
    const LETTERS_MAX: usize = 80;
    let plain = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '.' => letter,
        _ => '-',
    };
    let name = format!("{:03} {}", number + 1, values.join(" "));
    let name: String = name.chars().map(plain).take(LETTERS_MAX).collect();
    name.trim_end_matches(['-', '.']).to_owned()
}
