//! Metrics: what a node counts and times, and how StatsD hears of it.
//!
//! Here: [`Metrics`], the handle that everything holds: counting adds to an atomic, a timing goes into
//! a bounded queue, and nothing waits. The names are in [`table`], their labels in [`labels`], the
//! lines in [`lines`], the thread that sends them in [`statsd`], what is known of the process in
//! `process`. Not here: what a node's steps mean in metrics (`shell::meter`).
//!
//! Source: BigchainDB 0.6 docs, "Monitoring"; the original's one metric, `write_transaction`.

pub mod labels;
pub mod lines;
mod process;
pub mod statsd;
pub mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

pub use lines::{Lines, Names};
pub use table::{Counter, Gauge, Timer, Timing};

/// Timings that may wait to be sent; more within a second are dropped, and counted as such.
const TIMINGS_MAX: usize = 1 << 16;

/// No gauge stands here yet.
const UNSET: u64 = u64::MAX;

/// Where metrics go: nowhere, unless somebody takes them out at the other end ([`Lines`]). Clones lead
/// to the same place.
///
/// ```
/// # use bigchaindb::metrics::{Counter, Metrics};
/// Metrics::default().count(Counter::TxWritten, 1);
/// ```
///
/// What is not in the table cannot be sent:
///
/// ```compile_fail
/// # use bigchaindb::metrics::{Counter, Metrics};
/// Metrics::default().count("tx.written", 1);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Metrics(Option<Arc<Shared>>);

/// One in so many timings of what happens often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate(u32);

/// What a handle and the other end share.
#[derive(Debug)]
struct Shared {
    counters: [AtomicU64; Counter::ALL.len()],
    gauges: [AtomicU64; Gauge::ALL.len()],
    timings: SyncSender<Timed>,
    rate: Rate,
    /// How many timings there were to draw for.
    draws: AtomicU64,
}

/// A timing on its way.
#[derive(Clone, Copy, Debug)]
struct Timed {
    what: Timing,
    ms: f64,
}

impl Metrics {
    /// A handle, and the other end.
    pub fn new(names: Names, rate: Rate) -> (Self, Lines) {
        let (timings, taken) = sync_channel(TIMINGS_MAX);
        let shared = Arc::new(Shared {
            counters: [const { AtomicU64::new(0) }; _],
            gauges: [const { AtomicU64::new(UNSET) }; _],
            timings,
            rate,
            draws: AtomicU64::new(0),
        });
        (Self(Some(shared.clone())), Lines::new(shared, taken, names))
    }

    /// Whether anybody takes them.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Counts so many more.
    pub fn count(&self, counter: Counter, more: usize) {
        if let Some(shared) = &self.0 {
            shared.count(counter, more as u64);
        }
    }

    /// Sets a level.
    pub fn set(&self, gauge: Gauge, level: usize) {
        if let Some(shared) = &self.0 {
            shared.set(gauge, level as u64);
        }
    }

    /// Tells how long something took.
    pub fn time(&self, what: impl Into<Timing>, took: Duration) {
        if let Some(shared) = &self.0 {
            shared.time(what.into(), took);
        }
    }
}

impl Shared {
    fn count(&self, counter: Counter, more: u64) {
        self.counters[counter as usize].fetch_add(more, Ordering::Relaxed);
    }

    fn set(&self, gauge: Gauge, level: u64) {
        self.gauges[gauge as usize].store(level.min(UNSET - 1), Ordering::Relaxed);
    }

    fn time(&self, what: Timing, took: Duration) {
        if what.metric().sampled && !self.is_drawn() {
            return;
        }
        let timed = Timed { what, ms: took.as_nanos() as f64 / 1e6 };
        if self.timings.try_send(timed).is_err() {
            self.count(Counter::StatsdDropped, 1);
        }
    }

    /// One draw in as many as the rate says, in no order that load could fall in step with.
    fn is_drawn(&self) -> bool {
        let Rate(one_in) = self.rate;
        one_in == 1
            || mix(self.draws.fetch_add(1, Ordering::Relaxed)).is_multiple_of(u64::from(one_in))
    }

    /// Takes what was counted since the last time.
    fn take(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].swap(0, Ordering::Relaxed)
    }

    /// Where a gauge stands, if anybody has said.
    fn level(&self, gauge: Gauge) -> Option<u64> {
        let level = self.gauges[gauge as usize].load(Ordering::Relaxed);
        (level != UNSET).then_some(level)
    }
}

/// A number scattered over all of them, for draws that nothing falls in step with. Source: `splitmix64`, Steele,
/// Lea and Flood, 2014.
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Rate {
    /// Every one.
    pub const ALL: Self = Self(1);

    /// The nearest rate that is one in a whole number, and whether it is another: servers multiply a
    /// sampled timing by the whole part of `1/rate`. None if it is no rate at all.
    pub fn nearest(rate: f64) -> Option<(Self, bool)> {
        if !(rate > 0.0 && rate <= 1.0) {
            return None;
        }
        let one_in = (1.0 / rate).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let nearest = Self(one_in as u32);
        Some((nearest, (one_in * rate - 1.0).abs() > 1e-6))
    }

    /// One in how many.
    pub fn one_in(self) -> u32 {
        self.0
    }
}

/// As StatsD writes it: `0.01`.
impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", 1.0 / f64::from(self.0))
    }
}
