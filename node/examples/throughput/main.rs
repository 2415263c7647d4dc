//! How many transactions a second nodes decide: over HTTP, store on disk, hard durability.
//!
//! `cargo run --release -p bigchaindb --example throughput -- [--nodes 1] [--creates 20000] [--chain 0]
//! [--at-once 128] [--payload 100] [--block-size 1000] [--block-wait-ms 1000] [--unfinished 1] [--record FILE]
//! [--rethinkdb PROGRAM] [--folder FOLDER]`
//!
//! Posts so many CREATEs, then a TRANSFER of each on top, to the nodes in turn, and stops the clock when every
//! node has said that all of them are decided. A `chain` is that many CREATEs written before, without a clock; with
//! no CREATEs it is all that is done, else as many of its assets are passed on at last. In a `folder` the chain stays,
//! and the next run goes on with it: what that is for, see `node/examples/throughput/growth`. A `record` is a file in
//! which is written down what the first node hears, to see what that costs. Nodes, store and clients share this process
//! and its cores; nodes share nothing that one of them has verified. With `rethinkdb` the store is a server of that
//! program, a process of its own on the same cores. Documents are signed before the clock starts. At the end every
//! transaction is asked for, and has to be valid.
//!
//! What this machine could do at best is measured in the same run (`limits`), and whose processor time it was
//! (`threads`). What it was spent on: `node/examples/throughput/profile`, a table made with `perf`.

mod database;
mod decided;
mod kept;
mod limits;
mod questions;
mod threads;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::record::{Recorder, Writing};
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{Json, Keypair, Transaction};
use bigchaindb_core::rules::{self, Quirks};
use bigchaindb_core::stages::Settings;
use bigchaindb_load::client::{Answer, Call, Client};
use bigchaindb_load::corpus::Corpus;
use bigchaindb_load::engine::{self, Exchange};
use bigchaindb_load::saturate::Saturate;
use bigchaindb_rethinkdb::{Database, Durability};
use mimalloc::MiMalloc;
use rayon::prelude::*;
use tokio::sync::oneshot;
use tokio::time::Instant;

use database::Rethinkdb;
use decided::Decided;
use kept::Kept;
use limits::Counting;
use questions::{Asked, Questioned};
use threads::Time;

/// As in the node's own program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// No request may take longer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// CREATEs of a chain that are signed, posted and forgotten at once.
const PIECE: u64 = 10_000;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What was asked for.
struct Wish {
    nodes: usize,
    creates: u64,
    chain: u64,
    at_once: usize,
    payload: usize,
    settings: Settings,
    record: Option<PathBuf>,
    rethinkdb: Option<PathBuf>,
    folder: Option<PathBuf>,
}

impl Wish {
    fn read() -> Result<Self> {
        let mut wish = Self {
            nodes: 1,
            creates: 20_000,
            chain: 0,
            at_once: 128,
            payload: 100,
            settings: Settings::default(),
            record: None,
            rethinkdb: None,
            folder: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} of what?"))?;
            match &*name {
                "--nodes" => wish.nodes = value.parse()?,
                "--creates" => wish.creates = value.parse()?,
                "--chain" => wish.chain = value.parse()?,
                "--at-once" => wish.at_once = value.parse()?,
                "--payload" => wish.payload = value.parse()?,
                "--block-size" => wish.settings.block_size = value.parse()?,
                "--block-wait-ms" => {
                    wish.settings.block_wait = Duration::from_millis(value.parse()?);
                }
                "--unfinished" => wish.settings.unfinished = value.parse()?,
                "--record" => wish.record = Some(value.into()),
                "--rethinkdb" => wish.rethinkdb = Some(value.into()),
                "--folder" => wish.folder = Some(value.into()),
                _ => return Err(format!("nobody knows {name}; see the head of this file").into()),
            }
        }
        if wish.nodes == 0 || wish.at_once == 0 {
            return Err("at least 1, please".into());
        }
        if wish.rethinkdb.is_some() && wish.folder.is_some() {
            return Err("a chain stays in the embedded store only".into());
        }
        Ok(wish)
    }
}

