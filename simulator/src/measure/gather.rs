//! How the figures are gathered: one pass over the log, with the reference at hand.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, TxId};
use bigchaindb_core::rules::Election;

use super::{Counts, Distribution, FaultWindow, Latency, Measures, Second};
use crate::checkers::reference::Reference;
use crate::observe::{Call, Change, Kind, Observed, Operation, Phase, Record, Table, What};

/// What was measured, and what it was measured from.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The figures.
    pub measures: Measures,
    /// What went wrong on purpose, by number.
    pub faults: Vec<FaultWindow>,
    /// From intended to decided valid, every load operation's transaction once.
    pub decided: Distribution,
}

/// A run has at most so many entries of time; in a longer one each is of several seconds.
const STRETCHES_MAX: u64 = 86_400;

/// Counts and times everything in a log. `reference` has seen all of it.
pub fn measure(records: &[Observed], reference: &Reference) -> Measured {
    let mut measuring = Measuring::default();
    records.iter().for_each(|observed| measuring.observe(observed));
    measuring.finish(reference)
}

/// Takes the figures while the log is made.
#[derive(Debug, Default)]
pub struct Measuring {
    /// When the first record was made, and the last.
    times_us: Option<(u64, u64)>,
    loads: BTreeMap<u64, Load>,
    faults: BTreeMap<u64, FaultWindow>,
    /// How the backlog's size changed, by second.
    backlog: BTreeMap<u64, i64>,
    waiting: BTreeSet<TxId>,
}

/// What is known of a load operation.
#[derive(Debug, Default)]
struct Load {
    intended_us: u64,
    sent_us: Option<u64>,
    accepted_us: Option<u64>,
    refused: bool,
    tx: Option<TxId>,
}

/// A level that goes up and down, by stretch of time.
type Steps = BTreeMap<usize, i64>;

impl Measuring {
    /// Takes a record in.
    pub fn observe(&mut self, observed: &Observed) {
        let at_us = observed.at_us;
        let (began_us, _) = self.times_us.unwrap_or((at_us, at_us));
        self.times_us = Some((began_us, at_us));
        match &observed.record {
            Record::Operation(operation) => self.operation(at_us, operation),
            Record::Change(change) => self.change(at_us.saturating_sub(began_us), change),
            Record::Fault(fault) => self.fault(at_us, fault),
            _ => {}
        }
    }

    /// What it all comes to. `reference` has seen the same records.
    pub fn finish(self, reference: &Reference) -> Measured {
        let Some((began_us, ended_us)) = self.times_us else { return Measured::default() };
        Gathering::new(self, began_us, ended_us).finish(reference)
    }

    fn operation(&mut self, at_us: u64, operation: &Operation) {
        if operation.what == What::Probe || operation.call != Call::Post {
            return;
        }
        let load = self.loads.entry(operation.number).or_default();
        load.intended_us = operation.intended_us;
        if let Some(tx) = &operation.tx {
            load.tx = Some(tx.clone());
        }
        match operation.kind {
            Kind::Invoke => {
                load.sent_us.get_or_insert(at_us);
            }
            Kind::Ok => {
                load.accepted_us.get_or_insert(at_us);
            }
            Kind::Fail => load.refused = true,
            Kind::Info => {}
        }
    }

    fn change(&mut self, since_us: u64, change: &Change) {
        let (Table::Backlog, Some(id)) = (change.table, change.id()) else { return };
        let id = TxId::from(&*id);
        let step = match change.new {
            Some(_) => i64::from(self.waiting.insert(id)),
            None => -i64::from(self.waiting.remove(&id)),
        };
        *self.backlog.entry(since_us / 1_000_000).or_default() += step;
    }

    fn fault(&mut self, at_us: u64, fault: &crate::observe::Fault) {
        let window = self.faults.entry(fault.number).or_insert_with(|| FaultWindow {
            number: fault.number,
            kind: fault.kind.to_string(),
            target: fault.target.to_string(),
            planned_us: None,
            applied_us: None,
            verified_us: None,
            healed_us: None,
        });
        let moment = match fault.phase {
            Phase::Planned => &mut window.planned_us,
            Phase::Applied => &mut window.applied_us,
            Phase::Verified => &mut window.verified_us,
            Phase::Healed => &mut window.healed_us,
        };
        moment.get_or_insert(at_us);
    }
}

