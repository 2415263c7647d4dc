//! How latencies are distributed over the whole run, its slowest few as wide as all the rest.

use super::Figure;
use super::latency::{floor, floor_said};
use super::timeline::Timeline;
use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Size, Tip, Tips};
use crate::words;

/// The figure; none if there is no distribution.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds, rounded"
)]
pub(super) fn distribution(timeline: &Timeline<'_>, _: Size) -> Option<Figure> {
    let results = timeline.results;
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
        let label = "not decided: at least".into();
        lines.insert(0, Line { label, ink: Ink::Quiet, points: censored });
        bands.push(Band::plain(never.clone(), format!("{never} not decided"), known, x.last()));
    }
    let tip = |point: &bigchaindb_simulator::measure::CdfPoint| Tip {
        at: point.per_million as f64 / 1e6,
        place: format!("{} %", point.per_million as f64 / 1e4),
        values: vec![words::bounded(whole, point.per_million, point.latency_us)],
    };
    let marks: Vec<_> = floor(results).into_iter().collect();
    let lowest = marks.iter().map(|mark| mark.at).fold(first.latency_us as f64, f64::min);
    let y = Axis::latency(lowest.round() as u64, last.latency_us);
    Some(Figure {
        heading: "Latency distribution".into(),
        note: format!(
            "The share of transactions that took at most so long, from the intended moment to the \
             decision. Both axes stretch what is rare.{}",
            floor_said(results)
        ),
        chart: Chart {
            title: "Distribution of latency over the whole run".into(),
            description: format!(
                "{}: half took at most {}, 95 % {}, 99 % {}, all {}. {} had not been decided when the log ended.",
                words::counted(whole.count, "transaction", "transactions"),
                words::duration(whole.p50_us),
                words::duration(whole.p95_us),
                words::duration(whole.p99_us),
                words::duration(whole.max_us),
                words::count(whole.censored),
            ),
            x,
            y,
            lines,
            spreads: Vec::new(),
            bands,
            shaded: Some("not decided when the log ended, unanswered ones included"),
            marks,
            tips: Tips { names: vec!["at most".into()], points: points.iter().map(tip).collect() },
            height: None,
        },
    })
}
