//! Our datagrams through a parser that nobody here has written: collectd's. It understands all of them, and what
//! it adds up is what was counted and timed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bigchaindb::metrics::labels::{Endpoint, Method, Question};
use bigchaindb::metrics::statsd::Emitter;
use bigchaindb::metrics::{Counter, Gauge, Metrics, Names, Rate, Timer, Timing};
use tempfile::TempDir;

use crate::influxdb::free_port;
use crate::without::without;

/// How often the node sends here.
const FLUSH: Duration = Duration::from_millis(50);

/// What collectd writes down of every second, in seconds: so much is lost by rounding.
const ROUNDED_S: f64 = 1e-6;

/// A collectd that takes StatsD, until it is dropped.
struct Collectd {
    child: Child,
    said: Receiver<String>,
    folder: TempDir,
    port: u16,
}

impl Collectd {
    /// Starts one; none if tests of it are to be left out here.
    fn start() -> Option<Self> {
        let program = ["/usr/sbin/collectd", "/usr/local/sbin/collectd"];
        let program = program.into_iter().find(|program| Path::new(program).is_file());
        let lacks = || "there is no collectd: `apt-get install collectd-core`".to_owned();
        if without("collectd", program.is_none().then(lacks)) {
            return None;
        }
        // It writes into no folder whose name begins with a dot.
        let folder = tempfile::Builder::new().prefix("collectd").tempdir().unwrap();
        let port = free_port();
        let at = folder.path().display();
        let config = format!(
            "Hostname \"here\"\nFQDNLookup false\nBaseDir \"{at}\"\nPIDFile \"{at}/pid\"\nInterval 1\n\
             LoadPlugin statsd\nLoadPlugin csv\n\
             <Plugin statsd>\nHost \"127.0.0.1\"\nPort \"{port}\"\nTimerSum true\nTimerCount true\n</Plugin>\n\
             <Plugin csv>\nDataDir \"{at}/csv\"\nStoreRates false\n</Plugin>\n"
        );
        let file = folder.path().join("collectd.conf");
        fs::write(&file, config).unwrap();
        let mut child = Command::new(program?)
            .arg("-f")
            .arg("-C")
            .arg(&file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (say, said) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send(line)));
        let collectd = Self { child, said, folder, port };
        while !collectd.hear().contains("Listening on") {}
        Some(collectd)
    }

    fn hear(&self) -> String {
        self.said.recv_timeout(Duration::from_secs(30)).expect("it says that it has started")
    }

    /// What it has written of a name so far, in order.
    fn values(&self, name: &str) -> Vec<f64> {
        let folder = self.folder.path().join("csv/here/statsd");
        let mut values = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            // `name-2026-11-29`.
            let file = path.file_name().unwrap().to_str().unwrap();
            if file.len() < 11 || &file[..file.len() - 11] != name {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let rows = text.lines().skip(1).filter_map(|row| row.split_once(',')?.1.parse().ok());
            values.extend(rows.filter(|value: &f64| value.is_finite()));
        }
        values
    }

    /// Waits until what it has written of a name is as it should be: it takes its time with each of them.
    fn until(&self, name: &str, is_so: impl Fn(&[f64]) -> bool) {
        let comes = (0..1_500).any(|_| {
            is_so(&self.values(name)) || (thread::sleep(Duration::from_millis(20)), false).1
        });
        let said: Vec<_> = self.said.try_iter().collect();
        assert!(comes, "{name}: {:?}; {said:?}", self.values(name));
    }

    /// Waits until it has written so much of a counter.
    #[expect(clippy::cast_precision_loss, reason = "few")]
    fn until_counted(&self, name: &str, count: u64) {
        self.until(&format!("derive-{name}"), |values| values.last() == Some(&(count as f64)));
    }
}

