//! A connection: the handshake, then frames in, one after another, until either side has enough.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::frames::Frames;
use super::options::REQUESTS_MAX;
use super::outgoing::{Outgoing, Slot, Writer, outgoing};
use super::query::Running;
use super::tokens::{Tokens, Unusable};
use super::{Shared, entropy, now_s, uuid};
use crate::jobs::{Interrupt, Interruption, Job};
use crate::reql::{self, Env, ErrorKind, Request};
use crate::wire::Response;
use crate::wire::frame::{self, Header, QUERY_BYTES_MAX};
use crate::wire::handshake::Version;
use crate::wire::handshake::server::{Accepted, ServerHandshake, ServerStep};
use crate::wire::scram::{NONCE_BYTES, SALT_BYTES};

/// Queries up to this length are read where they arrive; it takes a thread of its own to read longer
/// ones without holding up other connections.
const READ_AT_ONCE_BYTES: usize = 64 * 1024;

/// A query that is too large is read out before it is refused, so that its client comes to read the
/// answer; unless it is as large as this, or takes longer than that.
///
/// Source: observed on RethinkDB 2.4.4, but for the time, which is five minutes there.
const READ_OUT_BYTES_MAX: u32 = 1024 * 1024 * 1024;
const READ_OUT_MAX: Duration = Duration::from_secs(60);

/// How much of a query the table `jobs` shows.
const JOB_QUERY_BYTES: usize = 1024;

/// What the queries of a connection share.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) version: Version,
    pub(super) outgoing: Outgoing,
    pub(super) tokens: Tokens,
    /// One permit for each request that is being answered.
    pub(super) slots: Arc<Semaphore>,
    /// One permit for each thread that may compute an answer for this connection.
    pub(super) turns: Arc<Semaphore>,
    /// When the queries arrived that run and want no answer, as numbers that grow.
    noreply: Arc<watch::Sender<BTreeSet<u64>>>,
    peer: SocketAddr,
    user: String,
}

/// A query that runs and wants no answer, until it is dropped.
pub(super) struct NoreplyQuery {
    running: Arc<watch::Sender<BTreeSet<u64>>>,
    arrival: u64,
}

