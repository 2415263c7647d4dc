//! A connection: many queries at once over one line, each answered when it is done.
//!
//! Here: from a stream of bytes to answers. Two tasks own the line, one for each direction; a token
//! tells whose answer came. Queries wait for a free slot, so what is under way is bounded; each has
//! its time-out. Who gives up on a query, or drops a cursor, stops it on the server too. A query's
//! answer is a [`Cursor`]; the line itself is in `line`. Not here: where streams come from
//! (`transport`), making new connections (`client`).
//!
//! Source: RethinkDB manual, "Writing RethinkDB drivers".

mod cursor;
mod line;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::wire::frame::{self, QUERY_BYTES_MAX};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::{Error, Term};
use cursor::Reply;

pub use cursor::Cursor;

/// The texts of the queries that evaluate nothing.
const CONTINUE: &str = "[2]";
const STOP: &str = "[3]";
const SERVER_INFO: &str = "[5]";

/// Who connects, to what, and what bounds there are.
#[derive(Clone, Debug)]
pub struct Options {
    /// As whom.
    pub user: String,
    /// See [`Password`].
    pub password: Password,
    /// The database whose tables are meant.
    pub database: String,
    /// How long an answer, or the next batch of one, may take.
    pub query_timeout: Duration,
    /// Queries under way at once; one more waits. The server runs up to 1024 of a connection.
    pub in_flight: usize,
    /// A line on which nothing came for so long is asked whether it lives.
    pub keepalive: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user: "admin".to_owned(),
            password: Password::default(),
            database: "bigchain".to_owned(),
            query_timeout: crate::shell::QUERY_TIMEOUT,
            in_flight: 128,
            keepalive: Duration::from_secs(10),
        }
    }
}

/// A password. It is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A connection. Clones share it; it closes when the last one is dropped, and then whatever was
/// under way on it has failed.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    options: Options,
    slots: Arc<Semaphore>,
    /// Bounded by the slots: a query has one, and at most one word to stop it follows.
    frames: mpsc::UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
}

/// What the tasks and the askers share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    next_token: AtomicU64,
    /// How often something came in.
    received: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Why the connection ended, if it has.
    ended: Option<String>,
    /// Who waits, by token, in the order of asking: each request has exactly one response.
    waiting: BTreeMap<u64, VecDeque<Waiting>>,
    tasks: Vec<AbortHandle>,
}

/// One who waits for a response.
struct Waiting {
    /// Nobody, if it is only the word that something has stopped.
    reply: Option<oneshot::Sender<Vec<u8>>>,
    /// Free again once the response is here.
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Opens a connection over a stream.
    ///
    /// # Errors
    /// If the server does not let us in, or the stream ends. There is no time-out here: whoever
    /// made the stream has one for both.
    pub async fn open<S>(mut stream: S, options: Options) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let rest = line::shake_hands(&mut stream, &options).await?;
        let (reader, writer) = tokio::io::split(stream);
        let (frames, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let slots = Arc::new(Semaphore::new(options.in_flight));
        let keepalive = options.keepalive;
        let inner = Arc::new(Inner { options, slots, frames, shared: shared.clone() });
        let reader =
            BufReader::with_capacity(line::READ_BYTES, io::Cursor::new(rest).chain(reader));
        shared.spawn(line::read(shared.clone(), reader));
        shared.spawn(line::write(shared.clone(), queue, writer));
        shared.spawn(line::keep_alive(Arc::downgrade(&inner), keepalive));
        Ok(Self(inner))
    }

    /// Whether it is of no use any more.
    pub fn is_closed(&self) -> bool {
        self.0.shared.state().ended.is_some()
    }

    /// The database whose tables are meant.
    pub fn database(&self) -> &str {
        &self.0.options.database
    }

    /// Has a term evaluated, to a value or to a stream of them.
    ///
    /// # Errors
    /// [`Error`]; its kinds say whether a write may have been done.
    pub async fn start(&self, term: &Term) -> Result<Cursor, Error> {
        self.start_text(&term.query(self.database()), false).await
    }

