//! A server, its database, documents for it, and how fast it does a work.

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bigchaindb::store::Store;
use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};
use bigchaindb::store::rethinkdb::{Client, Limits, RethinkStore, Server, Term, schema};
use bigchaindb_core::model::{Block, BlockId, Draft, Json, Keypair, Profile, Transaction, Vote};
use bigchaindb_core::query::{Feed, Needs, Query, VoteRow};
use tokio::time::Instant;

use crate::work::{BATCH, BLOCK_SIZE, BLOCKS, Gathered, Row, Work};

/// For how long a work is done in each round.
const EACH: Duration = Duration::from_millis(500);

/// Documents that are there to be read by their keys, which are the numbers below.
const STOCK: u64 = 5000;

/// Documents that are read at most to read all of a table.
const SCANNED: usize = 20_000;

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

pub(crate) struct Bench {
    client: Client,
    store: RethinkStore,
    keypair: Keypair,
    transactions: Vec<Arc<Transaction>>,
    blocks: Vec<Arc<Block>>,
    /// The last id that was given to a document.
    last: AtomicU64,
}

impl Bench {
    /// Makes a database; `number` tells it from others of this process on the same server.
    pub(crate) async fn new(url: &str, number: usize) -> Result<Self, Failure> {
        let mut server: Server = url.parse()?;
        server.options.database = format!("bench_{}_{number}", std::process::id());
        server.options.query_timeout = PATIENCE;
        let client = server.client(Limits::default());
        schema::init(&client, PATIENCE).await?;
        let keypair = Keypair::from_seed([1; 32]);
        let transactions = |block: &str| -> Result<Vec<_>, Failure> {
            (0..BLOCK_SIZE).map(|number| create(&keypair, &format!("{block}/{number}"))).collect()
        };
        let voters = [keypair.public().clone()];
        let block = |number: usize| -> Result<_, Failure> {
            let transactions = transactions(&number.to_string())?;
            Ok(Arc::new(Block::create(transactions, &keypair, &voters, 1_472_731_200)?))
        };
        let bench = Self {
            store: RethinkStore::new(client.clone()),
            client,
            transactions: transactions("")?,
            blocks: (0..BLOCKS).map(block).collect::<Result<_, _>>()?,
            keypair,
            last: AtomicU64::new(0),
        };
        while bench.last.load(Ordering::Relaxed) < STOCK {
            bench.insert(BATCH, Durability::Soft).await?;
        }
        Ok(bench)
    }

