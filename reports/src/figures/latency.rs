//! How long it took from the intended moment to the decision, second by second.

use bigchaindb_simulator::measure::Percentiles;
use bigchaindb_simulator::record::Results;

use super::timeline::{Shown, Timeline};
use super::{Figure, latency_said};
use crate::axis::Axis;
use crate::chart::{Ink, Mark, Size};
use crate::words;

/// By the BigchainDB whitepaper a transaction takes so many hops between nodes and store, and three
/// transfers of its payload besides.
pub(crate) const HOPS: u64 = 9;

/// The figure; none if nothing was decided.
pub(super) fn latency(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let measured =
        || timeline.seconds().iter().filter_map(|second| second.decided_latency.as_ref());
    let least = measured().map(|latency| latency.p50_us).min()?;
    let most = measured().map(|latency| latency.max_us).max()?;
    let series = |label: &str, ink, of: fn(&Percentiles) -> u64| {
        let us = move |latency: &Percentiles| of(latency) as f64;
        timeline.series(label, ink, |second| second.decided_latency.as_ref().map(us))
    };
    let series = [
        series("longest", Ink::Quiet, |latency| latency.max_us),
        series("p99.7", Ink::Other, |latency| latency.p99_7_us),
        series("p99", Ink::Late, |latency| latency.p99_us),
        series("p95", Ink::Early, |latency| latency.p95_us),
        series("p50", Ink::Done, |latency| latency.p50_us),
    ];
    let results = timeline.results;
    let whole = &results.measures.latency.decided;
    let floor_us = floor_us(results);
    let shown = Shown {
        title: "Latency over time: median, 95th, 99th and 99.7th percentile, and longest".into(),
        description: format!(
            "Over the whole run half took at most {}, 99 % at most {}.{}",
            words::duration(whole.p50_us),
            words::duration(whole.p99_us),
            floor_us
                .map(|us| format!(" By the whitepaper at least {}.", words::duration(us)))
                .unwrap_or_default(),
        ),
        y: Axis::latency(floor_us.map_or(least, |us| us.min(least)), most),
        said: latency_said,
        marks: floor(results).into_iter().collect(),
    };
    Some(Figure {
        heading: "Latency".into(),
        note: format!(
            "From the intended moment to the decision, of what was decided in a second. {} p99: 99 of \
             100 took at most so long. Logarithmic; a gap means that nothing was decided.{}",
            timeline.per_point(),
            floor_said(results),
        ),
        chart: timeline.chart(size, &series, shown),
    })
}

/// The least that the whitepaper expects on these links, microseconds: nine hops, and nothing for the
/// payload. None where nobody knows how long messages take.
fn floor_us(results: &Results) -> Option<u64> {
    Some(results.links?.latency_us.saturating_mul(HOPS)).filter(|us| *us > 0)
}

/// A line at the whitepaper's latency.
pub(super) fn floor(results: &Results) -> Option<Mark> {
    let us = floor_us(results)?;
    Some(Mark { label: format!("whitepaper: ≥ {}", words::duration(us)), at: us as f64 })
}

/// What that line stands for; empty where there is none.
pub(super) fn floor_said(results: &Results) -> String {
    let (Some(us), Some(links)) = (floor_us(results), results.links) else { return String::new() };
    format!(
        " The dashed line is the whitepaper's least: {HOPS} hops of {} on these links, {} (and 3 \
         transfers of the payload, which come on top).",
        words::duration(links.latency_us),
        words::duration(us),
    )
}
