//! The clients, against a federation made of a few lines: it accepts everything, and decides it valid
//! six seconds later: later than most of what spends it is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{Json, Texts, Transaction, TxId};
use bigchaindb_simulator::observe::{Call, Kind, Operation, What};
use bigchaindb_simulator::plan::{self, Action, EPOCH_UNIX_MS, Plan};
use bigchaindb_simulator::scenario::Scenario;
use bigchaindb_simulator::workload::{Answer, ClientEffect, ClientEvent, Driver, Request};

const LATENCY_US: u64 = 1_000;
const DECIDED_AFTER_US: u64 = 6_000_000;

/// A document that was posted: when, where, and its text.
#[derive(Clone, PartialEq, Debug)]
struct Posted {
    at_us: u64,
    node: usize,
    document: Arc<Json>,
}

/// What the federation does with a POST: `None` accepts it.
type Mood<'a> = &'a mut dyn FnMut(&Posted) -> Option<Answer>;

#[derive(Default)]
struct Run {
    posted: Vec<Posted>,
    records: Vec<Operation>,
    probes: usize,
}

fn make(text: &str, seed: u64) -> Plan {
    plan::make(&Scenario::parse("test.toml", text, None).unwrap(), seed).unwrap()
}

fn busy() -> Plan {
    let text = "name = \"busy\"\n[[load]]\nfor = \"30s\"\narrivals = { rate = \"5/s\" }\n\
                mix = { create = 0.4, transfer = 0.3, conflict = 0.2, duplicate = 0.1 }\n";
    make(text, 11)
}

/// Runs the clients of a plan to the end, and probes.
fn run(plan: &Plan, mood: Mood) -> Run {
    let mut run = Run::default();
    let mut driver = Driver::new(Arc::new(plan.clone()), EPOCH_UNIX_MS);
    let mut accepted: BTreeMap<TxId, u64> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    let (mut wake, mut now_us, mut event) = (None, 0, ClientEvent::Start);
    let mut probing = false;
    loop {
        let mut effects = Vec::new();
        driver.handle(now_us, event, &mut effects);
        for effect in effects {
            match effect {
                ClientEffect::Record(record) => run.records.push(record),
                ClientEffect::WakeAt(at_us) => wake = Some(at_us),
                ClientEffect::Send { call, node, request, .. } => {
                    let answer = match request {
                        Request::Post(document) => {
                            let posted = Posted { at_us: now_us, node, document };
                            let answer = mood(&posted).unwrap_or_else(|| {
                                let body = accept(&posted.document, run.posted.len());
                                let id = body.get("id").and_then(Json::as_str).unwrap();
                                accepted.insert(id.into(), now_us + DECIDED_AFTER_US);
                                Answer::Http { status: 201, body }
                            });
                            run.posted.push(posted);
                            answer
                        }
                        Request::Get(_) => Answer::Http { status: 404, body: Json::Null },
                        Request::Status(tx) => {
                            run.probes += usize::from(probing);
                            let valid = accepted.get(&tx).map(|at_us| *at_us <= now_us);
                            let word = if valid == Some(true) { "valid" } else { "backlog" };
                            let body = Json::object([("status", word.into())]);
                            Answer::Http { status: if valid.is_some() { 200 } else { 404 }, body }
                        }
                    };
                    answers.insert((now_us + LATENCY_US, call), answer);
                }
                ClientEffect::Idle if !probing => {
                    probing = true;
                    wake = Some(plan.end_us);
                }
                ClientEffect::Idle => return run,
            }
        }
        let answer_us = answers.first_key_value().map(|((at_us, _), _)| *at_us);
        event = match (answer_us, wake) {
            (Some(at_us), wake) if wake.is_none_or(|wake| at_us <= wake) => {
                let ((_, call), answer) = answers.pop_first().unwrap();
                now_us = at_us;
                ClientEvent::Answered { call, answer }
            }
            (_, Some(at_us)) => {
                now_us = at_us;
                wake = None;
                if probing { ClientEvent::Probe } else { ClientEvent::Woken }
            }
            (_, None) => panic!("the clients wait for nothing"),
        };
    }
}

/// A node's answer: a CREATE is made anew, so its id is another one.
fn accept(posted: &Json, number: usize) -> Json {
    let transaction = Transaction::from_document(posted.clone()).unwrap();
    let mut document = posted.clone();
    if transaction.operation() == Some("CREATE") {
        *document.get_mut("id").unwrap() = format!("{number:064x}").into();
    }
    document
}