impl Drop for Collectd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_another_parser_adds_up_is_what_was_counted() {
    let Some(collectd) = Collectd::start() else { return };
    let (metrics, lines) = Metrics::new(Names::new("n1", "host.example.org"), Rate::ALL);
    let emitter = Emitter::start(lines, "127.0.0.1", collectd.port, FLUSH).unwrap();
    let mut counted = BTreeMap::new();
    let mut timed: BTreeMap<String, (u32, Duration)> = BTreeMap::new();
    let mut timings: Vec<_> = Timer::ALL.iter().map(|timer| Timing::from(*timer)).collect();
    timings.extend(Question::ALL.iter().map(|question| Timing::Store(*question)));
    for &endpoint in Endpoint::ALL {
        timings.extend(Method::ALL.iter().map(|method| Timing::Http(endpoint, *method, 404)));
    }
    for round in 1..=20 {
        for (index, &counter) in Counter::ALL.iter().enumerate() {
            // What the emitter says of itself is its own affair.
            if counter.metric().sender != "statsd" {
                metrics.count(counter, index + round);
                *counted.entry(counter.metric().name).or_default() += (index + round) as u64;
            }
        }
        for (index, &timing) in (1..).zip(&timings) {
            // Whole milliseconds: of others collectd takes the whole part, and none if that is nothing.
            let took = Duration::from_millis(index) * u32::try_from(round).unwrap();
            metrics.time(timing, took);
            for name in names(timing) {
                let (times, sum) = timed.entry(name).or_default();
                (*times, *sum) = (*times + 1, *sum + took);
            }
        }
        for (index, &gauge) in Gauge::ALL.iter().enumerate() {
            metrics.set(gauge, index * round);
        }
        thread::sleep(FLUSH / 2);
    }
    emitter.stop();

    for (name, count) in counted {
        collectd.until_counted(&format!("bigchaindb.n1.{name}"), count);
    }
    for (name, (times, sum)) in timed {
        let is_sum = |values: &[f64]| values.iter().sum::<f64>() == f64::from(times);
        collectd.until(&format!("gauge-{name}-count"), is_sum);
        collectd.until(&format!("latency-{name}-sum"), |values| {
            let rounded = ROUNDED_S * values.len() as f64;
            (values.iter().sum::<f64>() - sum.as_secs_f64()).abs() <= rounded
        });
    }
    for (index, gauge) in Gauge::ALL.iter().enumerate() {
        if gauge.metric().sender != "process" {
            let name = format!("gauge-bigchaindb.n1.{}", gauge.metric().name);
            collectd.until(&name, |values| values.last() == Some(&((index * 20) as f64)));
        }
    }
    let original = "gauge-host.example.org..tx_queue_gauge";
    collectd.until(original, |values| values.last().is_some_and(|level| *level > 0.0));
    let is_complaint = |line: &String| line.starts_with("statsd plugin:");
    let complaints: Vec<_> = collectd.said.try_iter().filter(is_complaint).collect();
    assert_eq!(complaints, [""; 0]);
}

#[test]
fn another_parser_makes_of_a_rate_what_it_stands_for() {
    const ONE_IN: u32 = 10;
    let Some(collectd) = Collectd::start() else { return };
    let (rate, is_other) = Rate::nearest(1.0 / f64::from(ONE_IN)).unwrap();
    assert!(!is_other);
    let (metrics, lines) = Metrics::new(Names::new("n1", "host"), rate);
    let emitter = Emitter::start(lines, "127.0.0.1", collectd.port, FLUSH).unwrap();
    for _ in 0..2_000 {
        metrics.time(Timer::TxWrite, Duration::from_millis(2));
    }
    metrics.count(Counter::TxWritten, 2_000);
    emitter.stop();
    collectd.until_counted("bigchaindb.n1.tx.written", 2_000);
    for name in names(Timer::TxWrite.into()) {
        let name = name.replace("host.example.org", "host");
        let count = format!("gauge-{name}-count");
        collectd.until(&count, |values| (150.0..250.0).contains(&values.iter().sum::<f64>()));
        // Each that came stands for ten.
        let sent: f64 = collectd.values(&count).iter().sum();
        let whole = sent * f64::from(ONE_IN) * 0.002;
        collectd.until(&format!("latency-{name}-sum"), |values| {
            (values.iter().sum::<f64>() - whole).abs() < 1e-3
        });
    }
}

/// The names under which a timing is sent: ours, and the original's if it had one.
fn names(timing: Timing) -> Vec<String> {
    let original = timing.metric().original.map(|name| format!("host.example.org..{name}"));
    [format!("bigchaindb.n1.{timing}")].into_iter().chain(original).collect()
}
