//! What a checker says of one invariant, and all of them of a run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run as a whole has shown. The worst of its invariants and thresholds decides, and a
/// harness that fell short spoils all but a failure.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was looked at holds.
    Pass,
    /// A checker could not tell.
    Unknown,
    /// The harness itself fell short: load slipped, a fault was not verified.
    Void,
    /// A checker fired or an expectation was missed.
    Fail,
}

impl Verdict {
    /// The word for it, in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Void => "void",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one checker says of its invariant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The invariant's id: `S1`, `L2`, …
    pub invariant: String,
    /// What has to hold, in a sentence.
    pub statement: String,
    /// How many things of the kind were looked at (outputs, blocks, votes, …).
    pub looked_at: u64,
    /// Was this run meant to violate it? Then a failure is what was wanted, and its absence a miss.
    pub meant_to_fail: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of looking.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not.
    Fail {
        /// How many times.
        count: u64,
        /// The first of them, in the order of the log, not more than [`Violation::KEPT`].
        violations: Vec<Violation>,
    },
    /// The log does not say enough.
    Unknown {
        /// Why not.
        why: String,
    },
    /// There was nothing of the kind to look at.
    NotApplicable {
        /// What there was not.
        why: String,
    },
}

/// An invariant does not hold: when, what, and who was involved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The first bad moment, microseconds on the run's clock.
    pub at_us: u64,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The transaction that shows it, if one does.
    pub transaction: Option<String>,
    /// The ids of the blocks involved.
    pub blocks: Vec<String>,
    /// Every event that touched the transaction (or, without one, the blocks), in order. Only the
    /// first violation of an invariant has it.
    pub life_line: Vec<LifeEvent>,
}

impl Violation {
    /// How many violations of one invariant are kept; a broken federation breaks it thousands of
    /// times, and the first few tell.
    pub const KEPT: usize = 100;
}

/// One event in the life of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LifeEvent {
    /// When, microseconds on the run's clock.
    pub at_us: u64,
    /// Where: a client, a node's name, or a table.
    pub place: String,
    /// The node that it has to do with, if it is another place: the one asked, the assignee, the
    /// block's author, the voter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What happened.
    pub what: String,
}
