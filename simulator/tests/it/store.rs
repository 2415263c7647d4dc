//! What the store keeps and loses when its servers fail: by its own settings, and to the checkers' notice.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::Memo;
use bigchaindb_simulator::checkers::{Outcome, Verdict};
use bigchaindb_simulator::observe::{Phase, Record};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::Results;
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::{backends, observe};

/// One server after the other dies.
const DEATHS: &str = r#"
[[fault]]
do = "store-kill"
at = "6s"
target = "s1"
restart_after = "4s"

[[fault]]
do = "store-kill"
at = "16s"
target = "s2"
restart_after = "4s"

[[fault]]
do = "store-kill"
at = "26s"
target = "s3"
restart_after = "4s"
"#;

/// Every machine at once: what no disk has got is nowhere any more.
const BLACKOUT: &str = r#"
[[fault]]
do = "power-loss"
at = "10s"
target = "all"
restart_after = "2s"
"#;

fn scenario(settings: &str, faults: &str) -> Scenario {
    let text = format!(
        "name = \"what is kept\"\n[federation]\nnodes = 4\n[federation.rethinkdb]\nservers = 3\n\
         replicas = 3\n{settings}\n[[load]]\nat = \"2s\"\nfor = \"30s\"\narrivals = {{ rate = \
         \"12/s\" }}\n{faults}"
    );
    Scenario::parse("store.toml", &text, None).unwrap()
}

fn results(settings: &str, faults: &str, seed: u64) -> Results {
    let plan = Arc::new(plan::make(&scenario(settings, faults), seed).unwrap());
    run(&plan, None, String::new(), BTreeMap::new()).unwrap()
}

fn loses(results: &Results) -> bool {
    let lost = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    results.invariants.iter().any(|one| one.invariant == "S11" && lost(&one.outcome))
}

/// Servers are so far from each other that a primary's death finds writes on their way.
const FAR: &str = "timing = { replicate = \"100ms\" }";

#[test]
fn hard_writes_that_a_majority_has_outlive_every_primary() {
    for seed in 1..=10 {
        let results = results(FAR, DEATHS, seed);
        assert_eq!(results.verdict, Verdict::Pass, "{seed}: {:?}", results.reasons);
    }
}

#[test]
fn what_the_primary_alone_acknowledged_dies_with_it_and_is_missed() {
    let settings = format!("write_acks = \"single\"\n{FAR}");
    let missed = (1..=10).filter(|seed| loses(&results(&settings, DEATHS, *seed)));
    assert!(missed.count() > 0);
}

#[test]
fn hard_writes_outlive_a_blackout() {
    for seed in 1..=5 {
        let results = results("", BLACKOUT, seed);
        assert_eq!(results.verdict, Verdict::Pass, "{seed}: {:?}", results.reasons);
    }
}

#[test]
fn what_was_in_memory_only_goes_out_with_the_lights_and_is_missed() {
    let missed = (1..=5).filter(|seed| loses(&results("durability = \"soft\"", BLACKOUT, *seed)));
    assert_eq!(missed.count(), 5);
}

#[test]
fn every_fault_of_the_store_is_seen_to_be_real() {
    let faults = r#"
        [[fault]]
        do = "store-kill"
        at = "3s"
        target = "s1"

        [[fault]]
        do = "store-restart"
        at = "9s"
        target = "s2"

        [[fault]]
        do = "store-pause"
        at = "11s"
        target = "s3"

        [[fault]]
        do = "store-partition"
        at = "17s"
        from = "s1"
        direction = "in"

        [[fault]]
        do = "power-loss"
        at = "23s"
        target = "minority"

        [[fault]]
        do = "reconfigure"
        at = "32s"

        [[fault]]
        do = "reconfigure"
        at = "34s"
        shards = 3
        replicas = 2
    "#;
    let plan = Arc::new(plan::make(&scenario("", faults), 1).unwrap());
    let mut log = observe::Log::new();
    backends::carry_out(&plan, None, &Default::default(), &Arc::new(Memo::new(1_000)), &mut log)
        .unwrap();
    let mut phases: BTreeMap<u64, Vec<Phase>> = BTreeMap::new();
    for observed in log.records() {
        if let Record::Fault(fault) = &observed.record {
            phases.entry(fault.number).or_default().push(fault.phase);
        }
    }
    let whole = vec![Phase::Planned, Phase::Applied, Phase::Verified, Phase::Healed];
    assert_eq!(phases.into_values().collect::<Vec<_>>(), vec![whole; 7]);
}

#[test]
fn a_store_without_a_majority_does_not_move() {
    let faults = "[[fault]]\ndo = \"store-kill\"\nat = \"5s\"\ntarget = [\"s1\", \"s2\"]\n\
                  [[fault]]\ndo = \"reconfigure\"\nat = \"7s\"\n";
    let plan = Arc::new(plan::make(&scenario("", faults), 1).unwrap());
    let mut log = observe::Log::new();
    backends::carry_out(&plan, None, &Default::default(), &Arc::new(Memo::new(1_000)), &mut log)
        .unwrap();
    let moved = log.records().iter().filter_map(|observed| match &observed.record {
        Record::Fault(fault) if fault.number == 1 => Some(fault.phase),
        _ => None,
    });
    assert_eq!(moved.collect::<Vec<_>>(), [Phase::Planned, Phase::Healed], "never applied");
}
