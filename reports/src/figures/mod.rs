//! The charts of the page, one file each; one more is a file and a line in [`ALL`].
//!
//! Here: what every chart needs (the run second by second, the faults as bands) and the `<figure>`
//! around it. Not here: drawing (`chart`), where on the page it stands (`page`).

mod backlog;
mod blocks;
mod distribution;
mod latency;
mod life;
mod throughput;

use bigchaindb_simulator::measure::{Percentiles, Second};
use bigchaindb_simulator::record::Results;

use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Size};
use crate::words::{self, escape};

pub(crate) use life::life;

/// Makes a figure of a run, or none if the run has nothing to show in it.
type Make = fn(&Results, &[Bin], Size) -> Option<Figure>;

/// The figures, in the order of the page.
const ALL: [Make; 5] = [
    throughput::throughput,
    latency::latency,
    backlog::backlog,
    blocks::blocks,
    distribution::distribution,
];

/// A chart and what is said around it.
pub(crate) struct Figure {
    /// The heading.
    pub(crate) heading: String,
    /// What the reader has to know to read it.
    pub(crate) note: String,
    /// The chart.
    pub(crate) chart: Chart,
}

/// One point in time of a chart: a second, or several if the run is long.
pub(crate) struct Bin {
    /// The middle, in microseconds of the run.
    pub(crate) at_us: f64,
    /// Operations intended, per second.
    pub(crate) requested: f64,
    /// Operations sent, per second.
    pub(crate) sent: f64,
    /// Operations acknowledged, per second.
    pub(crate) accepted: f64,
    /// Transactions decided valid, per second.
    pub(crate) decided: f64,
    /// From intended to decided; each percentile is that of its worst second.
    pub(crate) latency: Option<Percentiles>,
    /// The longest the backlog was at the end of a second.
    pub(crate) backlog: u64,
    /// The most blocks undecided at the end of a second.
    pub(crate) undecided_blocks: u64,
}

/// More points than these cannot be told apart on a page.
const BINS_MAX: usize = 360;

/// Every figure that this run can fill, as HTML.
pub(crate) fn all(results: &Results) -> String {
    let bins = bins(&results.measures.seconds, results.measures.stretch_s);
    ALL.iter().filter_map(|make| both_sizes(|size| make(results, &bins, size))).collect()
}

/// The figure as HTML with a drawing for each [`Size`]; the style sheet shows one of them.
pub(crate) fn both_sizes(make: impl Fn(Size) -> Option<Figure>) -> Option<String> {
    let (wide, narrow) = (make(Size::Wide)?, make(Size::Narrow)?);
    Some(format!(
        "<figure>\n<figcaption>\n<h3>{}</h3>\n<p class=\"note\">{}</p>\n{}</figcaption>\n{}{}</figure>\n",
        escape(&wide.heading),
        escape(&wide.note),
        legend(&wide.chart),
        wide.chart.svg(Size::Wide),
        narrow.chart.svg(Size::Narrow),
    ))
}

/// The lines of a chart by name, each with a piece of it.
fn legend(chart: &Chart) -> String {
    let swatch = |ink: Ink| {
        format!(
            "<svg class=\"swatch\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><line x1=\"0\" \
             y1=\"5\" x2=\"28\" y2=\"5\" stroke=\"{}\" stroke-width=\"2.5\" \
             stroke-dasharray=\"{}\"/></svg>",
            ink.css(),
            ink.dashes()
        )
    };
    let lines = chart.lines.iter().filter(|line| !line.label.is_empty());
    let mut entries: String = lines
        .map(|line| format!("<li>{}{}</li>\n", swatch(line.ink), escape(&line.label)))
        .collect();
    if let Some(shaded) = chart.shaded.filter(|_| !chart.bands.is_empty()) {
        entries.push_str(&format!(
            "<li><svg class=\"swatch\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><rect \
             width=\"28\" height=\"10\"/></svg>{}</li>\n",
            escape(shaded)
        ));
    }
    if entries.is_empty() { entries } else { format!("<ul class=\"legend\">\n{entries}</ul>\n") }
}

/// The seconds of a run, gathered into no more than [`BINS_MAX`] points.
fn bins(seconds: &[Second], stretch_s: u64) -> Vec<Bin> {
    let width = seconds.len().div_ceil(BINS_MAX).max(1);
    seconds.chunks(width).map(|seconds| bin(seconds, stretch_s)).collect()
}

