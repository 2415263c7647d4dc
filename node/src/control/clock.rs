//! What a clock shows that is wrong.

use serde::{Deserialize, Serialize};

/// What is wrong with a clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It is off by this, in microseconds.
    Off {
        /// Ahead, or behind.
        us: i64,
    },
    /// It gains so many microseconds a second, from when it began.
    Drifts {
        /// Or loses them.
        ppm: i64,
    },
    /// It jumped by this, and comes back to what is right within that.
    ComesBack {
        /// Ahead, or behind.
        us: i64,
        /// Evenly, from when it jumped.
        within_us: u64,
    },
    /// It moves in whole steps of this many microseconds.
    Steps {
        /// Since 1970.
        us: u64,
    },
}

impl Wrong {
    /// What it shows when it should show this, so long after it began to go wrong; all in microseconds.
    pub fn shows(self, right_us: u64, passed_us: u64) -> u64 {
        let off_us = match self {
            Self::Off { us } => us,
            Self::Drifts { ppm } => scaled(ppm, passed_us, 1_000_000),
            Self::ComesBack { us, within_us } => {
                scaled(us, within_us.saturating_sub(passed_us), within_us.max(1))
            }
            Self::Steps { us } => return right_us - right_us % us.max(1),
        };
        right_us.saturating_add_signed(off_us)
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

    const S: u64 = 1_000_000;

    #[test]
    fn clocks_show_what_is_wrong_with_them() {
        for (wrong, passed_us, shown_us) in [
            (Wrong::Off { us: 2_000_000 }, 7 * S, 102 * S),
            (Wrong::Off { us: -8_000_000 }, 7 * S, 92 * S),
            (Wrong::Drifts { ppm: 500_000 }, 2 * S, 101 * S),
            (Wrong::Drifts { ppm: -1_000 }, 2 * S, 100 * S - 2_000),
            (Wrong::Steps { us: 30 * S }, 7 * S, 90 * S),
        ] {
            assert_eq!(wrong.shows(100 * S, passed_us), shown_us, "{wrong:?}");
        }
    }

    #[test]
    fn a_clock_that_jumped_back_runs_faster_until_it_is_right() {
        let wrong = Wrong::ComesBack { us: -4_000_000, within_us: 4 * S };
        let shown = [0, 1, 2, 3, 4, 5].map(|passed| wrong.shows((10 + passed) * S, passed * S));
        assert_eq!(shown, [6, 8, 10, 12, 14, 15].map(|second| second * S));
    }
}
