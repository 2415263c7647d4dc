//! What came in within an interval, added up as Telegraf does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bigchaindb::metrics::mix;

use super::point::{Point, Value};
use super::statsd::{Event, Line, Sample, Worth};
use super::templates::{Meaning, Templates};

/// Of more timings of one name than this, a percentile is that of so many.
const PERCENTILE_LIMIT: usize = 5_000;

/// The percentiles of timings.
const PERCENTILES: [usize; 3] = [50, 90, 99];

/// An interval that is under way.
#[derive(Debug)]
pub struct Interval {
    templates: Templates,
    counters: BTreeMap<Meaning, f64>,
    gauges: BTreeMap<Meaning, f64>,
    timings: BTreeMap<Meaning, Timings>,
    events: Vec<Point>,
}

/// The timings of one name.
#[derive(Clone, Debug, Default)]
struct Timings {
    count: u64,
    sum: f64,
    /// Of the squares of the distances from the mean: Welford's.
    squares: f64,
    mean: f64,
    lower: f64,
    upper: f64,
    some: Vec<f64>,
}

impl Interval {
    /// An interval in which nothing came in.
    pub fn new(templates: Templates) -> Self {
        let (counters, gauges, timings) = Default::default();
        Self { templates, counters, gauges, timings, events: Vec::new() }
    }

    /// A line comes in, from somebody, at a moment.
    pub fn add(&mut self, line: Line, from: IpAddr, at_ns: u64) {
        match line {
            Line::Event(event) => self.events.push(told(event, from, at_ns)),
            Line::Sample(Sample { name, worth }) => {
                let meaning = self.templates.meaning(&name);
                match worth {
                    Worth::Counter(more) => *self.counters.entry(meaning).or_default() += more,
                    Worth::Gauge(level) => drop(self.gauges.insert(meaning, level)),
                    Worth::Timing(ms, times) => {
                        let timings = self.timings.entry(meaning).or_default();
                        for _ in 0..times {
                            timings.add(ms);
                        }
                    }
                }
            }
        }
    }

    /// Ends it at a moment, with its points in order of their names; another begins.
    pub fn take(&mut self, at_ns: u64) -> Vec<Point> {
        // Fields of one measurement with the same tags are one point.
        let mut points: BTreeMap<_, Point> = BTreeMap::new();
        let mut point = |meaning: Meaning, kind: &str, fields: Vec<(String, Value)>| {
            let Meaning { measurement, mut tags, .. } = meaning;
            tags.insert("metric_type".to_owned(), kind.to_owned());
            let point = points.entry((measurement.clone(), tags.clone()));
            let point = point.or_insert_with(|| Point { tags, ..Point::new(measurement, at_ns) });
            point.fields.extend(fields);
        };
        for (meaning, count) in std::mem::take(&mut self.counters) {
            let field = meaning.field.clone();
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            point(meaning, "counter", vec![(field, Value::Whole(count as i64))]);
        }
        for (meaning, level) in std::mem::take(&mut self.gauges) {
            let field = meaning.field.clone();
            point(meaning, "gauge", vec![(field, Value::Number(level))]);
        }
        for (meaning, timings) in std::mem::take(&mut self.timings) {
            point(meaning, "timing", timings.fields());
        }
        let mut all = std::mem::take(&mut self.events);
        all.extend(points.into_values());
        all
    }
}

/// An event is a point by itself.
fn told(event: Event, from: IpAddr, at_ns: u64) -> Point {
    let mut point = Point::new(event.title, at_ns);
    point.tags = event.tags;
    point.tag("source", from.to_canonical().to_string());
    point.set("text", Value::Text(event.text));
    point.set("alert_type", Value::Text(event.alert));
    point.set("priority", Value::Text(event.priority));
    point
}

impl Timings {
    fn add(&mut self, ms: f64) {
        self.lower = if self.count == 0 { ms } else { self.lower.min(ms) };
        self.upper = if self.count == 0 { ms } else { self.upper.max(ms) };
        self.count += 1;
        self.sum += ms;
        let distance = ms - self.mean;
        #[expect(clippy::cast_precision_loss, reason = "no interval has so many")]
        let count = self.count as f64;
        self.mean += distance / count;
        self.squares += distance * (ms - self.mean);
        if self.some.len() < PERCENTILE_LIMIT {
            self.some.push(ms);
        } else {
            // Each of all so far stays with the same chance.
            let place = usize::try_from(mix(self.count) % self.count).unwrap_or(usize::MAX);
            if place < PERCENTILE_LIMIT {
                self.some[place] = ms;
            }
        }
    }