fn main() -> Result<()> {
    let wish = Wish::read()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("nodes").build()?;
    rayon::ThreadPoolBuilder::new().thread_name(|_| "work".to_owned()).build_global()?;
    runtime.block_on(run(&wish))
}

async fn run(wish: &Wish) -> Result<()> {
    let corpus = Corpus::new(1, wish.payload);
    let passing = tempfile::tempdir()?;
    let cores = std::thread::available_parallelism()?;
    let verifications = limits::verifications_per_second();
    let server = match &wish.rethinkdb {
        Some(program) => Some(Rethinkdb::start(program, passing.path()).await?),
        None => None,
    };
    let nodes = wish.nodes;
    let (store, _) = open(server.as_ref(), passing.path(), "limit", nodes).await?;
    let writes = limits::store_writes_per_second(store, &corpus).await?;
    println!(
        "{cores} cores verify {verifications:.0} signatures/s; the store alone writes {writes:.0} rows/s\n"
    );

    let record = wish.record.as_deref().map(Recorder::start).transpose()?;
    let (records, writing): (Vec<_>, Vec<_>) = record.into_iter().unzip();
    let decided = Arc::new(Decided::by(wish.nodes));
    let (heard, counting) = (decided.clone(), Arc::new(Counting::default()));
    let common = Common {
        rules: rules::without("default", &Quirks::default(), counting.clone())?,
        settings: wish.settings.clone(),
        query_timeout: QUERY_TIMEOUT,
        on_report: Arc::new(move |_, report| heard.hear(report)),
        metrics: Vec::new(),
        records,
    };
    let anywhere = vec![SocketAddr::from(([127, 0, 0, 1], 0)); wish.nodes];
    let keypairs: Vec<_> = (1..=wish.nodes)
        .map(|node| Ok(Keypair::from_seed([u8::try_from(node)?; 32])))
        .collect::<Result<_>>()?;
    let mut kept = Kept::open(wish.folder.as_deref())?;
    let folder = wish.folder.as_deref().unwrap_or(passing.path());
    let (store, database) = open(server.as_ref(), folder, "bigchain", nodes).await?;
    let store = Arc::new(Questioned::new(store));
    let federation = LocalFederation::start(store.clone(), &common, &keypairs, &anywhere).await?;
    let bench = Bench {
        addresses: federation.addresses(),
        decided,
        counting,
        at_once: wish.at_once,
        limits: Limits { verifications, writes },
        store,
        database,
        server: server.as_ref().and_then(Rethinkdb::pid),
    };
    bench.ready(&corpus, kept.assets).await?;

    while kept.assets < wish.chain {
        let assets = kept.assets..(kept.assets + PIECE).min(wish.chain);
        let calls = assets.into_par_iter().map(|asset| Call::Post(corpus.create(asset).into()));
        kept.lengthen(wish.chain, bench.pass(calls.collect()).await?);
    }
    let assets = kept.assets..kept.assets + wish.creates;
    kept.assets = assets.end;
    let old = kept.take_old(wish.creates);
    kept.write()?;
    if !assets.is_empty() {
        let sign = |asset| Call::Post(corpus.create(asset).into());
        let calls = assets.clone().into_par_iter().map(sign).collect();
        let made = bench.measure("CREATE", calls).await?;
        let pass_on =
            |(asset, last): &(u64, Transaction)| Call::Post(corpus.transfer(*asset, last).into());
        let new: Vec<_> = assets.zip(made).collect();
        let passed_on = bench.measure("TRANSFER", new.par_iter().map(pass_on).collect()).await?;
        let made = new.into_iter().map(|(_, made)| made).collect::<Vec<_>>();
        bench.prove_valid(&made).await?;
        bench.prove_valid(&passed_on).await?;
        if !old.is_empty() {
            let calls = old.par_iter().map(pass_on).collect();
            let passed_on = bench.measure("TRANSFER, old", calls).await?;
            bench.prove_valid(&passed_on).await?;
        }
    }
    federation.stop().await?;
    drop(common);
    writing.into_iter().try_for_each(Writing::finish)?;
    if let Some(server) = server {
        server.stop().await?;
    }
    Ok(())
}

