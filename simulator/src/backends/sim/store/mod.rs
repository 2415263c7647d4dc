//! The store of the simulation: one engine in memory, and the cluster of servers that it pretends
//! to be.
//!
//! Here: questions on their way through the cluster, and what is lost with whom. The engine holds the
//! rows once, the cluster says who may see and write them when. Not here: the network between nodes
//! and store (`world`), the cluster itself ([`bigchaindb_rethinkdb::cluster`]). From the top:
//! [`SimStore`], then `feeds` (who follows what), `reach` (which rows a question touches), `shuffle`
//! (orders that nobody promised), `kept` (numbers as they come back), `harm` (what befalls servers),
//! `raw` (what no node asks).

mod feeds;
mod harm;
mod kept;
pub(super) mod raw;
mod reach;
mod shuffle;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bigchaindb_core::query::{self, Answer, Feed, Query, StoreError};
use bigchaindb_core::rules::{Quirk, Quirks};
use bigchaindb_core::stages::Ticket;
use bigchaindb_rethinkdb::cluster::{
    Access, Cluster, Effect, Failure, Operation, OperationError, ReadMode, ServerId, ShardLayout,
    TableNumber, TableSpec, Written, lay_out, split_points_for_uuids,
};
use bigchaindb_rethinkdb::{
    self as rethinkdb, Durability, Element, Engine, Subscription, table_of,
};

use crate::chance::{Domain, draw};
use crate::observe::{self, FinalRow, Table};
use crate::plan::{self, Costs, Plan};
use feeds::Follower;
use reach::Manner;

/// Each feed and the table it is about, in the order in which changes of one write are told.
const TABLES: [(Feed, Table); 4] = [
    (Feed::Backlog, Table::Backlog),
    (Feed::Blocks, Table::Bigchain),
    (Feed::Votes, Table::Votes),
    (Feed::Positions, Table::Positions),
];

/// The store of the simulation.
pub(super) struct SimStore {
    engine: Engine,
    cluster: Cluster<Arc<Seen>>,
    manner: Manner,
    costs: Costs,
    seed: u64,
    shuffled: bool,
    /// The simulation's own view of the tables, of which followers are told.
    observer: [Subscription; 4],
    /// Questions on their way, by number.
    asked: BTreeMap<u64, Asked>,
    /// Who follows what, by number.
    followers: BTreeMap<u64, Follower>,
    /// Questions and feeds so far.
    numbers: u64,
    /// How many faults cut each link between servers.
    cuts: BTreeMap<(ServerId, ServerId), u32>,
    /// Servers without room for more, and by which fault of the plan.
    full: BTreeMap<ServerId, usize>,
    /// Servers that take longer, and how many times as long.
    slow: BTreeMap<ServerId, u32>,
}

/// A question, and who waits for its answer.
struct Asked {
    asker: Asker,
    ticket: Ticket,
    asked_us: u64,
    question: Question,
    answer: Option<Result<Answer, StoreError>>,
    /// Nobody waits any more.
    given_up: bool,
}

/// What is asked: a question of the closed list, or what no node asks.
enum Question {
    Query(Query),
    Raw(raw::RawWrite),
}

/// A node, in one of its lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) node: usize,
    pub(super) start: u64,
}

/// A change, for the log and for followers.
pub(super) struct Seen {
    pub(super) record: observe::Change,
    change: rethinkdb::Change,
    pub(super) feed: Feed,
    table: TableNumber,
    key: Vec<u8>,
    /// The stream that tells it.
    pub(super) shard: usize,
    /// What followers are told, if it is anything to them.
    pub(super) told: Option<query::Change>,
}

/// What follows in the world from what happens in the store.
pub(super) enum Told {
    /// A change has its acknowledgements.
    Stands(Arc<Seen>),
    /// A change that had its acknowledgements is lost.
    Vanishes(Arc<Seen>),
    /// A change is told in a feed.
    Tells { subscription: u64, node: usize, seen: Arc<Seen> },
    /// A question is over.
    Answers { asker: Asker, ticket: Ticket, asked_us: u64, answer: Result<Answer, StoreError> },
    /// A question will have its answer later.
    Waits { number: u64, asked_us: u64 },
    /// A feed is open.
    Opens { subscription: u64, asker: Asker, feed: Feed },
    /// A feed is not open, or no more.
    Closes { subscription: u64, asker: Asker, feed: Feed },
}

