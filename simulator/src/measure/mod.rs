//! What a run measured: how much was asked, accepted and decided when, and how long it took.
//!
//! Everything is counted from the observation log, latencies from the moment the plan intended. What
//! was sent and not refused, and never gets there, stays in them as something that took at least
//! until the log's end (right-censored); it is never dropped. Here: the figures, and [`measure`],
//! where to start. How they are gathered is in `gather`, distributions are in `distribution`, what was before,
//! during and after faults in `phases`; what members use of their machines is in `resources`,
//! how well the load kept to its plan in `generator`, votes in `votes`.

mod distribution;
mod gather;
mod generator;
mod phases;
mod resources;
mod votes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use distribution::Distribution;
pub use gather::{Measured, Measuring, measure};
pub use generator::Generator;
pub use phases::{Phase, PhaseName};
pub use resources::{Resources, Sample};
pub use votes::{NodeVotes, Votes, Voting};

/// All that was measured.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    /// Totals.
    pub counts: Counts,
    /// How many seconds an entry of `seconds` is about: one, unless the run is longer than a day.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub stretch_s: u64,
    /// One entry per second of the run, from its first, without gaps.
    pub seconds: Vec<Second>,
    /// How long each hop took, over the whole run.
    pub latency: Latency,
    /// The distribution of the time from intended to decided, ascending.
    pub decided_cdf: Vec<CdfPoint>,
    /// The same before, during and after faults; none if nothing went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// How much nodes asked of their store; none if they do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips: Option<RoundTrips>,
}

/// What nodes asked of their store. A question is one round trip, whatever its number of rows.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoundTrips {
    /// Of all nodes together, in all their lives, up to the last time that they said so.
    pub questions: u64,
    /// For each transaction that was decided valid; none if none was.
    pub per_transaction: Option<f64>,
}

impl RoundTrips {
    /// So many questions, over so many transactions.
    pub fn new(questions: u64, transactions: u64) -> Self {
        let per_transaction = (transactions > 0).then(|| questions as f64 / transactions as f64);
        Self { questions, per_transaction }
    }
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(number: &u64) -> bool {
    *number == 1
}

/// Totals. Load only: probes are not counted.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Operations whose call began.
    pub sent: u64,
    /// Acknowledged with 2xx.
    pub accepted: u64,
    /// Refused.
    pub refused: u64,
    /// Never answered.
    pub unanswered: u64,
    /// Distinct transactions acknowledged.
    pub transactions: u64,
    /// Of those, decided valid.
    pub decided_valid: u64,
    /// Of those, not decided valid, as they lost a conflict.
    pub lost_conflict: u64,
    /// Of those, never decided before the log ended.
    pub never_decided: u64,
    /// Blocks seen, without genesis.
    pub blocks: u64,
    /// Of those, decided valid.
    pub blocks_valid: u64,
    /// Of those, decided invalid.
    pub blocks_invalid: u64,
    /// Of those, never decided.
    pub blocks_undecided: u64,
    /// Blocks that were decided at some time, even if they are not in the end.
    #[serde(default)]
    pub blocks_decided: u64,
    /// Of those, how many were something else later: another decision, or none.
    #[serde(default)]
    pub blocks_changed: u64,
    /// How often that happened to any of them.
    #[serde(default)]
    pub changes: u64,
}

/// One second of the run, or a stretch of some: [`Measures::stretch_s`].
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Which, from 0 at the beginning of the log.
    pub second: u64,
    /// Operations that the plan intended in it.
    pub requested: u64,
    /// Operations sent in it.
    pub sent: u64,
    /// Operations acknowledged in it.
    pub accepted: u64,
    /// Transactions decided valid in it.
    pub decided: u64,
    /// From intended to decided, of the transactions decided in it; none if there were none.
    pub decided_latency: Option<Percentiles>,
    /// Rows in the backlog at its end.
    pub backlog: u64,
    /// Blocks that were there and not decided at its end.
    pub undecided_blocks: u64,
}

/// How long each hop took, from the operation's intended moment.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Until its call began.
    pub sent: Percentiles,
    /// Until it was acknowledged.
    pub accepted: Percentiles,
    /// Until its transaction was seen in a block.
    pub in_block: Percentiles,
    /// Until its transaction was decided valid.
    pub decided: Percentiles,
    /// Until another node than the one it was posted to was first read to show it as valid, of the operations of
    /// which that is measured (`readable` in the scenario); none if there are none. Known to within the time
    /// between two questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable: Option<Percentiles>,
}

/// A distribution of latencies, in microseconds.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// Of those, how many had not got there when the log ended; they count as having taken until
    /// then, so where there are any, the upper percentiles are lower bounds.
    pub censored: u64,
    /// The shortest.
    pub min_us: u64,
    /// Half took at most this long.
    pub p50_us: u64,
    /// 95 % took at most this long.
    pub p95_us: u64,
    /// 99 % took at most this long.
    pub p99_us: u64,
    /// 99.7 % took at most this long.
    pub p99_7_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// A point of a distribution.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CdfPoint {
    /// How many of a million …
    pub per_million: u64,
    /// … took at most this long.
    pub latency_us: u64,
}

/// A fault, as it came about. Microseconds on the run's clock; what did not happen is absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FaultWindow {
    /// Its number in the plan.
    pub number: u64,
    /// Its kind: `kill`, `pause`, …
    pub kind: String,
    /// What it hit.
    pub target: String,
    /// When the plan wanted it.
    pub planned_us: Option<u64>,
    /// When it was done.
    pub applied_us: Option<u64>,
    /// When a probe saw that it was real.
    pub verified_us: Option<u64>,
    /// When it was over.
    pub healed_us: Option<u64>,
}
