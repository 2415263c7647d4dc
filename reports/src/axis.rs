//! Axes: from a quantity to a place along a line, and the few places that get a label.
//!
//! Here: linear time and amounts, logarithmic latency, and the stretched tail of a distribution.
//! Not here: drawing them (`chart`).

use crate::words;

/// One axis: how values are placed on it, from where to where, and its labelled ticks.
pub(crate) struct Axis {
    scale: Scale,
    /// The first place on the axis.
    pub(crate) from: f64,
    /// The last place on the axis, always more than `from`.
    pub(crate) to: f64,
    /// Values with their labels, ascending.
    pub(crate) ticks: Vec<(f64, String)>,
}

enum Scale {
    Linear,
    Logarithmic,
    Tail,
}

/// Longer names are cut, so that the axis leaves room for the chart.
const LETTERS_MAX: usize = 12;

/// The share of transactions, in 1/1 000 000, that the tail's axis can still tell apart from all.
const TAIL_END: f64 = 1e-6;

impl Axis {
    /// Microseconds since the run began, from zero, labelled in whole seconds or minutes.
    pub(crate) fn time(end_us: u64, ticks: u32) -> Self {
        const STEPS_S: [u64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];
        let end_s = end_us.div_ceil(1_000_000).max(1);
        let fits = |step: &&u64| end_s / **step <= u64::from(ticks);
        let step = STEPS_S.iter().find(fits).copied().unwrap_or(end_s / u64::from(ticks).max(1));
        let label = |second: u64| match second {
            0 => "0".to_owned(),
            _ if step.is_multiple_of(60) => format!("{} min", second / 60),
            _ => format!("{second} s"),
        };
        let places = (0..=end_s / step).map(|tick| tick * step);
        Self {
            scale: Scale::Linear,
            from: 0.0,
            to: end_us.max(1_000_000) as f64,
            ticks: places.map(|second| (second as f64 * 1e6, label(second))).collect(),
        }
    }

    /// Names, the first one uppermost, each a row of its own: 0 is the lowest.
    pub(crate) fn places(names: &[&str]) -> Self {
        let rows = names.iter().rev().enumerate();
        Self {
            scale: Scale::Linear,
            from: -0.6,
            to: names.len() as f64 - 0.4,
            ticks: rows.map(|(row, name)| (row as f64, words::visible(&short(name)))).collect(),
        }
    }

    /// The same with a unit behind each number but zero: `20/s`.
    pub(crate) fn amount_of(most: f64, ticks: u32, unit: &str) -> Self {
        let mut axis = Self::amount(most, ticks);
        axis.ticks.iter_mut().filter(|(at, _)| *at > 0.0).for_each(|(_, label)| *label += unit);
        axis
    }

    /// Columns of equal width with a number each, of which every so many-th is written.
    pub(crate) fn columns(numbers: impl Iterator<Item = usize>, every: usize) -> Self {
        let ticks: Vec<(f64, String)> = numbers
            .enumerate()
            .map(|(column, number)| (column as f64, number.to_string()))
            .collect();
        let to = ticks.len().max(1) as f64 - 0.4;
        let every = every.max(1);
        Self {
            scale: Scale::Linear,
            from: -0.6,
            to,
            ticks: ticks.into_iter().step_by(every).collect(),
        }
    }

    /// Names, the first one uppermost, each with a strip above its foot, one high; 0 is the lowest foot.
    pub(crate) fn strips(names: &[&str]) -> Self {
        Self { from: -0.05, to: names.len() as f64, ..Self::places(names) }
    }

    /// The same axis with no more ticks than these.
    pub(crate) fn fewer(mut self, ticks: usize) -> Self {
        let every = self.ticks.len().div_ceil(ticks.max(1)).max(1);
        self.ticks = self.ticks.into_iter().step_by(every).collect();
        self
    }

