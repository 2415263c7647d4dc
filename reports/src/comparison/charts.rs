//! The same charts for all runs, with a line for each.

use bigchaindb_simulator::measure::Second;
use bigchaindb_simulator::record::Results;

use super::NamedRun;
use crate::axis::Axis;
use crate::chart::Ink;
use crate::figures::timeline::{Series, Shown, Timeline, moving};
use crate::figures::{self, Curve, Figure, Said, both_sizes, curves};

/// So many lines can be told apart.
pub(super) const LINES_MAX: usize = Ink::SIDE_BY_SIDE.len();

/// A quantity over time.
struct Quantity {
    heading: &'static str,
    note: &'static str,
    of: fn(&Second, f64) -> Option<f64>,
    said: Said,
    is_latency: bool,
}

const OVER_TIME: [Quantity; 5] = [
    Quantity {
        heading: "Decided",
        note: "Transactions decided valid per second.",
        of: |second, stretch_s| Some(second.decided as f64 / stretch_s),
        said: figures::per_second,
        is_latency: false,
    },
    Quantity {
        heading: "Latency, p50",
        note: "Half of what was decided in a second took at most so long from its intended moment.",
        of: |second, _| second.decided_latency.as_ref().map(|latency| latency.p50_us as f64),
        said: figures::latency_said,
        is_latency: true,
    },
    Quantity {
        heading: "Latency, p99",
        note: "99 of 100 took at most so long.",
        of: |second, _| second.decided_latency.as_ref().map(|latency| latency.p99_us as f64),
        said: figures::latency_said,
        is_latency: true,
    },
    Quantity {
        heading: "Backlog",
        note: "Transactions that wait, at the end of the second.",
        of: |second, _| Some(second.backlog as f64),
        said: figures::count,
        is_latency: false,
    },
    Quantity {
        heading: "Undecided blocks",
        note: "Blocks that wait for votes, at the end of the second.",
        of: |second, _| Some(second.undecided_blocks as f64),
        said: figures::count,
        is_latency: false,
    },
];

/// Every chart that these runs can fill, as HTML.
pub(super) fn all(runs: &[NamedRun]) -> String {
    let runs = &runs[..runs.len().min(LINES_MAX)];
    let over_time = OVER_TIME.iter().filter_map(|quantity| over_time(runs, quantity));
    over_time.chain(distribution(runs)).collect()
}

/// Which run has the most time to show; the others are seen along it.
fn longest(runs: &[NamedRun]) -> Option<&Results> {
    let runs = runs.iter().map(|run| &run.results);
    runs.max_by_key(|results| results.measures.seconds.len())
}

fn over_time(runs: &[NamedRun], quantity: &Quantity) -> Option<String> {
    let longest = longest(runs)?;
    let stretch_s = longest.measures.stretch_s;
    let shown = runs.iter().map(|run| moving(&run.results)).max().unwrap_or(0);
    let timeline = Timeline::of(longest, None).until(shown).shading(same_faults(runs));
    let series: Vec<_> = (runs.iter().zip(Ink::SIDE_BY_SIDE))
        .filter(|(run, _)| run.results.measures.stretch_s == stretch_s)
        .map(|(run, ink)| {
            let seconds = run.results.measures.seconds.iter();
            let values = seconds.map(|second| (quantity.of)(second, stretch_s.max(1) as f64));
            Series { label: run.name.clone(), ink, values: values.collect() }
        })
        .collect();
    let values = || series.iter().flat_map(|series| series.values.iter().copied().flatten());
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if most <= 0.0 {
        return None;
    }
    let each: Vec<_> = series.iter().map(|series| described(series, quantity.said)).collect();
    both_sizes(|size| {
        let shown = Shown {
            title: format!("{} over time, by run", quantity.heading),
            description: format!("{}.", each.join("; ")),
            y: axis(quantity, least, most),
            said: quantity.said,
            marks: Vec::new(),
        };
        Some(Figure {
            heading: quantity.heading.into(),
            note: quantity.note.into(),
            chart: timeline.chart(size, &series, shown),
        })
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds, not below 0"
)]
fn axis(quantity: &Quantity, least: f64, most: f64) -> Axis {
    match quantity.is_latency {
        true => Axis::latency(least as u64, most as u64),
        false => Axis::amount(most, 4),
    }
}

/// A line in words: its median second and its highest.
fn described(series: &Series, said: Said) -> String {
    let mut values: Vec<f64> = series.values.iter().copied().flatten().collect();
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.last()) {
        (Some(median), Some(most)) => {
            format!(
                "{}: {} in the median second, {} at most",
                series.label,
                said(*median),
                said(*most)
            )
        }
        _ => format!("{}: nothing", series.label),
    }
}

/// Whether the same was done to all of them.
fn same_faults(runs: &[NamedRun]) -> bool {
    let faults = |run: &NamedRun| -> Vec<(String, String)> {
        let faults = run.results.faults.iter();
        faults.map(|fault| (fault.kind.clone(), fault.target.clone())).collect()
    };
    runs.windows(2).all(|pair| faults(&pair[0]) == faults(&pair[1]))
}

fn distribution(runs: &[NamedRun]) -> Option<String> {
    curves(
        "Latency distribution",
        "The share of transactions that took at most so long, from the intended moment to the \
         decision. Both axes stretch what is rare.",
        "Distribution of latency over the whole run, by run",
        &runs.iter().zip(Ink::SIDE_BY_SIDE).map(|(run, ink)| curve(run, ink)).collect::<Vec<_>>(),
    )
}

fn curve(run: &NamedRun, ink: Ink) -> Curve<'_> {
    let measures = &run.results.measures;
    let (points, whole) = (&measures.decided_cdf, &measures.latency.decided);
    Curve { label: run.name.clone(), ink, points, whole }
}
