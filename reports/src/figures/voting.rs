//! How many votes each node cast in each second.

use super::strips::{Quantity, Strip, strips};
use super::timeline::Timeline;
use super::{Figure, per_second};
use crate::chart::Size;

/// The figure; none if nobody voted, or nobody counted.
pub(super) fn voting(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let stretch_s = timeline.stretch_s() as f64;
    let nodes = timeline.results.votes.as_ref()?.nodes.iter().map(|node| Strip {
        name: node.node.clone(),
        values: node.seconds.iter().map(|votes| Some(*votes as f64 / stretch_s)).collect(),
    });
    let quantity = Quantity {
        heading: "Votes of each node".into(),
        note: "Votes that appeared per second, on valid and invalid blocks.".into(),
        title: "Votes over time, by node".into(),
        said: per_second,
    };
    strips(timeline, size, &nodes.collect::<Vec<_>>(), &quantity)
}
