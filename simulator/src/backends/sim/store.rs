//! The store of the simulation: the embedded engine in memory, and who follows its feeds.
//!
//! Here: what a question costs, and what each change sets going. A feed tells of one document's
//! changes in their order, and promises nothing between documents: each shard is a stream of its
//! own, and streams race. Not here: the network between nodes and store (`world`).

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{self, Answer, Feed, Query, StoreError};
use bigchaindb_rethinkdb::{Durability, Element, Engine, Subscription, table_of};

use crate::observe::{self, FinalRow, Table};
use crate::plan::{self, Costs, Plan};

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
    durability: Durability,
    shards: u64,
    costs: Costs,
    /// The simulation's own view of the tables, of which followers are told.
    observer: [Subscription; 4],
    /// Who follows what, by subscription.
    followers: BTreeMap<u64, Follower>,
    subscribed: u64,
}

/// A node's open feed.
struct Follower {
    node: usize,
    feed: Feed,
    /// When the last change arrives on each stream that had one: none overtakes another.
    arrivals: BTreeMap<u64, u64>,
    /// Nothing arrives before the word that the feed is open.
    opened_us: u64,
}

/// A change, for the log and for followers.
pub(super) struct Seen {
    pub(super) record: observe::Change,
    pub(super) feed: Feed,
    /// What followers are told, if it is anything to them.
    pub(super) told: Option<query::Change>,
    /// The stream that tells it.
    pub(super) shard: u64,
}

impl SimStore {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut engine = Engine::in_memory();
        let observer = TABLES.map(|(feed, _)| engine.subscribe(table_of(feed), None));
        let durability = match plan.store.durability {
            plan::Durability::Hard => Durability::Hard,
            plan::Durability::Soft => Durability::Soft,
        };
        Self {
            engine,
            durability,
            shards: u64::from(plan.store.shards.max(1)),
            costs: plan.costs,
            observer,
            followers: BTreeMap::new(),
            subscribed: 0,
        }
    }

    pub(super) fn answer(&mut self, query: &Query) -> Result<Answer, StoreError> {
        self.engine.apply(query, self.durability)
    }

    /// What the last answers changed, in order.
    pub(super) fn changes(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for ((feed, table), subscription) in TABLES.into_iter().zip(&self.observer) {
            for element in subscription.drain() {
                let Element::Change(change) = element else {
                    unreachable!("the observer's feeds are emptied after every query")
                };
                let document = |row: &Option<Arc<_>>| {
                    row.as_ref()
                        .map(|row: &Arc<bigchaindb_rethinkdb::Row>| Arc::new(row.document()))
                };
                let (old, new) = (document(&change.old), document(&change.new));
                let record = observe::Change::of(table, old.as_ref(), new.as_ref());
                let shard = self.shard(&record);
                seen.push(Seen { record, feed, told: change.told(), shard });
            }
        }
        seen
    }

    fn shard(&self, change: &observe::Change) -> u64 {
        if self.shards == 1 {
            return 0;
        }
        // FNV-1a; RethinkDB splits by key ranges, for which any even split is as good.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let id = change.id().unwrap_or_default();
        id.bytes().fold(0xcbf2_9ce4_8422_2325, hash) % self.shards
    }

    /// A node follows a feed from now on; it hears that at `opened_us`.
    pub(super) fn subscribe(&mut self, node: usize, feed: Feed, opened_us: u64) -> u64 {
        self.subscribed += 1;
        let follower = Follower { node, feed, arrivals: BTreeMap::new(), opened_us };
        self.followers.insert(self.subscribed, follower);
        self.subscribed
    }

    pub(super) fn unsubscribe(&mut self, subscription: u64) {
        self.followers.remove(&subscription);
    }

    /// The subscriptions to a feed, with their nodes.
    pub(super) fn followers(&self, feed: Feed) -> Vec<(u64, usize)> {
        let followers = self.followers.iter().filter(|(_, follower)| follower.feed == feed);
        followers.map(|(&subscription, follower)| (subscription, follower.node)).collect()
    }

    /// The node and feed of a subscription, while it lasts.
    pub(super) fn follower(&self, subscription: u64) -> Option<(usize, Feed)> {
        let follower = self.followers.get(&subscription)?;
        Some((follower.node, follower.feed))
    }

    /// When a change arrives that would arrive at `at_us` if nothing were before it.
    pub(super) fn arrival(&mut self, subscription: u64, shard: u64, at_us: u64) -> u64 {
        let Some(follower) = self.followers.get_mut(&subscription) else { return at_us };
        let last = follower.arrivals.entry(shard).or_insert(follower.opened_us);
        *last = at_us.max(*last);
        *last
    }

    /// What answering takes.
    pub(super) fn cost_us(&self, query: &Query) -> u64 {
        let (rows, writes) = match query {
            Query::InsertBacklog { .. } | Query::Reassign { .. } => (1, true),
            Query::InsertVote { .. } | Query::Claim { .. } => (1, true),
            Query::DeleteBacklog { transactions } => (transactions.len(), true),
            Query::InsertBlock { block } => (block.transactions().len(), true),
            Query::Gather(needs) => (needs.transactions.len() + needs.outputs.len(), false),
            Query::Blocks { ids } | Query::KnownBlocks { ids } => (ids.len(), false),
            Query::Votes { blocks } => (blocks.len(), false),
            Query::Backlog { .. } | Query::UnlistedBlocks { .. } | Query::Positions { .. } => {
                (1, false)
            }
        };
        let sync =
            if writes && self.durability == Durability::Hard { self.costs.sync_us } else { 0 };
        self.costs.query_us + self.costs.row_us * rows as u64 + sync
    }

    /// Every row of every table.
    pub(super) fn rows(&self) -> Vec<FinalRow> {
        let mut tables = self.engine.tables().expect("a store in memory can be read");
        let mut rows = Vec::new();
        for (_, table) in TABLES {
            let documents: Vec<Json> = tables.remove(table.as_str()).unwrap_or_default();
            rows.extend(documents.into_iter().map(|row| FinalRow { table, row: Arc::new(row) }));
        }
        rows
    }
}
