//! The figures of a run, on a history written by hand.

use std::sync::Arc;

use bigchaindb_core::model::{Direct, Memo};
use bigchaindb_simulator::backends;
use bigchaindb_simulator::checkers::{Outcome, Settings, judge};
use bigchaindb_simulator::measure::{Counts, Distribution, Measured, Phase, PhaseName, measure};
use bigchaindb_simulator::observe::{Log, Record, What};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::scenario::Scenario;

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

/// An operation belongs to the phase in which it was intended, whatever becomes of it later.
#[test]
fn what_was_before_during_and_after_faults_is_told_apart() {
    let told = |steps: &str| {
        let Measured { measures, .. } = measured(steps);
        let phase = |phase: &Phase| {
            let decided = &phase.latency.decided;
            (phase.name, phase.requested, phase.accepted, decided.count, decided.censored)
        };
        measures.phases.iter().map(phase).collect::<Vec<_>>()
    };
    use PhaseName::{After, Before, During};
    let run = "create a b c d; pass 1; post a@1; pass 1; fault kill planned; fault kill applied; post b@1;
        block A@1 a; list A; vote A vvv.; pass 2; fault kill healed; pass 1; post c@1; refuse d@1;
        block C@1 c; list C; vote C vvv.";
    let expected = [(Before, 1, 1, 1, 0), (During, 1, 1, 1, 1), (After, 2, 1, 1, 0)];
    assert_eq!(told(&format!("{run}; end")), expected);
    assert_eq!(told("create a; post a@1; end"), []);
    let lasting = "create a; post a@1; pass 1; fault kill planned; fault kill applied; pass 1; end";
    assert_eq!(told(lasting), [(Before, 1, 1, 1, 1), (During, 0, 0, 0, 0), (After, 0, 0, 0, 0)]);
}

/// Clients ask other nodes until these show what was accepted as valid.
#[test]
fn when_it_can_be_read_elsewhere_is_measured_where_it_is_wanted() {
    let run = |readable: &str, nodes: u32| {
        let text = format!(
            "name = \"readable\"\nfederation = {{ nodes = {nodes} }}\n[[load]]\nfor = \"10s\"\n\
             arrivals = {{ rate = \"4/s\" }}\n{readable}"
        );
        let scenario = Scenario::parse("readable.toml", &text, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 5).unwrap());
        let mut log = Log::new();
        let memo = Arc::new(Memo::new(10_000));
        backends::carry_out(&plan, None, &Default::default(), &memo, &mut log).unwrap();
        let judged = judge(log.records(), &Settings::from(&plan.expect), memo);
        let bad = judged.judgements.iter().find(|one| matches!(one.outcome, Outcome::Fail { .. }));
        assert!(bad.is_none(), "{bad:?}");
        let measured = measure(log.records(), &judged.reference);
        let same_node = log.records().iter().any(|observed| match &observed.record {
            Record::Operation(one) if one.what == What::Reading => {
                let number = u32::try_from(one.number).unwrap();
                plan.nodes[plan.operation(number).unwrap().node].name == *one.node
            }
            _ => false,
        });
        (measured.measures, same_node)
    };
    let (measures, _) = run("", 4);
    assert_eq!(measures.latency.readable, None);
    assert!(measures.round_trips.is_some_and(|told| told.per_transaction.unwrap() > 1.0));
    let (measures, same_node) = run("readable = { every = \"20ms\" }", 4);
    let (decided, readable) = (&measures.latency.decided, measures.latency.readable.unwrap());
    assert!(!same_node && readable.count > 20);
    assert_eq!((readable.count, readable.censored), (decided.count, 0));
    assert!(readable.min_us >= decided.min_us && readable.p50_us < decided.p50_us + 100_000);
    let (measures, _) = run("readable = { every = \"20ms\", share = 0.3 }", 4);
    let some = measures.latency.readable.unwrap();
    assert!((1..readable.count / 2).contains(&some.count), "{some:?}");
    let (measures, same_node) = run("readable = { every = \"20ms\" }", 1);
    assert!(same_node && measures.latency.readable.is_some_and(|one| one.censored == 0));
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
