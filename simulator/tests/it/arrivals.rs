//! Arrivals of every kind: what the plan makes of them, and what clients do in closed loops.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::plan::{self, Plan};
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::{Scenario, write};

fn parse(arrivals: &str, rest: &str) -> Result<Scenario, String> {
    let text = format!("name = \"arrivals\"\n[[load]]\narrivals = {{ {arrivals} }}\n{rest}");
    Scenario::parse("arrivals.toml", &text, None).map_err(|error| error.to_string())
}

fn planned(arrivals: &str, rest: &str) -> Plan {
    plan::make(&parse(arrivals, rest).unwrap(), 3).unwrap()
}

/// How many operations a plan has in each of so many equal parts of its load.
fn counts(plan: &Plan, parts: u64) -> Vec<usize> {
    let length_us = plan.quiet_from_us - 2_000_000;
    let part = |at_us: u64| ((at_us - 2_000_000) * parts / length_us).min(parts - 1);
    let mut counts = BTreeMap::new();
    for operation in &plan.operations {
        *counts.entry(part(operation.at_us)).or_insert(0) += 1;
    }
    (0..parts).map(|part| counts.get(&part).copied().unwrap_or(0)).collect()
}

#[test]
fn rates_change_as_they_are_told_to() {
    let ramp = planned("kind = \"ramp\", from = \"0/s\", to = \"40/s\", spread = \"even\"", "");
    assert_eq!(counts(&ramp, 2), [100, 300]);
    let steps = "kind = \"steps\", rates = [\"10/s\", \"0/s\", \"30/s\", \"120/min\"]";
    assert_eq!(counts(&planned(&format!("{steps}, spread = \"even\""), ""), 4), [50, 0, 150, 10]);
    // Around the same rates, and by chance: another seed, other moments.
    let drawn = planned(steps, "");
    let counted = counts(&drawn, 4);
    assert_eq!(counted[1], 0);
    for (count, expected) in [(counted[0], 50), (counted[2], 150)] {
        assert!(count.abs_diff(expected) < 45 && count != 0, "{counted:?}");
    }
    let again = planned(steps, "");
    assert_eq!(drawn, again);
    let other = plan::make(&parse(steps, "").unwrap(), 4).unwrap();
    assert_ne!(other.operations, drawn.operations);
}

#[test]
fn a_recorded_profile_is_found_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), "second,rate\n0,10\n2,0\n3,20\n").unwrap();
    let file = folder.path().join("day.toml");
    let text = |rest: &str| {
        format!(
            "name = \"day\"\n[[load]]\n{rest}arrivals = {{ kind = \"replay\", file = \"day.csv\", \
             spread = \"even\" }}\n"
        )
    };
    std::fs::write(&file, text("")).unwrap();
    let plan = plan::make(&Scenario::load(&file, None).unwrap(), 1).unwrap();
    // The last row lasts as long as the first.
    assert_eq!((plan.quiet_from_us, plan.operations.len()), (7_000_000, 60));
    std::fs::write(&file, text("for = \"1s\"\n")).unwrap();
    let plan = plan::make(&Scenario::load(&file, None).unwrap(), 1).unwrap();
    assert_eq!((plan.quiet_from_us, plan.operations.len()), (3_000_000, 10));
    std::fs::write(folder.path().join("day.csv"), "second,rate\n0,10\n0,3\n").unwrap();
    let error = Scenario::load(&file, None).unwrap_err();
    assert_eq!(error.line, Some(4));
    assert!(error.message.ends_with("day.csv: line 3: `second` does not grow"), "{error}");
}

#[test]
fn what_is_no_arrivals_is_refused() {
    for (arrivals, rest, said) in [
        ("kind = \"ramp\", to = \"3/s\"", "", "arrivals.toml:3: `arrivals` has no `from`"),
        ("kind = \"ramp\", from = \"1/s\", to = \"3\"", "", "`to` is not a rate"),
        ("kind = \"ramp\", rate = \"1/s\"", "", "has no `from`"),
        ("kind = \"steps\", rates = []", "", "`rates` are no steps"),
        (
            "kind = \"steps\", rates = [\"1/s\"], spread = \"odd\"",
            "",
            "`spread` does not know `odd`",
        ),
        ("kind = \"poisson\", rate = \"1/s\", spread = \"even\"", "", "unknown key `spread`"),
        ("kind = \"replay\", file = \"nowhere.csv\"", "", "nowhere.csv: it cannot be read"),
        ("kind = \"saturate\", in_flight = 0", "", "`in_flight` is not a whole number"),
        ("kind = \"saturate\", in_flight = 4, rate = \"1/s\"", "", "unknown key `rate`"),
        (
            "kind = \"saturate\", in_flight = 4",
            "mix = { create = 0.5, conflict = 0.5 }",
            "a closed loop",
        ),
        ("kind = \"ramp\", from = \"1/s\", to = \"200000/s\"", "", "more than 1000000 arrivals"),
        ("rate = \"1/s\"", "readable = { every = \"10us\" }", "less than a millisecond"),
        ("rate = \"1/s\"", "readable = { often = \"1s\" }", "unknown key `often`"),
        ("rate = \"1/s\"", "readable = true", "`readable` is not"),
    ] {
        let error = parse(arrivals, rest).unwrap_err();
        assert!(error.contains(said), "{arrivals} {rest}: {error}");
    }
}

