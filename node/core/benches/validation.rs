//! How fast documents are validated, measured against what cannot be avoided: the raw Ed25519
//! verification of the same message on the same core.
//!
//! `cargo bench -p bigchaindb-core` prints the times of each step, and in the end a table of ratios.
//! Ratios travel from machine to machine, times do not; so each ratio is taken from turns that
//! alternate between the two sides.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bigchaindb_core::model::{
    Block, Draft, Json, Keypair, Output, Profile, Strictness, Texts, Transaction, verify,
};
use bigchaindb_core::rules::{
    Case, ConsensusRules, DefaultRules, Election, Facts, Federation, Placed,
};
use criterion::{Criterion, Throughput};
use ed25519_dalek::{Signature, VerifyingKey};
use rayon::prelude::*;

const NOW: u64 = 1_472_731_200;

/// As many transactions as a block holds.
const TRANSFERS: u64 = 1000;

/// TRANSFERs of one signature each, with all that is known about them.
struct Sample {
    rules: DefaultRules,
    federation: Federation,
    facts: Facts,
    transfers: Vec<Arc<Transaction>>,
    texts: Vec<String>,
    block: Block,
    /// What is signed in each transfer.
    signed: Vec<Signed>,
}

struct Signed {
    public: [u8; 32],
    ready: VerifyingKey,
    message: String,
    signature: [u8; 64],
}

impl Sample {
    fn new() -> Self {
        let node = Keypair::from_seed([1; 32]);
        let federation = Federation::new(node.public().clone(), vec![]);
        let mut facts = Facts::default();
        let mut transfers = Vec::new();
        let mut signed = Vec::new();
        for number in 0..TRANSFERS {
            let mut seed = [2; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let owner = Keypair::from_seed(seed);
            let transfer = transfer(&node, &owner, number, &mut facts);
            let message = Texts::of(&transfer).and_then(|texts| texts.message(0));
            let message = message.expect("a transfer has a message");
            signed.push(Signed {
                public: owner.public_bytes(),
                ready: VerifyingKey::from_bytes(&owner.public_bytes()).expect("a public key"),
                signature: owner.sign(message.as_bytes()),
                message,
            });
            transfers.push(Arc::new(transfer));
        }
        let texts = transfers.iter().map(|one| one.document().to_string()).collect();
        let block = Block::create(transfers.clone(), &node, federation.voters(), NOW);
        let block = block.expect("a block");
        Self { rules: DefaultRules::default(), federation, facts, transfers, texts, block, signed }
    }

    fn validate(&self, transaction: &Transaction) {
        let checked = self.rules.check(transaction);
        let verdict = self.rules.judge(Case {
            transaction,
            checked: &checked,
            facts: &self.facts,
            at: NOW,
            federation: &self.federation,
        });
        assert_eq!(black_box(verdict), Ok(()));
    }

    fn validate_text(&self, text: &str) {
        let document = Json::parse(text.as_bytes()).expect("JSON");
        self.validate(&Transaction::from_document(document).expect("a transaction"));
    }

    fn validate_block(&self) {
        assert_eq!(self.rules.check_block(&self.block, &self.federation), Ok(()));
        self.block.transactions().par_iter().for_each(|transaction| self.validate(transaction));
    }
}

/// A TRANSFER of what a CREATE, in a block decided valid, gave to its owner.
fn transfer(node: &Keypair, owner: &Keypair, number: u64, facts: &mut Facts) -> Transaction {
    let uuid = |step| format!("a9999d69-6cde-4b80-819d-{step:04}{number:08}");
    let owners = vec![owner.public().to_string()];
    let create = Draft::create(node.public(), owners.clone(), uuid(1), NOW).transaction();
    let create = create.expect("a draft").sign(&[node], Profile::Default, &|_| None);
    let create = Arc::new(create.expect("a signed CREATE"));
    let input = Output { txid: create.id().clone(), cid: 0, oddity: None };
    let draft = Draft {
        payload: Json::object([("msg", "Hello BigchainDB!".into())]),
        ..Draft::transfer(owners.clone(), owners, vec![input], uuid(2), NOW)
    };
    let unsigned = draft.transaction().expect("a draft");
    let transfer = unsigned.sign(&[owner], Profile::Default, &|_| Some(create.clone()));
    let placed =
        Placed { block: "block".into(), election: Election::Valid, transaction: create.clone() };
    facts.found.insert(create.id().clone(), vec![placed]);
    transfer.expect("a signed TRANSFER")
}

impl Signed {
    fn verify(&self) {
        let message = self.message.as_bytes();
        assert!(verify(&self.public, message, &self.signature, Strictness::Strict));
    }

