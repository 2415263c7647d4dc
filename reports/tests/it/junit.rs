//! `junit.xml`: every build server's idea of a verdict.

use bigchaindb_simulator::checkers::{Outcome, Verdict};
use bigchaindb_simulator::record::Results;
use roxmltree::{Document, Node};

use crate::runs;

#[test]
fn a_run_that_failed_has_a_case_for_each_promise() {
    insta::assert_snapshot!(bigchaindb_reports::junit(&runs::failed()));
}

#[test]
fn totals_are_what_the_cases_add_up_to() {
    let mut void = runs::passed();
    void.verdict = Verdict::Void;
    void.reasons = vec!["Load slipped by 3 s.".into()];
    let mut meant = runs::failed();
    for judgement in &mut meant.invariants {
        judgement.meant_to_fail = true;
    }
    let cases: [(&str, Results, [&str; 4]); 6] = [
        // tests, failures, errors, skipped
        ("passed", runs::passed(), ["8", "0", "0", "1"]),
        ("failed", runs::failed(), ["8", "2", "1", "1"]),
        ("void", void, ["8", "0", "1", "1"]),
        ("empty", runs::empty(), ["1", "0", "0", "0"]),
        ("hostile", runs::hostile(), ["8", "2", "1", "1"]),
        // S1's violation was wanted; S2 and L1 hold although they should not.
        ("meant", meant, ["8", "3", "1", "1"]),
    ];
    for (name, results, totals) in cases {
        let text = bigchaindb_reports::junit(&results);
        let document = Document::parse(&text).unwrap();
        let count = |tag: &str| {
            document.descendants().filter(|node| node.has_tag_name(tag)).count().to_string()
        };
        let counted = ["testcase", "failure", "error", "skipped"].map(count);
        assert_eq!(counted, totals, "{name}");
        for suite in document.descendants().filter(is_suite) {
            let told = ["tests", "failures", "errors", "skipped"]
                .map(|total| suite.attribute(total).unwrap());
            assert_eq!(told, totals, "{name}");
        }
    }
}

fn is_suite(node: &Node<'_, '_>) -> bool {
    node.has_tag_name("testsuite") || node.has_tag_name("testsuites")
}

#[test]
fn a_failure_tells_the_life_of_its_witness() {
    let mut results = runs::failed();
    results.invariants.truncate(1);
    assert!(matches!(results.invariants[0].outcome, Outcome::Fail { .. }));
    let text = bigchaindb_reports::junit(&results);
    let document = Document::parse(&text).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert!(failure.text().unwrap().contains("22.104 s  backlog  inserted, for n1\n"));
}
