//! What the page shows: of the points that come in, what panels ask for, second by second, as far as it looks back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::panels::{self, Panel, Reads};
use crate::federation::FEDERATION;
use crate::relay::{Point, Value};
use crate::runs::{END, FAULTS, KIND, NODE, RUNS, TEXT};

/// Seconds that are kept.
const KEPT_S: u64 = 900;

/// Series of a panel's source at most: what comes later is not shown, and the page says so.
const SERIES_MAX: usize = 64;

/// Faults at most: the oldest go first.
const FAULTS_MAX: usize = 1_000;

/// Takes points and keeps what the page shows of them. Clones are the same.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    panels: Vec<Panel>,
    /// What is shown of a measurement's field: panels and their sources, by place.
    asked: BTreeMap<String, BTreeMap<String, Vec<(usize, usize)>>>,
    /// The series of each panel's sources, by their names.
    series: Vec<Vec<BTreeMap<String, Series>>>,
    /// Series that there was no room for.
    left_out: BTreeSet<(usize, usize)>,
    /// Faults by when they began, and what they are.
    faults: BTreeMap<(u64, String), Stretch>,
    run: Option<Stretch>,
    points: u64,
}

/// The values of seconds.
type Series = BTreeMap<u64, f64>;

/// What goes on for a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Stretch {
    kind: String,
    node: String,
    text: String,
    from_ms: u64,
    /// Until when it has been seen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_ms: Option<u64>,
}

/// What the page is told.
#[derive(Serialize)]
struct News<'a> {
    /// What the clock says, in milliseconds since 1970.
    now_ms: u64,
    /// The first second that is told, and how many there are.
    from: u64,
    seconds: u64,
    /// How many points there were in all.
    points: u64,
    /// The series of each panel.
    panels: Vec<Vec<Told>>,
    faults: Vec<&'a Stretch>,
    run: Option<&'a Stretch>,
    /// Whether there was no room for some series.
    is_full: bool,
}

/// A series, as the page is told of it.
#[derive(Serialize)]
struct Told {
    name: String,
    values: Vec<Option<f64>>,
}

impl Default for Board {
    fn default() -> Self {
        let panels = panels::all();
        let mut asked: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for (panel, of_panel) in panels.iter().enumerate() {
            for (source, of_source) in of_panel.sources.iter().enumerate() {
                let meaning = &of_source.meaning;
                let fields = asked.entry(meaning.measurement.clone()).or_default();
                let field = fields.entry(of_source.reads.field(meaning)).or_default();
                field.push((panel, source));
            }
        }
        let series = panels.iter().map(|p| vec![BTreeMap::new(); p.sources.len()]).collect();
        let (left_out, faults, run) = (BTreeSet::new(), BTreeMap::new(), None);
        let inner = Inner { panels, asked, series, left_out, faults, run, points: 0 };
        Self(Arc::new(Mutex::new(inner)))
    }
}

impl Board {
    /// Points come in.
    pub fn see(&self, points: &[Point]) {
        let mut inner = self.inner();
        for point in points {
            inner.see(point);
        }
    }

    /// The panels, as JSON.
    pub(super) fn panels(&self) -> Vec<u8> {
        serde_json::to_vec(&self.inner().panels).expect("our own types have a JSON form")
    }

