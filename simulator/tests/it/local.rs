//! The world `local`: a short run on real sockets, with a fault of every kind, judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::Direct;
use bigchaindb_simulator::backends::apart::Means;
use bigchaindb_simulator::backends::local;
use bigchaindb_simulator::checkers::{Outcome, Settings, judge};
use bigchaindb_simulator::observe::{Kind, Log, Phase, Record};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::RunDirectory;
use bigchaindb_simulator::replay::Replay;
use bigchaindb_simulator::scenario::Scenario;

const SCENARIO: &str = r#"
name = "a little of everything"
backends = ["local"]

[federation]
nodes = 4

[[load]]
at = "500ms"
for = "6s"
arrivals = { rate = "20/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "kill"
at = "1s"
target = "n1"
restart_after = "500ms"

[[fault]]
do = "pause"
at = "2500ms"
for = "500ms"
target = "n2"

[[fault]]
do = "partition"
at = "4s"
for = "500ms"
from = "n3"
to = "store"

[[fault]]
do = "feed-abort"
at = "5s"
target = "n4"

[[fault]]
do = "lose"
at = "6s"
target = "n3"
"#;

#[test]
fn a_run_with_every_fault_is_judged_lawful() {
    let scenario = Scenario::parse("local.toml", SCENARIO, None).unwrap();
    let plan = Arc::new(plan::make(&scenario, 1).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::open(folder.path()).hearing();
    let mut log = Log::new();
    let carried = local::carry_out(&plan, Some(&directory), &Means::default(), &mut log).unwrap();

    let [all] = &carried.resources[..] else { panic!("{:?}", carried.resources) };
    assert!(all.cpu_ms > 0 && all.rss_kib_max > 0 && all.open_files_max > Some(10), "{all:?}");
    // The store's file grows, and nothing that only grows goes back.
    assert!(all.disk_bytes > Some(0) && all.samples.len() > 5, "{all:?}");
    let grows = all.samples.is_sorted_by_key(|sample| (sample.at_us, sample.cpu_ms));
    assert!(grows && all.received_bytes.is_none(), "{all:?}");
    // Each transaction is written, gathered, listed and voted on.
    assert!(carried.questions.is_some_and(|asked| asked > 4 * plan.operations.len() as u64));
    let generator = carried.generator.unwrap();
    assert!(generator.kept_up && generator.requests >= plan.operations.len() as u64);

    let mut phases: BTreeMap<u64, Vec<Phase>> = BTreeMap::new();
    let mut accepted = 0;
    for observed in log.records() {
        match &observed.record {
            Record::Fault(fault) => phases.entry(fault.number).or_default().push(fault.phase),
            Record::Operation(operation) => {
                accepted += usize::from(operation.kind == Kind::Ok && operation.http == Some(201));
            }
            Record::End(end) => assert!(end.shortfalls.is_empty(), "{:?}", end.shortfalls),
            _ => {}
        }
    }
    let whole = vec![Phase::Planned, Phase::Applied, Phase::Verified, Phase::Healed];
    assert_eq!(phases.into_values().collect::<Vec<_>>(), vec![whole; 5]);
    assert!(accepted * 2 > plan.operations.len(), "{accepted} of {}", plan.operations.len());
    let replay = Replay::of(&directory, &plan);
    for node in ["n1", "n2", "n3", "n4"] {
        let replayed = replay.node(node).unwrap();
        assert_eq!(replayed.difference, None, "{node}");
        assert!(replayed.inputs > 100, "{node}: {replayed:?}");
        assert_eq!(replayed.lives.len(), if node == "n1" { 2 } else { 1 }, "{node}");
    }
    for judgement in
        judge(log.records(), &Settings::from(&plan.expect), Arc::new(Direct)).judgements
    {
        let name = &*judgement.invariant;
        // No member acts against the rules, no two want the same, there is little load, and nobody
        // looks at levels and counters there.
        let absent = ["S15", "S19", "S20", "L3", "L6", "L7", "L8"];
        if absent.contains(&name) && judgement.looked_at == 0 {
            continue;
        }
        assert!(judgement.looked_at > 0, "{name} looked at nothing");
        assert!(matches!(judgement.outcome, Outcome::Pass), "{name}: {:#?}", judgement.outcome);
    }
}