/// Each client has one request under way, and sends the next when it has its answer.
#[test]
fn a_closed_loop_has_so_many_under_way() {
    use bigchaindb_core::model::Memo;
    use bigchaindb_simulator::backends;
    use bigchaindb_simulator::observe::{Call, Kind, Log, Record};

    let closed = "kind = \"saturate\", in_flight = 3, requests = 200";
    let plan = Arc::new(planned(closed, "for = \"60s\"\nmix = { create = 1.0 }"));
    assert_eq!(plan.operations.iter().filter(|one| one.follows.is_none()).count(), 3);
    let mut log = Log::new();
    let memo = Arc::new(Memo::new(10_000));
    backends::carry_out(&plan, None, &Default::default(), &memo, &mut log).unwrap();
    let (mut under_way, mut most, mut sent) = (0_usize, 0, 0);
    for observed in log.records() {
        let Record::Operation(operation) = &observed.record else { continue };
        match (operation.call, operation.kind) {
            (Call::Post, Kind::Invoke) => {
                (under_way, sent) = (under_way + 1, sent + 1);
                // Whoever waits for answers means to send when the last one has come.
                assert!(observed.at_us - operation.intended_us < 1_000);
            }
            (Call::Post, _) => under_way -= 1,
            _ => {}
        }
        most = most.max(under_way);
    }
    assert_eq!((most, sent), (3, 200));
    // With less time, fewer are sent; nothing is left open.
    let short = planned(closed, "for = \"100ms\"\nmix = { create = 1.0 }");
    let results = run(&Arc::new(short), None, String::new(), BTreeMap::new()).unwrap();
    assert_eq!(results.verdict, Verdict::Pass, "{:?}", results.reasons);
    let sent = results.measures.counts.sent;
    assert!((3..200).contains(&sent), "{sent}");
}

#[test]
fn a_closed_loop_goes_on_without_what_is_taken_out() {
    let plan = planned("kind = \"saturate\", in_flight = 1, requests = 30", "");
    let gone = BTreeSet::from([0, 3, 4]);
    let fewer = plan.without(&gone, &BTreeSet::new());
    let mut before = None;
    for operation in &fewer.operations {
        assert_eq!(operation.follows.map(|follows| follows.of), before);
        before = Some(operation.number);
    }
    let text = write::scenario(&fewer, "", None).unwrap();
    assert!(text.contains("follows = { of = "), "{text}");
    let misled = text.replacen("follows = { of = 1,", "follows = { of = 999,", 1);
    let error = Scenario::parse("x.toml", &misled, None).unwrap_err();
    assert!(error.message.contains("follows operation 999, which is not before it"), "{error}");
}

/// Clients that sign before the clock starts post the same documents.
#[test]
fn what_is_signed_before_is_the_same() {
    use bigchaindb_simulator::workload::{ClientEffect, ClientEvent, Driver, Prepared, Request};

    let plan = Arc::new(planned("rate = \"50/s\"", "mix = { create = 1.0 }"));
    let posted = |mut driver: Driver| {
        let mut effects = Vec::new();
        driver.handle(plan.quiet_from_us, ClientEvent::Start, &mut effects);
        let posted = effects.into_iter().filter_map(|effect| match effect {
            ClientEffect::Send { request: Request::Post(document), due_us, .. } => {
                Some((document.to_string(), due_us))
            }
            _ => None,
        });
        posted.collect::<Vec<_>>()
    };
    let plain = posted(Driver::new(plan.clone(), 5_000));
    assert_eq!(plain.len(), plan.operations.len());
    assert_eq!(posted(Driver::new(plan.clone(), 5_000).with(Prepared::sign(&plan, 5_000))), plain);
    // It is the signed ones that are posted: another clock made others.
    assert_ne!(posted(Driver::new(plan.clone(), 5_000).with(Prepared::sign(&plan, 0))), plain);
    for (operation, (_, due_us)) in plan.operations.iter().zip(&plain) {
        assert_eq!(operation.at_us, *due_us);
    }
}