    /// A number of things from zero to a little over the most there were.
    pub(crate) fn amount(most: f64, ticks: u32) -> Self {
        let most = most.max(1.0);
        let rough = most / f64::from(ticks);
        let decade = 10f64.powf(rough.log10().floor()).max(1.0);
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|nice| nice * decade)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(10.0 * decade);
        let steps = (most / step).ceil();
        let mut places = Vec::new();
        let mut place = 0.0;
        while place <= steps * step {
            places.push((place, format!("{place}")));
            place += step;
        }
        Self { scale: Scale::Linear, from: 0.0, to: steps * step * 1.04, ticks: places }
    }

    /// Names side by side, the first at 0.
    pub(crate) fn steps(names: &[String]) -> Self {
        let label = |name: &String| words::visible(&short(name));
        Self {
            scale: Scale::Linear,
            from: -0.3,
            to: names.len().max(1) as f64 - 0.7,
            ticks: names.iter().enumerate().map(|(at, name)| (at as f64, label(name))).collect(),
        }
    }

    /// Shares in per cent, from none to a little over the most there was.
    pub(crate) fn per_cent(most: f64, ticks: u32) -> Self {
        let most = most.clamp(0.01, 100.0);
        let rough = most / f64::from(ticks);
        let decade = 10f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 5.0, 10.0].map(|nice| nice * decade);
        let step = nice.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * decade);
        let steps = (most / step - 1e-9).ceil();
        let label = |per_cent: f64| match per_cent {
            0.0 => "0".to_owned(),
            _ if step >= 1.0 => format!("{per_cent:.0} %"),
            _ if step >= 0.1 => format!("{per_cent:.1} %"),
            _ => format!("{per_cent:.3} %"),
        };
        let mut places = vec![(0.0, label(0.0))];
        while places.len() as f64 <= steps {
            let place = places.len() as f64 * step;
            places.push((place, label(place)));
        }
        Self { scale: Scale::Linear, from: 0.0, to: steps * step * 1.04, ticks: places }
    }

    /// Durations in microseconds on a logarithmic scale that holds both ends.
    pub(crate) fn latency(least_us: u64, most_us: u64) -> Self {
        let (least, most) = (least_us.max(1), most_us.max(2));
        let decades = (0..12).map(|power| 10u64.pow(power));
        let marks: Vec<u64> = decades.flat_map(|decade| [1, 2, 5].map(|n| n * decade)).collect();
        let from = marks.iter().rev().find(|mark| **mark <= least).copied().unwrap_or(1);
        let to = marks.iter().find(|mark| **mark >= most).copied().unwrap_or(most);
        // Over more than two decades only the tens get a label.
        let step = if to / from <= 100 { 1 } else { 3 };
        let labelled = marks.iter().step_by(step);
        let ticks = labelled.filter(|mark| (from..=to).contains(*mark));
        Self {
            scale: Scale::Logarithmic,
            from: (from as f64).log10(),
            to: (to as f64).log10() + 0.04,
            ticks: ticks.map(|us| (*us as f64, round_duration(*us as f64))).collect(),
        }
    }

    /// Shares from 0 to just under 1, the last few stretched: 90 %, 99 % and 99.9 % lie equally
    /// far apart. As far out as `count` transactions can tell.
    pub(crate) fn tail(count: u64) -> Self {
        let to = (count.max(10) as f64).log10().min(-TAIL_END.log10());
        let known: [(f64, &str); 6] = [
            (0.0, "0"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
        ];
        let mut axis = Self { scale: Scale::Tail, from: 0.0, to, ticks: Vec::new() };
        axis.ticks = known
            .into_iter()
            .filter(|(share, _)| -(1.0 - share).log10() <= to + 1e-9)
            .map(|(share, label)| (share, label.to_owned()))
            .collect();
        axis
    }

    /// Where a value lies on this axis, held to its ends.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(1.0).log10(),
            Scale::Tail => -(1.0 - value).max(TAIL_END).log10(),
        };
        place.clamp(self.from, self.to)
    }

    /// The value at the beginning.
    pub(crate) fn first(&self) -> f64 {
        self.value(self.from)
    }

    /// The value at the end.
    pub(crate) fn last(&self) -> f64 {
        self.value(self.to)
    }

    /// The label of the tick at this very value; nothing elsewhere.
    pub(crate) fn label(&self, value: f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| (at - value).abs() < 1e-9);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }

    fn value(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => place,
            Scale::Logarithmic => 10f64.powf(place),
            Scale::Tail => 1.0 - 10f64.powf(-place),
        }
    }
}

