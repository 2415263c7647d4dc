//! How fast a RethinkDB server answers, as a node asks it: `rethinkdb-bench URL [URL]`.
//!
//! Each line is a kind of work at a number of questions in flight; with a second server, how much
//! faster (more than 1) or slower it is than the first one. In each a database is made for it, and
//! dropped.
//!
//! ```text
//! cargo run --release -p bigchaindb --example rethinkdb-bench -- rethinkdb://127.0.0.1:28015
//! ```

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};
use bigchaindb::store::rethinkdb::{Client, Limits, RethinkStore, Server, Term, schema};
use bigchaindb::store::{BoxFuture, Store};
use bigchaindb_core::model::{Block, BlockId, Draft, Json, Keypair, Profile, Transaction, Vote};
use bigchaindb_core::query::{Feed, Needs, Query, VoteRow};
use tokio::time::Instant;

/// For how long each kind of work is done.
const EACH: Duration = Duration::from_secs(2);

/// So many questions at once.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// Transactions in a block.
const BLOCK_SIZE: usize = 1000;

/// Documents that one insert brings, where it brings several.
const BATCH: usize = 100;

/// Documents that are there to be read.
const STOCK: u64 = 5000;

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(60);

type Failure = Box<dyn Error + Send + Sync>;

/// A kind of work, and how often it was done each second.
struct Measured {
    work: String,
    in_flight: usize,
    each_s: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let urls: Vec<_> = std::env::args().skip(1).collect();
    if urls.is_empty() || urls.len() > 2 {
        eprintln!("usage: rethinkdb-bench URL [URL]");
        return ExitCode::from(2);
    }
    let mut columns = Vec::new();
    for url in &urls {
        eprintln!("{url}");
        match bench(url).await {
            Ok(measured) => columns.push(measured),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(4);
            }
        }
    }
    for (number, first) in columns[0].iter().enumerate() {
        print!("{:32} {:>3} {:>10.0}/s", first.work, first.in_flight, first.each_s);
        if let Some(second) = columns.get(1).map(|column| &column[number]) {
            print!(" {:>10.0}/s {:>6.2}", second.each_s, second.each_s / first.each_s);
        }
        println!();
    }
    ExitCode::SUCCESS
}

/// A server, its database, and documents for it.
struct Bench {
    client: Client,
    store: RethinkStore,
    keypair: Keypair,
    transactions: Vec<Arc<Transaction>>,
    /// The last id that was given to a document.
    last: AtomicU64,
    measured: Vec<Measured>,
}

async fn bench(url: &str) -> Result<Vec<Measured>, Failure> {
    let mut server: Server = url.parse()?;
    server.options.database = format!("bench_{}", std::process::id());
    server.options.query_timeout = PATIENCE;
    let client = server.client(Limits::default());
    schema::init(&client, PATIENCE).await?;
    let keypair = Keypair::from_seed([1; 32]);
    let transactions = (0..BLOCK_SIZE).map(|number| create(&keypair, &number.to_string()));
    let mut bench = Bench {
        store: RethinkStore::new(client.clone()),
        client: client.clone(),
        transactions: transactions.collect::<Result<_, _>>()?,
        keypair,
        last: AtomicU64::new(0),
        measured: Vec::new(),
    };
    let outcome = bench.all().await;
    schema::drop_database(&client).await?;
    outcome?;
    Ok(bench.measured)
}

fn create(keypair: &Keypair, uuid: &str) -> Result<Arc<Transaction>, Failure> {
    let owner = keypair.public();
    let draft = Draft::create(owner, vec![owner.to_string()], uuid, 1_472_731_200);
    let signed = draft.transaction()?.sign(&[keypair], Profile::Default, &|_| None)?;
    Ok(Arc::new(signed))
}

impl Bench {
    async fn all(&mut self) -> Result<(), Failure> {
        for (name, durability) in [("soft", Durability::Soft), ("hard", Durability::Hard)] {
            for in_flight in IN_FLIGHT {
                let work = format!("insert, {name}");
                self.measure(&work, in_flight, 1, |bench, _| Box::pin(bench.insert(1, durability)))
                    .await?;
            }
            let work = format!("insert {BATCH} at once, {name}, documents");
            for in_flight in IN_FLIGHT {
                self.measure(&work, in_flight, BATCH, |bench, _| {
                    Box::pin(bench.insert(BATCH, durability))
                })
                .await?;
            }
        }
        for as_text in [false, true] {
            let work = if as_text { "insert, soft, as text" } else { "insert, soft, as terms" };
            self.measure(work, 16, 1, |bench, number| Box::pin(bench.insert_as(number, as_text)))
                .await?;
        }
        for (name, mode) in [("single", ReadMode::Single), ("majority", ReadMode::Majority)] {
            for in_flight in IN_FLIGHT {
                let work = format!("get, {name}");
                self.measure(&work, in_flight, 1, |bench, number| {
                    Box::pin(bench.get(number, mode))
                })
                .await?;
            }
        }
        self.scan().await?;
        for in_flight in IN_FLIGHT {
            self.feed(in_flight).await?;
        }
        self.chain().await
    }

