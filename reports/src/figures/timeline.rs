//! The run along the time axis: which seconds share a point, what is shaded, what is said of a point.
//!
//! A page has no room for more than a few hundred points. In a longer run several seconds share one: a
//! line goes through their mean, and is shaded from the lowest to the highest of them, so that no dip and
//! no peak is lost. Start at [`Timeline::chart`].

use std::ops::Range;

use bigchaindb_simulator::measure::Second;
use bigchaindb_simulator::record::Results;

use super::Said;
use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Mark, Size, Spread, Tip, Tips, Tone};
use crate::trouble::Trouble;
use crate::words;

/// More points than these cannot be told apart on a page.
const POINTS_MAX: usize = 360;
/// Where several seconds share a point, its shade has two ends, so there are fewer of them.
const SHARED_MAX: usize = 240;

/// A run, seen along its time.
pub(crate) struct Timeline<'a> {
    /// The run.
    pub(crate) results: &'a Results,
    /// Where it went badly.
    trouble: Option<&'a Trouble>,
    /// Whether faults are shaded.
    is_shaded: bool,
    /// Which entries of the measures share a point.
    points: Vec<Range<usize>>,
}

/// One line of a chart over time: a value for each entry of the measures, where there is one.
pub(crate) struct Series {
    /// What the legend calls it.
    pub(crate) label: String,
    /// How it looks.
    pub(crate) ink: Ink,
    /// The values.
    pub(crate) values: Vec<Option<f64>>,
}

/// What a chart over time is besides its lines.
pub(crate) struct Shown {
    /// See [`Chart`].
    pub(crate) title: String,
    /// See [`Chart`]; what is shaded is added.
    pub(crate) description: String,
    /// See [`Chart`].
    pub(crate) y: Axis,
    /// How a value is said to people.
    pub(crate) said: Said,
    /// See [`Chart`].
    pub(crate) marks: Vec<Mark>,
}

impl<'a> Timeline<'a> {
    /// A run's time, as far as something moves in it.
    pub(crate) fn of(results: &'a Results, trouble: Option<&'a Trouble>) -> Self {
        Self { results, trouble, is_shaded: true, points: points(moving(results)) }
    }

    /// The same, up to this entry of the measures.
    pub(crate) fn until(self, length: usize) -> Self {
        Self { points: points(length.min(self.seconds().len())), ..self }
    }

    /// The same, with faults shaded or not.
    pub(crate) fn shading(self, is_shaded: bool) -> Self {
        Self { is_shaded, ..self }
    }

