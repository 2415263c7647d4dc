//! Who follows which feed of the store, and what gets through to whom.
//!
//! A feed tells of one document's changes in their order, and promises nothing between documents: each
//! shard is a stream of its own, and streams race. Not here: when a feed breaks
//! ([`bigchaindb_rethinkdb::cluster`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::query::Feed;
use bigchaindb_rethinkdb::cluster::{Access, AccessKind, Keys};

use super::{Asker, Seen, SimStore, TABLES, Told, reach};

/// A node's feed.
pub(super) struct Follower {
    pub(super) asker: Asker,
    pub(super) feed: Feed,
    /// When the last change arrives on each stream that had one: none overtakes another.
    arrivals: BTreeMap<usize, u64>,
    /// Changes are kept for it from now on.
    pub(super) subscribed: bool,
    /// Nothing arrives before the word that the feed is open; none until it is on its way.
    opened_us: Option<u64>,
    /// What cannot get through now, in its order.
    held: Vec<Arc<Seen>>,
}

impl SimStore {
    /// A node wants to follow a feed from now on.
    pub(in crate::backends::sim) fn follow(
        &mut self,
        now: u64,
        asker: Asker,
        feed: Feed,
    ) -> Vec<Told> {
        let table = TABLES.iter().find(|(one, _)| *one == feed).expect("every feed has one").1;
        let (table, kind) = (reach::number(table), AccessKind::Follow);
        let accesses = vec![Access { table, keys: Keys::All, kind }];
        let (number, operation) = self.operation(asker.node, accesses);
        let (arrivals, held) = (BTreeMap::new(), Vec::new());
        let (subscribed, opened_us) = (false, None);
        let follower = Follower { asker, feed, arrivals, subscribed, opened_us, held };
        self.followers.insert(number, follower);
        let mut effects = Vec::new();
        self.cluster.ask(now, number, operation, &mut effects);
        self.carry_out(now, effects)
    }

    pub(in crate::backends::sim) fn unsubscribe(&mut self, subscription: u64) {
        self.followers.remove(&subscription);
        self.cluster.forget(subscription);
    }

    /// The word that a feed is open arrives then.
    pub(in crate::backends::sim) fn opened(
        &mut self,
        subscription: u64,
        opened_us: u64,
    ) -> Vec<Told> {
        if let Some(follower) = self.followers.get_mut(&subscription) {
            follower.opened_us = Some(opened_us);
        }
        self.let_through(subscription)
    }

    /// The node and feed of a subscription, while it lasts.
    pub(in crate::backends::sim) fn follower(&self, subscription: u64) -> Option<(usize, Feed)> {
        let follower = self.followers.get(&subscription)?;
        Some((follower.asker.node, follower.feed))
    }

    /// When a change arrives that would arrive at `at_us` if nothing were before it.
    pub(in crate::backends::sim) fn arrival(
        &mut self,
        subscription: u64,
        shard: usize,
        at_us: u64,
    ) -> u64 {
        let Some(follower) = self.followers.get_mut(&subscription) else { return at_us };
        let opened_us = follower.opened_us.unwrap_or(at_us);
        let last = follower.arrivals.entry(shard).or_insert(opened_us);
        *last = at_us.max(*last);
        *last
    }

    /// Whoever follows is told of a change, now or as soon as it gets through.
    pub(super) fn tell(&mut self, seen: &Arc<Seen>, told: &mut Vec<Told>) {
        if seen.told.is_none() {
            return;
        }
        let followers = self.followers.iter_mut();
        let followers = followers.filter(|(_, one)| one.feed == seen.feed && one.subscribed);
        for (&subscription, follower) in followers {
            let through = follower.opened_us.is_some() && follower.held.is_empty();
            if through && self.cluster.hears(subscription, seen.table, &seen.key) {
                let node = follower.asker.node;
                told.push(Told::Tells { subscription, node, seen: seen.clone() });
            } else {
                follower.held.push(seen.clone());
            }
        }
    }

    /// What was held up gets through, as far as it can.
    pub(super) fn let_through(&mut self, subscription: u64) -> Vec<Told> {
        let Some(follower) = self.followers.get_mut(&subscription) else { return Vec::new() };
        if follower.opened_us.is_none() {
            return Vec::new();
        }
        let hears = |seen: &Arc<Seen>| self.cluster.hears(subscription, seen.table, &seen.key);
        let (through, held) = std::mem::take(&mut follower.held).into_iter().partition(hears);
        follower.held = held;
        let node = follower.asker.node;
        let through: Vec<Arc<Seen>> = through;
        through.into_iter().map(|seen| Told::Tells { subscription, node, seen }).collect()
    }

    pub(super) fn close(&mut self, number: u64, told: &mut Vec<Told>) {
        if let Some(Follower { asker, feed, .. }) = self.followers.remove(&number) {
            told.push(Told::Closes { subscription: number, asker, feed });
        }
    }
}
