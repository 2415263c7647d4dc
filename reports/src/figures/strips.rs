//! The same quantity for each of several members: a strip each, one above the other, all as high.

use super::timeline::{self, Shown, Timeline};
use super::{Figure, Said};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words;

/// More members than these have no room on a page.
const MEMBERS_MAX: usize = 24;
/// How high a strip is, in CSS pixels.
const STRIP_PIXELS: u32 = 34;
/// How much of a strip its highest value takes.
const HEIGHT: f64 = 0.85;

/// A quantity of one member: a value for each entry of the measures, where there is one.
pub(crate) struct Strip {
    /// The member.
    pub(crate) name: String,
    /// The values, none below zero.
    pub(crate) values: Vec<Option<f64>>,
}

/// What is said of the strips together.
pub(crate) struct Quantity {
    /// The heading of the figure.
    pub(crate) heading: String,
    /// What the quantity is, as a sentence.
    pub(crate) note: String,
    /// What is shown, in one line.
    pub(crate) title: String,
    /// How a value is said to people.
    pub(crate) said: Said,
}

/// The figure; none if no member has anything to show.
pub(crate) fn strips(
    timeline: &Timeline<'_>,
    size: Size,
    strips: &[Strip],
    quantity: &Quantity,
) -> Option<Figure> {
    let is_known = |strip: &&Strip| strip.values.iter().any(Option::is_some);
    let strips: Vec<&Strip> = strips.iter().filter(is_known).take(MEMBERS_MAX).collect();
    let values = strips.iter().flat_map(|strip| strip.values.iter().copied().flatten());
    let most = values.fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let names: Vec<&str> = strips.iter().map(|strip| strip.name.as_str()).collect();
    let raised = |row: usize, value: f64| {
        let foot = (strips.len() - 1 - row) as f64;
        foot + HEIGHT * value / most
    };
    let line = |(row, strip): (usize, &&Strip)| {
        let points = timeline.line(&strip.values).into_iter();
        let points = points.map(|(at, value)| (at, value.map(|value| raised(row, value))));
        Line { label: String::new(), ink: Ink::Alone, points: points.collect() }
    };
    let spread = |(row, strip): (usize, &&Strip)| {
        let mut spread = timeline.spread(Ink::Alone, &strip.values)?;
        for (_, ends) in &mut spread.ends {
            *ends = ends.map(|(low, high)| (raised(row, low), raised(row, high)));
        }
        Some(spread)
    };
    let spreads = strips.iter().enumerate().filter_map(spread).collect();
    let lines = strips.iter().enumerate().map(line).collect();
    let highest = |strip: &&Strip| {
        let most = strip.values.iter().copied().flatten().fold(0.0, f64::max);
        format!("{} at most {}", words::visible(&strip.name), (quantity.said)(most))
    };
    let each: Vec<_> = strips.iter().map(highest).collect();
    let empty = Shown {
        title: quantity.title.clone(),
        description: format!("{}.", each.join("; ")),
        y: Axis::strips(&names),
        said: quantity.said,
        marks: Vec::new(),
    };
    let tips = timeline.tips(names.iter().map(|name| (*name).to_owned()).collect(), |range| {
        strips.iter().map(|strip| timeline::said(&strip.values, range, quantity.said)).collect()
    });
    let height = STRIP_PIXELS * u32::try_from(strips.len()).unwrap_or(1) + 36;
    let chart = timeline.chart(size, &[], empty);
    Some(Figure {
        heading: quantity.heading.clone(),
        note: format!(
            "{} A strip for each, all to one scale: as high as a strip is {}.",
            quantity.note,
            (quantity.said)(most / HEIGHT),
        ),
        chart: Chart { lines, spreads, tips, height: Some(height), ..chart },
    })
}
