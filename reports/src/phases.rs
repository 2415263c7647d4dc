//! Latency before, during and after faults, side by side.
//!
//! Here: the section of the page, its table and its chart. Not here: where a phase begins
//! (`bigchaindb_simulator::measure`).

use bigchaindb_simulator::measure::{Phase, PhaseName};
use bigchaindb_simulator::record::Results;

use crate::chart::Ink;
use crate::figures::{Curve, curves};
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
    let curve = |phase| {
        let (label, ink) = name(phase);
        let (points, whole) = (&phase.decided_cdf, &phase.latency.decided);
        Curve { label: label.to_owned(), ink, points, whole }
    };
    curves(
        "Latency distribution by phase",
        "The share of what was intended in a phase that took at most so long.",
        "Distribution of latency before, during and after faults",
        &phases.iter().map(curve).collect::<Vec<_>>(),
    )
}
