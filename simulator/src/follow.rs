//! Following a run: what its records mean to whoever watches while it goes.
//!
//! Records come in whatever order they are told in a run in real time; what is told late counts then. Here:
//! from records to steps ([`Follower::see`]). Not here: what becomes of steps: points for dashboards
//! (`monitor`), the view at a terminal (`live`); what a log comes to in the end (`measure`).

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, Json, TxId};
use bigchaindb_core::rules::Election;

use crate::observe::{
    Call, Change, Kind, Observed, Operation, Record, Table, What, is_genesis, transactions,
};

/// What a record turns out to mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A client has begun a call that loads.
    Sent,
    /// A transaction was acknowledged for the first time.
    Accepted,
    /// A block was decided for the first time.
    Decided(Election),
    /// A transaction is in a block that was decided valid, for the first time.
    Committed,
    /// Of one that was acknowledged it is known how long that took, from the moment that was intended.
    Took {
        /// In microseconds.
        latency_us: u64,
    },
    /// A row came into the backlog.
    Waits,
    /// A row has left the backlog.
    WaitsNoMore,
}

/// Follows a run.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// When each transaction was meant to be sent, once it is accepted.
    intended_us: BTreeMap<TxId, u64>,
    /// What blocks hold that nobody has decided.
    undecided: BTreeMap<BlockId, Vec<TxId>>,
    /// How blocks were decided, and when; a block may be seen later than that.
    decided: BTreeMap<BlockId, (Election, u64)>,
    /// Those of them that were seen.
    seen: BTreeSet<BlockId>,
    /// When each transaction was first in a block that was decided valid.
    committed_us: BTreeMap<TxId, u64>,
}

impl Follower {
    /// A record is written down; `told` hears what that means.
    pub(crate) fn see(&mut self, observed: &Observed, mut told: impl FnMut(Step)) {
        match &observed.record {
            Record::Operation(operation) => self.hear(operation, &mut told),
            Record::Change(Change { table: Table::Backlog, old, new }) => {
                match (old.is_some(), new.is_some()) {
                    (false, true) => told(Step::Waits),
                    (true, false) => told(Step::WaitsNoMore),
                    _ => {}
                }
            }
            Record::Change(Change { table: Table::Bigchain, old: None, new: Some(row) }) => {
                self.list(row, &mut told);
            }
            Record::Decided(decided) => {
                self.decide(&decided.block, decided.election, observed.at_us, &mut told);
            }
            _ => {}
        }
    }

    /// Blocks that were seen and are not decided.
    pub(crate) fn undecided(&self) -> usize {
        self.undecided.len()
    }

    fn hear(&mut self, operation: &Operation, told: &mut impl FnMut(Step)) {
        if operation.call != Call::Post {
            return;
        }
        if operation.kind == Kind::Invoke && operation.what != What::Probe {
            told(Step::Sent);
        }
        let is_accepted = operation.kind == Kind::Ok
            && operation.http.is_some_and(|status| (200..300).contains(&status));
        if let Some(tx) = operation.tx.as_ref().filter(|_| is_accepted)
            && !self.intended_us.contains_key(tx)
        {
            self.intended_us.insert(tx.clone(), operation.intended_us);
            told(Step::Accepted);
            if let Some(&committed_us) = self.committed_us.get(tx) {
                told(took(operation.intended_us, committed_us));
            }
        }
    }

    fn list(&mut self, row: &Json, told: &mut impl FnMut(Step)) {
        let Some(id) = row.get("id").and_then(Json::as_str) else { return };
        let ids = transactions(row).iter();
        let ids = ids.filter_map(|tx| tx.get("id").and_then(Json::as_str).map(TxId::from));
        let id = BlockId::from(id);
        if is_genesis(row) || !self.seen.insert(id.clone()) {
            return;
        }
        match self.decided.get(&id).copied() {
            None => drop(self.undecided.insert(id, ids.collect())),
            Some((election, at_us)) => self.settle(ids.collect(), election, at_us, told),
        }
    }

    fn decide(
        &mut self,
        block: &BlockId,
        election: Election,
        at_us: u64,
        told: &mut impl FnMut(Step),
    ) {
        if self.decided.contains_key(block) {
            return;
        }
        self.decided.insert(block.clone(), (election, at_us));
        told(Step::Decided(election));
        let transactions = self.undecided.remove(block).unwrap_or_default();
        self.settle(transactions, election, at_us, told);
    }

    /// What is in a block that was decided.
    fn settle(
        &mut self,
        transactions: Vec<TxId>,
        election: Election,
        at_us: u64,
        told: &mut impl FnMut(Step),
    ) {
        if election == Election::Invalid {
            return;
        }
        for tx in transactions {
            if self.committed_us.contains_key(&tx) {
                continue;
            }
            told(Step::Committed);
            if let Some(&intended_us) = self.intended_us.get(&tx) {
                told(took(intended_us, at_us));
            }
            self.committed_us.insert(tx, at_us);
        }
    }
}

fn took(intended_us: u64, committed_us: u64) -> Step {
    Step::Took { latency_us: committed_us.saturating_sub(intended_us) }
}
