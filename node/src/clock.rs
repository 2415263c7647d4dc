//! The one place that reads the machine's clocks; all else is told what time it is.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bigchaindb_core::stages::Now;

/// What time it is, by the machine.
pub fn now() -> Now {
    Now { monotonic: monotonic(), unix_ms: unix_us() / 1000 }
}

/// Microseconds since 1970, by the machine.
#[expect(clippy::disallowed_methods, reason = "the shell is where time comes from")]
pub fn unix_us() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(unix.as_micros()).unwrap_or(u64::MAX)
}

/// The time since the first call in this process.
#[expect(clippy::disallowed_methods, reason = "the shell is where time comes from")]
pub fn monotonic() -> Duration {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    STARTED.get_or_init(Instant::now).elapsed()
}

/// The same, in microseconds.
pub fn monotonic_us() -> u64 {
    u64::try_from(monotonic().as_micros()).unwrap_or(u64::MAX)
}

/// Where a node's time and chance come from.
pub trait Source: Send + Sync + Debug {
    /// What time it is.
    fn now(&self) -> Now;

    /// Fills `bytes` with chance, never the same twice.
    fn chance(&self, bytes: &mut [u8]);
}

/// The machine's own clocks and chance.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl Source for Machine {
    fn now(&self) -> Now {
        now()
    }

    fn chance(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bytes");
    }
}

impl dyn Source + '_ {
    /// Chance as an array.
    pub fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance(&mut bytes);
        bytes
    }
}
