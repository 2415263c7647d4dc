//! A connection: many queries at once over one line, each answered when it is done.
//!
//! Here: from a stream of bytes to answers. Two tasks own the line, one for each direction; a token
//! tells whose answer came. Queries wait for a free slot, so what is under way is bounded; each has
//! its time-out. Who gives up on a query, or drops a cursor, stops it on the server too. Not here:
//! where streams come from (`transport`), making new connections (`client`).
//!
//! Source: RethinkDB manual, "Writing RethinkDB drivers".

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::wire::frame::{self, Header, QUERY_BYTES_MAX};
use bigchaindb_rethinkdb::wire::handshake::client::{ClientHandshake, ClientStep};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::response::{self, Batch, Response};
use super::{Error, Term};

/// Frames that are written together, so that small ones share a packet.
const FRAMES_AT_ONCE: usize = 64;

/// How much is read from the line at once.
const READ_BYTES: usize = 64 * 1024;

/// The largest response that is taken. The server sends about a megabyte at a time, or one row.
const RESPONSE_BYTES_MAX: u32 = 256 * 1024 * 1024;

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
    /// How many responses came in.
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
        let rest = shake_hands(&mut stream, &options).await?;
        let (reader, writer) = tokio::io::split(stream);
        let (frames, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let slots = Arc::new(Semaphore::new(options.in_flight));
        let keepalive = options.keepalive;
        let inner = Arc::new(Inner { options, slots, frames, shared: shared.clone() });
        let reader = BufReader::with_capacity(READ_BYTES, io::Cursor::new(rest).chain(reader));
        shared.spawn(read(shared.clone(), reader));
        shared.spawn(write(shared.clone(), queue, writer));
        shared.spawn(keep_alive(Arc::downgrade(&inner), keepalive));
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
        let batch = if cursor.atom { cursor.next().await? } else { None };
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
        if cursor.atom {
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
        let mut cursor = Cursor {
            connection: self.clone(),
            token,
            reply: Some(reply),
            batch: None,
            atom: false,
            ended: false,
            patient: false,
        };
        cursor.receive(deadline).await?;
        cursor.patient = feed;
        Ok(cursor)
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

/// A response that will come.
struct Reply {
    answer: oneshot::Receiver<Vec<u8>>,
    /// How many responses had come in when it was asked for.
    asked_at: u64,
}

/// A query's values, as they come. Dropping it stops the query.
pub struct Cursor {
    connection: Connection,
    token: u64,
    /// The response under way.
    reply: Option<Reply>,
    /// Values that nobody took yet.
    batch: Option<Batch>,
    /// There is one value, no stream.
    atom: bool,
    /// The server has nothing more under this token.
    ended: bool,
    /// The next batch may take as long as it likes.
    patient: bool,
}

impl Cursor {
    /// The next values, perhaps none; `None` once that was all.
    ///
    /// # Errors
    /// As [`Connection::start`].
    pub async fn next(&mut self) -> Result<Option<Batch>, Error> {
        if let Some(batch) = self.batch.take() {
            self.read_ahead();
            return Ok(Some(batch));
        }
        if self.ended {
            return Ok(None);
        }
        let deadline = Instant::now() + self.connection.0.options.query_timeout;
        if self.reply.is_none() {
            let slots = self.connection.0.slots.clone();
            let Ok(Ok(slot)) = timeout_at(deadline, slots.acquire_owned()).await else {
                return Err(Error::NotSent("too many queries are under way".to_owned()));
            };
            self.reply = Some(self.connection.send(self.token, CONTINUE, Some(slot))?);
        }
        self.receive(deadline).await?;
        self.read_ahead();
        Ok(self.batch.take())
    }

    /// Takes in the response under way.
    async fn receive(&mut self, deadline: Instant) -> Result<(), Error> {
        let shared = &self.connection.0.shared;
        let reply = self.reply.as_mut().expect("a response is under way");
        let answer = if self.patient {
            (&mut reply.answer).await
        } else {
            match timeout_at(deadline, &mut reply.answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    let limit = self.connection.0.options.query_timeout;
                    // Nothing at all came since then: the line is dead, and everybody had better
                    // know.
                    if shared.received.load(Ordering::Relaxed) == reply.asked_at {
                        shared.end("the server fell silent");
                    }
                    return Err(Error::TimedOut { ms: limit.as_millis() });
                }
            }
        };
        self.reply = None;
        let text = answer.map_err(|_| {
            self.ended = true;
            Error::Lost(shared.reason())
        })?;
        // Unless the response says that there is more, it is the token's last.
        self.ended = true;
        self.batch = match response::read(text)? {
            Response::Atom(batch) => {
                self.atom = true;
                Some(batch)
            }
            Response::Values { batch, more } => {
                self.ended = !more;
                Some(batch)
            }
            Response::Done => None,
        };
        Ok(())
    }

    /// Asks for the next batch while the last one is being looked at, if there is a slot for it.
    fn read_ahead(&mut self) {
        if self.ended || self.reply.is_some() {
            return;
        }
        if let Ok(slot) = self.connection.0.slots.clone().try_acquire_owned() {
            // If the connection is gone, the next one who asks will be told.
            self.reply = self.connection.send(self.token, CONTINUE, Some(slot)).ok();
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        if !self.ended {
            // If the connection is gone, nothing is left to stop.
            let _ = self.connection.send(self.token, STOP, None);
        }
    }
}

/// Lets the server know who we are, and makes sure that it is who it should be; what it sent
/// beyond that.
async fn shake_hands<S>(stream: &mut S, options: &Options) -> Result<Vec<u8>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Password(password) = &options.password;
    let (mut handshake, mut send) = ClientHandshake::new(&options.user, password, crate::entropy());
    let mut bytes = [0; 1024];
    loop {
        stream.write_all(&send).await.map_err(Error::Connect)?;
        stream.flush().await.map_err(Error::Connect)?;
        let length = stream.read(&mut bytes).await.map_err(Error::Connect)?;
        if length == 0 {
            return Err(Error::Connect(io::ErrorKind::UnexpectedEof.into()));
        }
        (handshake, send) = match handshake.receive(&bytes[..length])? {
            ClientStep::More(handshake, send) => (handshake, send),
            ClientStep::Done(connected) => return Ok(connected.rest),
        };
    }
}

/// Hands every response to who waits for it, until there are no more.
async fn read<R: AsyncRead + Unpin>(shared: Arc<Shared>, mut line: R) {
    let reason = loop {
        let (token, text) = match read_frame(&mut line).await {
            Ok(frame) => frame,
            Err(error) => break error.to_string(),
        };
        shared.received.fetch_add(1, Ordering::Relaxed);
        let mut state = shared.state();
        // A token that nobody knows is somebody's who is gone; it does no harm.
        let Some(queue) = state.waiting.get_mut(&token) else { continue };
        let waiting = queue.pop_front();
        if queue.is_empty() {
            state.waiting.remove(&token);
        }
        drop(state);
        if let Some(reply) = waiting.and_then(|waiting| waiting.reply) {
            // Whoever asked may have given up.
            let _ = reply.send(text);
        }
    };
    shared.end(&reason);
}

async fn read_frame<R: AsyncRead + Unpin>(line: &mut R) -> io::Result<(u64, Vec<u8>)> {
    let mut header = [0; Header::BYTES];
    line.read_exact(&mut header).await?;
    let Header { token, length } = Header::decode(header);
    if length > RESPONSE_BYTES_MAX {
        let text = format!("a response of {length} bytes, of at most {RESPONSE_BYTES_MAX}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    // Memory follows what really comes.
    let mut text = Vec::new();
    line.take(u64::from(length)).read_to_end(&mut text).await?;
    if text.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((token, text))
}

/// Writes frames until nobody can send any.
async fn write<W: AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    mut line: W,
) {
    let mut frames = Vec::new();
    while queue.recv_many(&mut frames, FRAMES_AT_ONCE).await > 0 {
        let bytes = frames.concat();
        frames.clear();
        let written = async {
            line.write_all(&bytes).await?;
            line.flush().await
        };
        if let Err(error) = written.await {
            return shared.end(&error.to_string());
        }
    }
}

/// Asks a quiet line whether it lives, again and again. If it does not, the question's time-out
/// ends the connection.
async fn keep_alive(connection: Weak<Inner>, interval: Duration) {
    let mut seen = 0;
    loop {
        tokio::time::sleep(interval).await;
        let Some(inner) = connection.upgrade() else { return };
        let received = inner.shared.received.load(Ordering::Relaxed);
        if std::mem::replace(&mut seen, received) == received {
            let limit = inner.options.query_timeout;
            // Its own outcome says nothing that its side effect does not.
            let _ = timeout(limit * 2, Connection(inner).ping()).await;
        }
    }
}
