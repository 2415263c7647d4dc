//! What a matrix came to: for each combination of its values, the runs of all seeds added up.
//!
//! What is measured is always a share, so many of so many, which can be added up over runs: a
//! [`Measure`] each. Kept as `matrix.json` beside the folders of the runs. Not here: which combinations
//! there are (`scenario::Matrix`), carrying them out and the page (the command line, `reports`).
//! Start at [`Swept`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checkers::{Outcome, Verdict};
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
}

impl Measure {
    /// Each.
    pub const ALL: [Self; 4] =
        [Self::ChangedDecisions, Self::InvalidBlocks, Self::NeverDecided, Self::NotPassed];

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangedDecisions => "changed-decisions",
            Self::InvalidBlocks => "invalid-blocks",
            Self::NeverDecided => "never-decided",
            Self::NotPassed => "not-passed",
        }
    }

    /// What is counted, and of what it is a share.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ChangedDecisions => ("changed their status", "decided blocks"),
            Self::InvalidBlocks => ("were decided invalid", "blocks"),
            Self::NeverDecided => ("were never decided", "accepted transactions"),
            Self::NotPassed => ("did not pass", "runs"),
        }
    }

    /// What it is of one run.
    pub fn of(self, results: &Results) -> Share {
        let counts = &results.measures.counts;
        let (part, whole) = match self {
            Self::ChangedDecisions => (counts.blocks_changed, counts.blocks_decided),
            Self::InvalidBlocks => (counts.blocks_invalid, counts.blocks),
            Self::NeverDecided => (counts.never_decided, counts.transactions),
            Self::NotPassed => (u64::from(results.verdict != Verdict::Pass), 1),
        };
        Share { part, whole }
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
    /// Every measure, by name.
    pub shares: BTreeMap<String, Share>,
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
            let Share { part, whole } = measure.of(results);
            let share = self.shares.entry(measure.name().to_owned()).or_default();
            share.part += part;
            share.whole += whole;
        }
    }

    /// What a measure came to.
    pub fn share(&self, measure: Measure) -> Share {
        self.shares.get(measure.name()).copied().unwrap_or_default()
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