/// Serves a client until it leaves, is turned away, or the server shuts down.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<bool>,
) {
    let (mut read, mut write) = tokio::io::split(stream);
    let let_in = tokio::select! {
        let_in = tokio::time::timeout(
            shared.limits.handshake,
            handshake(&mut read, &mut write, &shared),
        ) => let_in,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    let Ok(Ok(Some(accepted))) = let_in else { return };
    let (outgoing, writer) = outgoing(shared.limits.unsent_bytes);
    let slots = if accepted.version == Version::V0_3 { 1 } else { REQUESTS_MAX };
    let connection = Arc::new(Connection {
        version: accepted.version,
        outgoing,
        tokens: Tokens::default(),
        slots: Arc::new(Semaphore::new(slots)),
        turns: Arc::new(Semaphore::new(shared.limits.threads_of_connection)),
        noreply: Arc::default(),
        peer,
        user: accepted.user,
        shared,
    });
    let frames = Frames::new(read, accepted.rest);
    talk(connection, frames, writer, write, closing).await;
}

/// Lets a client in; none if it was turned away.
async fn handshake(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> io::Result<Option<Accepted>> {
    let (mut nonce, mut salt) = ([0; NONCE_BYTES], [0; SALT_BYTES]);
    entropy(&mut nonce);
    entropy(&mut salt);
    let mut handshake = ServerHandshake::new(shared.accounts.clone(), nonce, salt);
    let mut bytes = [0; 2048];
    loop {
        let arrived = read.read(&mut bytes).await?;
        if arrived == 0 {
            return Ok(None);
        }
        match handshake.receive(&bytes[..arrived]) {
            ServerStep::More(next, send) => {
                write.write_all(&send).await?;
                write.flush().await?;
                handshake = next;
            }
            ServerStep::Accepted(send, accepted) => {
                write.write_all(&send).await?;
                write.flush().await?;
                return Ok(Some(accepted));
            }
            ServerStep::Refused(send, _) => {
                write.write_all(&send).await?;
                write.shutdown().await?;
                // A socket that is closed with bytes unread takes back what it has sent.
                tokio::io::copy(read, &mut tokio::io::sink()).await?;
                return Ok(None);
            }
        }
    }
}

/// How long a server that shuts down reads on from a client that has heard all.
const LINGER: Duration = Duration::from_millis(100);

/// Why frames are read no more.
enum End {
    /// The client is gone.
    Left,
    /// The client sent what nobody should; it is to hear all that was answered.
    TurnedAway,
    /// The server shuts down.
    ShuttingDown,
}

/// Answers queries until there is an end to it.
async fn talk<R: AsyncRead + Unpin + Send>(
    connection: Arc<Connection>,
    mut frames: Frames<R>,
    writer: Writer,
    write: impl AsyncWrite + Unpin,
    mut closing: watch::Receiver<bool>,
) {
    let flush = connection.shared.limits.flush;
    let mut queries = JoinSet::new();
    let mut written = std::pin::pin!(writer.run(write));
    let end = tokio::select! {
        end = read_frames(&connection, &mut frames, &mut queries) => end.unwrap_or(End::Left),
        _gone = &mut written => {
            connection.tokens.interrupt_all(Interruption::Left);
            return;
        }
        _ = closing.wait_for(|closing| *closing) => End::ShuttingDown,
    };
    // A client that idles does not know that it is to leave.
    let linger = if matches!(end, End::ShuttingDown) { LINGER } else { flush };
    connection.tokens.interrupt_all(match end {
        End::Left => Interruption::Left,
        End::TurnedAway | End::ShuttingDown => Interruption::ShuttingDown,
    });
    drop(connection);
    let last_words = async {
        // The writer ends when the last query has, and with it the last way to the client.
        let ended = async { while queries.join_next().await.is_some() {} };
        let (_, written) = tokio::join!(ended, written);
        if written.is_ok() {
            // A socket that is closed with bytes unread takes back what it has sent.
            let _gone = tokio::time::timeout(linger, frames.skip(u64::MAX)).await;
        }
    };
    // Whoever has not read all by then does not get it; queries that are left are ended.
    let _late = tokio::time::timeout(flush, last_words).await;
}

/// Reads frames until the client misbehaves.
///
/// # Errors
/// If the client is gone.
async fn read_frames<R: AsyncRead + Unpin>(
    connection: &Arc<Connection>,
    frames: &mut Frames<R>,
    queries: &mut JoinSet<()>,
) -> io::Result<End> {
    for arrival in 0.. {
        while queries.try_join_next().is_some() {}
        let Header { token, length } = frames.header().await?;
        if length > QUERY_BYTES_MAX {
            if length < READ_OUT_BYTES_MAX {
                let read_out = tokio::time::timeout(READ_OUT_MAX, frames.skip(length.into()));
                read_out.await.unwrap_or(Ok(()))?;
            }
            let slot = slot(connection, frames).await?;
            connection.refuse(token, ErrorKind::Client, frame::query_too_large(length), slot);
            break;
        }
        let text = frames.text(length).await?;
        let slot = slot(connection, frames).await?;
        let (request, text) = if text.len() <= READ_AT_ONCE_BYTES {
            (reql::parse(&text), text)
        } else {
            let parsed = tokio::task::spawn_blocking(move || (reql::parse(&text), text));
            parsed.await.map_err(io::Error::other)?
        };
        connection.handle(arrival, token, &text, request, slot, queries);
    }
    Ok(End::TurnedAway)
}

/// Waits until one more request may be answered.
///
/// # Errors
/// If the client leaves meanwhile.
async fn slot<R: AsyncRead + Unpin>(
    connection: &Connection,
    frames: &mut Frames<R>,
) -> io::Result<Slot> {
    tokio::select! {
        biased;
        slot = connection.slots.clone().acquire_owned() => slot.map_err(io::Error::other),
        () = frames.left() => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Connection {
    /// Does what a request asks for, or has it done by a task of its own.
    fn handle(
        self: &Arc<Self>,
        arrival: u64,
        token: u64,
        text: &[u8],
        request: Result<Request, reql::ReqlError>,
        slot: Slot,
        queries: &mut JoinSet<()>,
    ) {
        match request {
            Err(error) => self.answer(token, &Response::error(&error), slot),
            Ok(Request::Start(query)) => self.start(arrival, token, text, query, slot, queries),
            Ok(Request::Continue) => {
                if let Err(slot) = self.tokens.proceed(token, slot) {
                    self.refuse(token, ErrorKind::Client, frame::token_not_in_cache(token), slot);
                }
            }
            Ok(Request::Stop) => {
                if let Err(slot) = self.tokens.stop(token, slot) {
                    self.refuse(token, ErrorKind::Client, frame::token_not_in_cache(token), slot);
                }
            }
            Ok(Request::NoreplyWait) if self.tokens.contains(token) => {
                self.refuse(token, ErrorKind::Client, frame::duplicate_token(token), slot);
            }
            Ok(Request::NoreplyWait) => {
                let connection = self.clone();
                queries.spawn(async move {
                    connection.noreply_before(arrival).await;
                    connection.answer(token, &Response::waited(), slot);
                });
            }
            Ok(Request::ServerInfo) => {
                self.answer(token, &Response::server_info(&self.shared.identity), slot);
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        arrival: u64,
        token: u64,
        text: &[u8],
        query: reql::Query,
        slot: Slot,
        queries: &mut JoinSet<()>,
    ) {
        let wake = Arc::new(Notify::new());
        let call: Arc<dyn Fn() + Send + Sync> = {
            let wake = wake.clone();
            Arc::new(move || wake.notify_one())
        };
        let within = Arc::new(Mutex::new(None));
        let wake_within: Arc<dyn Fn(Duration) + Send + Sync> = {
            let within = within.clone();
            Arc::new(move |time| {
                *within.lock().expect("nobody panics while holding it") = Some(time)
            })
        };
        let interrupt = Arc::new(Interrupt::new(call.clone()));
        let max = self.shared.limits.queries_of_connection;
        let requests = match self.tokens.start(token, interrupt.clone(), max) {
            Ok(requests) => requests,
            Err(_) if query.noreply() => return,
            Err(Unusable::Duplicate) => {
                let words = frame::duplicate_token(token);
                return self.refuse(token, ErrorKind::Client, words, slot);
            }
            Err(Unusable::TooMany) => {
                let words = format!("Too many queries of one connection (limit {max}).");
                return self.refuse(token, ErrorKind::ResourceLimit, words, slot);
            }
        };
        let env = Env {
            database: self.shared.database.clone(),
            wake: call,
            wake_within,
            interrupted: interrupt.flag(),
            clock: Arc::new(now_s),
            entropy: Arc::new(entropy),
            server: self.shared.identity.clone(),
            jobs: self.shared.jobs.clone(),
            scratch: self.shared.scratch.clone(),
            member: self.shared.member.clone(),
        };
        let place = self.shared.jobs.enter(Job {
            id: uuid(),
            query: String::from_utf8_lossy(&text[..text.len().min(JOB_QUERY_BYTES)]).into_owned(),
            client: self.peer,
            user: self.user.clone(),
            started_s: now_s(),
            interrupt: interrupt.clone(),
        });
        let noreply = query.noreply().then(|| {
            self.noreply.send_modify(|running| {
                running.insert(arrival);
            });
            NoreplyQuery { running: self.noreply.clone(), arrival }
        });
        let connection = self.clone();
        let profile = query.profile();
        let running = Running {
            connection,
            token,
            env,
            interrupt,
            wake,
            within,
            requests,
            noreply,
            profile,
            place,
        };
        let is_short = self.is_short(&query);
        let mut run = Box::pin(running.run(query, slot));
        // Most short ones are answered at once; a client that reads no answers has to wait.
        let mut nobody = Context::from_waker(Waker::noop());
        if !is_short || run.as_mut().poll(&mut nobody).is_pending() {
            queries.spawn(run);
        }
    }

    /// Waits until all queries without answer are done that arrived before.
    async fn noreply_before(&self, arrival: u64) {
        let mut running = self.noreply.subscribe();
        let none = |running: &BTreeSet<u64>| running.first().is_none_or(|first| *first > arrival);
        running.wait_for(none).await.expect("this holds a sender");
    }

    /// Whether a query is answered where it arrives. In a cluster every row may be waited for.
    pub(super) fn is_short(&self, query: &reql::Query) -> bool {
        self.shared.member.is_none() && query.is_short()
    }

    fn refuse(&self, token: u64, kind: ErrorKind, words: String, slot: Slot) {
        self.answer(token, &Response::failure(kind, words), slot);
    }

    fn answer(&self, token: u64, response: &Response, slot: Slot) {
        self.outgoing.send(response.frame(token), slot);
    }
}

impl Drop for NoreplyQuery {
    fn drop(&mut self) {
        self.running.send_modify(|running| {
            running.remove(&self.arrival);
        });
    }
}