    /// Opens a feed: once it is there, every later change will be told.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn feed(&self, term: &Term) -> Result<Cursor, Error> {
        self.start_text(&term.query(self.database()), true).await
    }

    /// Has a term evaluated to one value.
    ///
    /// # Errors
    /// As [`start`](Self::start); also if there is a stream instead.
    pub async fn value(&self, term: &Term) -> Result<Json, Error> {
        let mut cursor = self.start(term).await?;
        let batch = if cursor.is_atom() { cursor.next().await? } else { None };
        let value = batch.and_then(|batch| batch.values().next());
        value.ok_or_else(|| Error::unexpected("one value"))
    }

    /// Has a term evaluated to a stream; what `read` makes of its values. Those of which it makes
    /// nothing, and those that cannot be held, are left out.
    ///
    /// # Errors
    /// As [`start`](Self::start); also if there is one value instead.
    pub async fn values<T>(
        &self,
        term: &Term,
        read: impl Fn(Json) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut cursor = self.start(term).await?;
        if cursor.is_atom() {
            return Err(Error::unexpected("a stream"));
        }
        let mut values = Vec::new();
        while let Some(batch) = cursor.next().await? {
            values.extend(batch.values().filter_map(&read));
        }
        Ok(values)
    }

    /// Asks whether anybody is there.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn ping(&self) -> Result<(), Error> {
        self.start_text(SERVER_INFO, false).await.map(drop)
    }

    async fn start_text(&self, text: &str, feed: bool) -> Result<Cursor, Error> {
        let deadline = Instant::now() + self.0.options.query_timeout;
        let slot = timeout_at(deadline, self.0.slots.clone().acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return Err(Error::NotSent("too many queries are under way".to_owned()));
        };
        let token = self.0.shared.next_token.fetch_add(1, Ordering::Relaxed);
        let reply = self.send(token, text, Some(slot))?;
        Cursor::of(self, token, reply, deadline, feed).await
    }

    /// Hands a request over to the line.
    fn send(
        &self,
        token: u64,
        text: &str,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Result<Reply, Error> {
        if text.len() > QUERY_BYTES_MAX as usize {
            let reason = format!("it has {} bytes, of at most {QUERY_BYTES_MAX}", text.len());
            return Err(Error::NotSent(reason));
        }
        let frame = frame::encode(token, text.as_bytes()).expect("its length was looked at");
        let (reply, answer) = oneshot::channel();
        let asked_at = self.0.shared.received.load(Ordering::Relaxed);
        let mut state = self.0.shared.state();
        if let Some(reason) = &state.ended {
            return Err(Error::NotSent(reason.clone()));
        }
        // Both under one lock, so that requests of one token are answered in their order.
        self.0.frames.send(frame).map_err(|_| Error::NotSent(GONE.to_owned()))?;
        let reply = (text != STOP).then_some(reply);
        state.waiting.entry(token).or_default().push_back(Waiting { reply, _slot: slot });
        Ok(Reply { answer, asked_at })
    }
}

/// What is said of a connection that ended without a reason.
const GONE: &str = "the connection is gone";

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.end("it was closed");
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding a connection's lock")
    }

    /// Runs a task until the connection ends.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task).abort_handle();
        let mut state = self.state();
        if state.ended.is_some() { task.abort() } else { state.tasks.push(task) }
    }

    /// Ends the connection: whoever waits hears that it was lost.
    fn end(&self, reason: &str) {
        let mut state = self.state();
        if state.ended.is_none() {
            state.ended = Some(reason.to_owned());
            state.waiting.clear();
            state.tasks.drain(..).for_each(|task| task.abort());
        }
    }

    /// Why the connection ended.
    fn reason(&self) -> String {
        self.state().ended.clone().unwrap_or_else(|| GONE.to_owned())
    }
}
