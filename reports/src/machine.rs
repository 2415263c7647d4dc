//! How fast the machine was when the run began: what limits any node on it.
//!
//! Here: the section of the page. Not here: how it was measured (`bigchaindb_simulator::calibration`), what the
//! run took of it (`used`).

use bigchaindb_simulator::calibration::Calibration;
use bigchaindb_simulator::record::Results;

use crate::comparison::rate;
use crate::words;

/// The section; empty for runs in virtual time, which no machine makes faster.
pub(crate) fn section(results: &Results) -> String {
    let Some(machine) = results.calibration else { return String::new() };
    let tile = |(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n");
    let tiles: String = NAMES.into_iter().zip(figures(&machine)).map(tile).collect();
    format!(
        "<section>\n<h2>The machine</h2>\n<dl class=\"numbers\">\n{tiles}</dl>\n<p class=\"note\">What one \
         core, the disk below this run (pages of 4 KiB) and loopback did, one after the other, right before \
         it. Runs on machines that differ in this say nothing of two programs.</p>\n{}</section>\n",
        limit(results, &machine),
    )
}

/// What the figures are called.
pub(crate) const NAMES: [&str; 4] = [
    "signatures verified a second",
    "hashed a second",
    "pages forced to the disk a second",
    "round trips over loopback a second",
];

/// The figures as people say them, in the order of [`NAMES`].
pub(crate) fn figures(machine: &Calibration) -> [String; 4] {
    let known = |figure: Option<u64>| figure.map_or("–".to_owned(), words::count);
    [
        words::count(machine.verifications_per_s),
        words::bytes(machine.hashed_bytes_per_s),
        known(machine.synced_writes_per_s),
        known(machine.round_trips_per_s),
    ]
}

/// What was decided, as a share of the signatures that one core verifies: no node can do without one for each
/// transaction.
fn limit(results: &Results, machine: &Calibration) -> String {
    let verified = machine.verifications_per_s as f64;
    let Some(decided) = rate(results).filter(|decided| *decided > 0.0 && verified > 0.0) else {
        return String::new();
    };
    format!(
        "<p>Under load {decided:.1} transactions a second were decided: {} of the signatures that one core \
         verifies.</p>\n",
        format_args!("{:.1}\u{a0}%", decided / verified * 100.0),
    )
}
