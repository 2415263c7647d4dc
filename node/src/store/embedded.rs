//! The embedded store: a database that all nodes of the process share, natively asked.
//!
//! Requests wait in a bounded queue. A thread takes all that waits, has the database do it as one
//! batch with one commit, then answers all: so the more wait, the cheaper each is. The same database
//! may be served to ReQL clients; what they write is told of like all else. Not here: the tables,
//! the disk (crate `bigchaindb-rethinkdb`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_rethinkdb::{
    BIGCHAINDB, CatalogError, Database, DatabaseError, Direction, Durability, Element, KeyRange,
    OpenError, PAGE_ROWS_MAX, QUEUE_MAX, Row, Settings, Subscription, TableId, Wake, table_of,
};
use tokio::sync::{mpsc, oneshot};

use super::{BoxFuture, FeedStream, Store};

/// Requests that may wait for the engine; whoever brings one more waits.
const REQUESTS_MAX: usize = 4096;

/// Requests done in one batch: a few milliseconds of work, so that nobody waits long for company.
const BATCH_MAX: usize = 512;

/// Changes that a feed's reader may lag behind before its feed ends. RethinkDB's own bound.
const FEED_MAX: usize = 100_000;

/// Changes that an observer may lag behind before the store waits for it.
const OBSERVER_MAX: usize = 10_000;

/// A database that any number of nodes may ask. Dropping it closes the database's file, unless
/// somebody else holds the [`database`](Self::database).
pub struct EmbeddedStore {
    database: Database,
    /// `None` only while the store is being dropped.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

/// A change as an observer sees it: of whole documents, in any table.
#[derive(Clone, Debug)]
pub struct Observation {
    /// When it was done: [`crate::clock::now`], in microseconds.
    pub monotonic_us: u64,
    /// In which table.
    pub table: &'static str,
    /// The document as it was; none if it was inserted.
    pub old: Option<Json>,
    /// The document as it is; none if it was deleted.
    pub new: Option<Json>,
}

/// All documents of all tables, by the table's name, each table's by primary key.
pub type Tables = BTreeMap<&'static str, Vec<Json>>;

enum Request {
    Query(Query, oneshot::Sender<Result<Answer, StoreError>>),
    Open(Feed, oneshot::Sender<Result<FeedStream, StoreError>>),
    Observe(oneshot::Sender<Result<mpsc::Receiver<Observation>, StoreError>>),
    Tables(oneshot::Sender<Result<Tables, StoreError>>),
    /// Somebody else wrote: there is something to tell.
    Tell,
}

impl EmbeddedStore {
    /// A store that is gone when it is dropped.
    pub fn in_memory() -> Self {
        let database = Database::in_memory();
        database.declare_native().expect("a database in memory works");
        Self::over(database, Durability::Soft)
    }

    /// A store in this file; what was in it is still there. With hard durability a write is on
    /// disk before it is answered.
    ///
    /// # Errors
    /// If it cannot be opened, for one because another process has it open.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        let database = Database::open(path, &Settings::default())?;
        let failed = |error: CatalogError| OpenError::Catalog(error.to_string());
        database.declare_native().map_err(failed)?;
        Ok(Self::over(database, durability))
    }