    fn verify_with_ready_key(&self) {
        let signature = Signature::from_bytes(&self.signature);
        assert!(self.ready.verify_strict(self.message.as_bytes(), &signature).is_ok());
    }
}

fn main() {
    let sample = Sample::new();
    let mut criterion = Criterion::default().configure_from_args();
    times(&mut criterion, &sample);
    criterion.final_summary();
    ratios(&sample);
}

fn times(criterion: &mut Criterion, sample: &Sample) {
    let mut group = criterion.benchmark_group("transfer");
    let mut turn = (0..sample.transfers.len()).cycle();
    let mut next = move || turn.next().expect("a cycle has no end");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verified raw", |b| b.iter(|| sample.signed[next()].verify()));
    group.bench_function("validated", |b| b.iter(|| sample.validate(&sample.transfers[next()])));
    group.bench_function("validated from bytes", |b| {
        b.iter(|| sample.validate_text(&sample.texts[next()]));
    });
    group.finish();

    let mut group = criterion.benchmark_group("canonical");
    let text = sample.block.text().expect("a text");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("block of 1000", |b| b.iter(|| black_box(sample.block.text())));
    group.finish();

    let mut group = criterion.benchmark_group("block of 1000");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    group.sample_size(10).throughput(Throughput::Elements(TRANSFERS));
    group.bench_function("validated on 2 cores", |b| {
        b.iter(|| pool.install(|| sample.validate_block()));
    });
    group.finish();
}

/// What share of the time of a validation the raw verification takes. The sides take short turns on
/// the same few transactions, and each side's best turn counts, so that whatever else the machine
/// does touches neither.
fn ratios(sample: &Sample) {
    const TURN: usize = 10;
    const TURNS: usize = 25;
    type Side<'a> = (&'a str, Box<dyn Fn(usize) + 'a>);
    let sides: [Side<'_>; 4] = [
        ("raw verification", Box::new(|at| sample.signed[at].verify())),
        ("the same by ed25519-dalek", Box::new(|at| sample.signed[at].verify_with_ready_key())),
        ("validated", Box::new(|at| sample.validate(&sample.transfers[at]))),
        ("validated from bytes", Box::new(|at| sample.validate_text(&sample.texts[at]))),
    ];
    let mut sums = [Duration::ZERO; 4];
    for start in (0..sample.transfers.len()).step_by(TURN) {
        let mut best = [Duration::MAX; 4];
        for _ in 0..TURNS {
            for ((_, work), best) in sides.iter().zip(&mut best) {
                *best = (*best).min(timed(|| (start..start + TURN).for_each(work)));
            }
        }
        sums.iter_mut().zip(best).for_each(|(sum, best)| *sum += best);
    }
    println!("\n{:<30} {:>10} {:>8}", "one-signature TRANSFER", "µs", "share");
    for ((name, _), time) in sides.iter().zip(sums) {
        let share = sums[0].as_secs_f64() / time.as_secs_f64();
        let micros = time.as_secs_f64() * 1e6 / sample.transfers.len() as f64;
        println!("{name:<30} {micros:>10.1} {:>7.0}%", share * 100.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
