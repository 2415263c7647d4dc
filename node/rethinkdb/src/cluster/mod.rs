//! A cluster of servers: who is up, who is primary, and what that means for whoever asks.
//!
//! A pure state machine. Time comes with each call, in microseconds; whoever owns the data asks
//! [`Cluster::ask`] on behalf of a client, does what it is told to, reports what it wrote, and gets
//! the answer when the replicas have acknowledged it, or the failure with RethinkDB's own text. So
//! virtual and real time can share it. The data itself is one copy, the owner's: the cluster knows
//! which of its latest writes can still be lost, and says which to undo when they are.
//!
//! From the top: [`Cluster`]; `event` (what befalls it, what it wants done), `operation` (what is asked), `flight` (an operation on its way),
//! `follow` (open feeds), `shard` (primaries, elections, take-overs), `log` (who has which write),
//! `network` (servers and links), `layout` (where replicas are put), `status` (what is shown of all
//! that), `failure` (the texts), `range` (keys), `timing` (every delay, by name).
//!
//! Simplified against RethinkDB: one election per shard instead of one per table and its Raft log;
//! two servers always agree on whether they are connected; a replica is as it is at once, without
//! rows on the way.
//!
//! Source: RethinkDB's documentation, "Consistency guarantees", "Automatic failover", "Sharding and
//! replication"; times and texts as measured and observed on RethinkDB 2.4.4.

mod event;
mod failure;
mod flight;
mod follow;
mod layout;
mod log;
mod network;
mod operation;
mod range;
mod shard;
mod status;
mod timing;

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use event::{Effect, Harm, TableSpec, Undone, Written};
pub use failure::{FEED_ABORTED, Failure, OperationError};
pub use layout::{LayoutError, ShardLayout, lay_out};
pub use log::WRITES_KEPT_MAX;
pub use network::{Process, ServerId};
pub use operation::{
    Access, AccessKind, Durability, Keys, Operation, ReadMode, TableNumber, WriteAcks,
};
pub use range::{
    KeyRange, SHARDS_MAX, number_key, split_points_for, split_points_for_uuids, text_key,
};
pub use status::{Readiness, ShardStatus, TableStatus};
pub use timing::Timing;

use flight::{Around, Flight, Turn};
use follow::{Bond, Fate, Follow};
use log::Awaited;
use network::Network;
use shard::Shard;

/// A cluster. `U` is what its owner needs to undo one change of a row.
pub struct Cluster<U> {
    timing: Timing,
    now: u64,
    network: Network,
    tables: Tables<U>,
    flights: BTreeMap<u64, Flight>,
    follows: BTreeMap<u64, Follow>,
    /// What [`Cluster::next_us`] is, once somebody has asked, until something changes.
    next_us: OnceLock<Option<u64>>,
}

type Tables<U> = BTreeMap<TableNumber, Table<U>>;

struct Table<U> {
    spec: TableSpec,
    /// Counts how often the table's shards were cut anew.
    cut: u32,
    /// By key.
    shards: Vec<Shard<U>>,
}

impl<U: Clone> Cluster<U> {
    /// A cluster of servers by these names, all up and connected, without tables.
    ///
    /// # Panics
    /// If there are none, or more than 65,535.
    pub fn new(names: Vec<String>, timing: Timing) -> Self {
        assert!(
            !names.is_empty() && names.len() <= usize::from(u16::MAX),
            "some servers, not many"
        );
        let network = Network::new(names, &timing);
        Self {
            timing,
            now: 0,
            network,
            tables: BTreeMap::new(),
            flights: BTreeMap::new(),
            follows: BTreeMap::new(),
            next_us: OnceLock::new(),
        }
    }