fn bin(seconds: &[Second], stretch_s: u64) -> Bin {
    let width = seconds.len() as f64 * stretch_s as f64;
    let rate = |of: fn(&Second) -> u64| seconds.iter().map(|s| of(s) as f64).sum::<f64>() / width;
    let most = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or(0);
    Bin {
        at_us: (seconds[0].second as f64 + width / 2.0) * 1e6,
        requested: rate(|second| second.requested),
        sent: rate(|second| second.sent),
        accepted: rate(|second| second.accepted),
        decided: rate(|second| second.decided),
        latency: seconds.iter().filter_map(|second| second.decided_latency.clone()).reduce(worse),
        backlog: most(|second| second.backlog),
        undecided_blocks: most(|second| second.undecided_blocks),
    }
}

fn worse(one: Percentiles, other: Percentiles) -> Percentiles {
    Percentiles {
        count: one.count + other.count,
        censored: one.censored + other.censored,
        min_us: one.min_us.min(other.min_us),
        p50_us: one.p50_us.max(other.p50_us),
        p95_us: one.p95_us.max(other.p95_us),
        p99_us: one.p99_us.max(other.p99_us),
        p99_7_us: one.p99_7_us.max(other.p99_7_us),
        max_us: one.max_us.max(other.max_us),
    }
}

/// How much of the run a point of these charts stands for, as the end of a sentence.
fn per_point(results: &Results) -> String {
    let entries = results.measures.seconds.len().div_ceil(BINS_MAX) as u64;
    match entries * results.measures.stretch_s {
        0 | 1 => "each second".to_owned(),
        width => format!("every {width} seconds"),
    }
}

/// The axis of the run's whole time.
fn run_time(results: &Results, size: Size) -> Axis {
    let seconds = results
        .measures
        .seconds
        .last()
        .map_or(0, |second| second.second.saturating_add(results.measures.stretch_s));
    let end_us = results.duration_us.max(seconds.saturating_mul(1_000_000));
    Axis::time(end_us, if size == Size::Wide { 9 } else { 5 })
}

/// The faults that really came about, from applied to healed or to the end of the run.
fn fault_bands(results: &Results) -> Vec<Band> {
    let mut bands: Vec<Band> = (results.faults.iter())
        .filter_map(|fault| {
            let from = fault.applied_us?;
            let to = fault.healed_us.unwrap_or(results.duration_us).max(from);
            Some(Band {
                short: fault.number.to_string(),
                label: format!("{} {} {}", fault.number, fault.kind, fault.target),
                from: from as f64,
                to: to as f64,
            })
        })
        .collect();
    bands.sort_by(|one, other| one.from.total_cmp(&other.from));
    bands
}

/// A sentence on when it hurt, for those who cannot see the bands.
fn faults_said(results: &Results) -> String {
    match fault_bands(results).len() as u64 {
        0 => String::new(),
        faults => format!(" Shaded: {}.", words::counted(faults, "fault", "faults")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64, sent: u64, backlog: u64, p50_us: Option<u64>) -> Second {
        let latency = |p50_us| Percentiles { count: 1, p50_us, ..Percentiles::default() };
        let decided_latency = p50_us.map(latency);
        Second { second, sent, backlog, decided_latency, ..Second::default() }
    }

    #[test]
    fn long_runs_keep_mean_rates_and_the_worst_of_the_rest() {
        let seconds: Vec<Second> = (0..720)
            .map(|index| second(index, index % 2 * 10, index, (index == 3).then_some(50)))
            .collect();
        let bins = bins(&seconds, 1);
        assert_eq!(bins.len(), BINS_MAX);
        let bin = &bins[1];
        assert_eq!((bin.at_us, bin.sent, bin.backlog), (3e6, 5.0, 3));
        assert_eq!(bin.latency.as_ref().map(|latency| latency.p50_us), Some(50));
        assert!(bins[0].latency.is_none());
    }

    #[test]
    fn short_runs_keep_every_second() {
        let bins = bins(&[second(0, 1, 0, None), second(1, 3, 2, Some(9))], 1);
        assert_eq!(bins.len(), 2);
        assert_eq!((bins[1].at_us, bins[1].sent, bins[1].backlog), (1.5e6, 3.0, 2));
        assert!(super::bins(&[], 1).is_empty());
    }
}
