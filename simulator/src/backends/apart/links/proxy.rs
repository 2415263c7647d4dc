//! A connection through a link: two sockets, and what passes between them in each direction.
//!
//! What one end sends reaches the other when its way says so, in the order in which it was sent; only what
//! feeds tell may be late on its own. When one end closes, the other is closed behind what is still under way;
//! when one breaks, the other is reset. A connection that cannot be made is reset as well. Not here: how late
//! something is (`way`), who connects to whom (`links`).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::pieces::{Cutter, Piece, Speech, opens};
use super::way::{Asked, Fate, Way};

/// So many bytes may be under way in one direction of a connection; whoever sends more waits.
const UNDER_WAY_MAX: u32 = 1 << 23;

/// Messages that wait to be looked at by whoever sends them on.
const QUEUE: usize = 64;

/// So many bytes are read at once.
const AT_ONCE: usize = 1 << 16;

/// What a connection passes.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// From whoever asked for the connection, and back to it.
    pub(super) there: Arc<Way>,
    pub(super) back: Arc<Way>,
    /// Whether it is ReQL that is spoken.
    pub(super) is_reql: bool,
    /// Whether it is the harness that speaks, to see how the link is.
    pub(super) is_probe: bool,
    pub(super) alarm: Alarm,
}

impl Passage {
    /// Lets everything pass between two sockets until they are closed.
    pub(super) async fn connect(&self, mut one: TcpStream, mut other: TcpStream) {
        // What is small and awaited must not wait for more to be sent with it.
        let _ = (one.set_nodelay(true), other.set_nodelay(true));
        let ((one_reads, one_writes), (other_reads, other_writes)) = (one.split(), other.split());
        let asked = Asked::default();
        let (questions, answers) = match self.is_reql {
            true => (Speech::Questions, Speech::Answers),
            false => (Speech::Plain, Speech::Plain),
        };
        let there = self.pass(&self.there, questions, &asked, one_reads, other_writes);
        let back = self.pass(&self.back, answers, &asked, other_reads, one_writes);
        if tokio::try_join!(there, back).is_err() {
            reset(one);
            reset(other);
        }
    }

    async fn pass(
        &self,
        way: &Way,
        speech: Speech,
        asked: &Asked,
        from: ReadHalf<'_>,
        to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let (parcels, arriving) = mpsc::channel(QUEUE);
        let sent = self.send(way, speech, asked, from, parcels);
        let ((), ()) = tokio::try_join!(sent, deliver(&self.alarm, arriving, to))?;
        Ok(())
    }

    /// Reads one end, and says of each message when it arrives.
    async fn send(
        &self,
        way: &Way,
        speech: Speech,
        asked: &Asked,
        mut from: ReadHalf<'_>,
        parcels: mpsc::Sender<Parcel>,
    ) -> io::Result<()> {
        let mut cutter = Cutter::new(speech);
        let mut lanes = Lanes::default();
        let room = Arc::new(Semaphore::new(UNDER_WAY_MAX as usize));
        loop {
            let space = cutter.space();
            space.reserve(AT_ONCE);
            let has_ended = from.read_buf(space).await? == 0;
            while let Some(piece) =
                cutter.next().or_else(|| if has_ended { cutter.rest() } else { None })
            {
                let taken = u32::try_from(piece.bytes.len()).unwrap_or(u32::MAX).min(UNDER_WAY_MAX);
                let taken =
                    room.clone().acquire_many_owned(taken).await.map_err(io::Error::other)?;
                let now = Instant::now();
                let token = piece.token;
                let (fate, lane) = self.fate(way, speech, asked, piece, now);
                let (at, bytes, breaks) = match fate {
                    Fate::Lost => continue,
                    Fate::Arrives(at, bytes) => (at, bytes, false),
                    Fate::Breaks(at, bytes) => (at, bytes, true),
                };
                let at = lanes.after_others(token.filter(|_| lane), at);
                let parcel = Parcel { at, bytes, breaks, _room: taken };
                if parcels.send(parcel).await.is_err() {
                    return Ok(());
                }
            }
            if has_ended {
                return Ok(());
            }
        }
    }

    /// What becomes of a message; whether it may be late on its own.
    fn fate(
        &self,
        way: &Way,
        speech: Speech,
        asked: &Asked,
        piece: Piece,
        now: Instant,
    ) -> (Fate, bool) {
        if self.is_probe {
            return (Fate::Arrives(way.probe_arrives(piece.bytes.len()), piece.bytes), false);
        }
        match (speech, piece.token) {
            (Speech::Questions, Some(token)) => {
                asked.asks(token, opens(&piece.bytes), now);
                let unknown = Piece { token: None, ..piece };
                (way.fate(unknown, asked, now), false)
            }
            (Speech::Answers, Some(token)) => {
                let is_feed = asked.is_feed(token);
                (way.fate(piece, asked, now), is_feed)
            }
            _ => (way.fate(piece, asked, now), false),
        }
    }
}

/// Closes a socket without a farewell: what was not read is lost, and the other end hears of it.
pub(super) fn reset(socket: TcpStream) {
    // Where it cannot be had the socket is just closed.
    let _ = socket.set_zero_linger();
}

/// A message on its way.
struct Parcel {
    at: Instant,
    bytes: Vec<u8>,
    /// Behind it the connection breaks.
    breaks: bool,
    _room: OwnedSemaphorePermit,
}

/// When the last message of each arrives that has to come in order: feeds each by itself, all else
/// together.
#[derive(Default)]
struct Lanes(BTreeMap<Option<u64>, Instant>);

impl Lanes {
    /// When a message arrives, behind those before it.
    fn after_others(&mut self, lane: Option<u64>, at: Instant) -> Instant {
        let last = self.0.entry(lane).or_insert(at);
        *last = (*last).max(at);
        *last
    }
}

/// Writes messages to the other end at their times, then closes it.
async fn deliver(
    alarm: &Alarm,
    mut arriving: mpsc::Receiver<Parcel>,
    mut to: WriteHalf<'_>,
) -> io::Result<()> {
    let (mut waiting, mut count, mut is_open) =
        (BTreeMap::<(Instant, u64), Parcel>::new(), 0, true);
    while is_open || !waiting.is_empty() {
        let next = waiting.first_key_value().map(|((at, _), _)| *at);
        tokio::select! {
            biased;
            parcel = arriving.recv(), if is_open => match parcel {
                Some(parcel) => {
                    waiting.insert((parcel.at, count), parcel);
                    count += 1;
                }
                None => is_open = false,
            },
            () = alarm.at(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                let Some((_, parcel)) = waiting.pop_first() else { continue };
                to.write_all(&parcel.bytes).await?;
                if parcel.breaks {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
            }
        }
    }
    to.shutdown().await
}