fn all_well(_: &Posted) -> Option<Answer> {
    None
}

fn ends(run: &Run, kind: Kind) -> Vec<&Operation> {
    let end = |record: &&Operation| record.kind == kind && record.call == Call::Post;
    run.records.iter().filter(end).collect()
}

#[test]
fn all_that_is_planned_is_done() {
    let plan = busy();
    let run = run(&plan, &mut all_well);
    let done: BTreeSet<_> = ends(&run, Kind::Ok).iter().map(|record| record.number).collect();
    let unsent = ends(&run, Kind::Fail);
    assert_eq!(done.len() + unsent.len(), plan.operations.len());
    assert!(unsent.len() < plan.operations.len() / 5, "{}", unsent.len());
    assert_eq!(ends(&run, Kind::Info), Vec::<&Operation>::new());
    for record in ends(&run, Kind::Invoke) {
        let operation = plan.operation(record.number.try_into().unwrap()).unwrap();
        assert_eq!(record.intended_us, operation.at_us);
        assert_eq!(*record.node, *plan.nodes[operation.node].name);
    }
}

#[test]
fn documents_are_sound_and_spend_what_the_plan_says() {
    let plan = busy();
    let run = run(&plan, &mut all_well);
    let mut ids = BTreeMap::new();
    let mut owners = BTreeMap::new();
    for record in ends(&run, Kind::Ok) {
        let number = u32::try_from(record.number).unwrap();
        ids.insert(number, record.tx.clone().unwrap());
    }
    for (record, posted) in ends(&run, Kind::Invoke).iter().zip(&run.posted) {
        let number = u32::try_from(record.number).unwrap();
        let transaction = Transaction::from_document((*posted.document).clone()).unwrap();
        assert_eq!(Texts::of(&transaction).unwrap().id(), *transaction.id());
        let owner = |key, list: &[Json]| list[0].get(key).unwrap().as_array().unwrap()[0].clone();
        owners.insert(number, owner("owners_after", transaction.conditions()));
        let before = owner("owners_before", transaction.fulfillments());
        let spends = |of: u32| {
            assert_eq!(transaction.inputs()[0].txid, ids[&of]);
            assert_eq!(before, owners[&of], "whoever owns it signs");
        };
        let operation = plan.operation(number).unwrap();
        let of = |number: u32| match plan.operation(number).unwrap().action {
            Action::Transfer { of, .. } => of,
            other => panic!("{other:?}"),
        };
        match operation.action {
            Action::Create { payload_bytes } => {
                assert!(transaction.inputs().is_empty());
                let payload = transaction.body().get("data").unwrap().get("payload").unwrap();
                assert_eq!(payload.canonical().unwrap().len(), payload_bytes as usize);
            }
            Action::Transfer { of, .. } => spends(of),
            Action::Conflict { with, .. } => {
                spends(of(with));
                assert_ne!(owners[&number], owners[&with]);
            }
            Action::Duplicate { of: model } => {
                spends(of(model));
                assert_eq!(ids[&number], ids[&model], "the very same document");
            }
            other => panic!("not in the mix: {other:?}"),
        }
    }
}

#[test]
fn what_spends_waits_until_its_input_is_decided_and_rivals_go_out_together() {
    let plan = busy();
    let run = run(&plan, &mut all_well);
    let mut sent = BTreeMap::new();
    for (record, posted) in ends(&run, Kind::Invoke).iter().zip(&run.posted) {
        sent.insert(u32::try_from(record.number).unwrap(), posted.at_us);
    }
    let mut races = 0;
    for operation in &plan.operations {
        let Some(at_us) = sent.get(&operation.number) else { continue };
        if let Action::Transfer { of, .. } = operation.action {
            assert!(sent[&of] + DECIDED_AFTER_US < *at_us);
        }
        if let Action::Conflict { with, .. } = operation.action {
            races += usize::from(at_us.abs_diff(sent[&with]) < 60_000);
        }
    }
    assert!(races > 5, "{races}");
}

#[test]
fn the_same_seed_posts_the_same_bytes_whatever_else_is_in_the_plan() {
    let plan = busy();
    let whole = run(&plan, &mut all_well);
    assert_eq!(whole.posted, run(&plan, &mut all_well).posted);
    let gone = BTreeSet::from([0, 7, 20]);
    let part = run(&plan.without(&gone, &BTreeSet::new()), &mut all_well);
    let texts = |run: &Run| -> BTreeMap<u64, String> {
        let pairs = ends(run, Kind::Invoke).into_iter().zip(&run.posted);
        let creates = pairs.filter(|(record, _)| record.what == What::Create);
        creates.map(|(record, posted)| (record.number, posted.document.to_string())).collect()
    };
    let (whole, part) = (texts(&whole), texts(&part));
    assert!(part.len() < whole.len());
    for (number, text) in part {
        assert_eq!(whole[&number], text);
    }
}