    /// Takes the database away.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        Ok(schema::drop_database(&self.client).await?)
    }

    /// How often each second a work is done in a round.
    pub(crate) async fn rate(&self, row: Row, round: usize, rounds: usize) -> Result<f64, Failure> {
        let Row { work, in_flight } = row;
        match work {
            Work::Scan => self.scan().await,
            Work::Feed => self.feed(in_flight).await,
            Work::WriteBlocks => {
                let of_round = BLOCKS * round / rounds..BLOCKS * (round + 1) / rounds;
                self.write_blocks(&self.blocks[of_round]).await
            }
            Work::InsertMany(durability) => {
                let insert = |_| self.insert(BATCH, durability);
                Ok(self.often(in_flight, insert).await? * BATCH as f64)
            }
            Work::Insert(durability) => self.often(in_flight, |_| self.insert(1, durability)).await,
            Work::InsertAs { text } => self.often(in_flight, |_| self.insert_as(text)).await,
            Work::Get(mode) => self.often(in_flight, |number| self.get(number, mode)).await,
            Work::Gather(gathered) => {
                let needs = self.needs(gathered);
                self.often(in_flight, |_| self.ask(Query::Gather(needs.clone()))).await
            }
            Work::WholeBlock => {
                let ids = vec![self.blocks[0].id().clone()];
                self.often(in_flight, |_| self.ask(Query::Blocks { ids: ids.clone() })).await
            }
            Work::KnownBlock => {
                let ids = vec![self.blocks[0].id().clone()];
                self.often(in_flight, |_| self.ask(Query::KnownBlocks { ids: ids.clone() })).await
            }
            Work::UnlistedBlocks => {
                self.often(in_flight, |_| self.ask(Query::UnlistedBlocks { limit: 1000 })).await
            }
            Work::Vote => self.often(in_flight, |_| self.insert_vote()).await,
        }
    }

    /// Does something again and again, so many at once.
    async fn often<F>(&self, in_flight: usize, once: impl Fn(u64) -> F) -> Result<f64, Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let next = AtomicU64::new(0);
        let start = Instant::now();
        let worker = || async {
            while start.elapsed() < EACH {
                once(next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok::<(), Failure>(())
        };
        all((0..in_flight).map(|_| Box::pin(worker()))).await?;
        Ok(next.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
    }

    /// A fresh id.
    fn id(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }

    /// A transaction's document with a fresh id.
    fn document(&self) -> Json {
        let id = self.id();
        let some = usize::try_from(id).unwrap_or_default() % self.transactions.len();
        let mut document = self.transactions[some].document().clone();
        if let Json::Object(fields) = &mut document {
            fields.insert("id", Json::from(id));
            fields.insert("assignee", Json::from(self.keypair.public().as_str()));
        }
        document
    }

    async fn insert(&self, number: usize, durability: Durability) -> Result<(), Failure> {
        let documents = match number {
            1 => Term::json(&self.document()),
            _ => Term::array((0..number).map(|_| Term::json(&self.document()))),
        };
        let backlog = Term::table("backlog", ReadMode::Single);
        self.client.value(&backlog.insert(documents, durability)).await?;
        Ok(())
    }

    async fn insert_as(&self, text: bool) -> Result<(), Failure> {
        let document = self.document();
        let document = if text { Term::json(&document) } else { Term::value(&document) };
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

    fn vote(&self) -> Result<Vote, Failure> {
        let block = BlockId::from(self.id().to_string());
        Ok(Vote::create(&self.keypair, &block, &"p".into(), true, 1)?)
    }

    async fn insert_vote(&self) -> Result<(), Failure> {
        let vote = self.vote()?;
        let key = Vote::key(vote.block(), vote.voter(), 0);
        self.ask(Query::InsertVote { vote: VoteRow { key, vote: Arc::new(vote) } }).await
    }

    async fn ask(&self, query: Query) -> Result<(), Failure> {
        self.store.query(query).await?;
        Ok(())
    }

    /// Reads a table, or much of it.
    async fn scan(&self) -> Result<f64, Failure> {
        let rows = Term::table("backlog", ReadMode::Single).limit(SCANNED);
        let start = Instant::now();
        let read = self.client.read_values(&rows, Some).await?.len();
        Ok(read as f64 / start.elapsed().as_secs_f64())
    }

    /// Inserts, and hears of it.
    async fn feed(&self, in_flight: usize) -> Result<f64, Failure> {
        let votes = Term::table("votes", ReadMode::Single);
        let mut feed = self.store.open(Feed::Votes).await?;
        let written = AtomicU64::new(0);
        let start = Instant::now();
        let writer = || async {
            while start.elapsed() < EACH {
                let vote = self.vote()?;
                let insert = votes.clone().insert(Term::json(vote.document()), Durability::Soft);
                self.client.value(&insert).await?;
                written.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        };
        let mut heard = 0;
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
        Ok(heard as f64 / start.elapsed().as_secs_f64())
    }

    async fn write_blocks(&self, blocks: &[Arc<Block>]) -> Result<f64, Failure> {
        let start = Instant::now();
        for block in blocks {
            self.ask(Query::InsertBlock { block: block.clone() }).await?;
        }
        Ok(blocks.len() as f64 / start.elapsed().as_secs_f64())
    }

    /// The transactions that are looked for.
    fn needs(&self, gathered: Gathered) -> Needs {
        let of = |block: &Arc<Block>| -> Vec<_> {
            block.transactions().iter().map(|each| each.id().clone()).collect()
        };
        let unknown = (0..BLOCK_SIZE).map(|number| number.to_string().as_str().into());
        let transactions = match gathered {
            Gathered::OfOneBlock => of(&self.blocks[0]),
            Gathered::OfAllBlocks => self.blocks.iter().flat_map(of).step_by(BLOCKS).collect(),
            Gathered::OfNone => unknown.collect(),
            Gathered::OneOfNone => unknown.take(1).collect(),
            Gathered::OneOfOneBlock => of(&self.blocks[0])[..1].to_vec(),
        };
        Needs { transactions, ..Needs::default() }
    }
}

fn create(keypair: &Keypair, uuid: &str) -> Result<Arc<Transaction>, Failure> {
    let owner = keypair.public();
    let draft = Draft::create(owner, vec![owner.to_string()], uuid, 1_472_731_200);
    let signed = draft.transaction()?.sign(&[keypair], Profile::Default, &|_| None)?;
    Ok(Arc::new(signed))
}

/// Waits for all of them; fails with the first that does.
async fn all<F>(futures: impl Iterator<Item = F>) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Unpin,
{
    let mut waiting: Vec<F> = futures.collect();
    std::future::poll_fn(|cx| {
        let mut failed = None;
        waiting.retain_mut(|future| match Pin::new(future).poll(cx) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                failed = outcome.err().or(failed.take());
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waiting.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}
