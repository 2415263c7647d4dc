//! The figures of a run, on a history written by hand.

use std::sync::Arc;

use bigchaindb_core::model::Direct;
use bigchaindb_simulator::checkers::{Settings, judge};
use bigchaindb_simulator::measure::{Counts, Distribution, Measured, measure};

use crate::checkers::history;

fn measured(steps: &str) -> Measured {
    let records = history(steps);
    let judged = judge(&records, &Settings::default(), Arc::new(Direct));
    measure(&records, &judged.reference)
}

#[test]
fn everything_is_counted_once_and_nothing_is_dropped() {
    let Measured { measures, .. } = measured(
        "create a b d; transfer c a.0; transfer e a.0; post a@1; post b@1; refuse d@1;
        block A@1 a; list A; pass 2; vote A vvv.; drop a;
        post c@1; post e@2; block C@1 c; list C; pass 1; vote C vvv.; drop c; drop e; pass 3; end",
    );
    let expected = Counts {
        sent: 5,
        accepted: 4,
        refused: 1,
        unanswered: 0,
        transactions: 4,
        decided_valid: 2,
        lost_conflict: 1,
        never_decided: 1,
        blocks: 2,
        blocks_valid: 2,
        blocks_invalid: 0,
        blocks_undecided: 0,
        blocks_decided: 2,
        blocks_changed: 0,
        changes: 0,
    };
    assert_eq!(measures.counts, expected);
    let series: Vec<_> = measures
        .seconds
        .iter()
        .map(|s| {
            (s.second, s.requested, s.sent, s.accepted, s.decided, s.backlog, s.undecided_blocks)
        })
        .collect();
    let expected = [
        // second, requested, sent, accepted, decided, backlog, undecided blocks
        (0, 3, 3, 2, 0, 2, 1),
        (1, 0, 0, 0, 0, 2, 1),
        (2, 2, 2, 2, 1, 3, 1),
        (3, 0, 0, 0, 1, 1, 0),
        (4, 0, 0, 0, 0, 1, 0),
        (5, 0, 0, 0, 0, 1, 0),
        (6, 0, 0, 0, 0, 1, 0),
    ];
    assert_eq!(series, expected);
    let decided = &measures.latency.decided;
    assert_eq!((decided.count, decided.censored), (3, 1), "b is never decided, e lost");
    assert!(decided.p50_us > 2_000_000 && decided.max_us > 6_000_000, "{decided:?}");
    assert_eq!(measures.decided_cdf.last().map(|point| point.per_million), Some(500_000));
}

/// Every change of a decision counts, though a block counts once.
#[test]
fn decisions_that_change_are_counted() {
    let counts = |steps: &str| {
        let Counts { blocks_decided, blocks_changed, changes, .. } =
            measured(steps).measures.counts;
        (blocks_decided, blocks_changed, changes)
    };
    let decided =
        "create a b; block A@1 a; list A; vote A vvv.; block B@1 b; list B; vote B>A iii.";
    assert_eq!(counts(&format!("{decided}; end")), (2, 0, 0));
    assert_eq!(counts(&format!("{decided}; unvote A 2; end")), (2, 1, 1));
    assert_eq!(counts(&format!("{decided}; unvote A 2; revote A 2; unvote A 2; end")), (2, 1, 2));
    assert_eq!(counts("create a; block A@1 a; list A; vote A v...; end"), (0, 0, 0));
}

#[test]
fn a_fault_has_its_window() {
    let Measured { faults, .. } = measured(
        "fault kill planned; fault kill applied; fault kill verified; pass 2; fault kill healed; end",
    );
    let [window] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!((&*window.kind, &*window.target), ("kill", "n1"));
    let moments = [window.planned_us, window.applied_us, window.verified_us, window.healed_us]
        .map(Option::unwrap);
    assert!(moments.is_sorted() && moments[3] - moments[2] > 2_000_000, "{moments:?}");
}

#[test]
fn an_empty_log_measures_nothing() {
    let judged = judge(&[], &Settings::default(), Arc::new(Direct));
    let Measured { measures, faults, .. } = measure(&[], &judged.reference);
    assert_eq!((measures.seconds.len(), faults.len()), (0, 0));
}

#[test]
fn percentiles_are_exact_and_know_what_they_do_not_know() {
    let mut distribution = Distribution::default();
    assert_eq!(distribution.percentile(50_000), None);
    (1..=1000).for_each(|latency_us| distribution.add(latency_us));
    let percentiles = distribution.percentiles();
    assert_eq!((percentiles.min_us, percentiles.p50_us, percentiles.p95_us), (1, 500, 950));
    assert_eq!((percentiles.p99_7_us, percentiles.max_us), (997, 1000));
    assert_eq!(distribution.percentile(99_700), Some(997));
    distribution.add_censored(2000);
    assert_eq!(distribution.percentile(99_900), Some(1000));
    assert_eq!(distribution.percentile(100_000), None, "it took longer, nobody knows how long");
    distribution.add_censored(10);
    assert_eq!(distribution.percentile(50_000), None, "it may have been faster than half, or not");
}