#[test]
fn what_may_be_lost_is_posted_again_elsewhere_if_that_does_no_harm() {
    let plan = busy();
    let mut first = BTreeSet::new();
    let mut lose = |posted: &Posted| {
        let new = first.insert(posted.document.to_string());
        new.then(|| Answer::Lost("no answer in time".into()))
    };
    let run = run(&plan, &mut lose);
    let mut attempts: BTreeMap<u64, Vec<&Posted>> = BTreeMap::new();
    for (record, posted) in ends(&run, Kind::Invoke).iter().zip(&run.posted) {
        attempts.entry(record.number).or_default().push(posted);
    }
    // Every CREATE is lost for good, so there is nothing to spend.
    assert!(attempts.values().all(|posts| posts.len() == 1));
    assert!(ends(&run, Kind::Fail).iter().all(|record| record.what != What::Create));
    assert_eq!(ends(&run, Kind::Info).len(), attempts.len());
}

#[test]
fn a_transfer_is_posted_again_with_the_same_bytes() {
    let plan = busy();
    let mut first = BTreeSet::new();
    let mut lose = |posted: &Posted| {
        let transfer = posted.document.to_string().contains("TRANSFER");
        let new = transfer && first.insert(posted.document.to_string());
        new.then(|| Answer::Lost("no answer in time".into()))
    };
    let run = run(&plan, &mut lose);
    let mut attempts: BTreeMap<u64, Vec<&Posted>> = BTreeMap::new();
    for (record, posted) in ends(&run, Kind::Invoke).iter().zip(&run.posted) {
        attempts.entry(record.number).or_default().push(posted);
    }
    let again: Vec<_> = attempts.values().filter(|posts| posts.len() > 1).collect();
    assert!(again.len() > 20, "{}", again.len());
    for posts in again {
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[0].document, posts[1].document);
        assert_ne!(posts[0].node, posts[1].node);
    }
}

#[test]
fn nobody_there_is_no_harm_to_anyone_and_attempts_have_an_end() {
    let text = "name = \"one\"\n[[load]]\nat = \"1s\"\nfor = \"1s\"\n\
                arrivals = { kind = \"constant\", rate = \"1/s\" }\n\
                [[fault]]\ndo = \"kill\"\nat = \"20s\"\n";
    let plan = make(text, 1);
    let run = run(&plan, &mut |_| Some(Answer::Unreachable("connection refused".into())));
    let nodes: Vec<_> = run.posted.iter().map(|posted| posted.node).collect();
    assert_eq!(nodes.len(), 4, "{nodes:?}");
    assert!(run.posted.iter().all(|posted| posted.document == run.posted[0].document));
    assert_eq!(ends(&run, Kind::Fail).len(), 4);
}

#[test]
fn a_refusal_is_final() {
    let refuse = |_: &Posted| {
        let body = Json::object([("message", "no".into())]);
        Some(Answer::Http { status: 400, body })
    };
    let plan = busy();
    let run = run(&plan, &mut refuse.clone());
    assert_eq!(ends(&run, Kind::Fail).len(), plan.operations.len());
    let heard = ends(&run, Kind::Fail).iter().filter(|r| r.value.as_deref() == Some("no")).count();
    assert_eq!(heard, run.posted.len());
}

#[test]
fn nothing_new_is_sent_once_the_load_has_ended() {
    let plan = busy();
    let mut slow = |posted: &Posted| {
        let create = posted.document.to_string().contains("CREATE");
        (!create).then(|| Answer::Lost("no answer in time".into()))
    };
    let run = run(&plan, &mut slow);
    let last = run.posted.iter().map(|posted| posted.at_us).max();
    assert!(last <= Some(plan.quiet_from_us), "{last:?}");
}

#[test]
fn every_transaction_is_probed_at_every_node() {
    let plan = busy();
    let run = run(&plan, &mut all_well);
    let known: BTreeSet<_> = run.records.iter().filter_map(|record| record.tx.clone()).collect();
    assert_eq!(run.probes, known.len() * plan.nodes.len());
}