/// What was observed, brought into stretches of time.
struct Gathering {
    began_us: u64,
    ended_us: u64,
    loads: BTreeMap<u64, Load>,
    faults: BTreeMap<u64, FaultWindow>,
    backlog: Steps,
    /// How many seconds each of these is.
    stretch_s: u64,
    seconds: Vec<Second>,
}

impl Gathering {
    fn new(measuring: Measuring, began_us: u64, ended_us: u64) -> Self {
        let Measuring { loads, faults, backlog, .. } = measuring;
        let count = ended_us.saturating_sub(began_us) / 1_000_000 + 1;
        let stretch_s = count.div_ceil(STRETCHES_MAX);
        let stretch = |place| Second { second: place * stretch_s, ..Second::default() };
        let seconds: Vec<_> = (0..count.div_ceil(stretch_s)).map(stretch).collect();
        let mut gathering =
            Self { began_us, ended_us, loads, faults, backlog: Steps::new(), stretch_s, seconds };
        for (second, step) in backlog {
            let place = gathering.place(second);
            *gathering.backlog.entry(place).or_default() += step;
        }
        gathering
    }

    /// Which stretch a moment lies in; what the plan intended after the end counts as the last.
    fn second(&self, at_us: u64) -> usize {
        self.place(at_us.saturating_sub(self.began_us) / 1_000_000)
    }

    /// The stretch of a second.
    fn place(&self, second: u64) -> usize {
        let place = usize::try_from(second / self.stretch_s).unwrap_or(usize::MAX);
        place.min(self.seconds.len() - 1)
    }

    fn finish(mut self, reference: &Reference) -> Measured {
        let (latency, mut decided) = self.latencies(reference);
        self.levels(reference);
        let counts = self.counts(reference);
        let decided_cdf = decided.cdf();
        let (stretch_s, seconds) = (self.stretch_s, self.seconds);
        let measures = Measures { counts, stretch_s, seconds, latency, decided_cdf };
        Measured { measures, faults: self.faults.into_values().collect(), decided }
    }

    /// How long everything took, and how much of it was done in which second.
    fn latencies(&mut self, reference: &Reference) -> (Latency, Distribution) {
        let mut until_sent = Distribution::default();
        let mut until_accepted = Distribution::default();
        let mut until_in_block = Distribution::default();
        let mut until_decided = Distribution::default();
        let mut in_second: BTreeMap<usize, Distribution> = BTreeMap::new();
        let mut timed = BTreeSet::new();
        for load in self.loads.values() {
            let requested = self.second(load.intended_us);
            self.seconds[requested].requested += 1;
            let Some(sent_us) = load.sent_us else { continue };
            let second = self.second(sent_us);
            self.seconds[second].sent += 1;
            until_sent.add(sent_us.saturating_sub(load.intended_us));
            if let Some(at_us) = load.accepted_us {
                let second = self.second(at_us);
                self.seconds[second].accepted += 1;
                until_accepted.add(at_us.saturating_sub(load.intended_us));
            } else if load.refused {
                continue;
            } else {
                until_accepted.add_censored(self.ended_us.saturating_sub(load.intended_us));
            }
            // A duplicate's transaction is another operation's, and timed with that one.
            if load.tx.as_ref().is_some_and(|tx| !timed.insert(tx.clone())) {
                continue;
            }
            let seen = load.tx.as_ref().and_then(|tx| reference.transaction(tx));
            let lost = load.tx.as_ref().is_some_and(|tx| reference.winner_over(tx).is_some());
            let add = |distribution: &mut Distribution, at_us: Option<u64>| match at_us {
                Some(at_us) => distribution.add(at_us.saturating_sub(load.intended_us)),
                None if lost => {}
                None => {
                    distribution.add_censored(self.ended_us.saturating_sub(load.intended_us));
                }
            };
            add(&mut until_in_block, seen.and_then(|seen| seen.in_block_at_us));
            let valid_at_us = seen.and_then(|seen| seen.valid_at_us);
            add(&mut until_decided, valid_at_us);
            if let Some(at_us) = valid_at_us {
                add(in_second.entry(self.second(at_us)).or_default(), valid_at_us);
            }
        }
        for (second, mut distribution) in in_second {
            self.seconds[second].decided_latency = Some(distribution.percentiles());
        }
        let latency = Latency {
            sent: until_sent.percentiles(),
            accepted: until_accepted.percentiles(),
            in_block: until_in_block.percentiles(),
            decided: until_decided.percentiles(),
        };
        (latency, until_decided)
    }