/// A name, cut if it is long.
fn short(name: &str) -> String {
    match name.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A round duration in microseconds without the zeros that [`words::duration`] would give it.
fn round_duration(us: f64) -> String {
    match us {
        ..1e3 => format!("{us} µs"),
        ..1e6 => format!("{} ms", us / 1e3),
        ..1e9 => format!("{} s", us / 1e6),
        _ => format!("{} min", (us / 6e6).round() / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(labels(&Axis::time(0, 6)), "0, 1 s");
        assert_eq!(labels(&Axis::time(95_000_000, 8)), "0, 15 s, 30 s, 45 s, 60 s, 75 s, 90 s");
        assert_eq!(labels(&Axis::time(600_000_000, 6)), "0, 2 min, 4 min, 6 min, 8 min, 10 min");
        assert_eq!(
            labels(&Axis::time(40 * 3_600_000_000, 4)),
            "0, 600 min, 1200 min, 1800 min, 2400 min"
        );
        assert_eq!(labels(&Axis::amount(0.0, 4)), "0, 1");
        assert_eq!(labels(&Axis::amount(13.0, 4)), "0, 5, 10, 15");
        assert_eq!(labels(&Axis::amount(1_000.0, 4)), "0, 500, 1000");
        assert_eq!(labels(&Axis::latency(0, 0)), "1 µs, 2 µs");
        assert_eq!(
            labels(&Axis::latency(30_000, 700_000)),
            "20 ms, 50 ms, 100 ms, 200 ms, 500 ms, 1 s"
        );
        assert_eq!(labels(&Axis::latency(900, 9_000_000)), "1 ms, 10 ms, 100 ms, 1 s, 10 s");
        assert_eq!(labels(&Axis::columns(3..9, 2)), "3, 5, 7");
        assert_eq!(labels(&Axis::amount_of(13.0, 4, "/s")), "0, 5/s, 10/s, 15/s");
        assert_eq!(labels(&Axis::latency(900, 9_000_000).fewer(3)), "1 ms, 100 ms, 10 s");
        assert_eq!(labels(&Axis::places(&["client", "a-very-long-name"])), "a-very-long-…, client");
        assert_eq!(labels(&Axis::per_cent(0.0, 4)), "0, 0.005 %, 0.010 %");
        assert_eq!(labels(&Axis::per_cent(0.3, 4)), "0, 0.1 %, 0.2 %, 0.3 %");
        assert_eq!(labels(&Axis::per_cent(43.0, 4)), "0, 20 %, 40 %, 60 %");
        assert_eq!(labels(&Axis::per_cent(100.0, 4)), "0, 50 %, 100 %");
        assert_eq!(labels(&Axis::steps(&["1%".into(), "2%".into()])), "1%, 2%");
        assert_eq!(labels(&Axis::tail(0)), "0, 50 %, 90 %");
        assert_eq!(labels(&Axis::tail(1_500)), "0, 50 %, 90 %, 99 %, 99.9 %");
    }

    #[test]
    fn every_value_has_a_place_on_its_axis() {
        for axis in [Axis::time(9, 4), Axis::amount(3.0, 4), Axis::latency(5, 50), Axis::tail(7)] {
            assert!(axis.from < axis.to);
            for value in [0.0, 0.5, 1.0, 1e18] {
                let place = axis.place(value);
                assert!((axis.from..=axis.to).contains(&place), "{place}");
            }
            let ends = [axis.place(axis.first()), axis.place(axis.last())];
            assert!((ends[0] - axis.from).abs() < 1e-9 && (ends[1] - axis.to).abs() < 1e-9);
            for (value, label) in &axis.ticks {
                assert_eq!(&axis.label(*value), label);
            }
        }
    }
}
