//! The one place that reads the machine's clocks; all else is told what time it is.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bigchaindb_core::stages::Now;

/// What time it is, for every node of this process.
///
/// `monotonic` counts from the first call in this process.
#[expect(clippy::disallowed_methods, reason = "the shell is where time comes from")]
pub fn now() -> Now {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    let started = *STARTED.get_or_init(Instant::now);
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let unix_ms = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
    Now { monotonic: started.elapsed(), unix_ms }
}

/// The monotonic time of [`now`], in microseconds.
pub fn monotonic_us() -> u64 {
    u64::try_from(now().monotonic.as_micros()).unwrap_or(u64::MAX)
}
