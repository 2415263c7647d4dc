//! `timeseries.csv`: the run second by second, for spreadsheets and plotters.
//!
//! Columns have their unit in their name and are told in `reports/README.md`; a field is empty where
//! there is nothing to tell. Not here: what the figures are (`bigchaindb_simulator::measure`).

use std::fmt::Write;

use bigchaindb_simulator::measure::Second;
use bigchaindb_simulator::record::Results;

use crate::words::Of;

/// Something that is counted by second.
type Count = fn(&Second) -> u64;

/// What every run has, by second.
const COUNTS: [(&str, Count); 6] = [
    ("requested", |second| second.requested),
    ("sent", |second| second.sent),
    ("accepted", |second| second.accepted),
    ("decided", |second| second.decided),
    ("backlog", |second| second.backlog),
    ("undecided_blocks", |second| second.undecided_blocks),
];

/// From intended to decided, of what was decided in that second.
const LATENCIES: [(&str, Of); 5] = [
    ("p50_ms", |latency| latency.p50_us),
    ("p95_ms", |latency| latency.p95_us),
    ("p99_ms", |latency| latency.p99_us),
    ("p99_7_ms", |latency| latency.p99_7_us),
    ("max_ms", |latency| latency.max_us),
];

/// The whole file: a head, and a line for each entry of the measures.
pub(crate) fn timeseries(results: &Results) -> String {
    let measures = &results.measures;
    let mut text = String::from("second,length_s");
    let names = COUNTS.iter().map(|(name, _)| *name).chain(LATENCIES.iter().map(|(name, _)| *name));
    names.for_each(|name| text.extend([",", name]));
    let voters = results.votes.as_ref().map_or(&[][..], |votes| &votes.nodes);
    if results.votes.is_some() {
        text.push_str(",invalid_blocks");
    }
    for voter in voters {
        text.extend([",", &field(&format!("votes_{}", voter.node))]);
    }
    text.push('\n');
    for (index, second) in measures.seconds.iter().enumerate() {
        let _ = write!(text, "{},{}", second.second, measures.stretch_s);
        for (_, count) in COUNTS {
            let _ = write!(text, ",{}", count(second));
        }
        for (_, of) in LATENCIES {
            text.push(',');
            if let Some(latency) = &second.decided_latency {
                let us = of(latency);
                let _ = write!(text, "{}.{:03}", us / 1_000, us % 1_000);
            }
        }
        let invalid = results.votes.iter().map(|votes| &votes.blocks_invalid);
        for series in invalid.chain(voters.iter().map(|voter| &voter.seconds)) {
            text.push(',');
            if let Some(count) = series.get(index) {
                let _ = write!(text, "{count}");
            }
        }
        text.push('\n');
    }
    text
}

/// A field as RFC 4180 has it. What a spreadsheet would take for a formula is no name of ours.
fn field(text: &str) -> String {
    let text = crate::words::visible(text).replace(['\n', '\r', '\t'], " ");
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
