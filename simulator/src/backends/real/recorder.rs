//! What is written down during a run, by whoever sees it, each with its moment.
//!
//! Clients, nodes, faults and the observer of the tables write at the same time; their records are
//! put in order of time at the end. A moment is taken when something is seen, except for changes of
//! the tables, which the store stamps.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bigchaindb::clock;
use bigchaindb::store::{Observation, Tables};
use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};
use bigchaindb_core::stages::Report;
use tokio::sync::mpsc;

use super::super::told;
use crate::observe::{
    self, Befell, Call, Change, FinalRow, Kind, NodeEvent, Observed, Operation, Phase, Record,
    Table, is_genesis, row_id, transactions,
};
use crate::plan::{Fault, Plan, Store};

/// Members that take what waits into their memory, and a second later into a block, may seem to have
/// settled: then nothing may have changed for so long.
const NOTHING_CHANGES_US: u64 = 3_000_000;

/// How often it is asked whether all has settled.
const SETTLED_POLL: Duration = Duration::from_millis(100);

/// Writes records down. Clones write into the same book.
#[derive(Clone)]
pub(in super::super) struct Recorder(Arc<Book>);

struct Book {
    /// The run's zero, on the monotonic clock.
    began_us: AtomicU64,
    /// The nodes' names.
    names: Vec<Arc<str>>,
    /// Whether blocks are listed, and what waits stays in the backlog until it is decided.
    has_list: bool,
    /// Members that are none of ours, and are there to the end: of them it is known only what they write.
    foreign: Vec<NodeKey>,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    records: Vec<Observed>,
    shortfalls: Vec<Arc<str>>,
    unsettled: Unsettled,
}

/// What is still under way in the tables, as far as records tell.
#[derive(Default)]
struct Unsettled {
    /// Rows in the backlog.
    waiting: u64,
    /// The blocks in the list, without genesis; where there is no list, all blocks.
    listed: BTreeSet<BlockId>,
    blocks: BTreeSet<BlockId>,
    /// When a table was last seen to change.
    changed_at_us: u64,
    /// Where there is no list: what was acknowledged, and what is in some block.
    accepted: BTreeSet<TxId>,
    in_block: BTreeSet<TxId>,
    /// Which nodes have said how a block was decided.
    decided: BTreeSet<(BlockId, usize)>,
    /// Who has voted on which block.
    votes: BTreeSet<(BlockId, NodeKey)>,
}

impl Recorder {
    /// An empty book; the run's clock stands at 0 now.
    pub(in super::super) fn new(plan: &Plan) -> Self {
        let names = plan.nodes.iter().map(|node| node.name.as_str().into()).collect();
        let pages = Mutex::default();
        let began_us = AtomicU64::new(clock::monotonic_us());
        let has_list = plan.judged_by() == "default";
        let is_foreign =
            |node: &usize| plan.nodes[*node].external.is_some() && !plan.is_lost(*node);
        let foreign = (0..plan.nodes.len()).filter(is_foreign);
        let foreign = foreign.map(|node| plan.node_key(node)).collect();
        Self(Arc::new(Book { began_us, names, has_list, foreign, pages }))
    }

    /// What the run's clock says.
    pub(in super::super) fn now_us(&self) -> u64 {
        clock::monotonic_us().saturating_sub(self.began_us())
    }

    fn began_us(&self) -> u64 {
        self.0.began_us.load(Ordering::Acquire)
    }

    /// The run's clock stands at 0 again: all that was written down so far belongs to its beginning,
    /// and this record before that.
    pub(in super::super) fn begin(&self, first: Record) {
        let mut pages = self.pages();
        self.0.began_us.store(clock::monotonic_us(), Ordering::Release);
        for observed in &mut pages.records {
            observed.at_us = 0;
        }
        pages.records.insert(0, Observed { at_us: 0, record: first });
    }

    /// Something happened just now.
    pub(in super::super) fn tell(&self, record: Record) {
        // The lock first, so that times in the book do not go back.
        let mut pages = self.pages();
        let at_us = self.now_us();
        if let Record::Operation(operation) = &record
            && !self.0.has_list
        {
            pages.unsettled.hear(operation);
        }
        pages.records.push(Observed { at_us, record });
    }

    /// Shows what was written down from a place on, in the order in which it came, and moves the place on.
    pub(in super::super) fn read_on(&self, place: &mut usize, each: impl FnMut(&Observed)) {
        let pages = self.pages();
        pages.records[*place..].iter().for_each(each);
        *place = pages.records.len();
    }

    /// Something befell a node just now.
    pub(in super::super) fn tell_node(&self, node: usize, event: Befell, text: &str) {
        let node = self.0.names[node].clone();
        self.tell(Record::Node(NodeEvent { node, event, text: text.into() }));
    }

    /// A fault moves on.
    pub(in super::super) fn tell_fault(&self, plan: &Plan, fault: &Fault, phase: Phase) {
        let nodes = fault.nodes.iter().map(|&node| plan.nodes[node].name.clone());
        let servers = fault.servers.iter().map(|&server| Store::server_name(server));
        let names: Vec<_> = nodes.chain(servers).collect();
        self.tell(Record::Fault(observe::Fault {
            number: fault.number.into(),
            kind: fault.kind.nature().name.into(),
            phase,
            target: names.join(",").into(),
        }));
    }

    /// The harness could not do what it should.
    pub(in super::super) fn fall_short(&self, why: String) {
        self.pages().shortfalls.push(why.into());
    }