    /// All servers.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> + use<U> {
        self.network.ids()
    }

    /// A server's name.
    pub fn name(&self, server: ServerId) -> &str {
        &self.network.server(server).name
    }

    /// What a server's process does.
    pub fn process(&self, server: ServerId) -> Process {
        self.network.server(server).process
    }

    /// Whether two servers believe that they are connected, as `server_status` shows it.
    pub fn is_connected(&self, one: ServerId, other: ServerId) -> bool {
        self.network.session(one, other).is_some()
    }

    /// How many times as long as usual replication to and from a server takes.
    pub fn slowness(&self, server: ServerId) -> u32 {
        self.network.server(server).slowness
    }

    /// Whether what one server sends to the other is swallowed.
    pub fn is_cut(&self, from: ServerId, to: ServerId) -> bool {
        self.network.is_cut(from, to)
    }

    /// A new table; its primaries take office at once where they can.
    ///
    /// # Panics
    /// If there is a table of this number.
    pub fn create_table(
        &mut self,
        now: u64,
        table: TableNumber,
        spec: TableSpec,
        effects: &mut Vec<Effect<U>>,
    ) {
        self.advance(now, effects);
        let mut shards: Vec<_> = spec.layout.iter().map(new_shard).collect();
        for shard in &mut shards {
            shard.inaugurate(now, &self.network);
        }
        self.next_us.take();
        let earlier = self.tables.insert(table, Table { spec, cut: 0, shards });
        assert!(earlier.is_none(), "a table's number is its own");
    }

    /// A table goes, with all feeds of it and all that is asked of it.
    pub fn drop_table(&mut self, now: u64, table: TableNumber, effects: &mut Vec<Effect<U>>) {
        self.advance(now, effects);
        self.tables.remove(&table);
        self.review(now, effects);
    }

    /// How a table lies, as configured.
    pub fn layout(&self, table: TableNumber) -> Option<&[ShardLayout]> {
        Some(&self.tables.get(&table)?.spec.layout)
    }

    /// How many of a table's replicas a write needs.
    pub fn set_acks(&mut self, table: TableNumber, acks: WriteAcks) {
        if let Some(table) = self.tables.get_mut(&table) {
            table.spec.acks = acks;
            self.next_us.take();
        }
    }

    /// Puts a table's shards and replicas elsewhere. Feeds end wherever a primary or a shard's keys
    /// change.
    ///
    /// # Errors
    /// If there is no such table, or most of its replicas are out of reach.
    pub fn reconfigure(
        &mut self,
        now: u64,
        table: TableNumber,
        layout: Vec<ShardLayout>,
        effects: &mut Vec<Effect<U>>,
    ) -> Result<(), LayoutError> {
        self.advance(now, effects);
        let (network, timing) = (&self.network, &self.timing);
        let Some(table) = self.tables.get_mut(&table) else {
            return Err(LayoutError::NoShards);
        };
        if !table.shards.iter().all(|shard| shard.is_governed(now, network)) {
            let TableSpec { db, name, .. } = table.spec.clone();
            let undone = "The table was not reconfigured.";
            return Err(LayoutError::Unreachable { db, table: name, undone });
        }
        let same = layout.len() == table.shards.len()
            && layout.iter().zip(&table.shards).all(|(new, old)| new.range == old.range);
        if same {
            for (new, shard) in layout.iter().zip(&mut table.shards) {
                shard.reconfigure(&new.replicas, new.primary(), now + timing.backfill_us);
            }
        } else {
            // The replicas agree on all rows before the shards are cut anew.
            for shard in &mut table.shards {
                let told = shard.log.all_safe(&mut shard.copies);
                tell(told, effects);
            }
            table.cut += 1;
            table.shards = layout.iter().map(new_shard).collect();
            for shard in &mut table.shards {
                shard.vacate_until(now + timing.reshard_us, now);
            }
        }
        table.spec.layout = layout;
        self.review(now, effects);
        Ok(())
    }

    /// Something befalls servers.
    pub fn harm(&mut self, now: u64, harm: Harm, effects: &mut Vec<Effect<U>>) {
        self.advance(now, effects);
        match harm {
            Harm::Kill(server) => self.end(server, |copy| copy.written),
            Harm::PowerLoss(server) => self.end(server, |copy| copy.synced),
            Harm::Stop(server) => self.end(server, |copy| copy.received),
            Harm::Start(server) if self.network.is_down(server) => self.network.start(server, now),
            Harm::Pause(server) if self.network.is_running(server) => {
                self.network.set(server, Process::Paused);
            }
            Harm::Resume(server) if self.process(server) == Process::Paused => {
                self.network.set(server, Process::Up);
            }
            Harm::Cut(from, to) => self.network.cut(from, to),
            Harm::Heal(from, to) => self.network.heal(from, to, now),
            Harm::Slow(server, factor) => self.network.slow(server, factor),
            // Nobody is there, or it runs already.
            Harm::Start(_) | Harm::Pause(_) | Harm::Resume(_) => {}
        }
        self.review(now, effects);
    }

    /// A process ends; of each replica's writes those stay that `kept` says.
    fn end(&mut self, server: ServerId, kept: impl Fn(&log::Copy) -> u64) {
        if self.network.is_down(server) {
            return;
        }
        self.network.set(server, Process::Down);
        let shards = self.tables.values_mut().flat_map(|table| &mut table.shards);
        for copy in shards.flat_map(|shard| &mut shard.copies) {
            if copy.server == server {
                *copy = log::Copy::complete(server, kept(copy));
            }
        }
    }

    /// A client asks for something; the number is its owner's, and new.
    pub fn ask(
        &mut self,
        now: u64,
        number: u64,
        operation: Operation,
        effects: &mut Vec<Effect<U>>,
    ) {
        self.advance(now, effects);
        self.flights.insert(number, Flight::new(operation, &self.network));
        self.turn(number, effects);
    }

    /// An operation was done where [`Effect::Perform`] said; what it changed.
    pub fn performed(
        &mut self,
        now: u64,
        number: u64,
        writes: Vec<Written<U>>,
        effects: &mut Vec<Effect<U>>,
    ) {
        self.advance(now, effects);
        let Some(flight) = self.flights.get_mut(&number) else { return };
        let mut bonds = Vec::new();
        for index in flight.performing() {
            let part = &flight.parts[index];
            let Some(table) = self.tables.get_mut(&part.table) else { continue };
            let acks = table.spec.acks;
            let cut = table.cut;
            let shard = &mut table.shards[part.shard];
            let awaited = match part.kind {
                AccessKind::Read(ReadMode::Single | ReadMode::Outdated) => None,
                // A majority read waits as a hard write of nothing does.
                AccessKind::Read(ReadMode::Majority) => {
                    Some((WriteAcks::Majority, Durability::Hard))
                }
                AccessKind::Write(durability) => Some((acks, durability)),
                AccessKind::Follow => {
                    bonds.push(Bond {
                        table: part.table,
                        cut,
                        shard: part.shard,
                        primary: part.to,
                        life: part.to_life,
                        session: part.session,
                    });
                    None
                }
            };
            let awaited = awaited.map(|(acks, durability)| {
                let own = |write: &&Written<U>| {
                    write.table == part.table && shard.range.contains(&write.key)
                };
                let undo = match part.kind {
                    AccessKind::Write(_) => writes.iter().filter(own).collect(),
                    _ => Vec::new(),
                };
                let undo = undo.into_iter().map(|write| write.undo.clone()).collect();
                let scene = shard.scene(now, &self.network, &self.timing);
                let number = shard.log.push(acks, durability, undo, scene);
                Awaited { number, acks, durability }
            });
            if awaited.is_some() {
                let told = shard.settle(now, &self.network, &self.timing);
                tell(told, effects);
            }
            flight.performed(index, awaited);
        }
        if !bonds.is_empty() {
            let follow = Follow::new(flight.operation.server, bonds, &self.network);
            self.follows.insert(number, follow);
        }
        self.turn(number, effects);
    }

    /// A client does not want an answer, or a feed, any more. What is under way is done all the same.
    pub fn forget(&mut self, number: u64) {
        self.flights.remove(&number);
        self.follows.remove(&number);
        self.next_us.take();
    }

    /// Whether a change of this row gets through to a feed's client now. If not, its owner keeps it
    /// until [`Effect::FeedFlows`], or drops it with the feed.
    pub fn hears(&self, feed: u64, table: TableNumber, key: &[u8]) -> bool {
        let shard = self.shard_of(table, key);
        let follow = self.follows.get(&feed);
        follow.zip(shard).is_some_and(|(follow, shard)| follow.hears(table, shard, &self.network))
    }

    /// Whether every shard of a table has a primary that sees a majority.
    pub fn is_reachable(&self, table: TableNumber) -> bool {
        let has_quorum = |shard: &Shard<U>| shard.has_quorum(self.now, &self.network);
        self.tables.get(&table).is_some_and(|table| table.shards.iter().all(has_quorum))
    }

    /// The shard of a row, by its place in the table.
    pub fn shard_of(&self, table: TableNumber, key: &[u8]) -> Option<usize> {
        let shards = &self.tables.get(&table)?.shards;
        shards.iter().position(|shard| shard.range.contains(key))
    }

    /// The acting primary of a shard; none if there is none.
    pub fn primary(&self, table: TableNumber, shard: usize) -> Option<ServerId> {
        self.tables.get(&table)?.shards.get(shard)?.primary()
    }

    /// How many primaries a shard has had.
    pub fn term(&self, table: TableNumber, shard: usize) -> Option<u64> {
        Some(self.tables.get(&table)?.shards.get(shard)?.term)
    }

    /// What a table's status shows; none if there is no such table.
    pub fn table_status(&self, table: TableNumber) -> Option<TableStatus> {
        Some(status::of_table(self.tables.get(&table)?, self.now, &self.network))
    }

    /// When something happens by itself next: then [`Cluster::tick`] is due.
    pub fn next_us(&self) -> Option<u64> {
        *self.next_us.get_or_init(|| self.find_next_us())
    }

    fn find_next_us(&self) -> Option<u64> {
        let (now, network, timing) = (self.now, &self.network, &self.timing);
        let around = Around { now, network, timing, tables: &self.tables };
        let shards = self.tables.values().flat_map(|table| &table.shards);
        let offices = shards.clone().filter_map(|shard| shard.next_us(now, network, timing));
        let logs = shards.filter_map(|shard| {
            shard.log.next_us(&shard.copies, shard.scene(now, network, timing))
        });
        let flights = self.flights.values().filter_map(|flight| flight.next_us(&around));
        let follows = self.follows.values().filter_map(|follow| follow.ends_us);
        let moments = network.next_us(now).into_iter().chain(offices).chain(logs);
        moments.chain(flights).chain(follows).filter(|at| *at > now).min()
    }

    /// Time passes.
    pub fn tick(&mut self, now: u64, effects: &mut Vec<Effect<U>>) {
        self.advance(now, effects);
    }

    /// Everything that happens by itself up to now, in its order.
    fn advance(&mut self, now: u64, effects: &mut Vec<Effect<U>>) {
        if now <= self.now {
            return;
        }
        while let Some(next) = self.next_us().filter(|next| *next <= now) {
            self.settle(next, effects);
            self.review(next, effects);
        }
        if self.now < now {
            self.settle(now, effects);
        }
    }

    /// Time passes for writes on their way, in the network as it is.
    fn settle(&mut self, now: u64, effects: &mut Vec<Effect<U>>) {
        self.now = self.now.max(now);
        self.next_us.take();
        for shard in self.tables.values_mut().flat_map(|table| &mut table.shards) {
            tell(shard.settle(now, &self.network, &self.timing), effects);
        }
    }

    /// Brings everything in line with what has just happened.
    fn review(&mut self, now: u64, effects: &mut Vec<Effect<U>>) {
        self.next_us.take();
        self.network.settle(now);
        for shard in self.tables.values_mut().flat_map(|table| &mut table.shards) {
            let lost = shard.review(now, &self.network, &self.timing);
            if !lost.is_empty() {
                effects.push(Effect::Lost(lost));
            }
            tell(shard.settle(now, &self.network, &self.timing), effects);
        }
        let flights: Vec<_> = self.flights.keys().copied().collect();
        for number in flights {
            self.turn(number, effects);
        }
        let mut ended = Vec::new();
        for (&number, follow) in &mut self.follows {
            match follow.review(now, &self.network, &self.timing, &self.tables) {
                Fate::Stays => {}
                Fate::FlowsAgain => effects.push(Effect::FeedFlows { number }),
                Fate::Ends => ended.push((number, false)),
                Fate::Lost => ended.push((number, true)),
            }
        }
        for (number, server_died) in ended {
            self.follows.remove(&number);
            effects.push(Effect::FeedEnded { number, server_died });
        }
    }

    /// An operation goes as far as it can.
    fn turn(&mut self, number: u64, effects: &mut Vec<Effect<U>>) {
        let (now, network, timing) = (self.now, &self.network, &self.timing);
        let Some(flight) = self.flights.get_mut(&number) else { return };
        self.next_us.take();
        let around = Around { now, network, timing, tables: &self.tables };
        match flight.advance(&around) {
            Turn::Waits => {}
            Turn::Perform(parts) => {
                let parts = || parts.iter().map(|index| &flight.parts[*index]);
                let shards = parts().map(|part| (part.table, part.shard)).collect();
                let outdated = AccessKind::Read(ReadMode::Outdated);
                let unseen = parts().filter(|part| part.kind == outdated).flat_map(|part| {
                    let shard = &self.tables[&part.table].shards[part.shard];
                    let copy = shard.copies.iter().find(|copy| copy.server == part.to);
                    copy.map(|copy| shard.log.lacking(copy)).unwrap_or_default()
                });
                let unseen = unseen.collect();
                effects.push(Effect::Perform { number, shards, unseen });
            }
            Turn::Over(outcome) => {
                self.flights.remove(&number);
                effects.push(Effect::Answer { number, outcome });
            }
        }
    }
}

fn new_shard<U: Clone>(layout: &ShardLayout) -> Shard<U> {
    Shard::new(layout.range.clone(), &layout.replicas, layout.primary())
}

fn tell<U>(told: Vec<U>, effects: &mut Vec<Effect<U>>) {
    if !told.is_empty() {
        effects.push(Effect::Acknowledged(told));
    }
}

#[cfg(test)]
mod tests;
