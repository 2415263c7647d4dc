//! How far a generator fell behind its own schedule: what it measured about itself.
//!
//! A request slips by the time between the moment at which it was due and the moment at which somebody took it up
//! to send it; waiting for a free connection is the node's doing, not the generator's, and does not count. A run
//! whose load slipped measured another load than the one that was wanted: it proves nothing.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::histogram;

/// A request that is taken up later than this is late: timers are exact to a millisecond or two.
pub const LATE_US: u64 = 100_000;

/// One request that is taken up later than this is enough: that was not the load that was planned.
pub const LATE_US_MAX: u64 = 1_000_000;

/// So many late ones prove nothing, however few there are in all,
pub const LATE_FEW: u64 = 10;

/// and beyond, no more than one in so many may be.
pub const LATE_ONE_IN: u64 = 100;

/// The slip of each request, in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slip {
    #[serde(with = "histogram")]
    histogram: Histogram<u64>,
    late: u64,
}

impl Default for Slip {
    fn default() -> Self {
        Self { histogram: histogram::new(), late: 0 }
    }
}

impl Slip {
    /// A request was taken up so long after it was due.
    pub fn note(&mut self, late_us: u64) {
        self.late += u64::from(late_us > LATE_US);
        self.histogram.saturating_record(late_us);
    }

    /// Together with that of another part of the generator.
    pub fn add(&mut self, other: &Self) {
        self.late += other.late;
        self.histogram.add(&other.histogram).expect("both have the same bounds");
    }

    /// How many requests were taken up.
    pub fn requests(&self) -> u64 {
        self.histogram.len()
    }

    /// How many of them were late: by more than [`LATE_US`].
    pub fn late(&self) -> u64 {
        self.late
    }

    /// The longest, in microseconds.
    pub fn max_us(&self) -> u64 {
        self.histogram.max()
    }

    /// What this share of the requests did not exceed, of 1, in microseconds; 0 if there were none.
    pub fn quantile_us(&self, share: f64) -> u64 {
        self.histogram.value_at_quantile(share)
    }

    /// Whether this was the load that was wanted: no request was late by more than [`LATE_US_MAX`], and no more
    /// than one in [`LATE_ONE_IN`] was late, or no more than [`LATE_FEW`] of them.
    pub fn is_kept(&self) -> bool {
        let few = self.late <= LATE_FEW || self.late * LATE_ONE_IN <= self.requests();
        few && self.max_us() <= LATE_US_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slip(slips: &[(u64, u64)]) -> Slip {
        let mut slip = Slip::default();
        for (count, us) in slips {
            (0..*count).for_each(|_| slip.note(*us));
        }
        slip
    }

    #[test]
    fn a_schedule_is_kept_or_not() {
        for (slips, is_kept) in [
            (&[][..], true),
            (&[(100, 2_000)], true),
            (&[(10, 900_000), (5, 0)], true),
            (&[(11, 100_500), (1_000, 0)], false),
            (&[(11, 100_500), (1_100, 0)], true),
            (&[(1, 1_100_000), (1_000_000, 0)], false),
        ] {
            assert_eq!(slip(slips).is_kept(), is_kept, "{slips:?}");
        }
    }

    #[test]
    fn parts_add_up() {
        let mut all = slip(&[(99, 10)]);
        all.add(&slip(&[(1, 200_000)]));
        assert_eq!((all.requests(), all.late()), (100, 1));
        assert!(all.max_us() >= 200_000 && all.quantile_us(0.5) == 10);
    }
}
