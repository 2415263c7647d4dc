//! The run directory: what is written comes back, and another version is refused.

use std::collections::BTreeMap;

use bigchaindb_simulator::checkers::{Judgement, Outcome, Verdict, Violation};
use bigchaindb_simulator::measure::{Measures, NodeVotes, Resources, Votes};
use bigchaindb_simulator::record::{LinkTimes, Met, Results, RunDirectory};

fn results() -> Results {
    let violation = Violation {
        at_us: 1,
        what: "what".into(),
        transaction: None,
        blocks: vec!["b".into()],
        life_line: Vec::new(),
    };
    let judgement = |invariant: &str, outcome| Judgement {
        invariant: invariant.into(),
        statement: "It holds.".into(),
        looked_at: 3,
        meant_to_fail: false,
        outcome,
    };
    Results {
        version: Results::VERSION,
        scenario: "by hand".into(),
        seed: u64::MAX,
        backend: "sim".into(),
        rules: "default".into(),
        foreign: std::collections::BTreeMap::from([("n2".into(), "v0.6.0".into())]),
        nodes: vec!["n1".into()],
        verdict: Verdict::Fail,
        reasons: vec!["S1 is violated".into()],
        digest: "00".into(),
        command: "testbed run".into(),
        started_unix_ms: 0,
        duration_us: 1,
        invariants: vec![
            judgement("S1", Outcome::Fail { count: 1, violations: vec![violation] }),
            judgement("S2", Outcome::Pass),
            judgement("S5", Outcome::Unknown { why: "why".into() }),
            judgement("S6", Outcome::NotApplicable { why: "why".into() }),
        ],
        thresholds: Vec::new(),
        measures: Measures::default(),
        generator: None,
        resources: vec![Resources { member: "n1".into(), cpu_ms: 7, ..Resources::default() }],
        faults: Vec::new(),
        met: BTreeMap::from([("kill".into(), Met::default())]),
        votes: Some(Votes { blocks_invalid: vec![1], nodes: vec![NodeVotes::default()] }),
        links: Some(LinkTimes { latency_us: 250, jitter_us: 25 }),
        environment: BTreeMap::new(),
        calibration: None,
    }
}

#[test]
fn results_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = RunDirectory::create(&folder.path().join("a/b")).expect("it can be made");
    directory.write_scenario("# a story\n").expect("it can be written");
    directory.write_results(&results()).expect("they can be written");
    assert_eq!(RunDirectory::open(directory.path()).results().expect("they are there"), results());
}

#[test]
fn results_of_another_version_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = RunDirectory::open(folder.path());
    std::fs::write(folder.path().join("results.json"), r#"{"version": 99}"#).expect("a file");
    let error = directory.results().expect_err("it is another version").to_string();
    assert!(error.ends_with("results.json has version 99, this program reads 1"), "{error}");
    std::fs::write(folder.path().join("results.json"), "{").expect("a file");
    let error = directory.results().expect_err("it is torn").to_string();
    assert!(error.ends_with("results.json is no results file"), "{error}");
}
