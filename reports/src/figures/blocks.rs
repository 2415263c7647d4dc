//! How many blocks were there and not yet decided at the end of each second.

use super::timeline::{Shown, Timeline};
use super::{Figure, count};
use crate::axis::Axis;
use crate::chart::{Ink, Size};
use crate::words;

/// The figure; none if the run has no time to show.
pub(super) fn blocks(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let most = timeline.seconds().iter().map(|second| second.undecided_blocks).max()?;
    let undecided =
        |second: &bigchaindb_simulator::measure::Second| Some(second.undecided_blocks as f64);
    let series = [timeline.series("undecided blocks", Ink::Alone, undecided)];
    let counts = &timeline.results.measures.counts;
    let shown = Shown {
        title: "Undecided blocks over time".into(),
        description: format!(
            "{}, of which {} valid, {} invalid and {} never decided; at most {} undecided at once.",
            words::counted(counts.blocks, "block", "blocks"),
            words::count(counts.blocks_valid),
            words::count(counts.blocks_invalid),
            words::count(counts.blocks_undecided),
            words::count(most),
        ),
        y: Axis::amount(most as f64, 4),
        said: count,
        marks: Vec::new(),
    };
    Some(Figure {
        heading: "Undecided blocks".into(),
        note: "Blocks that wait for votes, at the end of the second.".into(),
        chart: timeline.chart(size, &series, shown),
    })
}
