//! What clients were told, and what harmed the federation: when could it be expected to settle?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::TxId;

use super::calm::{Calm, Disturber};
use super::lives::Lives;

use crate::backends::Backend;
use crate::faults::{self, Whom};
use crate::observe::{Call, Fault, Kind, Observed, Operation, Phase, Record};

/// What clients were told, and what harmed the federation.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    accepted: BTreeMap<TxId, Accepted>,
    /// Faults that are planned or in force.
    planned: BTreeMap<u64, Fault>,
    open: BTreeMap<u64, Fault>,
    calm: Calm,
    lives: Lives,
    /// How often each transaction was posted.
    posts: BTreeMap<TxId, u64>,
    /// POSTs under way whose transaction the client does not know.
    nameless: BTreeSet<u64>,
    /// When each POST went out first.
    posted: BTreeMap<u64, u64>,
    wrong_clocks: bool,
    /// When a fault of the store that can lose writes was in force last, and whether it is.
    store_harmed_at_us: Option<u64>,
    store_harms: BTreeSet<u64>,
    overloaded: bool,
    unverified: BTreeMap<u64, Fault>,
    healed_at_us: u64,
    last_load_us: u64,
    sent: u64,
    ended: bool,
    shortfalls: Vec<Arc<str>>,
    now_us: u64,
    exact: bool,
}

/// A transaction was acknowledged with 2xx.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// When first.
    pub at_us: u64,
    /// When the POST that was acknowledged went out.
    pub posted_at_us: u64,
    /// By which operation.
    pub operation: u64,
    /// By which node.
    pub node: Arc<str>,
}

impl Surroundings {
    pub(super) fn observe(&mut self, observed: &Observed) {
        self.now_us = self.now_us.max(observed.at_us);
        match &observed.record {
            Record::Run(run) => self.exact = &*run.backend == Backend::Sim.name(),
            Record::Operation(operation) if operation.what.is_load() => {
                self.operation(observed.at_us, operation);
            }
            Record::Fault(fault) => self.fault(observed.at_us, fault),
            Record::Node(event) => self.lives.observe(observed.at_us, event),
            Record::End(end) => {
                self.ended = true;
                self.shortfalls.clone_from(&end.shortfalls);
            }
            _ => {}
        }
    }