    /// What there is from a second on until now, in milliseconds since 1970, as JSON. Seconds are told once
    /// they are over.
    pub(super) fn news(&self, from: u64, now_ms: u64) -> Vec<u8> {
        serde_json::to_vec(&self.inner().news(from, now_ms))
            .expect("our own types have a JSON form")
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn see(&mut self, point: &Point) {
        self.points += 1;
        let stretch = |kind: &str| Stretch {
            kind: point.tags.get(kind).cloned().unwrap_or_default(),
            node: point.tags.get(NODE).cloned().unwrap_or_default(),
            text: text(point),
            from_ms: point.at_ns / 1_000_000,
            to_ms: end_ms(point),
        };
        match point.measurement.as_str() {
            RUNS => {
                self.run = Some(stretch("backend"));
                return;
            }
            FAULTS => {
                let stretch = stretch(KIND);
                let what = format!("{} {}", stretch.kind, stretch.node);
                self.faults.insert((point.at_ns, what), stretch);
                if self.faults.len() > FAULTS_MAX {
                    self.faults.pop_first();
                }
                return;
            }
            _ => {}
        }
        let Some(fields) = self.asked.get(&point.measurement) else { return };
        let second = point.at_ns / 1_000_000_000;
        for (field, value) in &point.fields {
            let value = match value {
                #[expect(clippy::cast_precision_loss, reason = "a page shows no more digits")]
                Value::Whole(number) => *number as f64,
                Value::Number(number) => *number,
                Value::Text(_) => continue,
            };
            for &(panel, source) in fields.get(field).into_iter().flatten() {
                let of_source = &self.panels[panel].sources[source];
                let is_whole = point.tags.get(NODE).is_some_and(|node| node == FEDERATION);
                if is_whole != of_source.is_whole {
                    continue;
                }
                let tag = |tag: &&str| point.tags.get(*tag).map_or("", String::as_str);
                let name = of_source.by.iter().map(tag).collect::<Vec<_>>().join(" ");
                let all = &mut self.series[panel][source];
                if all.len() >= SERIES_MAX && !all.contains_key(&name) {
                    self.left_out.insert((panel, source));
                    continue;
                }
                of_source.reads.add(all.entry(name).or_default(), second, value);
            }
        }
    }

    fn news(&mut self, from: u64, now_ms: u64) -> News<'_> {
        let until = now_ms / 1_000;
        let from = from.clamp(until.saturating_sub(KEPT_S), until);
        self.forget(until.saturating_sub(KEPT_S));
        let mut panels = Vec::new();
        for (panel, of_panel) in self.panels.iter().zip(&self.series) {
            let mut told = Vec::new();
            for (source, all) in panel.sources.iter().zip(of_panel) {
                for (tags, series) in all {
                    let name = format!("{tags} {}", source.called).trim().to_owned();
                    let values = (from..until).map(|second| source.reads.at(series, second));
                    told.push(Told { name, values: values.collect() });
                }
            }
            panels.push(told);
        }
        News {
            now_ms,
            from,
            seconds: until - from,
            points: self.points,
            panels,
            faults: self.faults.values().collect(),
            run: self.run.as_ref(),
            is_full: !self.left_out.is_empty(),
        }
    }

    /// Forgets what was before a second, and series of which there is nothing left.
    fn forget(&mut self, before: u64) {
        for all in self.series.iter_mut().flatten() {
            all.retain(|_, series| {
                *series = series.split_off(&before);
                !series.is_empty()
            });
        }
        let before_ms = before * 1_000;
        self.faults.retain(|_, fault| fault.to_ms.unwrap_or(fault.from_ms) >= before_ms);
    }
}

impl Reads {
    /// A value comes to a second of a series.
    fn add(self, series: &mut Series, second: u64, value: f64) {
        let there = series.entry(second).or_insert(match self {
            Self::Count | Self::Times => 0.0,
            Self::Level | Self::Growth | Self::Percentile(_) => value,
        });
        *there = match self {
            Self::Count | Self::Times => *there + value,
            Self::Level | Self::Growth | Self::Percentile(_) => there.max(value),
        };
    }

    /// What is shown of a second.
    fn at(self, series: &Series, second: u64) -> Option<f64> {
        let value = *series.get(&second)?;
        if self != Self::Growth {
            return Some(value);
        }
        let (before, level) = series.range(..second).next_back()?;
        #[expect(clippy::cast_precision_loss, reason = "a few minutes")]
        let seconds = (second - before) as f64;
        // One that has started again has begun anew.
        (value >= *level).then(|| (value - level) / seconds)
    }
}