    /// The entries of the measures.
    pub(crate) fn seconds(&self) -> &'a [Second] {
        &self.results.measures.seconds
    }

    /// How many seconds an entry is about.
    pub(crate) fn stretch_s(&self) -> u64 {
        self.results.measures.stretch_s.max(1)
    }

    /// A line with a value for each second.
    pub(crate) fn series(
        &self,
        label: &str,
        ink: Ink,
        of: impl Fn(&Second) -> Option<f64>,
    ) -> Series {
        Series { label: label.to_owned(), ink, values: self.seconds().iter().map(of).collect() }
    }

    /// A line with a count for each second, as a rate per second.
    pub(crate) fn rate(&self, label: &str, ink: Ink, of: fn(&Second) -> u64) -> Series {
        let stretch_s = self.stretch_s() as f64;
        self.series(label, ink, |second| Some(of(second) as f64 / stretch_s))
    }

    /// How much of the run a point stands for, as a sentence.
    pub(crate) fn per_point(&self) -> String {
        let shared = self.points.first().map_or(1, ExactSizeIterator::len) as u64;
        match (shared, shared * self.stretch_s()) {
            (1, 1) => "A point for each second.".to_owned(),
            (1, width) => format!("A point for every {width} seconds."),
            (_, width) => {
                format!(
                    "Every {width} seconds share a point: the line is their mean, the shade behind it \
                     reaches from the lowest to the highest of them."
                )
            }
        }
    }

    /// The chart of these lines, the last on top.
    pub(crate) fn chart(&self, size: Size, series: &[Series], shown: Shown) -> Chart {
        let lines = series.iter().map(|series| Line {
            label: series.label.clone(),
            ink: series.ink,
            points: self.line(&series.values),
        });
        let spreads = series.iter().filter_map(|series| self.spread(series.ink, &series.values));
        let values = |range: &Range<usize>| {
            let said = |series: &Series| said(&series.values, range, shown.said);
            series.iter().map(said).collect()
        };
        let bands = self.bands();
        Chart {
            title: shown.title,
            description: format!("{}{}", shown.description, shaded(&bands)),
            x: self.axis(size),
            y: shown.y,
            lines: lines.collect(),
            spreads: spreads.collect(),
            bands,
            shaded: Some("fault, from applied to healed; dotted: verified"),
            marks: shown.marks,
            tips: self.tips(series.iter().map(|series| series.label.clone()).collect(), values),
            height: None,
        }
    }

    /// What is said at each point.
    pub(crate) fn tips(
        &self,
        names: Vec<String>,
        values: impl Fn(&Range<usize>) -> Vec<String>,
    ) -> Tips {
        let point = |range: &Range<usize>| Tip {
            at: self.middle_us(range),
            place: self.place(range),
            values: values(range),
        };
        Tips { names, points: self.points.iter().map(point).collect() }
    }

    /// Places of a line's values: the mean of those that share a point.
    pub(crate) fn line(&self, values: &[Option<f64>]) -> Vec<(f64, Option<f64>)> {
        let mean = |range: &Range<usize>| {
            let known = || range.clone().filter_map(|index| *values.get(index)?);
            let count = known().count();
            (count > 0).then(|| known().sum::<f64>() / count as f64)
        };
        self.points.iter().map(|range| (self.middle_us(range), mean(range))).collect()
    }

    /// From where to where the values lie that share a point; none where each has its own.
    pub(crate) fn spread(&self, ink: Ink, values: &[Option<f64>]) -> Option<Spread> {
        let is_shared = self.points.first().is_some_and(|range| range.len() > 1);
        let point = |range: &Range<usize>| {
            let ends = ends(values, range).map(|((_, low), (_, high))| (low, high));
            (self.middle_us(range), ends)
        };
        let ends = || self.points.iter().map(point).collect();
        is_shared.then(|| Spread { ink, ends: ends() })
    }

    fn middle_us(&self, range: &Range<usize>) -> f64 {
        self.at_us(range.start) / 2.0 + self.at_us(range.end) / 2.0
    }

    /// When an entry begins, in microseconds of the run.
    fn at_us(&self, index: usize) -> f64 {
        let first = self.seconds().first().map_or(0, |second| second.second);
        (first + index as u64 * self.stretch_s()) as f64 * 1e6
    }

    /// The entries' time as people say it.
    fn place(&self, range: &Range<usize>) -> String {
        let second = |index: usize| self.seconds().get(index).map_or(0, |second| second.second);
        let last = second(range.end - 1) + self.stretch_s() - 1;
        match second(range.start) {
            first if first == last => format!("{first} s"),
            first => format!("{first} to {last} s"),
        }
    }

    /// The axis of the time that is shown.
    pub(crate) fn axis(&self, size: Size) -> Axis {
        let shown = self.points.last().map_or(0, |range| range.end);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole seconds"
        )]
        let end_us = match shown == self.seconds().len() {
            true => self.results.duration_us.max(self.at_us(shown) as u64),
            false => self.at_us(shown) as u64,
        };
        Axis::time(end_us, if size == Size::Wide { 9 } else { 5 })
    }

    /// That nothing moves in the rest of the run, if that is not shown.
    pub(crate) fn rest_said(&self) -> Option<String> {
        let shown = self.points.last()?.end;
        let end = self.seconds().get(shown).map(|second| second.second)?;
        Some(format!(
            "Not shown: from {end} s to the end of the run at {} nothing moved.",
            words::duration(self.results.duration_us)
        ))
    }

    /// The faults that really came about, from applied to healed or to the end of the run; and the
    /// first bad second.
    pub(crate) fn bands(&self) -> Vec<Band> {
        let mut bands: Vec<Band> = (self.results.faults.iter())
            .filter(|_| self.is_shaded)
            .filter_map(|fault| {
                let from = fault.applied_us?;
                let to = fault.healed_us.unwrap_or(self.results.duration_us).max(from);
                Some(Band {
                    short: fault.number.to_string(),
                    label: format!("{} {} {}", fault.number, fault.kind, fault.target),
                    from: from as f64,
                    to: to as f64,
                    planned: fault.planned_us.map(|us| us as f64),
                    verified: fault.verified_us.map(|us| us as f64),
                    tone: Tone::Fault,
                })
            })
            .collect();
        bands.sort_by(|one, other| one.from.total_cmp(&other.from));
        if let Some(trouble) = self.trouble {
            let from = self.at_us(trouble.first);
            let to = self.at_us(trouble.first + 1);
            let mut bad = Band::plain("!".into(), "first bad second".into(), from, to);
            bad.tone = Tone::Bad;
            bands.push(bad);
        }
        bands
    }
}

