//! A federation's metrics for some minutes, told to InfluxDB by way of the relay's own steps.

use std::net::{IpAddr, Ipv4Addr};

use bigchaindb::metrics::Timing;
use bigchaindb::metrics::labels::{Endpoint, Method, Question};
use bigchaindb::metrics::table::{Kind, Metric, table};
use bigchaindb_monitoring::federation::Whole;
use bigchaindb_monitoring::relay::{
    Heard, Influxdb, Interval, Line, Point, Sink, Templates, Value, Worth,
};

use crate::influxdb::Server;

/// When it ends, in seconds since 1970: a whole minute.
pub(crate) const END_S: u64 = 1_800_000_000;

/// How long it takes.
pub(crate) const LONG_S: u64 = 600;

/// Every so many seconds each metric is sent.
pub(crate) const EVERY_S: u64 = 10;

/// The run that it is.
pub(crate) const RUN: &str = "r1";

/// What a node sends of a metric at a moment, in so many seconds since the start; nothing for none.
pub(crate) type Sends = fn(&str, &Metric, u64) -> Option<u64>;

/// Has nodes and the federation send for some minutes.
pub(crate) fn seed(server: &Server, nodes: &[&str], sends: Sends) {
    let from = IpAddr::from(Ipv4Addr::LOCALHOST);
    let mut interval = Interval::new(Templates::ours());
    let mut points = Vec::new();
    for second in (0..LONG_S).step_by(usize::try_from(EVERY_S).unwrap()) {
        let at_ns = (END_S - LONG_S + second) * 1_000_000_000;
        let of_nodes = nodes.iter().flat_map(|node| of_node(node, second, sends));
        for line in of_nodes.chain(of_whole()) {
            interval.add(Line::read(&line).unwrap(), from, at_ns);
        }
        points.extend(interval.take(at_ns));
        let heard =
            Heard { datagrams: 10 * second, lines: second, malformed: 0, lost: second / 100 };
        points.push(heard.point(at_ns));
    }
    points.extend(run());
    let mut sink = Sink::Influxdb(Box::new(Influxdb::at(&server.target()).unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(sink.tell(&points)).unwrap();
}

/// The run, and what was done in it.
fn run() -> [Point; 2] {
    let point = |measurement: &str, from_s: u64, to_s: u64, text: &str| {
        let mut point = Point::new(measurement, from_s * 1_000_000_000);
        point.tag("run", RUN);
        point.set("text", Value::Text(text.to_owned()));
        point.set("end_time", Value::Whole(i64::try_from(to_s * 1_000).unwrap()));
        point
    };
    let mut fault = point("fault", END_S - 200, END_S - 140, "n1 alone");
    fault.tag("kind", "partition");
    fault.tag("node", "n1");
    [point("run", END_S - LONG_S, END_S, "first-federation, seed 1"), fault]
}

/// Everything that is in the table, under all the names it has: every label, and the original's too.
fn of_node(node: &str, second: u64, sends: Sends) -> Vec<String> {
    let mut lines = Vec::new();
    for metric in table() {
        let Some(value) = sends(node, metric, second) else { continue };
        let kind = metric.kind.word();
        let names = match metric.name.split_once('.').unwrap() {
            ("http", _) => requests(),
            ("store", rest) if rest.starts_with('<') => questions(),
            _ => vec![metric.name.to_owned()],
        };
        lines.extend(names.iter().map(|name| format!("bigchaindb.{node}.{name}:{value}|{kind}")));
        if let Some(original) = metric.original {
            lines.push(format!("{node}.example.org..{original}:{value}|{kind}"));
        }
    }
    lines
}

fn requests() -> Vec<String> {
    let mut names = Vec::new();
    for &endpoint in Endpoint::ALL {
        for &method in Method::ALL {
            names.push(Timing::Http(endpoint, method, 200).to_string());
        }
    }
    names
}

fn questions() -> Vec<String> {
    Question::ALL.iter().map(|&question| Timing::Store(question).to_string()).collect()
}

/// What is told of the whole, by the same words as nodes use.
fn of_whole() -> impl Iterator<Item = String> {
    Whole::ALL.into_iter().map(|whole| {
        let (value, kind) = match whole.worth(20.0) {
            Worth::Counter(more) => (more, "c"),
            Worth::Gauge(level) => (level, "g"),
            Worth::Timing(ms, _) => (ms, "ms"),
        };
        format!("{}:{value}|{kind}", whole.full_name())
    })
}

/// A federation that is well: what adds up goes on, what is wrong happens now and then.
pub(crate) fn all_is_sent(_node: &str, metric: &Metric, second: u64) -> Option<u64> {
    Some(match (metric.name, metric.kind) {
        ("tx.in_blocks", _) => 35,
        ("block.created", _) => 5,
        ("process.cpu_ms" | "process.uptime_s", _) => 100 + second,
        (_, Kind::Counter) => 20,
        (_, Kind::Gauge) => 7,
        (_, Kind::Timing) => 3,
    })
}
