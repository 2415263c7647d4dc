//! How many transactions waited at the end of each second.

use super::timeline::{Shown, Timeline};
use super::{Figure, count};
use crate::axis::Axis;
use crate::chart::{Ink, Size};
use crate::words;

/// The figure; none if the run has no time to show.
pub(super) fn backlog(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let most = timeline.seconds().iter().map(|second| second.backlog).max()?;
    let last = timeline.seconds().last().map_or(0, |second| second.backlog);
    let series =
        [timeline.series("waiting transactions", Ink::Alone, |second| Some(second.backlog as f64))];
    let shown = Shown {
        title: "Rows in the backlog over time".into(),
        description: format!(
            "At most {} waited, {} at the end.",
            words::counted(most, "transaction", "transactions"),
            words::count(last),
        ),
        y: Axis::amount(most as f64, 4),
        said: count,
        marks: Vec::new(),
    };
    Some(Figure {
        heading: "Backlog".into(),
        note: "Transactions that are accepted and not yet in a decided block, at the end of the second."
            .into(),
        chart: timeline.chart(size, &series, shown),
    })
}
