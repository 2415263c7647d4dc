//! A run as points for dashboards: what the federation did, second by second, and which faults held.
//!
//! Here: from the records of a run to points, whichever world it is, while it goes ([`Monitor`]) or from its
//! log ([`points`]). Not here: what nodes send of themselves, and who asks for points while a run goes
//! (`backends/real/metering`), how points are written (`bigchaindb_monitoring::relay`).

use std::collections::BTreeMap;

use bigchaindb_core::rules::Election;
use bigchaindb_monitoring::federation::Whole;
use bigchaindb_monitoring::relay::{Interval, Line, Point, Sample, Templates, Value};
use bigchaindb_monitoring::runs::{END, FAULTS, KIND, NODE, RUN, RUNS, TEXT};

use crate::follow::{Follower, Step};
use crate::observe::{Fault, Observed, Phase, Record};

/// A point each second.
const SECOND_US: u64 = 1_000_000;

/// All points of a run that is called `name` there; its clock stood at 0 at `began_ns`, in nanoseconds since
/// 1970.
pub fn points(name: &str, began_ns: u64, records: &[Observed]) -> Vec<Point> {
    let mut monitor = Monitor::new(name, began_ns);
    for observed in records {
        monitor.see(observed);
    }
    monitor.finish(records.last().map_or(0, |last| last.at_us))
}

/// Makes points of records, in whatever order they come: what is told late counts then.
#[derive(Debug)]
pub struct Monitor {
    name: String,
    began_ns: u64,
    second: u64,
    interval: Interval,
    points: Vec<Point>,
    follower: Follower,
    /// Faults that hold.
    faults: BTreeMap<u64, Point>,
    run: Option<Point>,
}

impl Monitor {
    /// Of a run that is called `name`; its clock stood at 0 at `began_ns`, in nanoseconds since 1970.
    pub fn new(name: &str, began_ns: u64) -> Self {
        Self {
            name: name.to_owned(),
            began_ns,
            second: 0,
            interval: Interval::new(Templates::ours()),
            points: Vec::new(),
            follower: Follower::default(),
            faults: BTreeMap::new(),
            run: None,
        }
    }

    /// A record is written down.
    pub fn see(&mut self, observed: &Observed) {
        let at_us = observed.at_us;
        self.end_seconds(at_us);
        match &observed.record {
            Record::Run(run) => {
                let mut point = Point::new(RUNS, self.began_ns);
                point.tag(RUN, &self.name);
                point.tag("backend", &*run.backend);
                point.set(TEXT, Value::Text(format!("{}, seed {}", run.scenario, run.seed)));
                self.run = Some(point);
            }
            Record::Fault(fault) => self.harm(fault, at_us),
            _ => {}
        }
        let interval = &mut self.interval;
        self.follower.see(observed, |step| match step {
            Step::Accepted => count(interval, Whole::TxAccepted, 1.0),
            Step::Decided(election) => {
                count(interval, Whole::BlockDecided, 1.0);
                if election == Election::Invalid {
                    count(interval, Whole::BlockInvalid, 1.0);
                }
            }
            Step::Committed => count(interval, Whole::TxCommitted, 1.0),
            #[expect(clippy::cast_precision_loss, reason = "no run is that long")]
            Step::Took { latency_us } => count(interval, Whole::TxCommit, latency_us as f64 / 1e3),
            Step::Sent | Step::Waits | Step::WaitsNoMore => {}
        });
    }

    /// The points of all seconds that are over at a moment of the run's clock, and until then of the run and
    /// of faults that hold: those are written again as they go on.
    pub fn until(&mut self, now_us: u64) -> Vec<Point> {
        self.end_seconds(now_us);
        let mut points = std::mem::take(&mut self.points);
        let end = self.end(now_us);
        for going_on in self.faults.values().chain(&self.run) {
            let mut point = going_on.clone();
            point.set(END, end.clone());
            points.push(point);
        }
        points
    }