/// The store of this name: of the server that was started, or else a file in the folder, and the database in that.
async fn open(
    server: Option<&Rethinkdb>,
    folder: &Path,
    name: &str,
    nodes: usize,
) -> Result<(Arc<dyn Store>, Option<Database>)> {
    if let Some(server) = server {
        return Ok((Arc::new(server.store(name, nodes).await?), None));
    }
    let store = EmbeddedStore::open(&folder.join(name), Durability::Hard)?;
    let database = store.database().clone();
    Ok((Arc::new(store), Some(database)))
}

/// What the machine can do at best, in a second.
#[derive(Clone, Copy)]
struct Limits {
    verifications: f64,
    writes: f64,
}

/// Clients, and what they hear of the nodes they load.
struct Bench {
    addresses: Vec<SocketAddr>,
    decided: Arc<Decided>,
    counting: Arc<Counting>,
    at_once: usize,
    limits: Limits,
    store: Arc<Questioned>,
    /// What it asks, if that is embedded.
    database: Option<Database>,
    /// The process of the database, if it has one of its own.
    server: Option<u32>,
}

impl Bench {
    /// Waits until every node accepts; `next` is the first asset that is not on the chain.
    async fn ready(&self, corpus: &Corpus, next: u64) -> Result<()> {
        let client = Client::new(&self.addresses);
        for node in 0..self.addresses.len() {
            let call = Call::Post(corpus.create(u64::MAX - next).into());
            while client.call(node, call.clone(), TIMEOUT, || ()).await?.status != 201 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        self.decided.until(self.addresses.len()).await;
        Ok(())
    }

    /// Posts, waits until all is decided, says how fast that was and where the time went; the transactions.
    async fn measure(&self, what: &str, calls: Vec<Call>) -> Result<Vec<Transaction>> {
        self.settle().await?;
        let (number, before) = (calls.len(), self.decided.transactions());
        let (verified, threads) = (self.counting.so_far(), threads::times(self.server));
        let asked = self.store.so_far();
        let (began, began_at) = (Instant::now(), threads::uptime());
        let answers = self.post(calls).await?;
        let accepted_s = began.elapsed().as_secs_f64();
        self.decided.until(before + number).await;
        let took_s = began.elapsed().as_secs_f64();
        // What is still to be done for them is part of what they cost.
        self.settle().await?;
        let (after, times) = (self.counting.so_far(), threads::times(self.server));
        let each = number as f64;
        println!(
            "{what}: {number} accepted at {:.0}/s, decided by all nodes at {:.0}/s, {:.1} us each \
             (perf report --time {began_at},{})",
            each / accepted_s,
            each / took_s,
            took_s * 1e6 / each,
            threads::uptime()
        );
        let verifications = (after.0 - verified.0) as f64 / each;
        println!("  verifications each: {verifications:.2}");
        if verifications > 0.0 {
            let allowed = self.limits.verifications / verifications;
            let share = each / took_s / allowed * 100.0;
            let us = (after.1 - verified.1) * 1e6 / each;
            println!("    the cores could do those of {allowed:.0}/s: {share:.0} % of that limit");
            println!("    {us:.1} us each, on the clock");
        }
        let (writes, share) = (self.limits.writes, each / took_s / self.limits.writes * 100.0);
        println!("  the store alone writes {writes:.0} rows/s: {share:.0} % of that limit");
        show_asked(&asked, &self.store.so_far(), each);
        show(&threads, &times, each);
        transactions(answers)
    }

    /// Posts, and waits until all is decided; the transactions.
    async fn pass(&self, calls: Vec<Call>) -> Result<Vec<Transaction>> {
        let (number, before) = (calls.len(), self.decided.transactions());
        let answers = self.post(calls).await?;
        self.decided.until(before + number).await;
        transactions(answers)
    }

    /// Leaves the database nothing to do.
    async fn settle(&self) -> Result<()> {
        let Some(database) = self.database.clone() else { return Ok(()) };
        Ok(tokio::task::spawn_blocking(move || database.settle()).await??)
    }

    /// Posts, so many at once; the answers in the same order.
    async fn post(&self, calls: Vec<Call>) -> Result<Vec<Answer>> {
        let accepted = |exchange: Exchange| {
            let answer = exchange.answer?;
            match answer.status {
                201 => Ok(answer),
                _ => Err(String::from_utf8_lossy(&answer.body).into_owned().into()),
            }
        };
        self.exchange(calls).await?.into_iter().map(accepted).collect()
    }

    /// Clients have a thread of their own, as they would have a machine of their own.
    async fn exchange(&self, calls: Vec<Call>) -> Result<Vec<Exchange>> {
        let (addresses, at_once) = (self.addresses.clone(), self.at_once);
        let (tell, told) = oneshot::channel();
        let load = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let nodes = addresses.len();
            let calls = calls.into_iter().enumerate().map(|(place, call)| (place % nodes, call));
            let mut load = Saturate::new(calls, at_once);
            let client = Client::new(&addresses);
            runtime.block_on(engine::run(&mut load, &client, Instant::now(), TIMEOUT));
            Ok::<_, std::io::Error>(load.into_exchanges())
        };
        std::thread::Builder::new().name("clients".to_owned()).spawn(move || tell.send(load()))?;
        Ok(told.await??)
    }

