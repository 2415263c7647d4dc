//! What the run took of its machine: each member's processors, memory and disk, and how well the load
//! kept to its plan.
//!
//! Here: the section of the page. Not here: how it was measured (`bigchaindb_simulator::measure`).

use bigchaindb_simulator::measure::Resources;
use bigchaindb_simulator::record::Results;

use crate::figures;
use crate::standing::Standing;
use crate::trouble::Trouble;
use crate::words::{self, escape};

/// The section; empty where nobody measured.
pub(crate) fn section(results: &Results, trouble: Option<&Trouble>) -> String {
    let (table, load) = (table(&results.resources), load(results));
    if table.is_empty() && load.is_empty() {
        return String::new();
    }
    let figures = figures::used(results, trouble);
    format!("<section>\n<h2>What it took</h2>\n{load}{figures}{table}</section>\n")
}

/// Whether the load was the one that was planned.
fn load(results: &Results) -> String {
    let Some(generator) = &results.generator else { return String::new() };
    let (standing, said) = match generator.kept_up {
        true => (Standing::Pass, "The load kept to its plan"),
        false => (Standing::Void, "The load did not keep to its plan"),
    };
    format!(
        "<p><span class=\"state {}\"><span aria-hidden=\"true\">{}</span> {said}:</span> {} of {} went \
         out more than 100 ms late, the latest by {}.</p>\n",
        standing.class(),
        standing.sign(),
        words::count(generator.late),
        words::counted(generator.requests, "request", "requests"),
        words::duration(generator.slip_max_us),
    )
}

fn table(resources: &[Resources]) -> String {
    if resources.is_empty() {
        return String::new();
    }
    let rows: String = resources.iter().map(row).collect();
    let columns =
        ["processors", "most memory", "written", "disk", "received", "sent", "most open files"];
    let head: String = columns
        .iter()
        .map(|name| format!("<th class=\"number\" scope=\"col\">{name}</th>"))
        .collect();
    format!(
        "<div class=\"wide-table\"><table>\n<thead><tr><th scope=\"col\">Member</th>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n<p class=\"note\">Of the whole run; – where it is not \
         known. Member all: nodes, store and clients in one process.</p>\n"
    )
}

fn row(of: &Resources) -> String {
    let bytes = |bytes: Option<u64>| bytes.map_or("–".to_owned(), words::bytes);
    let cells = [
        words::duration(of.cpu_ms.saturating_mul(1_000)),
        words::bytes(of.rss_kib_max.saturating_mul(1_024)),
        bytes(of.written_bytes),
        bytes(of.disk_bytes),
        bytes(of.received_bytes),
        bytes(of.sent_bytes),
        of.open_files_max.map_or("–".to_owned(), words::count),
    ];
    let cells: String =
        cells.iter().map(|cell| format!("<td class=\"number\">{cell}</td>")).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&of.member))
}