    /// The same once the run is over: its last second is told as if it were whole.
    pub fn finish(&mut self, ended_us: u64) -> Vec<Point> {
        self.end_seconds(ended_us + SECOND_US);
        self.until(ended_us)
    }

    fn harm(&mut self, fault: &Fault, at_us: u64) {
        match fault.phase {
            Phase::Planned => {}
            // One that needs no probe is seen as soon as it is done.
            Phase::Applied | Phase::Verified => {
                if self.faults.contains_key(&fault.number) {
                    return;
                }
                let mut point = Point::new(FAULTS, self.at_ns(at_us));
                point.tag(KIND, &*fault.kind);
                point.tag(NODE, &*fault.target);
                point.tag(RUN, &self.name);
                let text = format!("{} {}", fault.kind, fault.target);
                point.set(TEXT, Value::Text(text.trim_end().to_owned()));
                self.faults.insert(fault.number, point);
            }
            Phase::Healed => {
                if let Some(mut point) = self.faults.remove(&fault.number) {
                    point.set(END, self.end(at_us));
                    self.points.push(point);
                }
            }
        }
    }

    /// Ends the seconds that are over at a moment.
    fn end_seconds(&mut self, now_us: u64) {
        while (self.second + 1) * SECOND_US <= now_us {
            #[expect(clippy::cast_precision_loss, reason = "there are not so many blocks")]
            let undecided = self.follower.undecided() as f64;
            count(&mut self.interval, Whole::BlockUndecided, undecided);
            let at_ns = self.at_ns(self.second * SECOND_US);
            self.points.extend(self.interval.take(at_ns));
            self.second += 1;
        }
    }

    fn at_ns(&self, at_us: u64) -> u64 {
        self.began_ns.saturating_add(at_us.saturating_mul(1_000))
    }

    /// A moment as an end.
    fn end(&self, at_us: u64) -> Value {
        Value::Whole(i64::try_from(self.at_ns(at_us) / 1_000_000).unwrap_or(i64::MAX))
    }
}

