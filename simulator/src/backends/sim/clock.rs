//! A node's clock, which may be wrong. Only what it shows is: time itself passes for all alike.

use bigchaindb::control::Wrong;

use crate::plan::EPOCH_UNIX_MS;

/// A node's clock: what is wrong with it, and since when.
#[derive(Default)]
pub(super) struct Clock(pub(super) Option<(Wrong, u64)>);

impl Clock {
    /// What it shows at a moment of the run: Unix time in microseconds.
    pub(super) fn unix_us(&self, now_us: u64) -> u64 {
        let right_us = EPOCH_UNIX_MS * 1000 + now_us;
        match self.0 {
            None => right_us,
            Some((wrong, since_us)) => wrong.shows(right_us, now_us - since_us),
        }
    }

    /// Whether it shows at this moment what it should.
    pub(super) fn is_right(&self, now_us: u64) -> bool {
        self.unix_us(now_us) == EPOCH_UNIX_MS * 1000 + now_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_until_it_goes_wrong() {
        let (now_us, start) = (7_000_000, EPOCH_UNIX_MS * 1000);
        assert!(Clock(None).is_right(now_us));
        let clock = Clock(Some((Wrong::Drifts { ppm: 500_000 }, 5_000_000)));
        assert_eq!(clock.unix_us(now_us), start + 8_000_000);
        assert!(clock.is_right(5_000_000) && !clock.is_right(now_us));
    }
}
