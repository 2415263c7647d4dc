//! How well the load generator kept to its own schedule.
//!
//! Each request slips by the time from the moment at which it was due until somebody took it up. Where too many
//! were late, or one was much too late, the run is void: what it was meant to measure was never asked for.

use bigchaindb_load::slip::{LATE_FEW, LATE_ONE_IN, LATE_US, LATE_US_MAX, Slip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CdfPoint;

/// The generator of a run in real time, as it measured itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Requests that were taken up, questions after the load included.
    pub requests: u64,
    /// Of those, how many were late: by more than 100 ms.
    pub late: u64,
    /// The longest slip, in microseconds.
    pub slip_max_us: u64,
    /// The distribution of slips, to three digits, ascending.
    pub slip_cdf: Vec<CdfPoint>,
    /// Whether the load was the one that was planned.
    pub kept_up: bool,
}

/// Where the distribution is sampled, in parts of a million.
const CDF_PER_MILLION: [u32; 8] =
    [500_000, 900_000, 950_000, 990_000, 997_000, 999_000, 999_900, 1_000_000];

impl Generator {
    /// What it measured about itself; nothing if it had nothing to send.
    pub fn of(slip: &Slip) -> Option<Self> {
        let point = |per_million: u32| CdfPoint {
            per_million: per_million.into(),
            latency_us: slip.quantile_us(f64::from(per_million) / 1e6),
        };
        (slip.requests() > 0).then(|| Self {
            requests: slip.requests(),
            late: slip.late(),
            slip_max_us: slip.max_us(),
            slip_cdf: CDF_PER_MILLION.map(point).to_vec(),
            kept_up: slip.is_kept(),
        })
    }

    /// Why the run is void, if it is.
    pub fn shortfall(&self) -> Option<String> {
        let Self { requests, late, slip_max_us, kept_up, .. } = self;
        (!kept_up).then(|| {
            format!(
                "the load slipped by {} ms at most, and {late} of {requests} requests were late by more than {} ms: \
                 none may be by {} ms, and of many no more than one in {LATE_ONE_IN} ({LATE_FEW} in any case)",
                slip_max_us / 1_000,
                LATE_US / 1_000,
                LATE_US_MAX / 1_000
            )
        })
    }
}
