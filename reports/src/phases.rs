//! Latency before, during and after faults, side by side.
//!
//! Here: the section of the page, its table and its chart. Not here: where a phase begins
//! (`bigchaindb_simulator::measure`).

use bigchaindb_simulator::measure::{CdfPoint, Phase, PhaseName};
use bigchaindb_simulator::record::Results;

use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Tips};
use crate::figures::{Figure, both_sizes};
use crate::hops;
use crate::words;

/// The section; empty if nothing went wrong on purpose.
pub(crate) fn section(results: &Results) -> String {
    let phases = &results.measures.phases;
    if phases.is_empty() {
        return String::new();
    }
    let rows: String = phases.iter().map(row).collect();
    format!(
        "<section>\n<h2>Before, during and after faults</h2>\n<p class=\"note\">Latency from the \
         intended moment to the decision, by when that moment was: before the first fault, until the \
         last one was over, and when all was well again.</p>\n{}<div class=\"wide-table\"><table>\n\
         <thead><tr><th scope=\"col\">Phase</th><th class=\"number\" scope=\"col\">from</th>\
         <th class=\"number\" scope=\"col\">until</th><th class=\"number\" scope=\"col\">requested</th>\
         <th class=\"number\" scope=\"col\">p50</th><th class=\"number\" scope=\"col\">p95</th>\
         <th class=\"number\" scope=\"col\">p99</th><th class=\"number\" scope=\"col\">p99.7</th>\
         <th class=\"number\" scope=\"col\">longest</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n\
         </section>\n",
        chart(phases).unwrap_or_default(),
    )
}

fn name(phase: &Phase) -> (&'static str, Ink) {
    match phase.name {
        PhaseName::Before => ("before faults", Ink::Done),
        PhaseName::During => ("during faults", Ink::Late),
        PhaseName::After => ("after faults", Ink::Early),
    }
}

fn row(phase: &Phase) -> String {
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
         <td class=\"number\">{}</td>{}</tr>\n",
        name(phase).0,
        words::moment(phase.from_us),
        words::moment(phase.until_us),
        words::count(phase.requested),
        hops::figures_of(&phase.latency.decided),
    )
}

/// The distributions of all phases in one chart.
fn chart(phases: &[Phase]) -> Option<String> {
    let points =
        || phases.iter().flat_map(|phase| &phase.decided_cdf).map(|point| point.latency_us);
    let (least, most) = (points().min()?, points().max()?);
    let count = phases.iter().map(|phase| phase.latency.decided.count).max()?;
    let place = |point: &CdfPoint| (point.per_million as f64 / 1e6, Some(point.latency_us as f64));
    let said = |phase: &Phase| {
        let decided = &phase.latency.decided;
        let [half, most] = [decided.p50_us, decided.p99_us].map(words::duration);
        format!("{}: half took at most {half}, 99 % {most}", name(phase).0)
    };
    let said: Vec<_> = phases.iter().map(said).collect();
    both_sizes(|_| {
        let lines = phases.iter().map(|phase| {
            let (label, ink) = name(phase);
            let points = phase.decided_cdf.iter().map(place).collect();
            Line { label: label.to_owned(), ink, points }
        });
        Some(Figure {
            heading: "Latency distribution by phase".into(),
            note: "The share of what was intended in a phase that took at most so long.".into(),
            chart: Chart {
                title: "Distribution of latency before, during and after faults".into(),
                description: format!("{}.", said.join("; ")),
                x: Axis::tail(count),
                y: Axis::latency(least, most),
                lines: lines.collect(),
                bands: Vec::new(),
                shaded: None,
                marks: Vec::new(),
                tips: Tips::default(),
                height: None,
            },
        })
    })
}
