//! The charts of the page, one file each; one more is a file and a line in [`ALL`].
//!
//! Here: the `<figure>` around a chart, with its legend and what a script can say of its points. Not
//! here: drawing (`drawing`), the run's time (`timeline`), where on the page a figure stands (`page`).

mod backlog;
mod blocks;
mod curves;
mod distribution;
mod hops;
mod invalid;
mod latency;
mod life;
mod strips;
mod throughput;
pub(crate) mod timeline;
mod used;
mod voting;

use bigchaindb_simulator::record::Results;

use crate::chart::{Chart, Ink, Size, Tips, Tone};
use crate::figures::timeline::Timeline;
use crate::trouble::Trouble;
use crate::words::{self, escape};

pub(crate) use curves::{Curve, curves};
pub(crate) use hops::hops;
pub(crate) use latency::HOPS;
pub(crate) use life::life;

/// How a value is said to people.
pub(crate) type Said = fn(f64) -> String;

/// Makes a figure of a run, or none if the run has nothing to show in it.
type Make = fn(&Timeline<'_>, Size) -> Option<Figure>;

/// The figures, in the order of the page.
const ALL: [Make; 7] = [
    throughput::throughput,
    latency::latency,
    backlog::backlog,
    blocks::blocks,
    invalid::invalid,
    voting::voting,
    distribution::distribution,
];

/// Those of what members used.
const USED: [Make; 4] = [used::processors, used::memory, used::written, used::disk];

/// A chart and what is said around it.
pub(crate) struct Figure {
    /// The heading.
    pub(crate) heading: String,
    /// What the reader has to know to read it.
    pub(crate) note: String,
    /// The chart.
    pub(crate) chart: Chart,
}

/// Every figure that this run can fill, as HTML.
pub(crate) fn all(results: &Results, trouble: Option<&Trouble>) -> String {
    let timeline = Timeline::of(results, trouble);
    let figures = ALL.iter().filter_map(|make| both_sizes(|size| make(&timeline, size)));
    let figures: String = figures.collect();
    let rest = timeline.rest_said().filter(|_| !figures.is_empty());
    rest.map_or(String::new(), |rest| format!("<p class=\"note\">{rest}</p>\n")) + &figures
}

/// What each member used over time, as HTML.
pub(crate) fn used(results: &Results, trouble: Option<&Trouble>) -> String {
    let timeline = Timeline::of(results, trouble);
    USED.iter().filter_map(|make| both_sizes(|size| make(&timeline, size))).collect()
}

/// The figure as HTML with a drawing for each [`Size`]; the style sheet shows one of them.
pub(crate) fn both_sizes(make: impl Fn(Size) -> Option<Figure>) -> Option<String> {
    let (wide, narrow) = (make(Size::Wide)?, make(Size::Narrow)?);
    Some(format!(
        "<figure{}>\n<figcaption>\n<h3>{}</h3>\n<p class=\"note\">{}</p>\n{}</figcaption>\n{}{}</figure>\n",
        tips(&wide.chart),
        escape(&wide.heading),
        escape(&wide.note),
        legend(&wide.chart),
        wide.chart.svg(Size::Wide),
        narrow.chart.svg(Size::Narrow),
    ))
}

/// What a script can say of the chart's points, as an attribute that holds JSON: names, and for each
/// point its place in ten thousandths of the axis, that place in words, and the values.
fn tips(chart: &Chart) -> String {
    let Tips { names, points } = &chart.tips;
    if points.is_empty() {
        return String::new();
    }
    let x = &chart.x;
    let text = |text: &String| serde_json::Value::from(words::visible(text));
    let points = points.iter().map(|tip| {
        let share = (x.place(tip.at) - x.from) / (x.to - x.from);
        #[expect(clippy::cast_possible_truncation, reason = "within ten thousand")]
        let place = (share * 1e4).round() as i64;
        let said = std::iter::once(&tip.place).chain(&tip.values).map(text);
        serde_json::Value::Array(std::iter::once(place.into()).chain(said).collect())
    });
    let names: Vec<_> = names.iter().map(text).collect();
    let json = serde_json::json!({ "names": names, "points": points.collect::<Vec<_>>() });
    let json = json.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;");
    format!(" data-tips='{json}'")
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
    let has = |tone| chart.bands.iter().any(|band| band.tone == tone);
    let shades = [
        (chart.shaded.filter(|_| has(Tone::Fault)), "fault"),
        (has(Tone::Bad).then_some("first bad moment"), "bad"),
    ];
    for (shaded, class) in shades {
        if let Some(shaded) = shaded {
            entries.push_str(&format!(
                "<li><svg class=\"swatch {class}\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><rect \
                 width=\"28\" height=\"10\"/></svg>{}</li>\n",
                escape(shaded)
            ));
        }
    }
    if entries.is_empty() { entries } else { format!("<ul class=\"legend\">\n{entries}</ul>\n") }
}

/// A number of things.
pub(crate) fn count(value: f64) -> String {
    if value.fract().abs() < 0.05 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A number of things a second.
pub(crate) fn per_second(value: f64) -> String {
    format!("{}/s", count(value))
}

/// Microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not below 0")]
pub(crate) fn latency_said(us: f64) -> String {
    words::duration(us.max(0.0).round() as u64)
}
