//! Thinned logs: less is kept, and nothing else is different.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_simulator::checkers::Outcome;
use bigchaindb_simulator::observe::{ReadLogError, Record};
use bigchaindb_simulator::plan::{self, LogDetail, Plan};
use bigchaindb_simulator::record::{Results, RunDirectory};
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::stored::StoredLog;

/// A minute with a kill, and clients that look after what they have posted; `more` is added to it.
fn plan(log: &str, more: &str) -> Plan {
    let text = format!(
        "name = \"thinned\"\nlog = \"{log}\"\n\
         [[load]]\narrivals = {{ rate = \"2/s\" }}\nwatch = true\n\
         [[fault]]\ndo = \"kill\"\nat = \"8s\"\n{more}"
    );
    let scenario = Scenario::parse("thinned.toml", &text, None).unwrap();
    plan::make(&scenario, 3).unwrap()
}

fn results(plan: &Plan, directory: &RunDirectory) -> Results {
    run(&Arc::new(plan.clone()), Some(directory), String::new(), BTreeMap::new()).unwrap()
}

#[test]
fn a_thinned_run_comes_to_the_same_as_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let directory = |name| RunDirectory::create(&folder.path().join(name)).unwrap();
    let (whole, thinned) = (directory("whole"), directory("thinned"));
    let (plan, thin) = (plan("whole", ""), plan("thinned", ""));
    assert_eq!((plan.log, thin.log), (LogDetail::Whole, LogDetail::Thinned));
    assert_eq!(results(&plan, &whole), results(&thin, &thinned));

    let lines = |directory: &RunDirectory| {
        let text = std::fs::read_to_string(directory.observations()).unwrap();
        text.lines().count()
    };
    assert!(lines(&whole) > 1_000 && lines(&thinned) < 50, "{}", lines(&thinned));
    let kept = bigchaindb_simulator::observe::read(&thinned.observations()).unwrap();
    assert!(matches!(&kept[0].record, Record::Run(run) if run.thinned));
    let faults = kept.iter().filter(|one| matches!(one.record, Record::Fault(_))).count();
    assert_eq!(faults, 4, "planned, applied, verified, healed");
}

#[test]
fn checkers_see_what_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::create(folder.path()).unwrap();
    // Gauges are not kept, and yet a queue that holds two is one too many.
    let broken = plan("thinned", "[expect]\ndecided_after_heal = \"1s\"\nqueue_max = 1\n");
    let results = results(&broken, &directory);
    let queues = results.invariants.iter().find(|one| one.invariant == "L6").unwrap();
    assert!(matches!(&queues.outcome, Outcome::Fail { .. }), "{queues:?}");
}

#[test]
fn a_thinned_log_is_not_judged_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::create(folder.path()).unwrap();
    results(&plan("thinned", ""), &directory);
    let refused = StoredLog::read(&directory.observations(), None);
    assert!(matches!(&refused, Err(ReadLogError::Thinned { .. })), "{:?}", refused.is_ok());
}
