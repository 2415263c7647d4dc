//! A run as points for dashboards: what the federation did, second by second, and which faults held.
//!
//! Here: from the records of a run to points, whichever world it was ([`points`]). A run in virtual time is
//! shown as if it had just ended. Not here: what nodes send of themselves (`backends/real/metering`), how
//! points are written (`bigchaindb_monitoring::relay`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, TxId};
use bigchaindb_core::rules::Election;
use bigchaindb_monitoring::federation::Whole;
use bigchaindb_monitoring::relay::{Interval, Line, Point, Sample, Templates, Value};
use bigchaindb_monitoring::runs::{END, FAULTS, KIND, NODE, RUN, RUNS, TEXT};

use crate::observe::{Call, Change, Fault, Kind, Observed, Operation, Phase, Record, Run, Table};

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

struct Monitor {
    name: String,
    began_ns: u64,
    second: u64,
    interval: Interval,
    points: Vec<Point>,
    /// When each transaction was meant to be sent, once it is accepted.
    intended_us: BTreeMap<TxId, u64>,
    /// What undecided blocks hold.
    undecided: BTreeMap<BlockId, Vec<TxId>>,
    decided: BTreeSet<BlockId>,
    /// Faults that were done, and what their points are until they are over.
    faults: BTreeMap<u64, Point>,
    run: Option<Arc<Run>>,
}

impl Monitor {
    fn new(name: &str, began_ns: u64) -> Self {
        Self {
            name: name.to_owned(),
            began_ns,
            second: 0,
            interval: Interval::new(Templates::ours()),
            points: Vec::new(),
            intended_us: BTreeMap::new(),
            undecided: BTreeMap::new(),
            decided: BTreeSet::new(),
            faults: BTreeMap::new(),
            run: None,
        }
    }

    fn see(&mut self, observed: &Observed) {
        let at_us = observed.at_us;
        while (self.second + 1) * SECOND_US <= at_us {
            self.end_second();
        }
        match &observed.record {
            Record::Run(run) => self.run = Some(Arc::new(run.clone())),
            Record::Operation(operation) => self.hear(operation),
            Record::Change(Change { table: Table::Bigchain, old: None, new: Some(row) }) => {
                self.list(row);
            }
            Record::Decided(decided) => self.decide(&decided.block, decided.election, at_us),
            Record::Fault(fault) => self.harm(fault, at_us),
            _ => {}
        }
    }

    fn hear(&mut self, operation: &Operation) {
        let is_accepted = operation.call == Call::Post
            && operation.kind == Kind::Ok
            && operation.http.is_some_and(|status| (200..300).contains(&status));
        if let Some(tx) = operation.tx.as_ref().filter(|_| is_accepted)
            && !self.intended_us.contains_key(tx)
        {
            self.intended_us.insert(tx.clone(), operation.intended_us);
            self.count(Whole::TxAccepted, 1.0);
        }
    }

    fn list(&mut self, row: &Json) {
        let Some(id) = row.get("id").and_then(Json::as_str) else { return };
        let transactions = row.get("block").and_then(|block| block.get("transactions"));
        let ids = transactions.and_then(Json::as_array).into_iter().flatten();
        let ids = ids.filter_map(|tx| tx.get("id").and_then(Json::as_str).map(TxId::from));
        let (id, ids) = (BlockId::from(id), ids.collect());
        if !self.decided.contains(&id) {
            self.undecided.insert(id, ids);
        }
    }

    fn decide(&mut self, block: &BlockId, election: Election, at_us: u64) {
        if !self.decided.insert(block.clone()) {
            return;
        }
        let transactions = self.undecided.remove(block).unwrap_or_default();
        self.count(Whole::BlockDecided, 1.0);
        if election == Election::Invalid {
            self.count(Whole::BlockInvalid, 1.0);
            return;
        }
        for tx in transactions {
            self.count(Whole::TxCommitted, 1.0);
            if let Some(intended_us) = self.intended_us.get(&tx) {
                #[expect(clippy::cast_precision_loss, reason = "no run is that long")]
                let ms = at_us.saturating_sub(*intended_us) as f64 / 1e3;
                self.count(Whole::TxCommit, ms);
            }
        }
    }

    fn harm(&mut self, fault: &Fault, at_us: u64) {
        match fault.phase {
            Phase::Planned => {}
            // One that needs no probe is seen as soon as it is done.
            Phase::Applied | Phase::Verified => {
                let at_ns = self.at_ns(at_us);
                let point = self.faults.entry(fault.number).or_insert_with(|| {
                    let mut point = Point::new(FAULTS, at_ns);
                    point.tag(KIND, &*fault.kind);
                    point.tag(NODE, &*fault.target);
                    let text = format!("{} {}", fault.kind, fault.target);
                    point.set(TEXT, Value::Text(text.trim_end().to_owned()));
                    point
                });
                point.tag(RUN, &self.name);
            }
            Phase::Healed => {
                let end_ms = self.at_ns(at_us) / 1_000_000;
                if let Some(mut point) = self.faults.remove(&fault.number) {
                    point.set(END, Value::Whole(i64::try_from(end_ms).unwrap_or(i64::MAX)));
                    self.points.push(point);
                }
            }
        }
    }

    fn count(&mut self, what: Whole, value: f64) {
        let sample = Sample { name: what.full_name(), worth: what.worth(value) };
        self.interval.add(Line::Sample(sample), [0, 0, 0, 0].into(), 0);
    }

    fn end_second(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "there are not so many blocks")]
        self.count(Whole::BlockUndecided, self.undecided.len() as f64);
        let at_ns = self.at_ns(self.second * SECOND_US);
        self.points.extend(self.interval.take(at_ns));
        self.second += 1;
    }

    fn at_ns(&self, at_us: u64) -> u64 {
        self.began_ns.saturating_add(at_us.saturating_mul(1_000))
    }

    /// All points, with the last second's, faults that never ended, and the run itself.
    fn finish(mut self, ended_us: u64) -> Vec<Point> {
        self.end_second();
        self.points.extend(std::mem::take(&mut self.faults).into_values());
        if let Some(run) = self.run.take() {
            let mut point = Point::new(RUNS, self.began_ns);
            point.tag(RUN, &self.name);
            point.tag("backend", &*run.backend);
            point.set(TEXT, Value::Text(format!("{}, seed {}", run.scenario, run.seed)));
            let end_ms = self.at_ns(ended_us) / 1_000_000;
            point.set(END, Value::Whole(i64::try_from(end_ms).unwrap_or(i64::MAX)));
            self.points.push(point);
        }
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn points_say_what_the_log_says() {
        let text = "name = \"x\"\n[[load]]\nat = \"1s\"\nfor = \"5s\"\narrivals = { rate = \"10/s\" }\n\
                    [[fault]]\ndo = \"kill\"\nat = \"2s\"\ntarget = \"n2\"\nrestart_after = \"1s\"\n\
                    [[fault]]\ndo = \"lose\"\nat = \"4s\"\ntarget = \"n3\"\n";
        let scenario = Scenario::parse("x.toml", text, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 1).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let directory = crate::record::RunDirectory::create(&folder.path().join("run")).unwrap();
        run(&plan, Some(&directory), String::new(), BTreeMap::new()).unwrap();
        let records = crate::observe::read(&directory.observations()).unwrap();
        let began_ns = 1_000_000_000_000;
        let lines: Vec<_> =
            points("r 1", began_ns, &records).iter().map(ToString::to_string).collect();

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
