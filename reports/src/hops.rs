//! How long each hop took, from the intended moment: a chart and a table.
//!
//! Here: the section of the page. Not here: the chart (`figures::hops`).

use bigchaindb_simulator::measure::Percentiles;
use bigchaindb_simulator::record::Results;

use crate::figures;
use crate::words::{self, bounded};

/// The section; empty if nothing was sent.
pub(crate) fn section(results: &Results) -> String {
    let latency = &results.measures.latency;
    let hops = [
        ("sent", &latency.sent),
        ("accepted", &latency.accepted),
        ("in a block", &latency.in_block),
        ("decided", &latency.decided),
    ];
    let readable = latency.readable.iter().map(|readable| ("readable", readable));
    let hops: Vec<_> = hops.into_iter().chain(readable).filter(|(_, hop)| hop.count > 0).collect();
    let rows: String = hops.iter().map(|(name, hop)| hop_row(name, hop)).collect();
    if rows.is_empty() {
        return rows;
    }
    let figure = figures::hops(&hops).unwrap_or_default();
    format!(
        "<section>\n<h2>Hop by hop</h2>\n{figure}<p class=\"note\">≥ where some had not got there \
         when the log ended; never: how many those are, unanswered ones included.{}</p>\n<div class=\"wide-table\"><table>\n\
         <thead><tr><th scope=\"col\">Until</th><th class=\"number\" scope=\"col\">p50</th>\
         <th class=\"number\" scope=\"col\">p95</th><th class=\"number\" scope=\"col\">p99</th>\
         <th class=\"number\" scope=\"col\">p99.7</th><th class=\"number\" scope=\"col\">longest</th>\
         <th class=\"number\" scope=\"col\">never</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n{}</section>\n",
        if latency.readable.is_some() {
            " Readable: another node than the one that was asked shows it as valid."
        } else {
            ""
        },
        round_trips(results),
    )
}

/// A table's row of the usual figures of a distribution.
pub(crate) fn figures_of(hop: &Percentiles) -> String {
    let columns = [
        (500_000, hop.p50_us),
        (950_000, hop.p95_us),
        (990_000, hop.p99_us),
        (997_000, hop.p99_7_us),
        (1_000_000, hop.max_us),
    ];
    let cell = |(share, us): &(u64, u64)| match hop.count {
        0 => "<td class=\"number\">–</td>".to_owned(),
        _ => format!("<td class=\"number\">{}</td>", bounded(hop, *share, *us)),
    };
    columns.iter().map(cell).collect()
}

fn hop_row(name: &str, hop: &Percentiles) -> String {
    format!(
        "<tr><th scope=\"row\">{name}</th>{}<td class=\"number\">{}</td></tr>\n",
        figures_of(hop),
        words::count(hop.censored)
    )
}

/// How much each transaction asked of the store.
fn round_trips(results: &Results) -> String {
    let Some(trips) = results.measures.round_trips else { return String::new() };
    let each = trips.per_transaction.map_or(String::new(), |each| {
        format!(", {each:.1} for each transaction that was decided valid")
    });
    format!(
        "<p>Nodes asked their store {}{each}. A question is one round trip.</p>\n",
        words::counted(trips.questions, "question", "questions"),
    )
}
