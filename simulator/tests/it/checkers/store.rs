//! S20 on small histories of one row, S19 on counters, L7 on load before and after a fault: what the
//! language of histories has no words for.

use std::sync::Arc;

use bigchaindb_core::model::{Direct, Memo};
use bigchaindb_simulator::backends::sim;
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings, judge};
use bigchaindb_simulator::observe::{
    Call, Counter, Deed, Done, Fault, Kind, Log, Observed, Operation, Phase, Record, Stored, Table,
    What,
};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::scenario::Scenario;

use super::history::history;

/// What it says | questions about one row: `1 insert a` begins the first, `1 = a inserted` ends it
/// with what the row holds then, and what was done; `1 ?` ends it with nobody knowing. `-` is no row.
const ORDERS: &str = "
    pass | 1 insert a; 1 = a inserted; 2 read; 2 = a
    pass | 1 read; 1 = -
    fail | 1 insert a; 1 = a inserted; 2 read; 2 = -
    pass | 1 insert a; 2 read; 2 = -; 1 = a inserted
    pass | 1 insert a; 2 read; 2 = a; 1 = a inserted
    fail | 1 insert a; 2 read; 2 = a; 3 read; 3 = -; 1 = a inserted
    pass | 1 insert a; 1 ?; 2 read; 2 = -; 3 read; 3 = a
    fail | 1 insert a; 1 ?; 2 read; 2 = a; 3 read; 3 = -
    pass | 1 insert a; 2 read; 2 = -
    fail | 1 insert a; 1 = a inserted; 2 insert b; 2 = b inserted
    pass | 1 insert a; 1 = a inserted; 2 insert b; 2 = - exists
    pass | 1 insert a; 1 = a; 2 insert b; 2 = a
    fail | 1 insert a; 1 = a; 2 insert b; 2 = b
    pass | 1 insert a; 2 insert b; 2 = b; 1 = b
    fail | 1 insert a; 2 insert b; 2 = b; 1 = a
    pass | 1 insert a; 1 = a inserted; 2 update a b; 2 = b changed; 3 read; 3 = b
    fail | 1 insert a; 1 = a inserted; 2 update c b; 2 = b changed
    pass | 1 insert a; 1 = a inserted; 2 update c b; 2 = - unchanged; 3 read; 3 = a
    fail | 1 insert a; 1 = a inserted; 2 update a b; 3 update a c; 2 = b changed; 3 = c changed
    pass | 1 insert a; 1 = a inserted; 2 delete; 2 = -; 3 read; 3 = -; 4 insert b; 4 = b inserted
    fail | 1 insert a; 1 = a inserted; 2 delete; 2 = -; 3 read; 3 = a
    pass | 1 insert a; 1 = a inserted; 2 put b; 2 = b; 3 read; 3 = b
";

fn questions(steps: &str) -> Vec<Observed> {
    let mut records = history("end");
    for step in steps.split(';') {
        let words: Vec<&str> = step.split_whitespace().collect();
        let text = |word: &&str| (**word != *"-").then(|| Arc::from(*word));
        let mut stored = Stored {
            number: words[0].parse().unwrap(),
            node: "n1".into(),
            kind: Kind::Invoke,
            deed: Deed::Read,
            table: Table::Backlog,
            key: "row".into(),
            from: None,
            value: None,
            done: None,
        };
        match words[1..] {
            ["?"] => stored.kind = Kind::Info,
            ["=", value] => (stored.kind, stored.value) = (Kind::Ok, text(&value)),
            ["=", value, done] => {
                (stored.kind, stored.value) = (Kind::Ok, text(&value));
                stored.done = Done::from_word(done);
            }
            [deed] => stored.deed = Deed::from_word(deed).unwrap(),
            [deed, value] => {
                (stored.deed, stored.value) = (Deed::from_word(deed).unwrap(), text(&value));
            }
            [deed, from, value] => {
                (stored.deed, stored.value) = (Deed::from_word(deed).unwrap(), text(&value));
                stored.from = text(&from);
            }
            _ => panic!("{step}"),
        }
        let at_us = records.last().map_or(0, |last| last.at_us + 1);
        records.push(Observed { at_us, record: Record::Stored(stored) });
    }
    records
}

fn verdict(records: &[Observed], invariant: &str) -> Judgement {
    let judged = judge(records, &Settings::default(), Arc::new(Direct));
    judged.judgements.into_iter().find(|one| one.invariant == invariant).expect("there is one")
}

#[test]
fn each_row_has_an_order_or_has_none() {
    for case in ORDERS.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let (expected, steps) = case.split_once('|').unwrap();
        let outcome = verdict(&questions(steps), "S20").outcome;
        let found = match &outcome {
            Outcome::Pass => "pass",
            Outcome::Fail { .. } => "fail",
            _ => "neither",
        };
        assert_eq!(found, expected.trim(), "{case}: {outcome:?}");
    }
}

