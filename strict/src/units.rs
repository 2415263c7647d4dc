//! Numbers with units, as files spell them. All exact: `0.25ms` is 250 µs, not nearly.

/// Shares are counted in parts of this.
pub const MILLION: u32 = 1_000_000;

/// How often per time: `count` millionths of an event every `per_us`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    count: u64,
    per_us: u64,
}

impl Rate {
    /// The mean time between two events, in nanoseconds.
    pub fn gap_ns(self) -> u64 {
        self.nth_ns(1)
    }

    /// How many in a second, in millionths, rounded down.
    pub fn per_second_millionths(self) -> u64 {
        let second = u128::from(self.count) * 1_000_000 / u128::from(self.per_us);
        u64::try_from(second).unwrap_or(u64::MAX)
    }

    /// When the n-th event happens if all gaps are equal, in nanoseconds.
    pub fn nth_ns(self, n: u64) -> u64 {
        let time = u128::from(n) * u128::from(self.per_us) * 1_000_000_000 / u128::from(self.count);
        u64::try_from(time).unwrap_or(u64::MAX)
    }
}

const DURATIONS: [(&str, u64); 6] = [
    ("us", 1),
    ("ms", 1_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

/// `2s`, `0.25ms`: microseconds. At most a year; no finer than a microsecond.
pub fn duration(text: &str) -> Option<u64> {
    const YEAR_US: u64 = 365 * 24 * 3_600_000_000;
    let (number, unit) = split(text, &DURATIONS)?;
    let scaled = u128::from(millionths(number)?) * u128::from(unit);
    let us = u64::try_from(scaled / 1_000_000).ok()?;
    (scaled % 1_000_000 == 0 && us <= YEAR_US).then_some(us)
}

/// `50/s`, `0.75/s`, `3/min`.
pub fn rate(text: &str) -> Option<Rate> {
    const PER: [(&str, u64); 3] = [("/min", 60_000_000), ("/s", 1_000_000), ("/h", 3_600_000_000)];
    let (number, per_us) = split(text, &PER)?;
    let count = millionths(number)?;
    // A million a second leaves a microsecond between two.
    let gap = Rate { count, per_us };
    (count > 0 && gap.gap_ns() >= 1_000).then_some(gap)
}

/// `765B`, `2kB`.
pub fn bytes(text: &str) -> Option<u32> {
    let (number, unit) = split(text, &[("kB", 1_000), ("MB", 1_000_000), ("B", 1)])?;
    let scaled = u128::from(millionths(number)?) * u128::from(unit);
    (scaled % 1_000_000 == 0).then(|| u32::try_from(scaled / 1_000_000).ok())?
}

fn split<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(&'a str, u64)> {
    let suffix = |(name, unit): &(&str, u64)| Some((text.strip_suffix(name)?.trim_end(), *unit));
    // The first that leaves a number: `ms` stands before `s`.
    units.iter().filter_map(suffix).find(|(number, _)| millionths(number).is_some())
}

/// A decimal number, not negative, with at most six digits behind the point, times a million.
pub fn millionths(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let pointless = number.contains('.') && part.is_empty();
    if whole.is_empty() || part.len() > 6 || pointless || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, us) in [
            ("8s", Some(8_000_000)),
            ("0.25ms", Some(250)),
            ("1.5h", Some(5_400_000_000)),
            ("2 min", Some(120_000_000)),
            ("0us", Some(0)),
            ("1us", Some(1)),
            ("0.5us", None),
            ("8", None),
            ("s", None),
            ("-1s", None),
            ("8 sec", None),
            ("1.s", None),
            (".5s", None),
            ("1e3s", None),
            ("99999999999999999999s", None),
            ("9000h", None),
            ("365d", Some(31_536_000_000_000)),
            ("366d", None),
        ] {
            assert_eq!(duration(text), us, "{text}");
        }
    }

    #[test]
    fn rates() {
        for (text, gap_ns) in [
            ("50/s", Some(20_000_000)),
            ("0.75/s", Some(1_333_333_333)),
            ("3/min", Some(20_000_000_000)),
            ("1000000/s", Some(1_000)),
            ("1000001/s", None),
            ("0/s", None),
            ("50", None),
        ] {
            assert_eq!(rate(text).map(Rate::gap_ns), gap_ns, "{text}");
        }
        assert_eq!(rate("3/s").map(|rate| rate.nth_ns(3)), Some(1_000_000_000));
        for (text, millionths) in
            [("0.75/s", 750_000), ("3/min", 50_000), ("1000000/s", 1_000_000_000_000)]
        {
            assert_eq!(rate(text).map(Rate::per_second_millionths), Some(millionths), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, size) in [
            ("765B", Some(765)),
            ("1.5kB", Some(1_500)),
            ("2MB", Some(2_000_000)),
            ("1.5B", None),
            ("5", None),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }
}
