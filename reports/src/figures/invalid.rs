//! How many blocks were decided invalid in each second.

use super::timeline::{Series, Shown, Timeline};
use super::{Figure, per_second};
use crate::axis::Axis;
use crate::chart::{Ink, Size};
use crate::words;

/// The figure; none if no block was decided invalid, or nobody counted.
pub(super) fn invalid(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let counted = &timeline.results.votes.as_ref()?.blocks_invalid;
    let all: u64 = counted.iter().sum();
    if all == 0 {
        return None;
    }
    let stretch_s = timeline.stretch_s() as f64;
    let values: Vec<_> = counted.iter().map(|blocks| Some(*blocks as f64 / stretch_s)).collect();
    let most = values.iter().copied().flatten().fold(0.0, f64::max);
    let series = [Series { label: "blocks decided invalid".into(), ink: Ink::Alone, values }];
    let decided = timeline.results.measures.counts.blocks_decided;
    let shown = Shown {
        title: "Invalid blocks over time: decided so per second".into(),
        description: format!(
            "{} of {} decided invalid; at most {} in a second.",
            words::count(all),
            words::counted(decided, "decided block was", "decided blocks were"),
            most.round(),
        ),
        y: Axis::amount_of(most, 3, "/s"),
        said: per_second,
        marks: Vec::new(),
    };
    Some(Figure {
        heading: "Invalid blocks".into(),
        note: "Blocks decided invalid, per second. Their transactions are tried again.".into(),
        chart: timeline.chart(size, &series, shown),
    })
}
