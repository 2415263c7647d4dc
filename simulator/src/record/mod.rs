//! The run directory: everything that is kept of a run.
//!
//! `scenario.toml` (the file, byte for byte), `plan.json` (every choice made), `command` (which runs it
//! again), `observations.jsonl` (the log), `results.json` (what it came to: [`Results`]), `hist.hgrm` (how long
//! decisions took, every one of them), `heard` (what each node's core heard, where no run is the same again:
//! [`replay`](crate::replay)). Pages made of it are crate `bigchaindb-reports`. How a verdict comes about is in `conclude`. Start at [`RunDirectory`].

mod conclude;
mod histogram;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::checkers::{Judgement, Verdict};
use crate::coverage::Coverage;
use crate::measure::{Distribution, FaultWindow, Generator, Measures, Resources, Votes};
use crate::plan::{FaultKind, Plan};

pub use conclude::{kept, verdict};

/// What a run came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The form of this file: [`Results::VERSION`].
    pub version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// Which world carried it out.
    pub backend: String,
    /// The rules' profile.
    pub rules: String,
    /// The federation's nodes, by name.
    pub nodes: Vec<String>,
    /// Those of them that are none of ours, each with the rules by which it is judged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign: BTreeMap<String, String>,
    /// What the run has shown.
    pub verdict: Verdict,
    /// Why, a sentence each, the weightiest first. Empty for a pass.
    pub reasons: Vec<String>,
    /// SHA-256 over the observation log, in hex.
    pub digest: String,
    /// The command that runs it again.
    pub command: String,
    /// When the run's clock stood at 0, Unix milliseconds. Virtual under `sim`.
    pub started_unix_ms: u64,
    /// How long it took on the run's clock, microseconds.
    pub duration_us: u64,
    /// What the checkers say, in the order of the invariants' list.
    pub invariants: Vec<Judgement>,
    /// The scenario's own expectations.
    pub thresholds: Vec<Threshold>,
    /// What was measured.
    pub measures: Measures,
    /// What went wrong on purpose, by number.
    pub faults: Vec<FaultWindow>,
    /// What each member used of its machine, where time is real.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resources>,
    /// How well the load kept to its plan, where time is real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generator>,
    /// What faults met nodes in the middle of, by kind; only where time is virtual.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub met: BTreeMap<String, Met>,
    /// Who voted how, over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// How long messages between nodes and store took by the plan; absent where they took what the
    /// machine takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<LinkTimes>,
    /// Where it ran: name and value, for people.
    pub environment: BTreeMap<String, String>,
    /// How fast the machine was; none in virtual time, where it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Results {
    /// The form of `results.json` that this crate writes, and the only one it reads.
    pub const VERSION: u32 = 1;
}

/// An expectation of the scenario and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// What is bounded, as in the scenario: `finality.p99_7`.
    pub name: String,
    /// At most this, in microseconds.
    pub limit_us: u64,
    /// What was measured; absent if there was nothing to measure.
    pub measured_us: Option<u64>,
    /// Was it kept? Nothing measured keeps nothing.
    pub met: bool,
}

/// How long messages between members take, one way, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LinkTimes {
    /// The middle.
    pub latency_us: u64,
    /// How far each may lie from the middle, to either side.
    pub jitter_us: u64,
}

/// What the faults of one kind met nodes in the middle of.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Met {
    /// How many were seen to be real.
    pub verified: u64,
    /// How often one met a node that had nothing under way.
    pub idle: u64,
    /// How often one met a node that had this step of its work under way.
    pub steps: BTreeMap<String, u64>,
}

impl Met {
    /// What a run's faults met, by kind.
    pub fn of(coverage: &Coverage) -> BTreeMap<String, Self> {
        let mut of_kind: BTreeMap<String, Self> = BTreeMap::new();
        let mut entry = |kind: FaultKind, add: &dyn Fn(&mut Self)| {
            add(of_kind.entry(kind.nature().name.to_owned()).or_default());
        };
        for (kind, times) in &coverage.verified {
            entry(*kind, &|met| met.verified += times);
        }
        for (kind, times) in &coverage.idle {
            entry(*kind, &|met| met.idle += times);
        }
        for (kind, steps) in &coverage.met {
            let named = || steps.iter().map(|(step, times)| (step.name().to_owned(), *times));
            entry(*kind, &|met| met.steps.extend(named()));
        }
        of_kind
    }
}

/// A folder that keeps a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    hears: bool,
}

/// Why a run directory cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file cannot be written or read.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} is no {what}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        source: serde_json::Error,
    },
    /// Results of another version of this program.
    #[error("{path} has version {found}, this program reads {}", Results::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

