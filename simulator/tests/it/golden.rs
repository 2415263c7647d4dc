//! Golden digests: same plan, same bytes of the observation log, on every machine and in every build.
//!
//! Whoever changes what nodes, clients or the simulated world do changes these, and has to say so by
//! accepting the new ones; nothing else may.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::plan;
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::shrink::violated;

use crate::scenario::{files_of, smoke};

#[test]
fn every_smoke_scenario_passes_with_its_golden_digest() {
    let mut digests = String::new();
    for file in smoke() {
        let scenario = Scenario::load(&file, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 7).unwrap());
        let results = run(&plan, None, String::new(), BTreeMap::new()).unwrap();
        assert_eq!(results.verdict, Verdict::Pass, "{}: {:?}", scenario.name, results.reasons);
        digests += &format!("{} --seed 7: {}\n", scenario.name, results.digest);
    }
    insta::assert_snapshot!(digests);
}

/// What once went wrong does not go wrong again.
#[test]
fn every_regression_passes_with_its_own_seed() {
    for file in files_of("regressions") {
        let scenario = Scenario::load(&file, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, scenario.seed).unwrap());
        let results = run(&plan, None, String::new(), BTreeMap::new()).unwrap();
        assert_eq!(results.verdict, Verdict::Pass, "{}: {:?}", scenario.name, results.reasons);
    }
}

/// The run in which innocent transactions fell with their neighbours shows it as soon as they may.
#[test]
fn who_fell_twice_would_fall_again_among_others() {
    let file = files_of("regressions")
        .into_iter()
        .find(|file| file.ends_with("felled-by-neighbours.toml"));
    let scenario = Scenario::load(&file.unwrap(), None).unwrap();
    let mut plan = plan::make(&scenario, scenario.seed).unwrap();
    plan.bounds.0.insert("falls".to_owned(), 1000);
    let results = run(&Arc::new(plan), None, String::new(), BTreeMap::new()).unwrap();
    assert_eq!(violated(&results), ["L4"]);
}
