//! A node's clock, which may be wrong. Only what it shows is: time itself passes for all alike.

use crate::plan::EPOCH_UNIX_MS;

/// What is wrong with a clock.
#[derive(Clone, Copy)]
pub(super) enum Wrong {
    /// It is off by this, in microseconds.
    Off(i64),
    /// It gains so many microseconds a second, since then.
    Drifts { ppm: i64, since_us: u64 },
    /// It jumped by this, and has been coming back to what is right since then, until then.
    ComesBack { off_us: i64, since_us: u64, until_us: u64 },
    /// It moves in whole steps of this many microseconds.
    Steps(u64),
}

/// A node's clock.
#[derive(Default)]
pub(super) struct Clock(pub(super) Option<Wrong>);

impl Clock {
    /// What it shows at a moment of the run: Unix time in microseconds.
    pub(super) fn unix_us(&self, now_us: u64) -> u64 {
        let right_us = EPOCH_UNIX_MS * 1000 + now_us;
        let off_us = match self.0 {
            None => 0,
            Some(Wrong::Off(off_us)) => off_us,
            Some(Wrong::Drifts { ppm, since_us }) => scaled(ppm, now_us - since_us, 1_000_000),
            Some(Wrong::ComesBack { off_us, since_us, until_us }) => {
                scaled(off_us, until_us.saturating_sub(now_us), (until_us - since_us).max(1))
            }
            Some(Wrong::Steps(step_us)) => return right_us - right_us % step_us.max(1),
        };
        right_us.saturating_add_signed(off_us)
    }

    /// Whether it shows at this moment what it should.
    pub(super) fn is_right(&self, now_us: u64) -> bool {
        self.unix_us(now_us) == EPOCH_UNIX_MS * 1000 + now_us
    }
}

/// A part of a number.
fn scaled(number: i64, part: u64, whole: u64) -> i64 {
    let scaled = i128::from(number) * i128::from(part) / i128::from(whole);
    i64::try_from(scaled).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = EPOCH_UNIX_MS * 1000;
    const S: u64 = 1_000_000;

    #[test]
    fn clocks_show_what_is_wrong_with_them() {
        for (wrong, now_us, shown_us) in [
            (None, 7 * S, START + 7 * S),
            (Some(Wrong::Off(2_000_000)), 7 * S, START + 9 * S),
            (Some(Wrong::Off(-8_000_000)), 7 * S, START - S),
            (Some(Wrong::Drifts { ppm: 500_000, since_us: 5 * S }), 7 * S, START + 8 * S),
            (Some(Wrong::Drifts { ppm: -1_000, since_us: 5 * S }), 7 * S, START + 7 * S - 2_000),
            (Some(Wrong::Steps(2 * S)), 7 * S, START + 6 * S),
        ] {
            let clock = Clock(wrong);
            assert_eq!(clock.unix_us(now_us), shown_us);
            assert_eq!(clock.is_right(now_us), wrong.is_none());
        }
    }

    #[test]
    fn a_clock_that_jumped_back_runs_faster_until_it_is_right() {
        let wrong = Wrong::ComesBack { off_us: -4_000_000, since_us: 10 * S, until_us: 14 * S };
        let clock = Clock(Some(wrong));
        let shown = [10, 11, 12, 13, 14, 15].map(|now| clock.unix_us(now * S) - START);
        assert_eq!(shown, [6, 8, 10, 12, 14, 15].map(|second| second * S));
    }
}