fn text(point: &Point) -> String {
    match point.fields.get(TEXT) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn end_ms(point: &Point) -> Option<u64> {
    match point.fields.get(END) {
        Some(Value::Whole(ms)) => u64::try_from(*ms).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{Interval, Line, Templates};

    /// A board that has heard these datagrams in a second each, from second 100 on, and a fault.
    fn board(seconds: &[&str]) -> Board {
        let board = Board::default();
        let mut interval = Interval::new(Templates::ours());
        for (second, datagram) in (100..).zip(seconds) {
            for line in datagram.lines() {
                interval.add(Line::read(line).unwrap(), [127, 0, 0, 1].into(), 0);
            }
            board.see(&interval.take(second * 1_000_000_000));
        }
        board
    }

    /// What the page is told of a panel from a second to another.
    fn told(board: &Board, id: &str, from: u64, until: u64) -> String {
        let panels: Vec<serde_json::Value> = serde_json::from_slice(&board.panels()).unwrap();
        let place = panels.iter().position(|panel| panel["id"] == id).unwrap();
        let news = board.news(from, until * 1_000 + 500);
        let news: serde_json::Value = serde_json::from_slice(&news).unwrap();
        assert_eq!(news["from"].as_u64().unwrap() + news["seconds"].as_u64().unwrap(), until);
        let series = news["panels"][place].as_array().unwrap().iter();
        series.map(|series| format!("{}={} ", series["name"], series["values"])).collect()
    }

    #[test]
    fn panels_are_told_what_they_ask_for_second_by_second() {
        let board = board(&[
            "bigchaindb.n1.tx.received:3|c\nbigchaindb.n2.tx.received:4|c\n\
             bigchaindb.n1.block.undecided:5|g\nbigchaindb.n2.block.undecided:7|g\n\
             bigchaindb.n1.process.cpu_ms:1000|g\nbigchaindb.federation.tx.committed:9|c",
            "bigchaindb.n1.tx.received:1|c\nbigchaindb.n1.block.undecided:6|g",
            "bigchaindb.n1.process.cpu_ms:1500|g\nbigchaindb.n1.vote.latency_ms:10|ms\n\
             bigchaindb.n1.vote.latency_ms:30|ms\nbigchaindb.n1.http.root.GET.200:3|ms\n\
             bigchaindb.n2.http.root.GET.200:3|ms",
            "bigchaindb.n1.process.cpu_ms:100|g",
        ]);
        for (id, expected) in [
            ("received", "\"n1\"=[3.0,1.0,null,null] \"n2\"=[4.0,null,null,null] "),
            ("undecided", "\"\"=[7.0,6.0,null,null] "),
            ("committed", "\"\"=[9.0,null,null,null] "),
            ("cpu", "\"n1\"=[null,null,250.0,null] "),
            ("vote-latency", "\"n1\"=[null,null,30.0,null] "),
            ("requests", "\"root 200\"=[null,null,2.0,null] "),
            ("memory", ""),
        ] {
            assert_eq!(told(&board, id, 100, 104), expected, "{id}");
        }
        assert_eq!(told(&board, "received", 101, 103), "\"n1\"=[1.0,null] \"n2\"=[null,null] ");
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let board = board(&["bigchaindb.n1.tx.received:3|c", "bigchaindb.n2.tx.received:3|c"]);
        assert_eq!(told(&board, "received", 0, 101 + KEPT_S).split(' ').count(), 2);
        assert_eq!(told(&board, "received", 0, 102 + KEPT_S), "");
    }

    #[test]
    fn there_is_room_for_so_many_series_and_no_more() {
        let lines: Vec<_> =
            (0..=SERIES_MAX).map(|node| format!("bigchaindb.n{node}.tx.received:1|c")).collect();
        let board = board(&[&lines.join("\n")]);
        let series = told(&board, "received", 100, 101);
        assert_eq!(series.split_whitespace().count(), SERIES_MAX);
        let news: serde_json::Value = serde_json::from_slice(&board.news(0, 101_000)).unwrap();
        assert_eq!(news["is_full"], true);
    }

    #[test]
    fn a_fault_is_a_stretch_that_grows() {
        let board = board(&[]);
        let mut fault = Point::new(FAULTS, 100_000_000_000);
        fault.tag(KIND, "kill");
        fault.tag(NODE, "n2");
        fault.set(TEXT, Value::Text("kill n2".to_owned()));
        for end_ms in [101_000, 102_000] {
            fault.set(END, Value::Whole(end_ms));
            board.see(std::slice::from_ref(&fault));
        }
        let news: serde_json::Value = serde_json::from_slice(&board.news(0, 103_000)).unwrap();
        let expected = serde_json::json!([{
            "kind": "kill", "node": "n2", "text": "kill n2", "from_ms": 100_000, "to_ms": 102_000,
        }]);
        assert_eq!(news["faults"], expected);
    }
}
