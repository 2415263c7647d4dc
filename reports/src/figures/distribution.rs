//! How latencies are distributed over the whole run, its slowest few as wide as all the rest.

use bigchaindb_simulator::record::Results;

use super::{Bin, Figure};
use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Size};
use crate::words;

/// The figure; none if there is no distribution.
pub(super) fn distribution(results: &Results, _: &[Bin], _: Size) -> Option<Figure> {
    let points = &results.measures.decided_cdf;
    let (first, last) = (points.first()?, points.last()?);
    let whole = &results.measures.latency.decided;
    // Beyond this share nobody knows: those had not been decided when the log ended.
    let known = (whole.count - whole.censored.min(whole.count)) as f64 / whole.count.max(1) as f64;
    let x = Axis::tail(whole.count);
    let (mut decided, mut censored) = (Vec::new(), Vec::new());
    for point in points {
        let share = point.per_million as f64 / 1e6;
        let place = (share, Some(point.latency_us as f64));
        if share <= known + 1e-6 { decided.push(place) } else { censored.push(place) }
    }
    let mut lines = vec![Line { label: "decided".into(), ink: Ink::Done, points: decided }];
    let mut bands = Vec::new();
    if whole.censored > 0 {
        let never = words::count(whole.censored);
        lines.insert(
            0,
            Line { label: "never decided: at least".into(), ink: Ink::Quiet, points: censored },
        );
        bands.push(Band {
            label: format!("{never} never decided"),
            short: never,
            from: known,
            to: x.last(),
        });
    }
    Some(Figure {
        heading: "Latency distribution".into(),
        note: "The share of transactions that took at most so long, from the intended moment to \
               the decision. Both axes stretch what is rare."
            .into(),
        chart: Chart {
            title: "Distribution of latency over the whole run".into(),
            description: format!(
                "{}: half took at most {}, 95 % {}, 99 % {}, all {}. {} never decided.",
                words::counted(whole.count, "transaction", "transactions"),
                words::duration(whole.p50_us),
                words::duration(whole.p95_us),
                words::duration(whole.p99_us),
                words::duration(whole.max_us),
                words::count(whole.censored),
            ),
            x,
            y: Axis::latency(first.latency_us, last.latency_us),
            lines,
            bands,
            shaded: Some("never decided before the log ended"),
        },
    })
}
