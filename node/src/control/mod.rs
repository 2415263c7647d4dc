//! A hold on a running node, for whoever tests it: its clock goes wrong, it dies at a point of its work.
//!
//! There is one only if a node is started with `--control SOCKET`: it connects there, does what it is told
//! before it lives (so that a clock is wrong from its first moment), and goes on doing so. An order is a line of
//! JSON, `[number, order]`, and so is what is said to it, `[number, reply]`. Whoever holds the other end of the
//! socket has the node in hand; nothing else can come by it. Here: orders ([`Order`]), and what they do
//! ([`Control`]). The points of a node's work are in `point`, clocks in `clock`. Not here: where a node comes to
//! a point (`shell`).

mod clock;
mod point;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bigchaindb_core::stages::{Levels, Now};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::clock::{Machine, Source, monotonic, now};
use crate::shell::Inbox;

pub use self::clock::Wrong;
pub use point::{NoSuchPoint, Point, Side, Step};

/// An answer that was given to a client has left the process by then.
const LEAVES_WITHIN: Duration = Duration::from_millis(20);

/// What a node is told to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Live: until then it waits.
    Begin,
    /// Its clock is wrong.
    Clock {
        /// In which way.
        wrong: Wrong,
        /// Since so long ago, in microseconds.
        passed_us: u64,
    },
    /// Its clock is right.
    Right,
    /// It says what time it is.
    Time,
    /// It dies there.
    Die {
        /// At this point,
        at: Point,
        /// the so-many-th time that it comes there.
        nth: u32,
    },
    /// It does not die there.
    Stay,
    /// It says how full it is.
    Levels,
    /// It takes so much more memory, and keeps it.
    Grow {
        /// Bytes.
        bytes: usize,
    },
}

/// What it says to that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// The time, by its clock.
    Time {
        /// Microseconds since 1970.
        unix_us: u64,
    },
    /// How full it is, in the order of [`Levels`], and how much it has asked of its store in this life.
    Levels {
        /// All but the age of the oldest.
        levels: [usize; 8],
        /// That age.
        oldest_us: Option<u64>,
        /// Questions.
        questions: u64,
    },
    /// It does not live yet.
    NotYet,
}

impl Reply {
    fn of_levels(levels: Levels, questions: u64) -> Self {
        let Levels { undecided, backlog, mine, oldest, api, block, vote, election, stale } = levels;
        let us = |oldest: Duration| u64::try_from(oldest.as_micros()).unwrap_or(u64::MAX);
        let levels = [undecided, backlog, mine, api, block, vote, election, stale];
        Self::Levels { levels, oldest_us: oldest.map(us), questions }
    }

    /// How full a node said it is, and how much it has asked, if that is what it said.
    pub fn levels(self) -> Option<(Levels, u64)> {
        let Self::Levels { levels, oldest_us, questions } = self else { return None };
        let [undecided, backlog, mine, api, block, vote, election, stale] = levels;
        let oldest = oldest_us.map(Duration::from_micros);
        let levels = Levels { undecided, backlog, mine, oldest, api, block, vote, election, stale };
        Some((levels, questions))
    }
}

/// The hold that somebody has on a node; by default nobody. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Control(Option<Arc<Hold>>);

#[derive(Debug, Default)]
struct Hold {
    armed: Mutex<Option<Armed>>,
    /// What is wrong with the clock, and since when.
    clock: Mutex<Option<(Wrong, Duration)>>,
    questions: AtomicU64,
    /// Memory that is there for nothing.
    grown: Mutex<Vec<Vec<u8>>>,
}

/// A point at which the node dies, and how often it still comes there unharmed, and once more.
#[derive(Clone, Copy, Debug)]
struct Armed {
    at: Point,
    left: u32,
}

/// The node's end of the socket.
#[derive(Debug)]
pub struct Line {
    control: Control,
    orders: Lines<BufReader<OwnedReadHalf>>,
    replies: OwnedWriteHalf,
}