    /// Is the log's order the order in which things happened? In virtual time it is; elsewhere the
    /// observer may hear of a row later than a node speaks of it.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    fn operation(&mut self, at_us: u64, operation: &Operation) {
        if operation.call != Call::Post {
            return;
        }
        self.last_load_us = at_us;
        match (operation.kind, &operation.tx) {
            (Kind::Invoke, tx) => {
                self.sent += 1;
                self.posted.entry(operation.number).or_insert(at_us);
                match tx {
                    Some(tx) => *self.posts.entry(tx.clone()).or_default() += 1,
                    None => drop(self.nameless.insert(operation.number)),
                }
            }
            (Kind::Ok, Some(tx)) => {
                if self.nameless.remove(&operation.number) {
                    *self.posts.entry(tx.clone()).or_default() += 1;
                }
                let posted_at_us = self.posted.get(&operation.number).copied().unwrap_or(at_us);
                self.accepted.entry(tx.clone()).or_insert_with(|| Accepted {
                    at_us,
                    posted_at_us,
                    operation: operation.number,
                    node: Arc::clone(&operation.node),
                });
            }
            _ => {}
        }
    }

    fn fault(&mut self, at_us: u64, fault: &Fault) {
        match fault.phase {
            Phase::Planned => {
                self.planned.insert(fault.number, fault.clone());
            }
            Phase::Applied => {
                self.planned.insert(fault.number, fault.clone());
                self.calm.begins(Disturber::Fault(fault.number), at_us);
                self.wrong_clocks |= fault.kind.starts_with("clock");
                if can_lose_writes(fault) {
                    self.store_harms.insert(fault.number);
                    self.store_harmed_at_us = Some(at_us);
                }
                self.open.insert(fault.number, fault.clone());
                self.unverified.insert(fault.number, fault.clone());
            }
            Phase::Verified => {
                self.unverified.remove(&fault.number);
            }
            Phase::Healed => {
                self.open.remove(&fault.number);
                self.planned.remove(&fault.number);
                self.calm.ends(Disturber::Fault(fault.number), at_us);
                self.healed_at_us = at_us;
                if self.store_harms.remove(&fault.number) {
                    self.store_harmed_at_us = Some(at_us);
                }
            }
        }
    }

    /// So many transactions wait: is that more than can be expected to be worked off?
    pub(super) fn weigh(&mut self, waiting: usize) {
        let overloaded = waiting > OVERLOAD;
        if overloaded != self.overloaded {
            self.overloaded = overloaded;
            let change = if overloaded { Calm::begins } else { Calm::ends };
            change(&mut self.calm, Disturber::Overload, self.now_us);
        }
    }

    /// By when something has to be done that could be done from `since_us` on: the first moment that
    /// had `within_us` without any fault before it. None if the log does not tell.
    pub fn due_us(&self, since_us: u64, within_us: u64) -> Option<u64> {
        self.calm.due_us(since_us, within_us, self.last_load_us)
    }

    /// Every fault's stretch of time: from, and until when, if it was healed.
    pub fn faults(&self) -> impl Iterator<Item = (u64, Option<u64>)> {
        self.calm.faults()
    }

    /// Whether a fault that meets this node is planned or in force.
    pub fn meets(&self, node: &str, kind: impl Fn(&str) -> bool) -> bool {
        let mut planned = self.planned.values();
        planned.any(|fault| kind(&fault.kind) && fault.target.split(',').any(|one| one == node))
    }

    /// Whether a fault has put some node's clock wrong so far.
    pub fn has_wrong_clocks(&self) -> bool {
        self.wrong_clocks
    }

    /// Whether the store may lose writes now, or did so up to `within_us` ago.
    pub fn may_lose_writes(&self, within_us: u64) -> bool {
        let recent = |at_us| self.now_us <= at_us + within_us;
        !self.store_harms.is_empty() || self.store_harmed_at_us.is_some_and(recent)
    }

    /// Which nodes run when.
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// How often a transaction was posted, as far as clients know it.
    pub fn posts(&self, id: &TxId) -> u64 {
        self.posts.get(id).copied().unwrap_or(0)
    }

    /// When a client last posted something.
    pub fn last_load_us(&self) -> u64 {
        self.last_load_us
    }

    /// Every acknowledged transaction.
    pub fn accepted(&self) -> &BTreeMap<TxId, Accepted> {
        &self.accepted
    }

    /// How many POSTs were sent, retries included.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// When the last fault was healed; 0 if there was none.
    pub fn healed_at_us(&self) -> u64 {
        self.healed_at_us
    }

    /// When nothing disturbed the federation any more: no load, no fault.
    pub fn quiet_from_us(&self) -> u64 {
        self.healed_at_us.max(self.last_load_us)
    }

    /// Whether the log was brought to its end, and what happened up to `since_us` had `within_us` of
    /// quiet to come to rest.
    pub fn at_rest(&self, since_us: u64, within_us: u64) -> bool {
        let due_us = self.quiet_from_us().max(since_us) + within_us;
        self.ended && self.open.is_empty() && self.now_us >= due_us
    }

    /// The time of the last record.
    pub fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Whether the log was brought to its end.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// A fault that is still in force.
    pub fn open_fault(&self) -> Option<&Fault> {
        self.open.values().next()
    }

    /// Faults of which no probe has seen that they are real.
    pub fn unverified(&self) -> impl Iterator<Item = &Fault> {
        self.unverified.values()
    }

    /// Where the harness says it fell short.
    pub fn shortfalls(&self) -> &[Arc<str>] {
        &self.shortfalls
    }
}

/// Once more waits than fits into a block, load is more than usual; how long it takes is a question of
/// the machine then.
const OVERLOAD: usize = 1000;

/// Whether a fault meets the store, which may lose what it had not promised to keep.
fn can_lose_writes(fault: &Fault) -> bool {
    let nature = faults::ALL.iter().find(|nature| nature.name == &*fault.kind);
    nature.is_some_and(|nature| nature.whom != Whom::Nodes)
}
