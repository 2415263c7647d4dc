//! When requests are due: rates that stay or change over time, and what becomes of them as moments.
//!
//! A [`Profile`] is a row of stretches, in each of which the rate stays or changes evenly. Arrivals are
//! made of it by counting: how many are expected up to a moment grows with the rate, and the next one comes
//! when that has grown by a gap, which is 1 where arrivals are even, and drawn by whoever asks where they are
//! not. All is integer arithmetic, so that equal draws give equal moments on every machine. Not here: closed
//! loops ([`crate::saturate`]), which know no moments.

/// The unit of gaps and of what is expected: so many make one arrival.
pub const ONE: u64 = 1_000_000_000;

/// How often requests come, over time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile(Vec<Stretch>);

/// A time in which the rate stays, or changes evenly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// How long it lasts, in microseconds.
    pub length_us: u64,
    /// The rate at its beginning, in millionths of a request a second.
    pub from: u64,
    /// The rate at its end.
    pub to: u64,
}

/// No rate is higher: a request a microsecond.
pub const RATE_MAX: u64 = 1_000_000 * 1_000_000;

impl Stretch {
    /// How much is expected in its first so many nanoseconds, in parts of [`ONE`].
    fn expected(self, ns: u64) -> u64 {
        let length_ns = i128::from(self.length_us).max(1) * 1_000;
        let ns = i128::from(ns).min(length_ns);
        let (from, to) = (i128::from(self.from), i128::from(self.to));
        // The rate in the middle of the time so far is the mean one.
        let mean = from + (to - from) * ns / (2 * length_ns);
        u64::try_from(mean * ns / 1_000_000).unwrap_or(u64::MAX)
    }

    /// The first nanosecond by which so much is expected, if it is in this stretch.
    fn when(self, wanted: u64) -> Option<u64> {
        let length_ns = self.length_us.saturating_mul(1_000);
        // Where there is no rate nothing comes, not even what was due at the very end of the time before.
        if self.expected(length_ns) < wanted || (self.from, self.to) == (0, 0) {
            return None;
        }
        let (mut low, mut high) = (0, length_ns);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.expected(middle) < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(low)
    }
}

impl Profile {
    /// These stretches, one after the other.
    pub fn new(stretches: Vec<Stretch>) -> Self {
        Self(stretches)
    }

    /// One rate, for so many microseconds.
    pub fn steady(rate: u64, length_us: u64) -> Self {
        Self(vec![Stretch { length_us, from: rate, to: rate }])
    }

    /// The stretches.
    pub fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// How long all of it lasts, in microseconds.
    pub fn length_us(&self) -> u64 {
        self.0.iter().map(|stretch| stretch.length_us).sum()
    }

    /// How many arrivals are expected in all.
    pub fn expected(&self) -> u64 {
        let whole = self.0.iter().map(|one| one.expected(one.length_us.saturating_mul(1_000)));
        whole.fold(0, u64::saturating_add) / ONE
    }

    /// The moments of the arrivals, in nanoseconds from the beginning. `gap` tells how much has to be expected
    /// between an arrival and the one before, by its number, in parts of [`ONE`]; for the first, since the
    /// beginning.
    pub fn moments<G: FnMut(u64) -> u64>(&self, gap: G) -> Moments<'_, G> {
        Moments { stretches: &self.0, began_ns: 0, wanted: 0, number: 0, gap }
    }
}

/// The gaps of arrivals that are as even as they can be: the first comes at once.
pub fn even(number: u64) -> u64 {
    if number == 0 { 0 } else { ONE }
}

/// Arrivals, in order of time.
#[derive(Clone, Debug)]
pub struct Moments<'a, G> {
    /// What is left.
    stretches: &'a [Stretch],
    /// When the first of these began.
    began_ns: u64,
    /// What has to be expected in it until the next arrival.
    wanted: u64,
    number: u64,
    gap: G,
}

impl<G: FnMut(u64) -> u64> Iterator for Moments<'_, G> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        // More than can be told is never expected: nothing comes after that.
        self.wanted = self.wanted.checked_add((self.gap)(self.number))?;
        self.number += 1;
        loop {
            let (stretch, rest) = self.stretches.split_first()?;
            let length_ns = stretch.length_us.saturating_mul(1_000);
            match stretch.when(self.wanted) {
                // The end of one is the beginning of the next.
                Some(ns) if ns < length_ns => return Some(self.began_ns + ns),
                _ => {
                    self.wanted = self.wanted.saturating_sub(stretch.expected(length_ns));
                    self.began_ns = self.began_ns.saturating_add(length_ns);
                    self.stretches = rest;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(length_s: u64, from: u64, to: u64) -> Stretch {
        Stretch { length_us: length_s * 1_000_000, from: from * 1_000_000, to: to * 1_000_000 }
    }

    fn ms(profile: &Profile) -> Vec<u64> {
        profile.moments(even).map(|ns| ns / 1_000_000).collect()
    }

    #[test]
    fn a_steady_rate_is_even() {
        let profile = Profile::new(vec![stretch(1, 4, 4)]);
        assert_eq!((ms(&profile), profile.expected()), (vec![0, 250, 500, 750], 4));
        assert_eq!(ms(&Profile::default()), [0; 0]);
        assert_eq!(ms(&Profile::new(vec![stretch(3, 0, 0)])), [0; 0], "nothing comes");
    }

    #[test]
    fn a_ramp_has_as_many_as_its_mean_and_they_come_ever_faster() {
        let profile = Profile::new(vec![stretch(10, 0, 100)]);
        let moments = ms(&profile);
        assert_eq!((moments.len(), profile.expected()), (500, 500));
        let gaps: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{gaps:?}");
        // Half of a ramp from nothing holds a quarter of it.
        assert_eq!(moments.iter().filter(|ms| **ms < 5_000).count(), 125);
        let down = Profile::new(vec![stretch(10, 100, 0)]);
        assert!(ms(&down).iter().filter(|ms| **ms < 5_000).count().abs_diff(375) <= 1);
    }

    #[test]
    fn steps_follow_one_another_without_a_gap() {
        let profile = Profile::new(vec![stretch(2, 1, 1), stretch(1, 0, 0), stretch(1, 4, 4)]);
        assert_eq!(ms(&profile), [0, 1_000, 3_000, 3_250, 3_500, 3_750]);
        assert_eq!((profile.expected(), profile.length_us()), (6, 4_000_000));
    }

    #[test]
    fn gaps_are_stretched_by_the_rate() {
        let profile = Profile::new(vec![stretch(1, 2, 2), stretch(1, 4, 4)]);
        let moments: Vec<_> = profile.moments(|_| ONE / 2).collect();
        let expected = [250, 500, 750, 1_000, 1_125, 1_250, 1_375, 1_500, 1_625, 1_750, 1_875];
        assert_eq!(moments.iter().map(|ns| ns / 1_000_000).collect::<Vec<_>>(), expected);
        // What nobody would ever reach does not overflow.
        let fast = Profile::new(vec![Stretch { length_us: u64::MAX, from: RATE_MAX, to: 0 }]);
        assert!(fast.expected() > 0);
        assert_eq!(fast.moments(|_| u64::MAX).count(), 1);
    }
}