impl SimStore {
    pub(super) fn new(plan: &Plan, quirks: &Quirks) -> Self {
        let mut engine = Engine::in_memory();
        let observer = TABLES.map(|(feed, _)| engine.subscribe(table_of(feed), None));
        let store = &plan.store;
        let names = (0..store.servers as usize).map(plan::Store::server_name).collect();
        let mut cluster = Cluster::new(names, store.timing);
        let servers: Vec<_> = cluster.servers().collect();
        let mut others: Vec<ShardLayout> = Vec::new();
        for (_, table) in TABLES {
            let points = split_points_for_uuids(store.shards.max(1) as usize);
            let layout = lay_out(&points, store.replicas as usize, &servers, &[], &others)
                .expect("a plan's replicas fit on its servers");
            others.extend(layout.iter().cloned());
            let (db, name) = ("bigchain".to_owned(), table.as_str().to_owned());
            let spec = TableSpec { db, name, acks: store.write_acks.into(), layout };
            cluster.create_table(0, reach::number(table), spec, &mut Vec::new());
        }
        let durability = store.durability.into();
        let soft = quirks.contains(&Quirk::SoftWrites);
        let manner = Manner { read_mode: store.read_mode.into(), durability, soft };
        Self {
            engine,
            cluster,
            manner,
            costs: plan.costs,
            seed: plan.seed,
            shuffled: store.shuffle,
            observer,
            asked: BTreeMap::new(),
            followers: BTreeMap::new(),
            numbers: 0,
            cuts: BTreeMap::new(),
            full: BTreeMap::new(),
            slow: BTreeMap::new(),
        }
    }

    /// The server that a node asks.
    pub(super) fn server_of(&self, node: usize) -> ServerId {
        let servers = self.cluster.servers().count();
        self.cluster.servers().nth(node % servers).expect("it is one of them")
    }

    fn operation(&mut self, node: usize, accesses: Vec<Access>) -> (u64, Operation) {
        self.numbers += 1;
        let entropy = match self.manner.read_mode {
            ReadMode::Outdated => {
                draw(self.seed, Domain::StoreReplica, node as u64, self.numbers).bits()
            }
            // Nothing is left to chance.
            ReadMode::Single | ReadMode::Majority => 0,
        };
        (self.numbers, Operation { server: self.server_of(node), accesses, entropy })
    }

    /// A question reaches the store.
    pub(super) fn ask(
        &mut self,
        now: u64,
        asker: Asker,
        ticket: Ticket,
        query: Query,
        asked_us: u64,
    ) -> Vec<Told> {
        self.question(now, asker, ticket, Question::Query(kept::as_kept(query)), asked_us)
    }

    fn question(
        &mut self,
        now: u64,
        asker: Asker,
        ticket: Ticket,
        question: Question,
        asked_us: u64,
    ) -> Vec<Told> {
        let accesses = match &question {
            Question::Query(query) => reach::accesses(query, self.manner),
            Question::Raw(write) => write.accesses(self.manner),
        };
        let (number, operation) = self.operation(asker.node, accesses);
        let asked = Asked { asker, ticket, asked_us, question, answer: None, given_up: false };
        self.asked.insert(number, asked);
        let mut effects = Vec::new();
        self.cluster.ask(now, number, operation, &mut effects);
        let mut told = self.carry_out(now, effects);
        if self.asked.contains_key(&number) {
            told.push(Told::Waits { number, asked_us });
        }
        told
    }

    /// Whoever asked waits no more; what was asked for may be done all the same.
    pub(super) fn give_up(&mut self, number: u64) -> Option<(Asker, Ticket)> {
        let asked = self.asked.get_mut(&number)?;
        asked.given_up = true;
        Some((asked.asker, asked.ticket))
    }

    /// When something happens by itself next.
    pub(super) fn next_us(&self) -> Option<u64> {
        self.cluster.next_us()
    }

    /// Time passes.
    pub(super) fn tick(&mut self, now: u64) -> Vec<Told> {
        let mut effects = Vec::new();
        self.cluster.tick(now, &mut effects);
        self.carry_out(now, effects)
    }