    fn fields(mut self) -> Vec<(String, Value)> {
        self.some.sort_by(f64::total_cmp);
        let (all, last) = (&self.some, self.some.len() - 1);
        let middle = all.len() / 2;
        let median = match all.len() % 2 {
            0 => f64::midpoint(all[middle - 1], all[middle]),
            _ => all[middle],
        };
        #[expect(clippy::cast_precision_loss, reason = "no interval has so many")]
        let stddev = (self.squares / self.count as f64).sqrt();
        let mut fields: Vec<_> = [
            ("lower", self.lower),
            ("upper", self.upper),
            ("sum", self.sum),
            ("mean", self.mean),
            ("median", median),
            ("stddev", stddev),
        ]
        .map(|(field, number)| (field.to_owned(), Value::Number(number)))
        .into();
        for percentile in PERCENTILES {
            let place = (all.len() * percentile / 100).min(last);
            fields.push((format!("{percentile}_percentile"), Value::Number(all[place])));
        }
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        fields.push(("count".to_owned(), Value::Whole(count)));
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a few datagrams become.
    fn points(lines: &[&str]) -> Vec<String> {
        let mut interval = Interval::new(Templates::ours());
        for line in lines.iter().flat_map(|datagram| datagram.lines()) {
            interval.add(Line::read(line).unwrap(), [10, 0, 0, 9].into(), 5);
        }
        let points = interval.take(7).iter().map(ToString::to_string).collect();
        assert!(interval.take(8).is_empty(), "what was told is not told again");
        points
    }

    /// Recorded from Telegraf itself, with this project's templates.
    #[test]
    fn points_are_those_of_telegraf() {
        for (datagrams, expected) in [
            (
                &[
                    "node0..write_transaction:16.153097|ms",
                    "node0..write_transaction:0.000238|ms|@0.01",
                ][..],
                &["write_transaction,metric_type=timing,node=node0 \
                   50_percentile=0.000238,90_percentile=0.000238,99_percentile=0.000238,count=101i,\
                   lower=0.000238,mean=0.16016…,median=0.000238,\
                   stddev=1.5992…,sum=16.1768…,upper=16.153097 7"][..],
            ),
            (
                &["ip-10-0-0-1.eu-central-1.compute.internal..tx_queue_gauge:3|g"],
                &["tx_queue_gauge,metric_type=gauge,\
                   node=ip-10-0-0-1_eu-central-1_compute_internal value=3 7"],
            ),
            (
                &["bigchaindb.node0.tx.written:3|c\nbigchaindb.node0.tx.written:4|c"],
                &["bigchaindb_tx_written,metric_type=counter,node=node0 value=7i 7"],
            ),
            (
                &[
                    "bigchaindb.node0.vote.latency_ms:10|ms",
                    "bigchaindb.node0.vote.latency_ms:30|ms",
                ],
                &["bigchaindb_vote_latency_ms,metric_type=timing,node=node0 50_percentile=30,\
                   90_percentile=30,99_percentile=30,count=2i,lower=10,mean=20,median=20,stddev=10,\
                   sum=40,upper=30 7"],
            ),
            (
                &["bigchaindb.node0.store.errors:1|c", "bigchaindb.node0.http.short:1|c"],
                &[
                    "bigchaindb_http_short,metric_type=counter,node=node0 value=1i 7",
                    "bigchaindb_store_errors,metric_type=counter,node=node0 value=1i 7",
                ],
            ),
            (
                &["bigchaindb.node0.queue.block:17|g"],
                &["bigchaindb_queue,metric_type=gauge,node=node0,stage=block value=17 7"],
            ),
            (
                &["bigchaindb.node0.process.rss_bytes:1|g", "bigchaindb.node0.process.cpu_ms:2|g"],
                &["bigchaindb_process,metric_type=gauge,node=node0 cpu_ms=2,rss_bytes=1 7"],
            ),
            (
                &["bigchaindb.federation.tx.committed:5|c"],
                &["bigchaindb_tx_committed,metric_type=counter,node=federation value=5i 7"],
            ),
            (
                &["_e{5,16}:fault|partition node 0|t:error|#kind:partition,node:node0,run:r1"],
                &["fault,kind=partition,node=node0,run=r1,source=10.0.0.9 \
                   alert_type=\"error\",priority=\"normal\",text=\"partition node 0\" 5"],
            ),
        ] {
            let made = points(datagrams);
            assert_eq!(made.len(), expected.len(), "{made:?}");
            for (made, expected) in made.iter().zip(expected) {
                assert!(is_like(made, expected), "{made}\nis not\n{expected}");
            }
        }
    }

    /// Whether a line is as expected, where `…` leaves the last digits of a number open.
    fn is_like(made: &str, expected: &str) -> bool {
        let (mut rest, mut pieces) = (made, expected.split('…'));
        let first = pieces.next().unwrap();
        let Some(after) = rest.strip_prefix(first) else { return false };
        rest = after;
        pieces.all(|piece| {
            let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            rest = &rest[digits..];
            rest.strip_prefix(piece).map(|after| rest = after).is_some()
        })
    }

    #[test]
    fn of_many_timings_some_are_enough_and_sums_are_whole() {
        let mut timings = Timings::default();
        for ms in 0..20_000 {
            timings.add(f64::from(ms));
        }
        assert_eq!(timings.some.len(), PERCENTILE_LIMIT);
        let fields: BTreeMap<_, _> = timings.fields().into_iter().collect();
        assert_eq!(fields["count"], Value::Whole(20_000));
        assert_eq!(fields["sum"], Value::Number(199_990_000.0));
        let Value::Number(median) = fields["50_percentile"] else { panic!() };
        assert!((9_000.0..11_000.0).contains(&median), "{median}");
    }
}
