//! What a campaign has come to so far: counts, and the failures themselves up to a bound.
//!
//! Its size does not depend on how long a campaign is, and its content not on the order in which runs
//! end. Not here: how it is told (the command line, `bigchaindb-reports`). Start at [`Tally::count`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Came, Job};
use crate::checkers::{Outcome, Verdict};
use crate::coverage::Coverage;
use crate::record::Results;
use crate::scenario::Scenario;

/// What all runs so far came to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many there were.
    pub runs: u64,
    /// Those in which everything held.
    pub pass: u64,
    /// Those in which a checker fired or an expectation was missed.
    pub fail: u64,
    /// Those in which a checker could not tell.
    pub unknown: u64,
    /// Those in which the harness fell short.
    pub void: u64,
    /// Those without results: the harness failed.
    pub undone: u64,
    /// Those that were run twice.
    pub twice: u64,
    /// How long they took on their own clocks, microseconds.
    pub run_us: u64,
    /// How often each invariant was violated, or was to be and was not, in runs.
    pub violated: BTreeMap<String, u64>,
    /// What faults have met.
    pub coverage: Coverage,
    /// Each scenario's part, in the order of the campaign's list.
    pub scenarios: Vec<OfScenario>,
    /// Runs that did not pass, the first [`Tally::KEPT`] of them in the order of the campaign.
    pub found: Vec<Found>,
}

/// What the runs of one scenario came to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OfScenario {
    /// The scenario's file.
    pub file: String,
    /// How many runs.
    pub runs: u64,
    /// How many of them did not pass.
    pub not_passed: u64,
    /// How long they took on their own clocks, microseconds.
    pub run_us: u64,
}

/// A run that did not pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Which run.
    pub job: Job,
    /// The scenario's file.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// `fail`, `unknown`, `void`, or `undone`.
    pub verdict: String,
    /// The ids of the invariants violated, or not violated against expectation.
    pub invariants: Vec<String>,
    /// The weightiest reason.
    pub reason: String,
}

impl Tally {
    /// So many runs that did not pass are kept; more are only counted.
    pub const KEPT: usize = 1_000;

    /// Before the first run.
    pub fn new(scenarios: &[Scenario]) -> Self {
        let of = |scenario: &Scenario| OfScenario {
            file: scenario.file.clone(),
            ..OfScenario::default()
        };
        Self { scenarios: scenarios.iter().map(of).collect(), ..Self::default() }
    }

    /// Counts a run; one that did not pass is handed back.
    pub fn count(&mut self, job: Job, twice: bool, came: &Came) -> Option<Found> {
        self.runs += 1;
        self.twice += u64::from(twice);
        let part = &mut self.scenarios[job.scenario];
        part.runs += 1;
        let (verdict, invariants, reason) = match came {
            Came::To(results, coverage) => {
                part.run_us += results.duration_us;
                self.run_us += results.duration_us;
                self.coverage.merge(coverage);
                match results.verdict {
                    Verdict::Pass => {
                        self.pass += 1;
                        return None;
                    }
                    Verdict::Fail => self.fail += 1,
                    Verdict::Unknown => self.unknown += 1,
                    Verdict::Void => self.void += 1,
                }
                let reason = results.reasons.first().cloned().unwrap_or_default();
                (results.verdict.as_str(), surprising(results), reason)
            }
            Came::Undone(undone) => {
                self.undone += 1;
                ("undone", Vec::new(), undone.to_string())
            }
        };
        part.not_passed += 1;
        for invariant in &invariants {
            *self.violated.entry(invariant.clone()).or_default() += 1;
        }
        let (scenario, seed, verdict) = (part.file.clone(), job.seed, verdict.to_owned());
        let found = Found { job, scenario, seed, verdict, invariants, reason };
        let place = self.found.partition_point(|other| other.job.number < job.number);
        self.found.insert(place, found.clone());
        self.found.truncate(Self::KEPT);
        Some(found)
    }

    /// Runs that did not pass and are not kept.
    pub fn not_kept(&self) -> u64 {
        (self.runs - self.pass).saturating_sub(self.found.len() as u64)
    }
}

/// The invariants that a run violated, or was to violate and did not.
fn surprising(results: &Results) -> Vec<String> {
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    let judgements = results.invariants.iter();
    let wrong = judgements.filter(|judged| fails(&judged.outcome) != judged.meant_to_fail);
    wrong.map(|judged| judged.invariant.clone()).collect()
}