impl RunDirectory {
    /// Makes the folder, with those above it.
    ///
    /// # Errors
    /// [`RecordError::Io`] if that cannot be.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        std::fs::create_dir_all(path)
            .map_err(|source| RecordError::Io { path: path.to_path_buf(), source })?;
        Ok(Self::open(path))
    }

    /// A folder that is there already.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_path_buf(), hears: false }
    }

    /// The same; what nodes hear is written down, where no run is the same again.
    #[must_use]
    pub fn hearing(self) -> Self {
        Self { hears: true, ..self }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is called: the folder's own name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the log is: `observations.jsonl`.
    pub fn observations(&self) -> PathBuf {
        self.path.join("observations.jsonl")
    }

    /// Where nodes that keep data keep it: the folder `data`.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Whether what nodes hear is written down.
    pub fn hears(&self) -> bool {
        self.hears
    }

    /// Where that is, for a node: `heard/n1.jsonl`.
    pub fn heard(&self, node: &str) -> PathBuf {
        self.path.join("heard").join(format!("{node}.jsonl"))
    }

    /// Keeps the scenario's text as `scenario.toml`.
    ///
    /// # Errors
    /// [`RecordError::Io`] if it cannot be written.
    pub fn write_scenario(&self, text: &str) -> Result<(), RecordError> {
        self.write("scenario.toml", text.as_bytes())
    }

    /// Keeps the command that runs it again as `command`.
    ///
    /// # Errors
    /// [`RecordError::Io`] if it cannot be written.
    pub fn write_command(&self, command: &str) -> Result<(), RecordError> {
        self.write("command", format!("{command}\n").as_bytes())
    }

    /// Reads the command that runs it again.
    ///
    /// # Errors
    /// [`RecordError::Io`] if there is none.
    pub fn command(&self) -> Result<String, RecordError> {
        let path = self.path.join("command");
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|source| RecordError::Io { path, source })?;
        Ok(text.trim_end().to_owned())
    }

    /// Keeps the plan as `plan.json`.
    ///
    /// # Errors
    /// [`RecordError`] if it cannot be written.
    pub fn write_plan(&self, plan: &impl Serialize) -> Result<(), RecordError> {
        self.write_json("plan.json", "plan", plan)
    }

    /// Reads `plan.json`.
    ///
    /// # Errors
    /// [`RecordError`] if there is none, or it is of another form.
    pub fn plan(&self) -> Result<Plan, RecordError> {
        let path = self.path.join("plan.json");
        let text = std::fs::read(&path)
            .map_err(|source| RecordError::Io { path: path.clone(), source })?;
        serde_json::from_slice(&text).map_err(|source| RecordError::Form {
            path,
            what: "plan",
            source,
        })
    }

    /// Keeps the results as `results.json`.
    ///
    /// # Errors
    /// [`RecordError`] if they cannot be written.
    pub fn write_results(&self, results: &Results) -> Result<(), RecordError> {
        self.write_json("results.json", "results", results)
    }

    /// Keeps the distribution from intended to decided as `hist.hgrm`, in the text form of
    /// HdrHistogram's percentiles; values in milliseconds.
    ///
    /// # Errors
    /// [`RecordError::Io`] if it cannot be written.
    pub fn write_histogram(&self, decided: &mut Distribution) -> Result<(), RecordError> {
        self.write("hist.hgrm", histogram::histogram(decided).as_bytes())
    }

    /// Reads `results.json`.
    ///
    /// # Errors
    /// [`RecordError`] if there is none, or it is of another version or form.
    pub fn results(&self) -> Result<Results, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let path = self.path.join("results.json");
        let text = std::fs::read(&path)
            .map_err(|source| RecordError::Io { path: path.clone(), source })?;
        let form = |source| RecordError::Form { path: path.clone(), what: "results file", source };
        let Versioned { version } = serde_json::from_slice(&text).map_err(form)?;
        if version != Results::VERSION {
            return Err(RecordError::Version { path, found: version });
        }
        serde_json::from_slice(&text).map_err(form)
    }

    fn write_json(
        &self,
        name: &str,
        what: &'static str,
        value: &impl Serialize,
    ) -> Result<(), RecordError> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|source| RecordError::Form {
            path: self.path.join(name),
            what,
            source,
        })?;
        text.push(b'\n');
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RecordError> {
        let path = self.path.join(name);
        write_at_once(&path, bytes).map_err(|source| RecordError::Io { path, source })
    }
}

/// Writes a file whole or not at all: whoever is killed meanwhile leaves what was there before.
///
/// # Errors
/// If it cannot be written.
pub fn write_at_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
