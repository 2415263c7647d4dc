//! What was broken on purpose: each fault with its moments, and what faults met nodes in the middle of.
//!
//! Here: the section of the page. Not here: the bands in the charts (`figures::timeline`).

use std::collections::BTreeSet;

use bigchaindb_simulator::measure::FaultWindow;
use bigchaindb_simulator::record::{Met, Results};

use crate::words::{self, escape};

/// The section; empty if nothing was.
pub(crate) fn section(results: &Results) -> String {
    if results.faults.is_empty() {
        return String::new();
    }
    let rows: String = results.faults.iter().map(fault_row).collect();
    format!(
        "<section>\n<h2>What was broken on purpose</h2>\n<div class=\"wide-table\"><table>\n<thead>\
         <tr><th class=\"number\" scope=\"col\">No.</th><th scope=\"col\">Fault</th>\
         <th class=\"number\" scope=\"col\">Planned</th><th class=\"number\" scope=\"col\">Applied</th>\
         <th class=\"number\" scope=\"col\">Verified</th><th class=\"number\" scope=\"col\">Healed</th>\
         </tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n{}</section>\n",
        met(results)
    )
}

fn fault_row(fault: &FaultWindow) -> String {
    let times = [fault.planned_us, fault.applied_us, fault.verified_us, fault.healed_us];
    let times: String = times
        .iter()
        .map(|us| format!("<td class=\"number\">{}</td>", us.map_or("–".into(), words::moment)))
        .collect();
    format!(
        "<tr><td class=\"number\">{}</td><th scope=\"row\">{} {}</th>{times}</tr>\n",
        fault.number,
        escape(&fault.kind),
        escape(&fault.target),
    )
}

/// A table of kinds of faults and steps: how often which met which. Empty where nobody looked.
fn met(results: &Results) -> String {
    let steps: BTreeSet<&String> = results.met.values().flat_map(|met| met.steps.keys()).collect();
    // Where nobody looked, all that is known is in the table above.
    if steps.is_empty() && results.met.values().all(|met| met.idle == 0) {
        return String::new();
    }
    let number = |number: u64| match number {
        0 => "<td class=\"number\">·</td>".to_owned(),
        number => format!("<td class=\"number\">{}</td>", words::count(number)),
    };
    let head: String = (steps.iter())
        .map(|step| format!("<th class=\"number\" scope=\"col\">{}</th>", escape(step)))
        .collect();
    let row = |(kind, met): (&String, &Met)| {
        let cells: String =
            (steps.iter()).map(|step| number(met.steps.get(*step).copied().unwrap_or(0))).collect();
        format!(
            "<tr><th scope=\"row\">{}</th>{}{}{cells}</tr>\n",
            escape(kind),
            number(met.verified),
            number(met.idle),
        )
    };
    let rows: String = results.met.iter().map(row).collect();
    format!(
        "<h3>What they met</h3>\n<p class=\"note\">How often a fault of each kind met a node in the \
         middle of a step of its work. Verified: how many a probe saw; idle: how often the node had \
         nothing under way.</p>\n<div class=\"wide-table\"><table>\n<thead><tr><th scope=\"col\">Fault\
         </th><th class=\"number\" scope=\"col\">verified</th><th class=\"number\" scope=\"col\">idle\
         </th>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}
