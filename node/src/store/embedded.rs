//! The embedded store: one engine on a thread of its own, shared by all nodes of the process.
//!
//! Requests wait in a bounded queue. The thread takes all that waits, has the engine do it as one
//! batch with one commit, then answers all: so the more wait, the cheaper each is. Not here: the
//! tables, the disk (crate `bigchaindb-rethinkdb`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_rethinkdb::{
    Durability, Element, Engine, NativeTable, OpenError, Row, Subscription, table_of,
};
use tokio::sync::{mpsc, oneshot};

use super::{BoxFuture, FeedStream, Store};

/// Requests that may wait for the engine; whoever brings one more waits.
const QUEUE_MAX: usize = 4096;

/// Requests done in one batch: a few milliseconds of work, so that nobody waits long for company.
const BATCH_MAX: usize = 512;

/// Changes that a feed's reader may lag behind before its feed ends. RethinkDB's own bound.
const FEED_MAX: usize = 100_000;

/// Changes that an observer may lag behind before the store waits for it.
const OBSERVER_MAX: usize = 10_000;

/// An engine that any number of nodes may ask. Dropping it closes the engine's files.
pub struct EmbeddedStore {
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
    Open(Feed, oneshot::Sender<FeedStream>),
    Observe(oneshot::Sender<mpsc::Receiver<Observation>>),
    Tables(oneshot::Sender<Result<Tables, StoreError>>),
}

impl EmbeddedStore {
    /// A store that is gone when it is dropped.
    pub fn in_memory() -> Self {
        Self::over(Engine::in_memory(), Durability::Soft)
    }

    /// A store in this folder; what was in it is still there. With hard durability a write is on
    /// disk before it is answered.
    ///
    /// # Errors
    /// If it cannot be opened, for one because another process has it open.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        Ok(Self::over(Engine::open(path)?, durability))
    }

    fn over(engine: Engine, durability: Durability) -> Self {
        let (requests, waiting) = mpsc::channel(QUEUE_MAX);
        let worker = Worker { engine, durability, feeds: Vec::new(), observers: Vec::new() };
        let thread = thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || worker.run(waiting)).expect("a process may have threads");
        Self { requests: Some(requests), thread: Some(thread) }
    }

    /// Sees every later change in all tables. While the observer lags too far behind, the store
    /// waits for it.
    ///
    /// # Errors
    /// If the store has stopped.
    pub async fn observe(&self) -> Result<mpsc::Receiver<Observation>, StoreError> {
        self.request(Request::Observe).await
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
        Box::pin(self.request(move |reply| Request::Open(feed, reply)))
    }
}

impl Drop for EmbeddedStore {
    /// Waits until the engine is closed, so that it can be opened again at once.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: then it has said so, and its files are closed all the same.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

/// The thread's end.
struct Worker {
    engine: Engine,
    durability: Durability,
    feeds: Vec<(Subscription, mpsc::Sender<Change>)>,
    observers: Vec<Observer>,
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
                match request {
                    Request::Query(query, reply) => {
                        queries.push(query);
                        replies.push(reply);
                    }
                    Request::Open(feed, reply) => {
                        let (changes, stream) = mpsc::channel(FEED_MAX);
                        let subscription = self.engine.subscribe(table_of(feed), None);
                        self.feeds.push((subscription, changes));
                        let _ = reply.send(FeedStream::new(stream));
                    }
                    Request::Observe(reply) => {
                        let _ = reply.send(self.observe());
                    }
                    Request::Tables(reply) => {
                        let tables = self.engine.tables();
                        let failed = |error| StoreError::Refused(format!("{error}"));
                        let _ = reply.send(tables.map_err(failed));
                    }
                }
            }
            let answers = self.engine.apply_all(&queries, self.durability);
            // Whoever is told of a write has no head start over the one who is told that it is done.
            self.tell();
            for (reply, answer) in replies.into_iter().zip(answers) {
                // A node that was killed or has given up does not wait any more.
                let _ = reply.send(answer);
            }
        }
    }

    fn observe(&mut self) -> mpsc::Receiver<Observation> {
        let (observations, stream) = mpsc::channel(OBSERVER_MAX);
        let schema = self.engine.schema();
        let subscribe = |table: &NativeTable| {
            let id = schema.table(table.name).expect("a schema knows its tables");
            (table.name, self.engine.subscribe_bounded(id, usize::MAX, None))
        };
        let tables = schema.tables.iter().map(subscribe).collect();
        self.observers.push(Observer { tables, observations });
        stream
    }

    /// Hands out what changed. A feed whose reader is too far behind, or gone, ends.
    fn tell(&mut self) {
        self.feeds.retain(|(subscription, changes)| {
            !changes.is_closed()
                && subscription.drain().into_iter().all(|element| match element {
                    Element::Change(change) => {
                        change.told().is_none_or(|change| changes.try_send(change).is_ok())
                    }
                    Element::Skipped(_) => false,
                })
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
