//! What clients were told, and what harmed the federation: when could it be expected to settle?

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::TxId;

use crate::backends::Backend;
use crate::observe::{Call, Fault, Kind, Observed, Operation, Phase, Record, What};

/// What clients were told, and what harmed the federation.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    accepted: BTreeMap<TxId, Accepted>,
    open: BTreeMap<u64, Fault>,
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
            Record::Operation(operation) if operation.what != What::Probe => {
                self.operation(observed.at_us, operation);
            }
            Record::Fault(fault) => self.fault(observed.at_us, fault),
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
            (Kind::Invoke, _) => self.sent += 1,
            (Kind::Ok, Some(tx)) => {
                self.accepted.entry(tx.clone()).or_insert_with(|| Accepted {
                    at_us,
                    operation: operation.number,
                    node: Arc::clone(&operation.node),
                });
            }
            _ => {}
        }
    }

    fn fault(&mut self, at_us: u64, fault: &Fault) {
        match fault.phase {
            Phase::Planned => {}
            Phase::Applied => {
                self.open.insert(fault.number, fault.clone());
                self.unverified.insert(fault.number, fault.clone());
            }
            Phase::Verified => {
                self.unverified.remove(&fault.number);
            }
            Phase::Healed => {
                self.open.remove(&fault.number);
                self.healed_at_us = at_us;
            }
        }
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
