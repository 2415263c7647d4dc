//! The figures by which programs are compared in real time, and what a change of one is called.

use serde::Serialize;

use super::resample::{Change, Mean, change};
use super::{Answer, Sample, Terms};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Transactions decided a second, while there is load.
    Throughput,
    /// Half of the transactions that a second decides take at most this long, from intended to decided;
    /// over the seconds of the load, their geometric mean.
    LatencyP50,
    /// The same, for 99 %.
    LatencyP99,
    /// How long processors work for a transaction that is decided.
    ProcessorTime,
}

impl Figure {
    /// Each.
    pub const ALL: [Self; 4] =
        [Self::Throughput, Self::LatencyP50, Self::LatencyP99, Self::ProcessorTime];

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Throughput => "decided a second",
            Self::LatencyP50 => "p50 until decided",
            Self::LatencyP99 => "p99 until decided",
            Self::ProcessorTime => "processor time per transaction",
        }
    }

    /// Whether it counts microseconds: fewer are better. Otherwise transactions a second.
    pub fn is_time(self) -> bool {
        self != Self::Throughput
    }

    fn mean(self) -> Mean {
        match self {
            Self::Throughput | Self::ProcessorTime => Mean::Arithmetic,
            Self::LatencyP50 | Self::LatencyP99 => Mean::Geometric,
        }
    }

    /// What a run says of it, by second, or once.
    fn of(self, sample: &Sample) -> Vec<f64> {
        let latencies = |of: fn(&super::Moment) -> u64| {
            let known = sample.seconds.iter().map(of).filter(|us| *us > 0);
            known.map(|us| us as f64).collect()
        };
        match self {
            Self::Throughput => sample.seconds.iter().map(|moment| moment.decided as f64).collect(),
            Self::LatencyP50 => latencies(|moment| moment.p50_us),
            Self::LatencyP99 => latencies(|moment| moment.p99_us),
            Self::ProcessorTime => {
                let decided = Some(sample.counts.decided_valid).filter(|decided| *decided > 0);
                let each = sample.processor_us.zip(decided);
                each.map(|(us, decided)| us as f64 / decided as f64).into_iter().collect()
            }
        }
    }
}

/// A figure of both sides.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Compared {
    /// Which.
    pub figure: Figure,
    /// What it was, in microseconds or transactions a second.
    pub baseline: f64,
    /// What it is.
    pub program: f64,
    /// What changed, and within which bounds, as a share of the baseline; none if runs are too few.
    pub change: Option<Change>,
    /// What that is called.
    pub answer: Answer,
}

/// Every figure that both sides have.
pub(super) fn compare(baseline: &[&Sample], program: &[&Sample], terms: Terms) -> Vec<Compared> {
    type Sides = (Vec<Vec<f64>>, Vec<Vec<f64>>);
    let sides = |figure: Figure| -> Option<(Figure, Sides)> {
        let of = |side: &[&Sample]| side.iter().map(|sample| figure.of(sample)).collect::<Vec<_>>();
        let (before, after) = (of(baseline), of(program));
        // A figure that a run lacks is none of these runs.
        let is_whole = |side: &[Vec<f64>]| side.iter().all(|run| !run.is_empty());
        (is_whole(&before) && is_whole(&after)).then_some((figure, (before, after)))
    };
    let known: Vec<_> = Figure::ALL.into_iter().filter_map(sides).collect();
    // The chance to be mistaken is shared among the figures, so that it holds for all together.
    let mistaken = terms.mistaken / known.len().max(1) as f64;
    let compared = known.iter().map(|(figure, (before, after))| {
        let mean = figure.mean();
        let change = change(before, after, terms.pairs, mean, mistaken);
        Compared {
            figure: *figure,
            baseline: mean.of_runs(before),
            program: mean.of_runs(after),
            change,
            answer: change
                .map_or(Answer::Unclear, |change| called(*figure, change, terms.threshold)),
        }
    });
    compared.collect()
}

/// Worse or better, if it surely is not nothing and its size matters; the same, if surely it does not
/// matter.
fn called(figure: Figure, change: Change, threshold: f64) -> Answer {
    // Turned so that more is worse.
    let (estimate, low, high) = match figure.is_time() {
        true => (change.estimate, change.low, change.high),
        false => (-change.estimate, -change.high, -change.low),
    };
    match () {
        () if low > 0.0 && estimate >= threshold => Answer::Worse,
        () if high < 0.0 && estimate <= -threshold => Answer::Better,
        () if low > -threshold && high < threshold => Answer::Same,
        () => Answer::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_called_by_their_size_and_how_sure_they_are() {
        const CALLED: &str = "
            estimate | low   | high  | time    | throughput
            0.10     | 0.04  | 0.16  | worse   | better
            -0.10    | -0.16 | -0.04 | better  | worse
            0.10     | -0.01 | 0.21  | unclear | unclear
            0.02     | 0.01  | 0.03  | same    | same
            0.00     | -0.04 | 0.04  | same    | same
            0.03     | 0.01  | 0.06  | unclear | unclear
            0.00     | -0.09 | 0.09  | unclear | unclear
        ";
        for line in CALLED.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1) {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let number = |at: usize| cells[at].parse::<f64>().unwrap();
            let change = Change { estimate: number(0), low: number(1), high: number(2) };
            assert_eq!(called(Figure::LatencyP50, change, 0.05).as_str(), cells[3], "{line}");
            assert_eq!(called(Figure::Throughput, change, 0.05).as_str(), cells[4], "{line}");
        }
    }
}
