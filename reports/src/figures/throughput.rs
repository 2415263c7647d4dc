//! How much was asked, sent, accepted and decided, second by second.

use super::timeline::{Shown, Timeline};
use super::{Figure, per_second};
use crate::axis::Axis;
use crate::chart::{Ink, Size};
use crate::words;

/// The figure; none if nothing was asked.
pub(super) fn throughput(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let series = [
        timeline.rate("requested", Ink::Quiet, |second| second.requested),
        timeline.rate("sent", Ink::Early, |second| second.sent),
        timeline.rate("accepted", Ink::Late, |second| second.accepted),
        timeline.rate("decided valid", Ink::Done, |second| second.decided),
    ];
    let values = series.iter().flat_map(|series| series.values.iter().copied().flatten());
    let most = values.fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let counts = &timeline.results.measures.counts;
    let shown = Shown {
        title: "Throughput over time: requested, sent, accepted and decided per second".into(),
        description: format!(
            "{} sent, {} accepted, {} decided valid; at most {} in a second.",
            words::counted(counts.sent, "operation", "operations"),
            words::count(counts.accepted),
            words::counted(counts.decided_valid, "transaction", "transactions"),
            most.round(),
        ),
        y: Axis::amount_of(most, 4, "/s"),
        said: per_second,
        marks: Vec::new(),
    };
    Some(Figure {
        heading: "Throughput".into(),
        note: format!(
            "Per second. {} Requested: by the plan; accepted: answered with success; \
             decided: a majority voted its block valid.",
            timeline.per_point()
        ),
        chart: timeline.chart(size, &series, shown),
    })
}
