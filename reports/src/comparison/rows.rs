//! The table: what is worth a row, and how each run's value is said.

use std::collections::BTreeSet;

use bigchaindb_simulator::compare::Sample;
use bigchaindb_simulator::measure::{Percentiles, Second};
use bigchaindb_simulator::record::Results;

use super::NamedRun;
use crate::machine;
use crate::trouble::Trouble;
use crate::words::{self, bounded};

/// A row: its name, and a value for each run.
pub(super) struct Row {
    /// What is compared.
    pub(super) name: String,
    /// The runs' values, in their order.
    pub(super) values: Vec<String>,
    /// Whether not all of them are the same.
    pub(super) differs: bool,
}

type Say = fn(&Results) -> String;

/// What every run has.
const ROWS: [(&str, Say); 24] = [
    ("verdict", |results| results.verdict.to_string()),
    ("scenario", |results| results.scenario.clone()),
    ("seed", |results| results.seed.to_string()),
    ("backend", |results| results.backend.clone()),
    ("rules", |results| results.rules.clone()),
    ("nodes", |results| results.nodes.len().to_string()),
    ("took", |results| words::duration(results.duration_us)),
    ("digest", |results| results.digest.chars().take(8).collect()),
    ("operations sent", |results| words::count(results.measures.counts.sent)),
    ("accepted", |results| words::count(results.measures.counts.accepted)),
    ("refused", |results| words::count(results.measures.counts.refused)),
    ("never answered", |results| words::count(results.measures.counts.unanswered)),
    ("decided valid", |results| words::count(results.measures.counts.decided_valid)),
    ("lost a conflict", |results| words::count(results.measures.counts.lost_conflict)),
    ("never decided", |results| words::count(results.measures.counts.never_decided)),
    ("decided a second, under load", |results| {
        rate(results).map_or("–".into(), |rate| format!("{rate:.1}/s"))
    }),
    ("p50 until decided", |results| said(results, 500_000, |decided| decided.p50_us)),
    ("p95 until decided", |results| said(results, 950_000, |decided| decided.p95_us)),
    ("p99 until decided", |results| said(results, 990_000, |decided| decided.p99_us)),
    ("p99.7 until decided", |results| said(results, 997_000, |decided| decided.p99_7_us)),
    ("longest until decided", |results| said(results, 1_000_000, |decided| decided.max_us)),
    ("most in the backlog", |results| words::count(most(results, |second| second.backlog))),
    ("blocks decided invalid", |results| words::count(results.measures.counts.blocks_invalid)),
    ("first bad second", |results| {
        Trouble::of(results).map_or("none".into(), |trouble| trouble.moment(results))
    }),
];

/// All rows: what every run has, how fast their machines were, and where they ran.
pub(super) fn rows(runs: &[NamedRun]) -> Vec<Row> {
    let row = |name: &str, values: Vec<String>| {
        let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
        Row { name: name.to_owned(), values, differs }
    };
    let known = ROWS
        .iter()
        .map(|(name, say)| row(name, runs.iter().map(|run| say(&run.results)).collect()));
    let machines: Vec<_> =
        runs.iter().map(|run| run.results.calibration.as_ref().map(machine::figures)).collect();
    let is_known = machines.iter().any(Option::is_some);
    let fast = machine::NAMES.iter().enumerate().filter(|_| is_known).map(|(at, name)| {
        let value = |machine: &Option<[String; 4]>| machine.as_ref().map(|of| of[at].clone());
        row(name, machines.iter().map(|of| value(of).unwrap_or_else(|| "–".into())).collect())
    });
    let names: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.results.environment.keys()).collect();
    let told = names.into_iter().map(|name| {
        let value = |run: &NamedRun| run.results.environment.get(name).cloned();
        row(name, runs.iter().map(|run| value(run).unwrap_or_else(|| "–".into())).collect())
    });
    known.chain(fast).chain(told).collect()
}

/// Transactions decided per second while there is load, as runs are compared by it.
pub(crate) fn rate(results: &Results) -> Option<f64> {
    Some(Sample::of(results).decided_per_ks()? as f64 / 1e3)
}

fn said(results: &Results, per_million: u64, of: fn(&Percentiles) -> u64) -> String {
    let decided = &results.measures.latency.decided;
    match decided.count {
        0 => "–".to_owned(),
        _ => bounded(decided, per_million, of(decided)),
    }
}

fn most(results: &Results, of: fn(&Second) -> u64) -> u64 {
    results.measures.seconds.iter().map(of).max().unwrap_or(0)
}
