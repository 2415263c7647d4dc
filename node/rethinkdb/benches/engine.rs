//! What a query costs, in memory and on disk, with documents as large as the real ones.
//!
//! `cargo bench -p bigchaindb-rethinkdb`. Each figure is for 100 transactions: 100 queries
//! `InsertBacklog` as one batch, one `InsertBlock` of 100, one `Gather` of 100 transactions and the
//! 100 outputs they spend, from a chain of 10,000 transactions. On disk everything is hard, so the
//! disk's `fsync` is in it; `gather, cold` reads from a file that has just been opened.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Block, Json, Output, Transaction, TxId, keccak256_hex};
use bigchaindb_core::query::{Needs, Query};
use bigchaindb_rethinkdb::{Durability, Engine};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const BATCH: u64 = 100;
const CHAIN: u64 = 10_000;

fn id(number: u64) -> String {
    keccak256_hex(&number.to_be_bytes())
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).expect("it is JSON")
}

/// A TRANSFER of some 1.3 kB, with one input and one output.
fn transaction(number: u64) -> Arc<Transaction> {
    let uri = "x".repeat(136);
    let document = format!(
        r#"{{"id":"{id}","transaction":{{"version":1,"operation":"TRANSFER","timestamp":"{timestamp}",
        "fulfillments":[{{"fid":0,"fulfillment":"cf:4:{uri}","input":{{"txid":"{spent}","cid":0}},
        "owners_before":["5uSZkeX1V9mJXZHseggekz1EZJkZpejHc7dDqaP9odS1"]}}],
        "conditions":[{{"cid":0,"owners_after":["DCVrqrx3JGDrPUfi25VURVoYpU5V6Y3ZW4ccFPu5t6nw"],
        "condition":{{"uri":"cc:4:20:tT5DbYKvjlMsI6PBFSoJ8WykqvjbpOOMKuiKg2OM_FQ:96","details":
        {{"bitmask":32,"public_key":"DCVrqrx3JGDrPUfi25VURVoYpU5V6Y3ZW4ccFPu5t6nw","signature":null,
        "type":"fulfillment","type_id":4}}}}}}],
        "data":{{"uuid":"{uuid}","payload":{{"n":{number}}}}}}}}}"#,
        id = id(number),
        spent = id(number + CHAIN * 1000),
        timestamp = 1_472_731_200 + number / 50,
        uuid = &id(number)[..36],
    );
    Arc::new(Transaction::from_document(json(&document)).expect("it is a transaction"))
}

fn waiting(first: u64) -> Vec<Query> {
    let query = |number| Query::InsertBacklog {
        transaction: transaction(number),
        assignee: "47KcvBvKAa9oQZ2jchG9nLe3bckcSze22qoB94cpLKAA".into(),
    };
    (first..first + BATCH).map(query).collect()
}

fn block(first: u64) -> Query {
    let frame = format!(
        r#"{{"id":"{}","signature":"s","block":{{"timestamp":"1472731200","transactions":[],
        "node_pubkey":"n1","voters":["n1","n2","n3","n4"]}}}}"#,
        id(first + CHAIN * 2000)
    );
    let transactions = (first..first + BATCH).map(transaction).collect();
    let block = Block::from_frame(json(&frame), transactions).expect("it is a block");
    Query::InsertBlock { block: Arc::new(block) }
}

fn fill(engine: &mut Engine) {
    for first in (0..CHAIN).step_by(100) {
        engine.apply(&block(first), Durability::Hard).expect("it is written");
    }
}

/// 100 transactions from all over the chain, each in another block, and what they spend.
fn needs(round: u64) -> Query {
    let wanted = |number: u64| (number * 101 + round * 7) % CHAIN;
    let mut needs = Needs::default();
    for number in (0..BATCH).map(wanted) {
        needs.transactions.push(TxId::from(id(number)));
        let txid = id(number + CHAIN * 1000).into();
        needs.outputs.push(Output { txid, cid: 0, oddity: None });
    }
    Query::Gather(needs)
}

fn apply(engine: &RefCell<Engine>, queries: &[Query]) {
    for answer in engine.borrow_mut().apply_all(queries, Durability::Hard) {
        black_box(answer.expect("it is answered"));
    }
}

fn measure(c: &mut Criterion, place: &str, engine: Engine) {
    let engine = RefCell::new(engine);
    let next = Cell::new(CHAIN);
    let numbers = || next.replace(next.get() + BATCH);
    let mut group = c.benchmark_group(place);
    group.throughput(Throughput::Elements(BATCH));
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function("insert 100 into the backlog", |b| {
        let run = |queries: Vec<Query>| apply(&engine, &queries);
        b.iter_batched(|| waiting(numbers()), run, BatchSize::PerIteration);
    });
    group.bench_function("insert a block of 100", |b| {
        let run = |query| apply(&engine, &[query]);
        b.iter_batched(|| block(numbers()), run, BatchSize::PerIteration);
    });
    group.bench_function("gather 100", |b| {
        let run = |query| apply(&engine, &[query]);
        b.iter_batched(|| needs(numbers()), run, BatchSize::PerIteration);
    });
}

fn in_memory(c: &mut Criterion) {
    let mut engine = Engine::in_memory();
    fill(&mut engine);
    measure(c, "memory", engine);
}

fn on_disk(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is room for a file");
    let path = folder.path().join("data");
    let mut engine = Engine::open(&path).expect("a new file");
    fill(&mut engine);
    drop(engine);
    let mut group = c.benchmark_group("disk");
    group.throughput(Throughput::Elements(BATCH)).sample_size(10);
    group.bench_function("gather 100, cold", |b| {
        let opened = || RefCell::new(Engine::open(&path).expect("it is there"));
        b.iter_batched_ref(opened, |engine| apply(engine, &[needs(0)]), BatchSize::PerIteration);
    });
    group.finish();
    measure(c, "disk", Engine::open(&path).expect("it is there"));
}

criterion_group!(benches, in_memory, on_disk);
criterion_main!(benches);
