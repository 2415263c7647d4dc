//! What a comparison has to know of a run: little enough to be stored.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::checkers::Verdict;
use crate::measure::{Counts, Latency, Measures, Resources, Second};
use crate::record::Results;

/// At the beginning of the load nothing is decided yet: these seconds do not count …
const WARM_UP: usize = 2;
/// … if at least so many are left.
const SECONDS_MIN: usize = 4;

/// A run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The world.
    pub backend: String,
    /// The rules.
    pub rules: String,
    /// How many nodes.
    pub nodes: usize,
    /// What the run has shown.
    pub verdict: Verdict,
    /// Of the observation log, SHA-256 in hex.
    pub digest: String,
    /// How fast the machine was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How many operations the plan intended.
    pub requested: u64,
    /// Totals.
    pub counts: Counts,
    /// How long each hop took.
    pub latency: Latency,
    /// How long processors worked, microseconds, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_us: Option<u64>,
    /// The seconds of the load, without its first two and its last, in which it was not whole.
    pub seconds: Vec<Moment>,
}

/// A second of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// Transactions decided valid in it, per second.
    pub decided: u64,
    /// From intended to decided: half of them took at most so long; 0 if none was decided.
    pub p50_us: u64,
    /// And 99 %.
    pub p99_us: u64,
}

impl Sample {
    /// Of a run's results.
    pub fn of(results: &Results) -> Self {
        let measures = &results.measures;
        Self {
            scenario: results.scenario.clone(),
            seed: results.seed,
            backend: results.backend.clone(),
            rules: results.rules.clone(),
            nodes: results.nodes.len(),
            verdict: results.verdict,
            digest: results.digest.clone(),
            calibration: results.calibration,
            requested: measures.seconds.iter().map(|second| second.requested).sum(),
            counts: measures.counts.clone(),
            latency: measures.latency.clone(),
            processor_us: processors(&results.resources),
            seconds: loaded(measures),
        }
    }

    /// Transactions decided in a thousand seconds as those of the load were; none without load.
    pub fn decided_per_ks(&self) -> Option<u64> {
        let decided: u64 = self.seconds.iter().map(|moment| moment.decided).sum();
        (decided * 1_000).checked_div(self.seconds.len() as u64)
    }

    /// Whether its figures say anything: a run in which the harness fell short does not.
    pub fn counts(&self) -> bool {
        self.verdict != Verdict::Void && !self.seconds.is_empty()
    }
}

/// What all members together used of processors; none where nobody looked.
fn processors(resources: &[Resources]) -> Option<u64> {
    let ms: u64 = resources.iter().map(|member| member.cpu_ms).sum();
    (ms > 0).then_some(ms * 1_000)
}

/// The seconds in which the plan had load, from where it was under way.
fn loaded(measures: &Measures) -> Vec<Moment> {
    let is_loaded = |second: &Second| second.requested > 0;
    let Some(first) = measures.seconds.iter().position(is_loaded) else { return Vec::new() };
    let last = measures.seconds.iter().rposition(is_loaded).unwrap_or(first);
    let whole = &measures.seconds[first..=last];
    let settled = match whole.len() > WARM_UP + SECONDS_MIN {
        true => &whole[WARM_UP..whole.len() - 1],
        false => whole,
    };
    let moment = |second: &Second| {
        let latency = second.decided_latency.as_ref();
        Moment {
            decided: second.decided / measures.stretch_s.max(1),
            p50_us: latency.map_or(0, |latency| latency.p50_us),
            p99_us: latency.map_or(0, |latency| latency.p99_us),
        }
    };
    settled.iter().map(moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seconds_of_the_load_count_where_it_is_under_way() {
        let second =
            |second, requested, decided| Second { second, requested, decided, ..Second::default() };
        let seconds =
            [(0, 0), (9, 0), (9, 1), (9, 9), (9, 8), (9, 9), (9, 9), (9, 7), (3, 4), (0, 5)];
        let seconds: Vec<_> =
            (0..).zip(seconds).map(|(at, (asked, decided))| second(at, asked, decided)).collect();
        let measures = |seconds: &[Second]| Measures {
            stretch_s: 1,
            seconds: seconds.to_vec(),
            ..Measures::default()
        };
        let decided = |seconds: &[Second]| {
            let moments = loaded(&measures(seconds));
            moments.iter().map(|moment| moment.decided).collect::<Vec<_>>()
        };
        assert_eq!(decided(&seconds), [9, 8, 9, 9, 7]);
        // Of a short load all counts.
        assert_eq!(decided(&seconds[..4]), [0, 1, 9]);
        assert_eq!(decided(&seconds[..1]), Vec::<u64>::new());
    }
}