    /// What a node reports.
    pub(in super::super) fn report(&self, node: usize, report: Report) {
        if let Report::Decided { block, .. } = &report {
            self.pages().unsettled.decided.insert((block.clone(), node));
        }
        if let Some(record) = told::record(&self.0.names[node], &report) {
            self.tell(record);
        }
    }

    /// Writes down what the store's tables go through, until the store is gone.
    pub(in super::super) async fn observe(self, mut observations: mpsc::Receiver<Observation>) {
        while let Some(Observation { monotonic_us, table, old, new }) = observations.recv().await {
            let Some(table) = Table::from_word(table) else { continue };
            let at_us = monotonic_us.saturating_sub(self.began_us());
            let (old, new) = (old.map(Arc::new), new.map(Arc::new));
            let change = Change::of(table, old.as_ref(), new.as_ref());
            let mut pages = self.pages();
            pages.unsettled.see(at_us, &change);
            pages.records.push(Observed { at_us, record: Record::Change(change) });
        }
    }

    /// A table was seen to change just now.
    pub(in super::super) fn tell_change(&self, change: Change) {
        let mut pages = self.pages();
        let at_us = self.now_us();
        pages.unsettled.see(at_us, &change);
        pages.records.push(Observed { at_us, record: Record::Change(change) });
    }

    /// Waits until nothing waits in the backlog and every node of ours has said how every listed block was
    /// decided, and all have voted on it; or the plan is at its end.
    pub(in super::super) async fn settled(&self, plan: &Plan) {
        while self.now_us() < plan.end_us && !self.is_settled(plan) {
            tokio::time::sleep(SETTLED_POLL).await;
        }
    }

    fn is_settled(&self, plan: &Plan) -> bool {
        let is_ours = |node: &usize| plan.nodes[*node].external.is_none();
        let there = (0..self.0.names.len()).filter(|node| is_ours(node) && !plan.is_lost(*node));
        let keys: Vec<_> = (0..self.0.names.len()).map(|node| plan.node_key(node)).collect();
        let now_us = self.now_us();
        let unsettled = &self.pages().unsettled;
        let (blocks, is_quiet) = match self.0.has_list {
            true => (&unsettled.listed, true),
            false => (&unsettled.blocks, unsettled.is_quiet(now_us)),
        };
        let has_voted = |block: &BlockId, node: usize| {
            let vote = (block.clone(), keys[node].clone());
            !self.0.has_list || unsettled.votes.contains(&vote)
        };
        let is_decided = |block: &BlockId| {
            let mut there = there.clone();
            let of_foreign =
                |key: &NodeKey| unsettled.votes.contains(&(block.clone(), key.clone()));
            there.all(|node| {
                unsettled.decided.contains(&(block.clone(), node)) && has_voted(block, node)
            }) && self.0.foreign.iter().all(of_foreign)
        };
        unsettled.waiting == 0 && is_quiet && blocks.iter().all(is_decided)
    }

    /// Writes down what the tables hold when all is over.
    pub(in super::super) fn tell_final(&self, tables: &Tables) {
        for (name, rows) in tables {
            let Some(table) = Table::from_word(name) else { continue };
            for row in rows {
                self.tell(Record::Final(FinalRow { table, row: Arc::new(row.clone()) }));
            }
        }
    }

    /// Where the harness fell short.
    pub(in super::super) fn shortfalls(&self) -> Vec<Arc<str>> {
        self.pages().shortfalls.clone()
    }

    /// All that was written down, in order of time.
    pub(in super::super) fn into_records(self) -> Vec<Observed> {
        let mut records = std::mem::take(&mut self.pages().records);
        records.sort_by_key(|observed| observed.at_us);
        records
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().expect("nobody panics while writing")
    }
}

impl Unsettled {
    /// Members of the original's kind keep what waits in their memory, and may lose it: as long as
    /// something that was acknowledged has never been in a block, all is not over.
    fn is_quiet(&self, now_us: u64) -> bool {
        now_us.saturating_sub(self.changed_at_us) >= NOTHING_CHANGES_US
            && self.accepted.is_subset(&self.in_block)
    }

    fn hear(&mut self, operation: &Operation) {
        if (operation.call, operation.kind) == (Call::Post, Kind::Ok) {
            self.accepted.extend(operation.tx.clone());
        }
    }

    fn see(&mut self, at_us: u64, change: &Change) {
        self.changed_at_us = at_us;
        match (change.table, &change.old, &change.new) {
            (Table::Backlog, None, Some(_)) => self.waiting += 1,
            (Table::Backlog, Some(_), None) => self.waiting -= 1,
            (Table::Bigchain, None, Some(row)) if !is_genesis(row) => {
                self.blocks.extend(row_id(row).map(|id| BlockId::from(&*id)));
                let id = |transaction: &Json| transaction.get("id")?.as_str().map(TxId::from);
                self.in_block.extend(transactions(row).iter().filter_map(id));
            }
            (Table::Votes, None, Some(row)) => {
                let block = row.get("vote").and_then(|vote| vote.get("voting_for_block"));
                let voter = row.get("node_pubkey").and_then(Json::as_str);
                if let (Some(block), Some(voter)) = (block.and_then(Json::as_str), voter) {
                    self.votes.insert((block.into(), voter.into()));
                }
            }
            (Table::Positions, None, Some(row)) => {
                let position = row.get("id").and_then(Json::as_i64);
                let block = row.get("block").and_then(Json::as_str);
                if let (Some(1..), Some(block)) = (position, block) {
                    self.listed.insert(block.into());
                }
            }
            _ => {}
        }
    }
}