    fn carry_out(&mut self, now: u64, effects: Vec<Effect<Arc<Seen>>>) -> Vec<Told> {
        let mut told = Vec::new();
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Perform { number, shards, unseen } => {
                    let writes = self.perform(number, &shards, &unseen, &mut told);
                    let mut more = Vec::new();
                    self.cluster.performed(now, number, writes, &mut more);
                    effects.extend(more);
                }
                Effect::Answer { number, outcome } => self.conclude(number, outcome, &mut told),
                Effect::Acknowledged(seen) => told.extend(seen.into_iter().map(Told::Stands)),
                Effect::Lost(lost) => {
                    let changes: Vec<_> = lost.iter().map(|one| one.what.change.clone()).collect();
                    let undone = self.engine.undo(&changes, Durability::Hard);
                    undone.expect("a store in memory works");
                    let known = lost.into_iter().filter(|undone| undone.acknowledged);
                    told.extend(known.map(|undone| Told::Vanishes(undone.what)));
                }
                Effect::FeedEnded { number, .. } => self.close(number, &mut told),
                Effect::FeedFlows { number } => told.extend(self.let_through(number)),
            }
        }
        told
    }

    /// Answers a question where it can be; what it changed.
    fn perform(
        &mut self,
        number: u64,
        shards: &[(TableNumber, usize)],
        unseen: &[Arc<Seen>],
        told: &mut Vec<Told>,
    ) -> Vec<Written<Arc<Seen>>> {
        let Some(asked) = self.asked.get_mut(&number) else {
            if let Some(follower) = self.followers.get_mut(&number) {
                follower.subscribed = true;
            }
            return Vec::new();
        };
        let answer = match &asked.question {
            Question::Raw(write) => write.carry_out(&mut self.engine),
            Question::Query(query) => {
                let backlog = reach::number(Table::Backlog);
                let query = reach::part(query, |key| {
                    let shard = self.cluster.shard_of(backlog, key);
                    shard.is_some_and(|shard| shards.contains(&(backlog, shard)))
                });
                if unseen.is_empty() {
                    self.engine.apply(&query, Durability::Hard)
                } else {
                    let unseen: Vec<_> = unseen.iter().map(|seen| seen.change.clone()).collect();
                    self.engine.answer_without(&query, &unseen)
                }
            }
        };
        asked.answer = Some(reach::together(asked.answer.take(), answer));
        let changes = self.changes();
        let written = |seen: &Arc<Seen>| Written {
            table: seen.table,
            key: seen.key.clone(),
            undo: seen.clone(),
        };
        let writes = changes.iter().map(written).collect();
        for seen in changes {
            self.tell(&seen, told);
        }
        writes
    }

    /// What the last answers changed, in order.
    fn changes(&mut self) -> Vec<Arc<Seen>> {
        let mut changes = Vec::new();
        for ((feed, table), subscription) in TABLES.into_iter().zip(&self.observer) {
            for element in subscription.drain() {
                let Element::Change(change) = element else {
                    unreachable!("the observer's feeds are emptied after every query")
                };
                let document = |row: &Option<Arc<rethinkdb::Row>>| {
                    row.as_ref().map(|row| Arc::new(row.document()))
                };
                let (old, new) = (document(&change.old), document(&change.new));
                let key = new.as_ref().or(old.as_ref()).map(|row| reach::key(row));
                let (table_number, key) = (reach::number(table), key.unwrap_or_default());
                let shard = self.cluster.shard_of(table_number, &key).unwrap_or(0);
                let record = observe::Change::of(table, old.as_ref(), new.as_ref());
                let told = change.told();
                let table = table_number;
                changes.push(Arc::new(Seen { record, change, feed, table, key, shard, told }));
            }
        }
        changes
    }

    /// A question is over, or a feed is open or not.
    fn conclude(&mut self, number: u64, outcome: Result<(), OperationError>, told: &mut Vec<Told>) {
        if let Some(follower) = self.followers.get(&number) {
            let (subscription, asker, feed) = (number, follower.asker, follower.feed);
            match outcome {
                Ok(()) => told.push(Told::Opens { subscription, asker, feed }),
                Err(_) => self.close(number, told),
            }
            return;
        }
        let Some(mut asked) = self.asked.remove(&number).filter(|asked| !asked.given_up) else {
            return;
        };
        let mut answer = match outcome {
            // Who asks for no rows at all needs nobody's answer.
            Ok(()) => {
                let answer = asked.answer.take();
                answer.unwrap_or_else(|| match &asked.question {
                    Question::Query(query) => self.engine.apply(query, Durability::Hard),
                    Question::Raw(write) => write.carry_out(&mut self.engine),
                })
            }
            Err(error) => Err(shown(&error)),
        };
        if self.shuffled {
            shuffle::shuffle(&mut answer, self.seed, number);
        }
        let Asked { asker, ticket, asked_us, .. } = asked;
        told.push(Told::Answers { asker, ticket, asked_us, answer });
    }

    /// What answering takes, where this node asks.
    pub(super) fn cost_us(&self, node: usize, query: &Query) -> u64 {
        let (rows, writes) = match query {
            Query::InsertBacklog { .. } | Query::Reassign { .. } => (1, true),
            Query::InsertVote { .. } | Query::Claim { .. } | Query::PutBack(_) => (1, true),
            Query::DeleteBacklog { transactions } => (transactions.len(), true),
            Query::InsertBlock { block } => (block.transactions().len(), true),
            Query::Gather(needs) => (needs.transactions.len() + needs.outputs.len(), false),
            Query::Blocks { ids } | Query::KnownBlocks { ids } => (ids.len(), false),
            Query::Votes { blocks } | Query::VotesOn { blocks, .. } => (blocks.len(), false),
            Query::Heads { range, .. }
            | Query::Transactions { range, .. }
            | Query::VotesBy { range, .. } => (range.rows(), false),
            Query::Backlog { .. } | Query::UnlistedBlocks { .. } | Query::Positions { .. } => {
                (1, false)
            }
        };
        let hard = self.manner.durability == Durability::Hard;
        let sync = if writes && hard { self.costs.sync_us } else { 0 };
        let usual_us = self.costs.query_us + self.costs.row_us * rows as u64 + sync;
        match self.slow.is_empty() {
            true => usual_us,
            false => usual_us * u64::from(self.slowness(self.server_of(node))),
        }
    }

    /// Every row of every table. Documents are made as they are asked for: all at once, they are many.
    pub(super) fn rows(&self) -> impl Iterator<Item = FinalRow> + use<> {
        let rows = TABLES.map(|(feed, table)| {
            let rows = self.engine.rows(table_of(feed)).expect("a store in memory can be read");
            (table, rows)
        });
        rows.into_iter().flat_map(|(table, rows)| {
            rows.into_iter().map(move |row| FinalRow { table, row: Arc::new(row.document()) })
        })
    }
}