    /// Asks for each and all: is it valid?
    async fn prove_valid(&self, transactions: &[Transaction]) -> Result<()> {
        let path = |id| format!("/api/v1/transactions/{id}/status");
        let calls = transactions.iter().map(|transaction| Call::Get(path(transaction.id())));
        for exchange in self.exchange(calls.collect()).await? {
            let answer = exchange.answer?;
            assert_eq!(answer.body, r#"{"status":"valid"}"#, "what was reported is what is served");
        }
        println!("all {} are valid", transactions.len());
        Ok(())
    }
}

/// What nodes accepted, as they answered with it.
fn transactions(answers: Vec<Answer>) -> Result<Vec<Transaction>> {
    let transaction = |answer: Answer| {
        let mut document = Json::parse(&answer.body)?;
        if let Json::Object(fields) = &mut document {
            fields.remove("assignee");
        }
        Ok(Transaction::from_document(document)?)
    };
    answers.into_par_iter().map(transaction).collect()
}

/// What the nodes asked of their store.
fn show_asked(
    before: &BTreeMap<&'static str, Asked>,
    after: &BTreeMap<&'static str, Asked>,
    each: f64,
) {
    for (name, asked) in after {
        let Asked { times, took } = *asked - before.get(name).copied().unwrap_or_default();
        if times > 0 {
            let ms = took.as_secs_f64() * 1e3 / f64::from(times);
            println!(
                "  asked {name:<18} {:>7.4} times each, {ms:>8.2} ms",
                f64::from(times) / each
            );
        }
    }
}

/// The processor time of threads, for each transaction.
fn show(before: &BTreeMap<String, Time>, after: &BTreeMap<String, Time>, each: f64) {
    let mut sum = Time::default();
    for (name, time) in after {
        let spent = *time - before.get(name).copied().unwrap_or_default();
        sum = sum + spent;
        if spent.both() * 1e6 / each >= 0.1 {
            line(name, spent, each);
        }
    }
    line("all threads", sum, each);
}

fn line(name: &str, Time { user, system }: Time, each: f64) {
    let us = |seconds: f64| seconds * 1e6 / each;
    println!(
        "  {name:<16} {:>7.1} us each: {:>6.1} user, {:>6.1} system",
        us(user + system),
        us(user),
        us(system)
    );
}
