//! Failing runs made small: the same checker fires, for the same cause, in an ordinary scenario.

use std::cell::Cell;

use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::plan::{self, Plan};
use bigchaindb_simulator::repro::repro;
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::shrink::{NotFailing, Size, Target, keep, shrink};

use crate::scenario::smoke;

fn plan_of(name: &str, seed: u64, quirk: Option<Quirk>) -> Plan {
    let files = smoke();
    let file = files.iter().find(|file| file.ends_with(name)).unwrap();
    let mut scenario = Scenario::load(file, None).unwrap();
    scenario.federation.quirks.extend(quirk);
    plan::make(&scenario, seed).unwrap()
}

#[test]
fn what_is_left_of_a_double_spend_is_the_double_spend() {
    let plan = plan_of("conflict-storm.toml", 3, Some(Quirk::DoubleSpendUnchecked));
    let target = Target::find(&plan, Some("S1")).unwrap();
    assert!(target.blames_quirks);
    let (small, tries) = shrink(plan, 500, &mut |plan| target.is_met_by(plan));
    let Size { nodes, operations, faults, .. } = Size::of(&small);
    assert_eq!((nodes, operations, faults), (1, 3, 0), "{small:?}");
    assert!(tries < 500);

    let kept = keep(&small, &target, "Two spends, both valid.").unwrap();
    let scenario = Scenario::parse("kept.toml", &kept.text, None).unwrap();
    assert!(scenario.story.starts_with("Two spends, both valid.\n\nViolated is S1: "));
    let again = repro(&scenario).unwrap();
    assert!(again.holds(), "{again:?}");
    assert_eq!(again.violated, ["S1", "S13", "L3"]);
    assert_eq!(again.without_quirks, Some(Verdict::Pass));

    // What is no longer so is noticed: another digest, another outcome.
    let other = Scenario { digest: Some("0".repeat(64)), ..scenario.clone() };
    assert!(!repro(&other).unwrap().holds());
    let mut sound = Scenario { digest: None, ..scenario };
    sound.federation.quirks.clear();
    let sound = repro(&sound).unwrap();
    assert!(sound.is_exact() && !sound.holds(), "a violation that is missing is a failure");
}

#[test]
fn nothing_is_found_where_nothing_fails() {
    let sound = plan_of("single-node.toml", 1, None);
    assert!(matches!(Target::find(&sound, None), Err(NotFailing::Nothing)));
    let failing = plan_of("conflict-storm.toml", 3, Some(Quirk::DoubleSpendUnchecked));
    match Target::find(&failing, Some("S18")) {
        Err(NotFailing::Others { violated, .. }) => {
            assert_eq!(violated, ["S1", "S13", "S21", "L3"]);
        }
        other => panic!("{other:?}"),
    }
}

/// Shrinks by a rule that needs no run; what it keeps is known.
fn shrunk_by(plan: Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let tried = Cell::new(0);
    let (small, tries) = shrink(plan, 5_000, &mut |plan| {
        tried.set(tried.get() + 1);
        fails(plan)
    });
    assert_eq!(tries, tried.get());
    small
}

#[test]
fn all_that_is_not_needed_goes() {
    let plan = plan_of("standard-seed.toml", 5, None);
    let fault = plan.faults.iter().find(|fault| !fault.nodes.is_empty()).unwrap().number;
    let model = |plan: &Plan| plan.operations.iter().any(|one| one.action.name() == "conflict");
    let needed = |plan: &Plan| {
        model(plan) && plan.faults.iter().any(|one| one.number == fault) && plan.nodes.len() > 2
    };
    assert!(needed(&plan));
    let small = shrunk_by(plan, needed);
    let names: Vec<_> = small.operations.iter().map(|one| one.action.name()).collect();
    assert_eq!(names, ["create", "transfer", "conflict"], "what it builds on stays");
    assert_eq!((small.faults.len(), small.store.servers), (1, 1));
    let nodes = small.nodes.len();
    assert!(nodes >= 3 && small.operations.iter().all(|one| one.node < nodes));
    let met = &small.faults[0];
    assert!(met.nodes.iter().all(|node| *node < nodes));
    assert_eq!(met.number, fault, "numbers stay: they are the keys of all draws");
    assert_eq!(small.quiet_from_us, small.last_moment_us());
    assert!(met.until_us - met.at_us <= 1_000_000, "{met:?}");
    assert!(small.quiet_from_us <= 2_000_000, "{small:?}");
}

#[test]
fn a_bound_on_tries_is_kept() {
    let plan = plan_of("standard-seed.toml", 5, None);
    let tried = Cell::new(0);
    let (_, tries) = shrink(plan, 7, &mut |plan| {
        tried.set(tried.get() + 1);
        plan.operations.len() > 5
    });
    assert_eq!((tries, tried.get()), (7, 7));
}

#[test]
fn what_is_small_already_is_held_to_narrow_bounds() {
    let mut plan = plan_of("single-node.toml", 1, None);
    plan.bounds.0.extend([("waiting".to_owned(), 10), ("reassign".to_owned(), 3_000_000)]);
    plan.expect.queue_max = 25;
    plan.expect.decided_after_heal_us = 25_000_000;
    let patient = shrunk_by(plan.clone(), |_| true);
    assert_eq!(
        patient.expect.decided_after_heal_us, 25_000_000,
        "nothing tells haste from failure"
    );
    plan.quirks = vec![Quirk::PlacedUnread.name().to_owned()];
    // More than a queue may hold, which is no less than may wait.
    let needed = |plan: &Plan| {
        let most = u64::from(plan.expect.queue_max);
        plan.operations.len() as u64 > most && most >= plan.bounds.0["waiting"]
    };
    assert!(needed(&plan));
    let small = shrunk_by(plan, needed);
    assert_eq!((small.operations.len(), small.expect.queue_max), (2, 1));
    assert_eq!(small.bounds.0["waiting"], 1);
    assert_eq!(small.bounds.0["reassign"], 3_000_000, "waits are not counts");
    assert_eq!(small.expect.decided_after_heal_us, 3_000_000);
}

#[test]
fn what_goes_first_is_changed_where_much_is_left() {
    let mut plan = plan_of("conflict-storm.toml", 3, None);
    plan.operations.truncate(100);
    let nodes = plan.nodes.len();
    assert!(nodes > 1);
    // Who has taken nodes out first needs twenty operations.
    let small = shrunk_by(plan, |plan| {
        plan.operations.len() >= if plan.nodes.len() < nodes { 20 } else { 1 }
    });
    assert_eq!((small.nodes.len(), small.operations.len()), (nodes, 1));
}