/// What a node is told.
fn shown(error: &OperationError) -> StoreError {
    let text = error.to_string();
    if error.indeterminate || error.failure == Failure::ServerDied {
        StoreError::Indeterminate(text)
    } else {
        StoreError::Refused(text)
    }
}

impl Seen {
    /// The change that takes this one back.
    pub(super) fn reverse(&self) -> observe::Change {
        let document =
            |row: &Option<Arc<rethinkdb::Row>>| row.as_ref().map(|row| Arc::new(row.document()));
        let (old, new) = (document(&self.change.new), document(&self.change.old));
        observe::Change::of(self.record.table, old.as_ref(), new.as_ref())
    }
}

impl From<plan::Durability> for Durability {
    fn from(durability: plan::Durability) -> Self {
        match durability {
            plan::Durability::Hard => Self::Hard,
            plan::Durability::Soft => Self::Soft,
        }
    }
}

impl From<plan::WriteAcks> for rethinkdb::WriteAcks {
    fn from(acks: plan::WriteAcks) -> Self {
        match acks {
            plan::WriteAcks::Single => Self::Single,
            plan::WriteAcks::Majority => Self::Majority,
        }
    }
}

impl From<plan::ReadMode> for ReadMode {
    fn from(mode: plan::ReadMode) -> Self {
        match mode {
            plan::ReadMode::Single => Self::Single,
            plan::ReadMode::Majority => Self::Majority,
            plan::ReadMode::Outdated => Self::Outdated,
        }
    }
}