    /// A store over a database that others use too. Its tables need not be there yet: a query about
    /// one that is not is refused.
    pub fn over(database: Database, durability: Durability) -> Self {
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        let news =
            Arc::new(News { requests: requests.downgrade(), are_known: AtomicBool::default() });
        let (feeds, observers) = (Vec::new(), Vec::new());
        let worker = Worker { database: database.clone(), durability, feeds, observers, news };
        let thread = thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || worker.run(waiting)).expect("a process may have threads");
        Self { database, requests: Some(requests), thread: Some(thread) }
    }

    /// The database, to be served to others.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Sees every later change in all tables. While the observer lags too far behind, the store
    /// waits for it.
    ///
    /// # Errors
    /// If the store has stopped, or a table is missing.
    pub async fn observe(&self) -> Result<mpsc::Receiver<Observation>, StoreError> {
        self.request(Request::Observe).await?
    }

    /// All that is in the store.
    ///
    /// # Errors
    /// If the store has stopped or cannot read.
    pub async fn tables(&self) -> Result<Tables, StoreError> {
        self.request(Request::Tables).await?
    }

    async fn request<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Indeterminate("the store has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let requests = self.requests.as_ref().expect("the store is not being dropped");
        requests.send(request(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

impl Store for EmbeddedStore {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        Box::pin(async { self.request(|reply| Request::Query(query, reply)).await? })
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        Box::pin(async move { self.request(|reply| Request::Open(feed, reply)).await? })
    }
}

impl Drop for EmbeddedStore {
    /// Waits until the thread has gone, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: then it has said so, and the file is closed all the same.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

/// Wakes the thread when somebody else has written: once, until it has looked.
struct News {
    requests: mpsc::WeakSender<Request>,
    are_known: AtomicBool,
}

impl News {
    /// Called under the database's lock.
    fn arrive(&self) {
        if !self.are_known.swap(true, Ordering::AcqRel)
            && let Some(requests) = self.requests.upgrade()
        {
            // If the queue is full the thread will look anyway.
            let _ = requests.try_send(Request::Tell);
        }
    }
}

/// The thread's end.
struct Worker {
    database: Database,
    durability: Durability,
    feeds: Vec<(Subscription, mpsc::Sender<Change>)>,
    observers: Vec<Observer>,
    news: Arc<News>,
}

struct Observer {
    /// Emptied after every batch.
    tables: Vec<(&'static str, Subscription)>,
    observations: mpsc::Sender<Observation>,
}

impl Worker {
    /// Runs until the store is dropped.
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while requests.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            let (mut queries, mut replies) = (Vec::new(), Vec::new());
            for request in batch.drain(..) {
                // Nobody who asked waits for ever: a reply that is not taken is no matter.
                match request {
                    Request::Query(query, reply) => {
                        queries.push(query);
                        replies.push(reply);
                    }
                    Request::Open(feed, reply) => drop(reply.send(self.open(feed))),
                    Request::Observe(reply) => drop(reply.send(self.observe())),
                    Request::Tables(reply) => drop(reply.send(tables(&self.database))),
                    Request::Tell => {}
                }
            }
            // What this batch writes is told of below, without being woken for it.
            self.news.are_known.store(true, Ordering::Release);
            let answers = match queries.is_empty() {
                true => Vec::new(),
                false => self.database.apply_all(&queries, self.durability),
            };
            self.news.are_known.store(false, Ordering::Release);
            // Whoever is told of a write has no head start over the one who is told that it is done.
            self.tell();
            for (reply, answer) in replies.into_iter().zip(answers) {
                // A node that was killed or has given up does not wait any more.
                let _ = reply.send(answer);
            }
        }
    }

    fn subscribe(&self, table: TableId, queue_max: usize) -> Result<Subscription, StoreError> {
        let news = self.news.clone();
        let wake: Wake = Box::new(move || news.arrive());
        let table = self.database.catalog().native(table).map_err(refused)?.id;
        self.database.subscribe(table, queue_max, Some(wake)).map_err(refused)
    }

    fn open(&mut self, feed: Feed) -> Result<FeedStream, StoreError> {
        let subscription = self.subscribe(table_of(feed), QUEUE_MAX)?;
        let (changes, stream) = mpsc::channel(FEED_MAX);
        self.feeds.push((subscription, changes));
        Ok(FeedStream::new(stream))
    }

    fn observe(&mut self) -> Result<mpsc::Receiver<Observation>, StoreError> {
        let (observations, stream) = mpsc::channel(OBSERVER_MAX);
        let tables = BIGCHAINDB.tables.iter().map(|table| {
            let id = BIGCHAINDB.table(table.name).expect("a schema knows its tables");
            Ok((table.name, self.subscribe(id, usize::MAX)?))
        });
        let tables = tables.collect::<Result<_, StoreError>>()?;
        self.observers.push(Observer { tables, observations });
        Ok(stream)
    }

    /// Hands out what changed. A feed whose reader is too far behind, or gone, ends; and so does one
    /// whose table was dropped.
    fn tell(&mut self) {
        self.feeds.retain(|(subscription, changes)| {
            let is_open = !subscription.is_closed() && !changes.is_closed();
            let handed_out = subscription.drain().into_iter().all(|element| match element {
                Element::Change(change) => {
                    change.told().is_none_or(|change| changes.try_send(change).is_ok())
                }
                Element::Skipped(_) => false,
            });
            is_open && handed_out
        });
        self.observers.retain(|observer| {
            let monotonic_us = crate::clock::monotonic_us();
            observer.tables.iter().all(|(table, subscription)| {
                subscription.drain().into_iter().all(|element| {
                    let Element::Change(change) = element else { return false };
                    let document = |row: Option<Arc<Row>>| row.map(|row| row.document());
                    let (old, new) = (document(change.old), document(change.new));
                    let observation = Observation { monotonic_us, table, old, new };
                    observer.observations.blocking_send(observation).is_ok()
                })
            })
        });
    }
}

/// All documents of the tables that are there, a page at a time.
fn tables(database: &Database) -> Result<Tables, StoreError> {
    let catalog = database.catalog();
    let mut tables = Tables::new();
    for native in BIGCHAINDB.tables {
        let documents = tables.entry(native.name).or_default();
        let id = BIGCHAINDB.table(native.name).expect("a schema knows its tables");
        let Ok(table) = catalog.native(id) else { continue };
        documents.extend(documents_of(database, table.id).map_err(refused)?);
    }
    Ok(tables)
}

fn documents_of(database: &Database, table: TableId) -> Result<Vec<Json>, DatabaseError> {
    let (mut documents, mut last) = (Vec::new(), None);
    loop {
        let (range, up) = (&KeyRange::ALL, Direction::Ascending);
        let page = database.page(table, None, range, up, last.as_ref(), PAGE_ROWS_MAX)?;
        documents.extend(page.rows.iter().map(|found| found.row.document()));
        if !page.more {
            return Ok(documents);
        }
        last = page.rows.last().map(|found| found.place.clone()).or(last);
    }
}

fn refused(error: impl fmt::Display) -> StoreError {
    StoreError::Refused(error.to_string())
}