#[test]
fn the_store_of_the_simulation_is_linearizable_under_faults() {
    let text = "name = 's'\nfederation.rethinkdb = { servers = 4, shards = 2, replicas = 3 }
        [[load]]\nfor = '30s'\narrivals = { kind = 'constant', rate = '3/s' }
        [[fault]]\ndo = 'store-kill'\nat = '10s'\n[[fault]]\ndo = 'partition'\nat = '20s'
        [expect]\nstore_history = true";
    let scenario = Scenario::parse("s.toml", text, None).unwrap();
    let plan = Arc::new(plan::make(&scenario, 3).unwrap());
    let mut log = Log::new();
    sim::carry_out(&plan, &Arc::new(Memo::new(10_000)), &mut log).unwrap();
    let judgement = verdict(log.records(), "S20");
    assert_eq!(judgement.outcome, Outcome::Pass);
    assert!(judgement.looked_at > 100, "{}", judgement.looked_at);
    // A claim that is told to have been won twice is no history of that store.
    let mut records = log.records().to_vec();
    let won = records.iter_mut().filter_map(|observed| match &mut observed.record {
        Record::Stored(stored)
            if stored.table == Table::Positions
                && stored.value.is_some()
                && stored.kind == Kind::Ok =>
        {
            Some(stored)
        }
        _ => None,
    });
    won.last().unwrap().value = Some("another block".into());
    assert!(matches!(verdict(&records, "S20").outcome, Outcome::Fail { count: 1, .. }));
}

#[test]
fn what_nodes_count_is_what_the_log_shows() {
    let lawful =
        "create a b; post a@1; block A@1 a b; list A; vote A vvi.; transfer c b.0; refuse c@2";
    let said = |node: &str, name: &str, value, steps: &str| {
        let mut records = history(steps);
        let counter = Counter { node: node.into(), name: name.into(), value };
        records.push(Observed { at_us: 99_000_000, record: Record::Counter(counter) });
        verdict(&records, "S19").outcome
    };
    for (node, name, value) in [
        ("n1", "block.created", 1),
        ("n2", "block.created", 0),
        ("n1", "tx.in_blocks", 2),
        ("n1", "vote.cast", 1),
        ("n3", "vote.cast_invalid", 1),
        ("n2", "tx.rejected", 1),
    ] {
        assert_eq!(said(node, name, value, lawful), Outcome::Pass, "{node} {name}");
        let more = said(node, name, value + 1, lawful);
        assert!(matches!(more, Outcome::Fail { .. }), "{node} {name}: {more:?}");
    }
    let killed = format!("{lawful}; fault kill@3 planned; killed 3");
    assert_eq!(said("n3", "vote.cast", 0, &killed), Outcome::Pass);
    assert!(matches!(said("n3", "vote.cast", 0, lawful), Outcome::Fail { .. }));
    assert!(matches!(said("n1", "tx.received", 7, lawful), Outcome::NotApplicable { .. }));
}

/// A hundred transactions are posted each second, and decided in a block of so many; `share` in a
/// hundred of them after a fault that is there from 20 s to 22 s.
fn loaded(share: usize) -> Vec<Observed> {
    let mut steps = String::new();
    let names: Vec<String> = (0..100).map(|n| format!("t{n}")).collect();
    for second in 0..45 {
        let of_second: Vec<String> = names.iter().map(|name| format!("{name}x{second}")).collect();
        if (20..22).contains(&second) {
            continue;
        }
        let decided = if second < 22 { 100 } else { share };
        let held = of_second[..decided].join(" ");
        let previous = if second == 0 {
            "G".to_owned()
        } else {
            format!("B{}", second - if second == 22 { 3 } else { 1 })
        };
        steps += &format!(
            "create {}; block B{second}@1 {held}; list B{second}; vote B{second}>{previous} vvv.;",
            of_second.join(" ")
        );
        for name in &of_second {
            steps += &format!("ack {name}@1;");
        }
        steps += "pass 1;";
        if second == 19 {
            steps += "fault kill planned; fault kill applied; pass 2; fault kill healed;";
        }
    }
    history(&format!("{steps} end"))
}

#[test]
fn after_a_fault_decisions_come_as_before() {
    assert!(matches!(verdict(&loaded(100), "L7").outcome, Outcome::Pass));
    assert!(matches!(verdict(&loaded(50), "L7").outcome, Outcome::Fail { .. }));
    let records = loaded(100);
    let quiet: Vec<_> = records
        .into_iter()
        .filter(|observed| {
            let late = observed.at_us > 32_000_000;
            !matches!(&observed.record, Record::Operation(Operation { call: Call::Post, what: What::Create, .. }) if late)
        })
        .collect();
    let outcome = verdict(&quiet, "L7").outcome;
    assert!(matches!(outcome, Outcome::NotApplicable { .. }), "the load had ended: {outcome:?}");
    let never = |observed: &Observed| {
        !matches!(&observed.record, Record::Fault(Fault { phase: Phase::Healed, .. }))
    };
    let unhealed: Vec<_> = loaded(100).into_iter().filter(never).collect();
    assert!(matches!(verdict(&unhealed, "L7").outcome, Outcome::NotApplicable { .. }));
}

/// L8 leaves room, but not much: what nodes ask in a usual run is more than a third of what they may.
#[test]
fn work_is_as_bounded_as_it_was() {
    for file in ["standard-seed.toml", "conflict-storm.toml"] {
        let file = crate::scenario::smoke().into_iter().find(|one| one.ends_with(file)).unwrap();
        let scenario = Scenario::load(&file, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 1).unwrap());
        let mut log = Log::new();
        sim::carry_out(&plan, &Arc::new(Memo::new(10_000)), &mut log).unwrap();
        assert_eq!(verdict(log.records(), "L8").outcome, Outcome::Pass, "{file:?}");
        let mut records = log.records().to_vec();
        for observed in &mut records {
            if let Record::Gauge(gauge) = &mut observed.record {
                gauge.questions *= 3;
            }
        }
        let more = verdict(&records, "L8").outcome;
        assert!(matches!(more, Outcome::Fail { .. }), "{file:?}: {more:?}");
    }
}