fn count(interval: &mut Interval, what: Whole, value: f64) {
    let sample = Sample { name: what.full_name(), worth: what.worth(value) };
    interval.add(Line::Sample(sample), [0, 0, 0, 0].into(), 0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use bigchaindb_core::model::{BlockId, Json};

    use super::*;
    use crate::observe::{Change, Table};
    use crate::plan;
    use crate::run::run;
    use crate::scenario::Scenario;

    /// The value of a field, by the words that a line begins with; all of them added up.
    fn sum(lines: &[String], begins: &str, field: &str) -> f64 {
        let of = lines.iter().filter(|line| line.starts_with(begins));
        of.flat_map(|line| line.split([' ', ',']))
            .filter_map(|word| word.strip_prefix(field)?.strip_prefix('='))
            .map(|value| value.trim_end_matches('i').parse::<f64>().unwrap())
            .sum()
    }

    /// A run with faults, as its log has it.
    fn ran() -> Vec<Observed> {
        let text = "name = \"x\"\n[[load]]\nat = \"1s\"\nfor = \"5s\"\narrivals = { rate = \"10/s\" }\n\
                    [[fault]]\ndo = \"kill\"\nat = \"2s\"\ntarget = \"n2\"\nrestart_after = \"1s\"\n\
                    [[fault]]\ndo = \"lose\"\nat = \"4s\"\ntarget = \"n3\"\n";
        let scenario = Scenario::parse("x.toml", text, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 1).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let directory = crate::record::RunDirectory::create(&folder.path().join("run")).unwrap();
        run(&plan, Some(&directory), String::new(), BTreeMap::new()).unwrap();
        crate::observe::read(&directory.observations()).unwrap()
    }

    /// What is told of a run by its name, with its clock at 1,000 s since 1970.
    fn told(records: &[Observed]) -> Vec<String> {
        points("r 1", 1_000_000_000_000, records).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whatever_is_told_late_counts() {
        let records = ran();
        // First what nodes say of blocks, then the blocks, then what clients hear.
        let mut late = records.clone();
        late.sort_by_key(|observed| match observed.record {
            Record::Decided(_) => 0,
            Record::Operation(_) => 2,
            Record::End(_) => 3,
            _ => 1,
        });
        let (told, told_late) = (told(&records), told(&late));
        for (name, kind, field) in [
            ("tx_accepted", "counter", "value"),
            ("tx_committed", "counter", "value"),
            ("block_decided", "counter", "value"),
            ("tx_commit_ms", "timing", "count"),
            ("tx_commit_ms", "timing", "sum"),
        ] {
            let begins = format!("bigchaindb_{name},metric_type={kind},node=federation ");
            let (then, late) = (sum(&told, &begins, field), sum(&told_late, &begins, field));
            assert!(then > 0.0 && (then - late).abs() < 1e-6, "{name}: {then}, late {late}");
        }
    }

    #[test]
    fn a_fault_that_holds_is_told_until_now() {
        let records = ran();
        let mut monitor = Monitor::new("r", 0);
        let is_before = |observed: &&Observed| observed.at_us < 2_500_000;
        records.iter().filter(is_before).for_each(|observed| monitor.see(observed));
        let mut ends = Vec::new();
        for now_us in [2_600_000, 2_700_000] {
            let fault = |point: &Point| point.measurement == FAULTS && point.tags[KIND] == "kill";
            let points = monitor.until(now_us);
            let fault = points.iter().find(|point| fault(point)).unwrap();
            ends.push((fault.at_ns, fault.fields[END].clone()));
        }
        let expected = [2_600, 2_700].map(|end_ms| (2_000_000_000, Value::Whole(end_ms)));
        assert_eq!(ends, expected, "the same point, written again");
    }

    #[test]
    fn points_say_what_the_log_says() {
        let records = ran();
        let lines = told(&records);

        // What was decided valid, counted by hand.
        let mut blocks = BTreeMap::new();
        let mut valid = BTreeSet::new();
        for observed in &records {
            match &observed.record {
                Record::Change(Change { table: Table::Bigchain, new: Some(row), .. }) => {
                    let transactions = row.get("block").unwrap().get("transactions").unwrap();
                    let id = row.get("id").and_then(Json::as_str).unwrap();
                    blocks.insert(BlockId::from(id), transactions.as_array().unwrap().len());
                }
                Record::Decided(decided) if decided.election == Election::Valid => {
                    valid.insert(decided.block.clone());
                }
                _ => {}
            }
        }
        let committed: usize = valid.iter().map(|block| blocks[block]).sum();
        assert!(committed > 30, "{committed}");
        let federation = |name: &str, kind: &str, field: &str| {
            sum(&lines, &format!("bigchaindb_{name},metric_type={kind},node=federation "), field)
        };
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let committed = committed as f64;
        assert_eq!(federation("tx_committed", "counter", "value"), committed);
        assert_eq!(
            federation("tx_commit_ms", "timing", "count"),
            federation("tx_accepted", "counter", "value")
        );
        assert!(federation("block_decided", "counter", "value") >= 1.0);

        let fault = |kind: &str| {
            let begins = format!("fault,kind={kind},node=");
            lines.iter().filter(|line| line.starts_with(&begins)).collect::<Vec<_>>()
        };
        assert_eq!(fault("kill").len(), 1);
        assert!(fault("kill")[0].starts_with("fault,kind=kill,node=n2,run=r\\ 1 end_time=1003"));
        assert!(fault("kill")[0].ends_with(" 1002000000000"), "{:?}", fault("kill"));
        assert_eq!(fault("lose").len(), 1, "one that lasts is told as well");
        assert!(lines.iter().any(|line| line.starts_with("run,backend=sim,run=r\\ 1 end_time=")));
    }
}