    /// What stood at the end of each second: backlog, undecided blocks; and what was decided in it.
    fn levels(&mut self, reference: &Reference) {
        let mut undecided = Steps::new();
        let mut elections: BTreeMap<&BlockId, Election> = BTreeMap::new();
        for (_, block) in reference.blocks() {
            *undecided.entry(self.second(block.seen_at_us)).or_default() += 1;
        }
        for (at_us, block, is) in reference.history() {
            let was = elections.insert(block, *is).unwrap_or(Election::Undecided);
            let open = |election| i64::from(election == Election::Undecided);
            *undecided.entry(self.second(*at_us)).or_default() += open(*is) - open(was);
        }
        for (_, seen) in reference.transactions() {
            if let Some(at_us) = seen.valid_at_us.filter(|_| &*seen.document.operation != "GENESIS")
            {
                let second = self.second(at_us);
                self.seconds[second].decided += 1;
            }
        }
        let (mut waiting, mut open) = (0, 0);
        for (index, second) in self.seconds.iter_mut().enumerate() {
            waiting += self.backlog.get(&index).copied().unwrap_or(0);
            open += undecided.get(&index).copied().unwrap_or(0);
            second.backlog = u64::try_from(waiting).unwrap_or(0);
            second.undecided_blocks = u64::try_from(open).unwrap_or(0);
        }
    }

    fn counts(&self, reference: &Reference) -> Counts {
        let mut counts = Counts::default();
        for load in self.loads.values().filter(|load| load.sent_us.is_some()) {
            counts.sent += 1;
            match load {
                Load { accepted_us: Some(_), .. } => counts.accepted += 1,
                Load { refused: true, .. } => counts.refused += 1,
                _ => counts.unanswered += 1,
            }
        }
        for id in reference.surroundings().accepted().keys() {
            counts.transactions += 1;
            if !reference.blocks_of(id, Election::Valid).is_empty() {
                counts.decided_valid += 1;
            } else if reference.winner_over(id).is_some() {
                counts.lost_conflict += 1;
            } else {
                counts.never_decided += 1;
            }
        }
        for (_, block) in reference.blocks().filter(|(_, block)| !block.document.is_genesis) {
            counts.blocks += 1;
            match block.election {
                Election::Valid => counts.blocks_valid += 1,
                Election::Invalid => counts.blocks_invalid += 1,
                Election::Undecided => counts.blocks_undecided += 1,
            }
        }
        let mut decided: BTreeMap<&BlockId, u64> = BTreeMap::new();
        let mut elections: BTreeMap<&BlockId, Election> = BTreeMap::new();
        for (_, block, is) in reference.history() {
            let was = elections.insert(block, *is).unwrap_or(Election::Undecided);
            if *is != Election::Undecided {
                decided.entry(block).or_default();
            }
            if was != Election::Undecided {
                *decided.entry(block).or_default() += 1;
            }
        }
        let is_genesis =
            |id: &BlockId| reference.block(id).is_some_and(|block| block.document.is_genesis);
        decided.retain(|block, _| !is_genesis(block));
        counts.blocks_decided = decided.len() as u64;
        counts.blocks_changed = decided.values().filter(|changes| **changes > 0).count() as u64;
        counts.changes = decided.values().sum();
        counts
    }
}
