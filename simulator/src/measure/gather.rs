//! How the figures are gathered: one pass over the log, with the reference at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, TxId};
use bigchaindb_core::rules::Election;

use super::phases::{Phases, Times, Timings, Took};
use super::{Counts, Distribution, FaultWindow, Measures, Phase, RoundTrips, Second};
use crate::checkers::reference::Reference;
use crate::observe::{self, Call, Change, Kind, Observed, Operation, Record, Table, What};

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
    /// How often each node has asked its store so far.
    questions: BTreeMap<Arc<str>, u64>,
}

/// What is known of a load operation.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) intended_us: u64,
    pub(super) sent_us: Option<u64>,
    pub(super) accepted_us: Option<u64>,
    refused: bool,
    tx: Option<TxId>,
    /// Whether another node is asked for it, and when it was valid there.
    is_read: bool,
    readable_us: Option<u64>,
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
            Record::Gauge(gauge) => {
                self.questions.insert(gauge.node.clone(), gauge.questions);
            }
            _ => {}
        }
    }

    /// What it all comes to. `reference` has seen the same records.
    pub fn finish(self, reference: &Reference) -> Measured {
        let Some((began_us, ended_us)) = self.times_us else { return Measured::default() };
        Gathering::new(self, began_us, ended_us).finish(reference)
    }

    fn operation(&mut self, at_us: u64, operation: &Operation) {
        if operation.what == What::Reading {
            return self.reading(at_us, operation);
        }
        if !operation.what.is_load() || operation.call != Call::Post {
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

    /// Another node is asked whether a transaction is valid there.
    fn reading(&mut self, at_us: u64, operation: &Operation) {
        let Some(load) = self.loads.get_mut(&operation.number) else { return };
        load.is_read = true;
        if operation.kind == Kind::Ok && operation.value.as_deref() == Some("valid") {
            load.readable_us.get_or_insert(at_us);
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
            observe::Phase::Planned => &mut window.planned_us,
            observe::Phase::Applied => &mut window.applied_us,
            observe::Phase::Verified => &mut window.verified_us,
            observe::Phase::Healed => &mut window.healed_us,
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
    questions: BTreeMap<Arc<str>, u64>,
    /// How many seconds each of these is.
    stretch_s: u64,
    seconds: Vec<Second>,
}

impl Gathering {
    fn new(measuring: Measuring, began_us: u64, ended_us: u64) -> Self {
        let Measuring { loads, faults, backlog, questions, .. } = measuring;
        let count = ended_us.saturating_sub(began_us) / 1_000_000 + 1;
        let stretch_s = count.div_ceil(STRETCHES_MAX);
        let stretch = |place| Second { second: place * stretch_s, ..Second::default() };
        let seconds: Vec<_> = (0..count.div_ceil(stretch_s)).map(stretch).collect();
        let steps = Steps::new();
        let mut gathering = Self {
            began_us,
            ended_us,
            loads,
            faults,
            backlog: steps,
            questions,
            stretch_s,
            seconds,
        };
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

    /// How often nodes have asked their store, as far as they say.
    fn round_trips(&self, counts: &Counts) -> Option<RoundTrips> {
        let questions = self.questions.values().sum();
        (!self.questions.is_empty()).then(|| RoundTrips::new(questions, counts.decided_valid))
    }

    fn finish(mut self, reference: &Reference) -> Measured {
        let counts = self.counts(reference);
        let round_trips = self.round_trips(&counts);
        let (mut timings, phases) = self.latencies(reference);
        self.levels(reference);
        let (latency, decided_cdf) = (timings.latency(), timings.decided.cdf());
        let (stretch_s, seconds, decided) = (self.stretch_s, self.seconds, timings.decided);
        let measures =
            Measures { counts, stretch_s, seconds, latency, decided_cdf, phases, round_trips };
        Measured { measures, faults: self.faults.into_values().collect(), decided }
    }

    /// How long everything took, over the whole run and by phase; and how much of it was done in which second.
    fn latencies(&mut self, reference: &Reference) -> (Timings, Vec<Phase>) {
        let mut whole = Timings::default();
        let mut phases = Phases::of(self.faults.values(), self.began_us, self.ended_us);
        let mut in_second: BTreeMap<usize, Distribution> = BTreeMap::new();
        let mut timed = BTreeSet::new();
        for load in std::mem::take(&mut self.loads).values() {
            self.count(load);
            let is_first = load.tx.as_ref().is_none_or(|tx| timed.insert(tx.clone()));
            let (times, valid_at_us) = self.time(load, is_first, reference);
            whole.add(&times);
            phases.add(load, &times);
            if let (Some(at_us), Some(Took::Us(took_us))) = (valid_at_us, times.decided) {
                in_second.entry(self.second(at_us)).or_default().add(took_us);
            }
        }
        for (second, mut distribution) in in_second {
            self.seconds[second].decided_latency = Some(distribution.percentiles());
        }
        (whole, phases.finish())
    }

    /// An operation, in the seconds to which its moments belong.
    fn count(&mut self, load: &Load) {
        let requested = self.second(load.intended_us);
        self.seconds[requested].requested += 1;
        if let Some(sent_us) = load.sent_us {
            let second = self.second(sent_us);
            self.seconds[second].sent += 1;
            if let Some(at_us) = load.accepted_us {
                let second = self.second(at_us);
                self.seconds[second].accepted += 1;
            }
        }
    }

    /// How long an operation took, hop by hop, and when it was decided valid. A duplicate's transaction is another
    /// operation's, and timed with that one: then it is not the first.
    fn time(&self, load: &Load, is_first: bool, reference: &Reference) -> (Times, Option<u64>) {
        let mut times = Times::default();
        let Some(sent_us) = load.sent_us else { return (times, None) };
        let since = |at_us: u64| at_us.saturating_sub(load.intended_us);
        let until = |at_us: Option<u64>| {
            at_us.map_or(Took::AtLeast(since(self.ended_us)), |at_us| Took::Us(since(at_us)))
        };
        times.sent = Some(Took::Us(since(sent_us)));
        if load.accepted_us.is_none() && load.refused {
            return (times, None);
        }
        times.accepted = Some(until(load.accepted_us));
        if !is_first {
            return (times, None);
        }
        let seen = load.tx.as_ref().and_then(|tx| reference.transaction(tx));
        let is_lost = load.tx.as_ref().is_some_and(|tx| reference.winner_over(tx).is_some());
        // What has lost a conflict does not get there, and nobody waits for it.
        let unless_lost = |at_us: Option<u64>| (at_us.is_some() || !is_lost).then(|| until(at_us));
        let valid_at_us = seen.and_then(|seen| seen.valid_at_us);
        times.in_block = unless_lost(seen.and_then(|seen| seen.in_block_at_us));
        times.decided = unless_lost(valid_at_us);
        if load.is_read {
            times.readable = unless_lost(load.readable_us);
        }
        (times, valid_at_us)
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