/// Which of so many entries of the measures share a point.
fn points(length: usize) -> Vec<Range<usize>> {
    let most = if length <= POINTS_MAX { POINTS_MAX } else { SHARED_MAX };
    let width = length.div_ceil(most).max(1);
    (0..length).step_by(width).map(|from| from..(from + width).min(length)).collect()
}

/// How many entries of the measures have something to show, and a few more. In virtual time a run often
/// ends with minutes in which all is still.
pub(crate) fn moving(results: &Results) -> usize {
    let seconds = &results.measures.seconds;
    let moves = |second: &Second| {
        let Second { requested, sent, accepted, decided, backlog, undecided_blocks, .. } = second;
        [requested, sent, accepted, decided, backlog, undecided_blocks].iter().any(|of| **of > 0)
    };
    let last = seconds.iter().rposition(moves).map_or(0, |last| last + 1);
    let votes = results.votes.iter().flat_map(|votes| &votes.nodes).map(|node| &node.seconds);
    let voted = votes.filter_map(|votes| votes.iter().rposition(|votes| *votes > 0)).max();
    let stretch_us = results.measures.stretch_s.max(1) * 1_000_000;
    let faults = results.faults.iter().filter(|fault| fault.applied_us.is_some());
    let healed = faults.map(|fault| fault.healed_us.unwrap_or(results.duration_us) / stretch_us);
    let healed = healed.max().map_or(0, |place| usize::try_from(place).unwrap_or(usize::MAX));
    let last = last.max(voted.map_or(0, |place| place + 1)).max(healed.saturating_add(1));
    let shown = last.saturating_add(last / 10).saturating_add(2);
    // What would save little is left as it is.
    if shown >= seconds.len() * 4 / 5 { seconds.len() } else { shown }
}

/// Which of these entries has the lowest value, which the highest; none if none has any.
fn ends(values: &[Option<f64>], range: &Range<usize>) -> Option<((usize, f64), (usize, f64))> {
    let known = range.clone().filter_map(|index| Some((index, (*values.get(index)?)?)));
    let by_value = |one: &(usize, f64), other: &(usize, f64)| one.1.total_cmp(&other.1);
    // Of equal ones the same, so that a level line stays one point.
    let low = known.clone().min_by(by_value)?;
    let high = known.max_by(by_value)?;
    if low.1 < high.1 { Some((low, high)) } else { Some((low, low)) }
}

/// A point's value as people say it, from lowest to highest if several share it.
pub(crate) fn said(values: &[Option<f64>], range: &Range<usize>, said: Said) -> String {
    match ends(values, range) {
        None => "–".to_owned(),
        Some(((low_at, low), (high_at, high))) => match (said(low), said(high)) {
            (low, high) if low_at == high_at || low == high => high,
            (low, high) => format!("{low} to {high}"),
        },
    }
}