    /// Does a work again and again, so many at once; `each` is how much each counts.
    async fn measure(
        &mut self,
        work: &str,
        in_flight: usize,
        each: usize,
        run: impl Fn(&Bench, u64) -> BoxFuture<'_, Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let (bench, next) = (&*self, AtomicU64::new(0));
        let start = Instant::now();
        let worker = || async {
            while start.elapsed() < EACH {
                run(bench, next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok::<(), Failure>(())
        };
        all((0..in_flight).map(|_| Box::pin(worker()))).await?;
        let done = next.load(Ordering::Relaxed) as f64 * each as f64;
        let each_s = done / start.elapsed().as_secs_f64();
        self.note(work, in_flight, each_s);
        Ok(())
    }

    fn note(&mut self, work: &str, in_flight: usize, each_s: f64) {
        eprintln!("{work:32} {in_flight:>3} {each_s:>10.0}/s");
        self.measured.push(Measured { work: work.to_owned(), in_flight, each_s });
    }

    /// A transaction's document with a number for its id.
    fn document(&self, id: u64) -> Json {
        let some = usize::try_from(id).unwrap_or_default() % self.transactions.len();
        let mut document = self.transactions[some].document().clone();
        if let Json::Object(fields) = &mut document {
            fields.insert("id", Json::from(id));
            fields.insert("assignee", Json::from(self.keypair.public().as_str()));
        }
        document
    }

    fn fresh(&self) -> Json {
        self.document(self.last.fetch_add(1, Ordering::Relaxed))
    }

    async fn insert(&self, number: usize, durability: Durability) -> Result<(), Failure> {
        let documents = match number {
            1 => Term::json(&self.fresh()),
            _ => Term::array((0..number).map(|_| Term::json(&self.fresh()))),
        };
        let backlog = Term::table("backlog", ReadMode::Single);
        self.client.value(&backlog.insert(documents, durability)).await?;
        Ok(())
    }

    async fn insert_as(&self, _: u64, as_text: bool) -> Result<(), Failure> {
        let document = self.fresh();
        let document = if as_text { Term::json(&document) } else { Term::value(&document) };
        let backlog = Term::table("backlog", ReadMode::Single);
        self.client.value(&backlog.insert(document, Durability::Soft)).await?;
        Ok(())
    }

    async fn get(&self, number: u64, mode: ReadMode) -> Result<(), Failure> {
        // Far apart, so that no two in a row are neighbours.
        let id = number.wrapping_mul(2_654_435_761) % STOCK;
        self.client.value(&Term::table("backlog", mode).get(id)).await?;
        Ok(())
    }

    /// Reads all of a table.
    async fn scan(&mut self) -> Result<(), Failure> {
        let rows = Term::table("backlog", ReadMode::Single).limit(50_000);
        let start = Instant::now();
        let read = self.client.read_values(&rows, Some).await?.len();
        let each_s = read as f64 / start.elapsed().as_secs_f64();
        self.note("scan, documents", 1, each_s);
        Ok(())
    }

    /// Inserts, and hears of it.
    async fn feed(&mut self, in_flight: usize) -> Result<(), Failure> {
        let votes = Term::table("votes", ReadMode::Single);
        let mut feed = self.store.open(Feed::Votes).await?;
        let (bench, written) = (&*self, AtomicU64::new(0));
        let start = Instant::now();
        let writer = || async {
            while start.elapsed() < EACH {
                let block = BlockId::from(bench.last.fetch_add(1, Ordering::Relaxed).to_string());
                let vote = Vote::create(&bench.keypair, &block, &"p".into(), true, 1)?;
                let insert = votes.clone().insert(Term::json(vote.document()), Durability::Soft);
                bench.client.value(&insert).await?;
                written.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        };
        let mut heard = 0;
        {
            let mut writing = pin!(all((0..in_flight).map(|_| Box::pin(writer()))));
            let mut done = false;
            while !done || heard < written.load(Ordering::Relaxed) {
                tokio::select! {
                    outcome = &mut writing, if !done => {
                        outcome?;
                        done = true;
                    }
                    change = feed.next() => {
                        change.ok_or("the feed broke")?;
                        heard += 1;
                    }
                }
            }
        }
        let each_s = heard as f64 / start.elapsed().as_secs_f64();
        self.note("feed, changes heard", in_flight, each_s);
        Ok(())
    }

    /// What a node asks about blocks.
    async fn chain(&mut self) -> Result<(), Failure> {
        let voters = [self.keypair.public().clone()];
        let mut blocks = Vec::new();
        for number in 0..20_u64 {
            let batch =
                (0..BLOCK_SIZE).map(|each| create(&self.keypair, &format!("{number}/{each}")));
            let batch = batch.collect::<Result<Vec<_>, _>>()?;
            blocks.push(Arc::new(Block::create(batch, &self.keypair, &voters, 1_472_731_200)?));
        }
        let start = Instant::now();
        for block in &blocks {
            self.store.query(Query::InsertBlock { block: block.clone() }).await?;
        }
        self.note("block of 1000 written", 1, 20.0 / start.elapsed().as_secs_f64());
        let needs = |blocks: &[Arc<Block>]| Needs {
            transactions: blocks
                .iter()
                .flat_map(|block| block.transactions().iter().map(|each| each.id().clone()))
                .collect(),
            outputs: Vec::new(),
        };
        let known = needs(&blocks[..1]);
        self.measure("gather 1000 of one block", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::Gather(known.clone())))
        })
        .await?;
        let scattered = Needs {
            transactions: needs(&blocks).transactions.into_iter().step_by(20).collect(),
            ..Needs::default()
        };
        self.measure("gather 1000 of 20 blocks", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::Gather(scattered.clone())))
        })
        .await?;
        let unknown = Needs {
            transactions: (0..1000).map(|number| number.to_string().as_str().into()).collect(),
            ..Needs::default()
        };
        for (work, needs) in [
            ("gather 1000 of no block", unknown.clone()),
            (
                "gather 1 of no block",
                Needs { transactions: unknown.transactions[..1].to_vec(), ..unknown },
            ),
        ] {
            self.measure(work, 1, 1, |bench, _| {
                Box::pin(ask(&bench.store, Query::Gather(needs.clone())))
            })
            .await?;
        }
        let one = Needs { transactions: known.transactions[..1].to_vec(), ..Needs::default() };
        self.measure("gather 1 of one block", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::Gather(one.clone())))
        })
        .await?;
        let id = blocks[0].id().clone();
        self.measure("whole block of 1000 read", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::Blocks { ids: vec![id.clone()] }))
        })
        .await?;
        self.measure("known block", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::KnownBlocks { ids: vec![id.clone()] }))
        })
        .await?;
        self.measure("unlisted blocks, 20", 1, 1, |bench, _| {
            Box::pin(ask(&bench.store, Query::UnlistedBlocks { limit: 1000 }))
        })
        .await?;
        for in_flight in IN_FLIGHT {
            self.measure("vote written", in_flight, 1, |bench, _| {
                let block = BlockId::from(bench.last.fetch_add(1, Ordering::Relaxed).to_string());
                let vote = Vote::create(&bench.keypair, &block, &"p".into(), true, 1)
                    .expect("the block is not its own predecessor");
                let key = Vote::key(&block, vote.voter(), 0);
                let vote = VoteRow { key, vote: Arc::new(vote) };
                Box::pin(ask(&bench.store, Query::InsertVote { vote }))
            })
            .await?;
        }
        Ok(())
    }
}

async fn ask(store: &RethinkStore, query: Query) -> Result<(), Failure> {
    store.query(query).await?;
    Ok(())
}

/// Waits for all of them; fails with the first that does.
async fn all<F>(futures: impl Iterator<Item = F>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Unpin,
{
    let mut waiting: Vec<F> = futures.collect();
    std::future::poll_fn(|cx| {
        let mut failed = None;
        waiting.retain_mut(|future| match std::pin::Pin::new(future).poll(cx) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(outcome) => {
                failed = outcome.err().or(failed.take());
                false
            }
        });
        match failed {
            Some(error) => std::task::Poll::Ready(Err(error)),
            None if waiting.is_empty() => std::task::Poll::Ready(Ok(())),
            None => std::task::Poll::Pending,
        }
    })
    .await
}