impl Control {
    /// Gives whoever listens at this socket a hold on a node that is about to live, and waits until it may.
    ///
    /// # Errors
    /// If nobody is there, or whoever was is gone before the node may live.
    pub async fn taken(socket: &Path) -> io::Result<(Self, Line)> {
        let (reads, replies) = UnixStream::connect(socket).await?.into_split();
        let control = Self(Some(Arc::default()));
        let orders = BufReader::new(reads).lines();
        let mut line = Line { control: control.clone(), orders, replies };
        loop {
            match line.obey(None).await? {
                Some(Order::Begin) => return Ok((control, line)),
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Where a node's time comes from: the machine, by a clock that may be wrong.
    pub fn source(&self) -> Arc<dyn Source> {
        match &self.0 {
            Some(hold) => Arc::new(Misled(hold.clone())),
            None => Arc::new(Machine),
        }
    }

    /// The node asks something of its store.
    pub(crate) fn asks(&self) {
        if let Some(hold) = &self.0 {
            hold.questions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The node comes to a point of its work. It may die there.
    pub(crate) fn comes_to(&self, side: Side, step: Option<Step>) {
        let (Some(hold), Some(step)) = (&self.0, step) else { return };
        let point = Point { side, step };
        if !hold.is_last(point) {
            return;
        }
        if point == (Point { side: Side::After, step: Step::Respond }) {
            // The answer is with whoever sends it.
            thread::spawn(move || {
                thread::sleep(LEAVES_WITHIN);
                die(point)
            });
            return;
        }
        die(point)
    }
}

/// These are a node's last words: whoever told it to die knows it by them.
fn die(point: Point) -> ! {
    log::error!(target: "bigchaindb", "dies {point}, as it was told");
    std::process::abort()
}

impl Hold {
    /// Whether the node dies at this point, now.
    fn is_last(&self, point: Point) -> bool {
        let mut armed = self.armed.lock().expect("nobody panics here");
        let Some(Armed { at, left }) = &mut *armed else { return false };
        if *at != point {
            return false;
        }
        *left = left.saturating_sub(1);
        let is_last = *left == 0;
        if is_last {
            *armed = None;
        }
        is_last
    }

    fn unix_us(&self, right_us: u64) -> u64 {
        match *self.clock.lock().expect("nobody panics here") {
            None => right_us,
            Some((wrong, since)) => {
                wrong.shows(right_us, micros(monotonic().saturating_sub(since)))
            }
        }
    }

    fn set_clock(&self, wrong: Option<(Wrong, Duration)>) {
        *self.clock.lock().expect("nobody panics here") = wrong;
    }

    /// Takes memory, page by page: whoever bounds it may end the process meanwhile.
    fn grow(&self, bytes: usize) {
        // Zeros would be memory that nobody has written yet.
        let taken = vec![1; bytes];
        self.grown.lock().expect("nobody panics here").push(taken);
    }

    fn arm(&self, armed: Option<Armed>) {
        *self.armed.lock().expect("nobody panics here") = armed;
    }
}

impl Line {
    /// Does what it is told until nobody tells anything any more. Through the inbox a node can be looked
    /// into, if there is one.
    pub async fn follow(mut self, inbox: Option<Inbox>) {
        while let Ok(Some(_)) = self.obey(inbox.as_ref()).await {}
    }

    /// Does one thing; which it was, or none if no more will come.
    async fn obey(&mut self, inbox: Option<&Inbox>) -> io::Result<Option<Order>> {
        let Some(line) = self.orders.next_line().await? else { return Ok(None) };
        let (number, order): (u64, Order) = serde_json::from_str(&line)?;
        let reply = self.control.done(order, inbox).await;
        let mut line = serde_json::to_string(&(number, reply))?;
        line.push('\n');
        self.replies.write_all(line.as_bytes()).await?;
        Ok(Some(order))
    }
}

impl Control {
    async fn done(&self, order: Order, inbox: Option<&Inbox>) -> Reply {
        let Some(hold) = &self.0 else { return Reply::NotYet };
        match order {
            Order::Begin => {}
            Order::Clock { wrong, passed_us } => {
                let since = monotonic().saturating_sub(Duration::from_micros(passed_us));
                hold.set_clock(Some((wrong, since)));
            }
            Order::Right => hold.set_clock(None),
            Order::Time => {
                return Reply::Time { unix_us: hold.unix_us(crate::clock::unix_us()) };
            }
            Order::Die { at, nth } => hold.arm(Some(Armed { at, left: nth })),
            Order::Stay => hold.arm(None),
            Order::Grow { bytes } => {
                let hold = hold.clone();
                // Beside, so that it is said first.
                thread::spawn(move || hold.grow(bytes));
            }
            Order::Levels => {
                let Some(inbox) = inbox else { return Reply::NotYet };
                let Some(levels) = inbox.levels().await else { return Reply::NotYet };
                return Reply::of_levels(levels, hold.questions.load(Ordering::Relaxed));
            }
        }
        Reply::Done
    }
}

/// The machine's time and chance, by a clock that may be wrong.
#[derive(Debug)]
struct Misled(Arc<Hold>);

impl Source for Misled {
    fn now(&self) -> Now {
        let right = now();
        let unix_us = self.0.unix_us(right.unix_ms.saturating_mul(1000));
        Now { unix_ms: unix_us / 1000, ..right }
    }

    fn chance(&self, bytes: &mut [u8]) {
        Machine.chance(bytes);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> (Control, Arc<Hold>) {
        let hold = Arc::new(Hold::default());
        (Control(Some(hold.clone())), hold)
    }

    #[tokio::test]
    async fn a_clock_is_as_wrong_as_it_was_told_and_right_again() {
        let (control, _) = held();
        let off_ms = || {
            let (shown, right) = (control.source().now().unix_ms, now().unix_ms);
            i64::try_from(shown).unwrap() - i64::try_from(right).unwrap()
        };
        assert!(off_ms().abs() < 1_000);
        let wrong = Wrong::Off { us: -3_600_000_000 };
        assert_eq!(control.done(Order::Clock { wrong, passed_us: 0 }, None).await, Reply::Done);
        assert!((off_ms() + 3_600_000).abs() < 1_000);
        // One that has drifted for a while is as far off as that.
        let wrong = Wrong::Drifts { ppm: 500_000 };
        control.done(Order::Clock { wrong, passed_us: 0 }, None).await;
        assert!(off_ms().abs() < 1_000);
        control.done(Order::Right, None).await;
        assert!(off_ms().abs() < 1_000);
        assert_eq!(control.done(Order::Levels, None).await, Reply::NotYet);
    }

    #[test]
    fn a_point_is_the_last_one_the_time_that_was_told() {
        let (_, hold) = held();
        let (at, other) = ("before insert-vote".parse().unwrap(), "after claim".parse().unwrap());
        assert!(!hold.is_last(at));
        hold.arm(Some(Armed { at, left: 2 }));
        assert!(!hold.is_last(at) && !hold.is_last(other));
        assert!(hold.is_last(at));
        assert!(!hold.is_last(at), "once");
    }

    #[tokio::test]
    async fn memory_that_was_taken_is_kept() {
        let (control, hold) = held();
        assert_eq!(control.done(Order::Grow { bytes: 3 << 20 }, None).await, Reply::Done);
        let taken = || hold.grown.lock().unwrap().iter().map(Vec::len).sum::<usize>();
        while taken() != 3 << 20 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn what_is_said_comes_back_as_it_was() {
        let levels = Levels { mine: 3, oldest: Some(Duration::from_secs(2)), ..Levels::default() };
        let reply = Reply::of_levels(levels, 7);
        let text = serde_json::to_string(&(1, reply)).unwrap();
        let (_, read): (u64, Reply) = serde_json::from_str(&text).unwrap();
        assert_eq!(read.levels(), Some((levels, 7)));
        let order = Order::Die { at: "after claim".parse().unwrap(), nth: 2 };
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(text, r#"{"die":{"at":"after claim","nth":2}}"#);
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }
}
