//! Plans: the same from the same seed, within the budget, and whole when a part is taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bigchaindb_simulator::plan::{self, Act, Action, FaultKind, Plan};
use bigchaindb_simulator::scenario::Scenario;

fn smoke(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/smoke");
    Scenario::load(&folder.join(name), None).unwrap()
}

fn plan_of(text: &str, seed: u64) -> Plan {
    plan::make(&Scenario::parse("test.toml", text, None).unwrap(), seed).unwrap()
}

#[test]
fn the_same_seed_makes_the_same_plan_and_another_seed_another() {
    let scenario = smoke("standard-seed.toml");
    assert_eq!(plan::make(&scenario, 7).unwrap(), plan::make(&scenario, 7).unwrap());
    assert_ne!(
        plan::make(&scenario, 7).unwrap().operations,
        plan::make(&scenario, 8).unwrap().operations
    );
}

#[test]
fn a_plan_comes_back_from_its_json() {
    let plan = plan::make(&smoke("first-federation.toml"), u64::MAX).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn operations_build_on_earlier_ones_and_contested_outputs_are_not_built_upon() {
    for seed in 0..20 {
        let plan = plan::make(&smoke("conflict-storm.toml"), seed).unwrap();
        let mut spent = BTreeMap::new();
        let mut contested = BTreeSet::new();
        for (index, operation) in plan.operations.iter().enumerate() {
            assert_eq!(operation.number as usize, index);
            assert!(operation.action.depends_on().all(|on| on < operation.number));
            match operation.action {
                Action::Create { .. } => {}
                Action::Transfer { of, .. } => {
                    assert_eq!(spent.insert(of, operation.number), None, "{of} is spent twice");
                }
                Action::Conflict { with, .. } => {
                    contested.insert(with);
                    let model = plan.operation(with).unwrap();
                    assert_ne!(model.node, operation.node, "rivals meet at different nodes");
                    assert!(operation.at_us >= model.at_us);
                }
                Action::Duplicate { of } => {
                    assert_ne!(plan.operation(of).unwrap().node, operation.node);
                }
                other => panic!("not in the mix: {other:?}"),
            }
        }
        assert!(contested.iter().all(|number| !spent.contains_key(number)));
        assert!(contested.len() > 30, "{} conflicts", contested.len());
    }
}

#[test]
fn rate_and_mix_are_kept() {
    let text = "name = \"m\"\n[[load]]\nat = \"0s\"\nfor = \"2000s\"\n\
                arrivals = { rate = \"10/s\" }\n\
                mix = { create = 0.5, transfer = 0.3, conflict = 0.15, duplicate = 0.05 }\n";
    let plan = plan_of(text, 3);
    let count = |name| plan.operations.iter().filter(|o| o.action.name() == name).count();
    let near = |name, expected: usize| {
        let slack = expected / 10;
        let counted = count(name);
        assert!(counted.abs_diff(expected) <= slack, "{name}: {counted}, not {expected}");
    };
    near("create", 10_000);
    near("transfer", 6_000 + 3_000 + 1_000);
    near("conflict", 3_000);
    near("duplicate", 1_000);
    let even = plan_of(
        "name = \"e\"\n[[load]]\nat = \"1s\"\nfor = \"1s\"\n\
         arrivals = { kind = \"constant\", rate = \"3/s\" }\n",
        1,
    );
    let times: Vec<_> = even.operations.iter().map(|operation| operation.at_us).collect();
    assert_eq!(times, [1_000_000, 1_333_333, 1_666_666]);
}

#[test]
fn what_stays_is_as_it_was_when_something_is_taken_out() {
    let plan = plan::make(&smoke("standard-seed.toml"), 5).unwrap();
    let gone = BTreeSet::from([3, 10]);
    let rest = plan.without(&gone, &BTreeSet::from([1]));
    assert!(rest.operations.len() < plan.operations.len());
    assert_eq!(rest.faults.len() + 1, plan.faults.len());
    for operation in &rest.operations {
        assert_eq!(plan.operation(operation.number), Some(operation));
        assert!(!gone.contains(&operation.number));
        let mut on = operation.action.depends_on();
        assert!(on.all(|on| rest.operation(on).is_some()), "an orphan: {operation:?}");
    }
    for fault in &rest.faults {
        assert_eq!(plan.faults[fault.number as usize], *fault);
    }
}

#[test]
fn chance_never_takes_more_nodes_than_the_federation_can_lose() {
    for (name, budget) in [("standard-seed.toml", 1), ("crash-carousel.toml", 2)] {
        let scenario = smoke(name);
        for seed in 0..200 {
            let plan = plan::make(&scenario, seed).unwrap();
            for moment in plan.faults.iter().map(|fault| fault.at_us) {
                let lost: BTreeSet<_> = plan
                    .faults
                    .iter()
                    .filter(|fault| fault.takes_nodes())
                    .filter(|fault| (fault.at_us..=fault.holds_until_us()).contains(&moment))
                    .flat_map(|fault| &fault.nodes)
                    .collect();
                assert!(lost.len() <= budget, "{name}, seed {seed}: {lost:?} at {moment}");
            }
        }
    }
}

#[test]
fn no_server_is_met_by_two_ends_of_a_process_at_once() {
    let scenario = smoke("store-storm.toml");
    let mut kinds = BTreeSet::new();
    for seed in 0..200 {
        let plan = plan::make(&scenario, seed).unwrap();
        for fault in &plan.faults {
            kinds.insert(fault.kind);
            let ends = |kind| {
                let cut = [FaultKind::StorePartition, FaultKind::Reconfigure];
                !cut.contains(&kind)
            };
            let others = plan.faults.iter().filter(|other| other.number != fault.number);
            let together =
                others.filter(|one| one.at_us <= fault.until_us && fault.at_us <= one.until_us);
            for other in together.filter(|other| ends(fault.kind) && ends(other.kind)) {
                let shared = fault.servers.iter().any(|server| other.servers.contains(server));
                assert!(!shared, "seed {seed}: {fault:?} and {other:?}");
            }
        }
    }
    assert_eq!(kinds.len(), 6, "all kinds of store faults: {kinds:?}");
}

#[test]
fn swarms_differ_in_size_and_kinds() {
    let scenario = smoke("standard-seed.toml");
    let mut kinds = BTreeSet::new();
    let mut sizes = BTreeSet::new();
    for seed in 0..200 {
        let plan = plan::make(&scenario, seed).unwrap();
        let used: BTreeSet<_> = plan.faults.iter().map(|fault| fault.kind).collect();
        assert!(plan.faults.iter().all(|f| f.at_us >= 5_000_000 && f.until_us <= 85_000_000));
        assert_eq!(plan.end_us, 120_000_000);
        kinds.insert(used);
        sizes.insert(plan.faults.len());
    }
    assert!(kinds.len() > 8, "{kinds:?}");
    assert!(sizes.len() > 4 && sizes.last() <= Some(&8), "{sizes:?}");
}

#[test]
fn links_jitter_around_their_latency() {
    let plan =
        plan_of("name = \"l\"\n[links]\ndefault = { latency = \"1ms\", jitter = \"20%\" }", 1);
    let delays: BTreeSet<_> = (0..1000).map(|n| plan.links.delay_us(1, 0, 1, n)).collect();
    assert!(*delays.first().unwrap() >= 800 && *delays.last().unwrap() <= 1_200);
    assert!(delays.len() > 300, "every message draws its own");
}

#[test]
fn a_byzantine_member_is_as_good_as_lost() {
    let text = "name = \"b\"\n[[load]]\narrivals = { rate = \"1/s\" }\n\
                [[byzantine]]\nnode = \"one\"\nacts = [\"silent\"]\n\
                [[fault]]\ndo = \"kill\"\nevery = \"3s\"\ntarget = \"one\"\n";
    let mut members = BTreeSet::new();
    for seed in 0..20 {
        let plan = plan_of(text, seed);
        let [member] = plan.byzantine.as_slice() else { panic!("{:?}", plan.byzantine) };
        members.insert(member.node);
        // Of four nodes one may be lost: it is lost already, and may as well be killed.
        assert!(plan.faults.iter().all(|fault| fault.nodes == [member.node]), "{:?}", plan.faults);
    }
    assert!(members.len() > 2, "{members:?}");
}

#[test]
fn half_of_the_members_may_not_be_byzantine_unless_that_is_the_point() {
    let text = |expect: &str| {
        format!(
            "name = \"b\"\n[[byzantine]]\nnode = [\"n1\", \"n2\"]\nacts = [\"silent\"]\n{expect}"
        )
    };
    let make = |text: &str| plan::make(&Scenario::parse("b.toml", text, None).unwrap(), 1);
    let refused = make(&text("")).unwrap_err();
    assert_eq!(refused.to_string(), "b.toml:2: 2 of 4 nodes are Byzantine; 1 may be");
    assert_eq!(make(&text("[expect]\nviolations = [\"L1\"]\n")).unwrap().byzantine.len(), 2);
}

#[test]
fn entries_that_name_nobody_mean_the_same_member() {
    let text = "name = \"b\"\n[[byzantine]]\nacts = \"all\"\n[[byzantine]]\nacts = \"twin\"\n";
    for seed in 0..10 {
        assert_eq!(plan::byzantine::nodes(&plan_of(text, seed).byzantine).len(), 1);
    }
}

#[test]
fn rich_loads_hold_together_when_a_part_is_taken_out() {
    for seed in 0..10 {
        let plan = plan::make(&smoke("rich-documents.toml"), seed).unwrap();
        for operation in &plan.operations {
            assert!(operation.action.depends_on().all(|on| on < operation.number));
        }
        let gone: BTreeSet<_> =
            plan.operations.iter().map(|one| one.number).filter(|n| n % 7 == 0).collect();
        let rest = plan.without(&gone, &BTreeSet::new());
        for operation in &rest.operations {
            let mut on = operation.action.depends_on();
            assert!(on.all(|on| rest.operation(on).is_some()), "an orphan: {operation:?}");
        }
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}

#[test]
fn a_member_without_acts_is_honest() {
    let text = "name = \"b\"\n[[byzantine]]\nacts = [\"silent\", \"twin\"]\n";
    let plan = plan_of(text, 1);
    let rest = plan.without_acts(&BTreeSet::from([(0, Act::Twin)]));
    assert_eq!(rest.byzantine[0].acts, [Act::Silent]);
    let none = rest.without_acts(&BTreeSet::from([(0, Act::Silent)]));
    assert_eq!(none.byzantine, []);
}