/// A sentence on when it hurt, for those who cannot see the bands.
fn shaded(bands: &[Band]) -> String {
    let of = |tone| bands.iter().filter(|band| band.tone == tone).count() as u64;
    match (of(Tone::Fault), of(Tone::Bad)) {
        (0, 0) => String::new(),
        (0, _) => " Marked: the first bad second.".to_owned(),
        (faults, 0) => format!(" Shaded: {}.", words::counted(faults, "fault", "faults")),
        (faults, _) => format!(
            " Shaded: {}; marked: the first bad second.",
            words::counted(faults, "fault", "faults")
        ),
    }
}

#[cfg(test)]
mod tests {
    use bigchaindb_simulator::measure::{NodeVotes, Votes};

    use super::*;

    fn run(length: u64, value: impl Fn(u64) -> u64) -> Results {
        let mut results = crate::tests::results();
        results.measures.seconds = (0..length)
            .map(|second| Second { second, backlog: value(second), ..Second::default() })
            .collect();
        results
    }

    #[test]
    fn a_long_run_keeps_every_dip_and_every_peak() {
        let results = run(86_400, |second| match second {
            40_000 => 0,
            50_000 => 99,
            _ => 10,
        });
        let timeline = Timeline::of(&results, None);
        let series = timeline.rate("backlog", Ink::Alone, |second| second.backlog);
        let line = timeline.line(&series.values);
        assert_eq!(line.len(), SHARED_MAX);
        assert!(line.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(line[0].1, Some(10.0));
        let spread = timeline.spread(series.ink, &series.values).unwrap();
        let ends = || spread.ends.iter().filter_map(|(_, ends)| *ends);
        assert_eq!(ends().map(|(low, _)| low).fold(f64::MAX, f64::min), 0.0);
        assert_eq!(ends().map(|(_, high)| high).fold(0.0, f64::max), 99.0);
        assert!(timeline.per_point().starts_with("Every 360 seconds share a point: "));
        let tips = timeline
            .tips(Vec::new(), |range| vec![said(&series.values, range, super::super::count)]);
        let tip = &tips.points[111];
        assert_eq!((tip.place.as_str(), tip.values[0].as_str()), ("39960 to 40319 s", "0 to 10"));
    }

    #[test]
    fn minutes_in_which_all_is_still_are_cut_and_said() {
        let mut results = run(100, |second| u64::from(second == 9));
        results.duration_us = 99_500_000;
        let timeline = Timeline::of(&results, None);
        assert_eq!(timeline.points.len(), 13);
        assert_eq!(timeline.axis(Size::Wide).to, 13e6);
        assert_eq!(
            timeline.rest_said().as_deref(),
            Some("Not shown: from 13 s to the end of the run at 1 min 40 s nothing moved.")
        );
        // A vote, or a fault that is not over, is something that moves.
        let mut voting = results.clone();
        let mut seconds = vec![0; 100];
        seconds[90] = 1;
        let node = NodeVotes { seconds, ..NodeVotes::default() };
        voting.votes = Some(Votes { nodes: vec![node], ..Votes::default() });
        assert!(Timeline::of(&voting, None).rest_said().is_none());
        let fault = serde_json::json!({
            "number": 0, "kind": "kill", "target": "n1", "applied_us": 1_000_000,
        });
        results.faults = vec![serde_json::from_value(fault).unwrap()];
        assert!(Timeline::of(&results, None).rest_said().is_none());
        // Nor is anything cut where that would save little.
        assert_eq!(moving(&run(20, |second| u64::from(second == 14))), 20);
    }

    #[test]
    fn a_short_run_keeps_every_second_in_its_middle() {
        let results = run(2, |second| second);
        let timeline = Timeline::of(&results, None);
        let series = timeline.rate("backlog", Ink::Alone, |second| second.backlog);
        assert_eq!(timeline.line(&series.values), [(0.5e6, Some(0.0)), (1.5e6, Some(1.0))]);
        assert_eq!(timeline.per_point(), "A point for each second.");
        assert!(timeline.spread(series.ink, &series.values).is_none());
        let nothing = vec![None, Some(3.0)];
        assert_eq!(timeline.line(&nothing), [(0.5e6, None), (1.5e6, Some(3.0))]);
    }
}
