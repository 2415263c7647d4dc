//! A distribution of latencies: exact, every value kept.

use super::{CdfPoint, Percentiles};

/// Where a distribution is sampled for a plot, in parts of a million: a logarithmic tail.
const CDF_PER_MILLION: [u64; 17] = [
    0, 100_000, 250_000, 500_000, 750_000, 900_000, 950_000, 975_000, 990_000, 995_000, 997_000,
    999_000, 999_500, 999_900, 999_990, 999_999, 1_000_000,
];

/// Latencies in microseconds, some of them lower bounds.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// Each with whether it had come to its end.
    values: Vec<(u64, bool)>,
}

impl Distribution {
    /// It took this long.
    pub fn add(&mut self, latency_us: u64) {
        self.values.push((latency_us, true));
    }

    /// It took at least this long, and was not over when the log ended.
    pub fn add_censored(&mut self, at_least_us: u64) {
        self.values.push((at_least_us, false));
    }

    /// The latency that so many thousandths of a per cent did not exceed; none if there are no
    /// values, or if all that is known is a lower bound.
    pub fn percentile(&mut self, millipercent: u32) -> Option<u64> {
        self.values.sort_unstable();
        let (latency_us, over) = *self.at_rank(u64::from(millipercent), 100_000)?;
        // What is censored took longer than its value says, so nothing at or beyond it is known.
        let known = self.values.iter().all(|(value, over)| *over || *value >= latency_us);
        (over && known).then_some(latency_us)
    }

    /// The usual figures.
    pub fn percentiles(&mut self) -> Percentiles {
        self.values.sort_unstable();
        let at = |millipercent| self.at_rank(millipercent, 100_000).map_or(0, |value| value.0);
        Percentiles {
            count: self.values.len() as u64,
            censored: self.values.iter().filter(|(_, over)| !over).count() as u64,
            min_us: at(0),
            p50_us: at(50_000),
            p95_us: at(95_000),
            p99_us: at(99_000),
            p99_7_us: at(99_700),
            max_us: at(100_000),
        }
    }

    /// The curve, ascending, over what came to its end; its top lies below a million if some did not.
    pub fn cdf(&mut self) -> Vec<CdfPoint> {
        self.values.sort_unstable();
        let points = CDF_PER_MILLION.iter().map_while(|per_million| {
            let (latency_us, over) = *self.at_rank(*per_million, 1_000_000)?;
            over.then_some(CdfPoint { per_million: *per_million, latency_us })
        });
        points.collect()
    }

    /// Every value, ascending, each with whether it had come to its end.
    pub fn sorted(&mut self) -> &[(u64, bool)] {
        self.values.sort_unstable();
        &self.values
    }

    /// The value of the nearest rank; values have to be sorted.
    fn at_rank(&self, share: u64, of: u64) -> Option<&(u64, bool)> {
        let rank = (self.values.len() as u64 * share).div_ceil(of).max(1);
        self.values.get(usize::try_from(rank - 1).ok()?)
    }
}
