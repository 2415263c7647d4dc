//! A client of one server: a few connections, made when they are needed and made again when they
//! are gone.
//!
//! A server that cannot be reached is not asked again before a while has passed; until then
//! whoever wants a connection is told so at once. Not here: what is asked (`queries`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bigchaindb_core::model::Json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::connection::{Connection, Cursor, Options};
use super::transport::Dial;
use super::{Error, Term};

/// How often a question that changes nothing is asked, if the connection is lost meanwhile: a
/// server that was restarted is worth a second try, one that is gone is not.
const READ_ATTEMPTS: usize = 2;

/// Bounds of a client.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections for queries. One runs many queries at once; the server has a thread for each
    /// connection.
    pub connections: usize,
    /// How long it may take until a connection is there, with all that belongs to it.
    pub connect_timeout: Duration,
    /// After a failed attempt, the next one; doubled each further time up to `backoff_most`.
    pub backoff: Duration,
    /// See `backoff`.
    pub backoff_most: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2,
            connect_timeout: Duration::from_secs(5),
            backoff: Duration::from_millis(50),
            backoff_most: Duration::from_secs(2),
        }
    }
}

/// A client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dial: Box<dyn Dial>,
    options: Options,
    limits: Limits,
    queries: Vec<Mutex<Lane>>,
    /// Feeds have a line of their own: what floods one does not hold up the other.
    feeds: Mutex<Lane>,
    /// Whose turn it is.
    next: AtomicUsize,
    /// How many connections were made again.
    reconnects: AtomicUsize,
}

/// A connection, or the story of trying to get it.
#[derive(Debug, Default)]
struct Lane {
    connection: Option<Connection>,
    /// There was one before.
    was_connected: bool,
    /// The last attempts, all failed.
    failures: u32,
    /// What the last one said, and when the next one may be.
    failed: Option<(String, Instant)>,
}

impl Client {
    /// A client; nothing is connected yet.
    pub fn new(dial: impl Dial + 'static, options: Options, limits: Limits) -> Self {
        let queries = (0..limits.connections.max(1)).map(|_| Mutex::default()).collect();
        let (dial, feeds, next) = (Box::new(dial), Mutex::default(), AtomicUsize::new(0));
        let reconnects = AtomicUsize::new(0);
        Self(Arc::new(Inner { dial, options, limits, queries, feeds, next, reconnects }))
    }

    /// The database whose tables are meant.
    pub fn database(&self) -> &str {
        &self.0.options.database
    }

    /// How long an answer may take.
    pub fn query_timeout(&self) -> Duration {
        self.0.options.query_timeout
    }

    /// How many connections were made again after they were lost.
    pub fn reconnects(&self) -> usize {
        self.0.reconnects.load(Ordering::Relaxed)
    }

    /// A connection for queries.
    ///
    /// # Errors
    /// [`Error`]; nothing was sent.
    pub async fn connection(&self) -> Result<Connection, Error> {
        let lanes = &self.0.queries;
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed) % lanes.len();
        self.0.connection_in(&lanes[turn]).await
    }

    /// Opens a feed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn feed(&self, term: &Term) -> Result<Cursor, Error> {
        self.0.connection_in(&self.0.feeds).await?.feed(term).await
    }

    /// Has a term evaluated to one value, once: it may be a write.
    ///
    /// # Errors
    /// [`Error`]; its kinds say whether a write may have been done.
    pub async fn value(&self, term: &Term) -> Result<Json, Error> {
        self.connection().await?.value(term).await
    }

    /// Has a term that changes nothing evaluated to one value.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read_value(&self, term: &Term) -> Result<Json, Error> {
        let mut attempt = 1;
        loop {
            match self.value(term).await {
                Err(error) if error.is_lost() && attempt < READ_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// Has a term that changes nothing evaluated to a stream: see [`Connection::values`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read_values<T>(
        &self,
        term: &Term,
        read: impl Fn(Json) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut attempt = 1;
        loop {
            let values = match self.connection().await {
                Ok(connection) => connection.values(term, &read).await,
                Err(error) => Err(error),
            };
            match values {
                Err(error) if error.is_lost() && attempt < READ_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }
}

impl Inner {
    async fn connection_in(&self, lane: &Mutex<Lane>) -> Result<Connection, Error> {
        // Whoever comes while a connection is being made waits for it here.
        let mut lane = lane.lock().await;
        if let Some(connection) = lane.connection.as_ref().filter(|one| !one.is_closed()) {
            return Ok(connection.clone());
        }
        lane.connection = None;
        if let Some((reason, until)) = &lane.failed
            && Instant::now() < *until
        {
            return Err(Error::NotSent(reason.clone()));
        }
        let outcome = timeout(self.limits.connect_timeout, self.connect()).await;
        let outcome =
            outcome.unwrap_or_else(|_| Err(Error::Connect(std::io::ErrorKind::TimedOut.into())));
        match outcome {
            Ok(connection) => {
                if lane.was_connected {
                    self.reconnects.fetch_add(1, Ordering::Relaxed);
                }
                let there = Some(connection.clone());
                *lane = Lane { connection: there, was_connected: true, ..Lane::default() };
                Ok(connection)
            }
            Err(error) => {
                let factor = 2_u32.saturating_pow(lane.failures);
                lane.failures = lane.failures.saturating_add(1);
                let wait = self.limits.backoff.saturating_mul(factor);
                let until = Instant::now() + wait.min(self.limits.backoff_most);
                lane.failed = Some((error.whole(), until));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let stream = self.dial.dial().await.map_err(Error::Connect)?;
        Connection::open(stream, self.options.clone()).await
    }
}
