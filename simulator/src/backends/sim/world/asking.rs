//! What passes between nodes and their store: questions, answers, feeds.

use bigchaindb_core::query::{Change, Feed, Query, StoreError};
use bigchaindb_core::stages::{self, Ticket};

use super::{End, Event, World};
use crate::backends::sim::store::{Asker, Told};
use crate::observe::Record;

/// A question without an answer is given up after this long.
const QUERY_TIMEOUT_US: u64 = 5_000_000;
/// A feed that cannot be opened is refused after this long.
const FEED_REFUSED_US: u64 = 1_000_000;

impl World<'_> {
    /// A question reaches the store.
    pub(super) fn ask(&mut self, asker: Asker, ticket: Ticket, query: Query, asked_us: u64) {
        if self.nodes[asker.node].cut {
            return self.lose(asker.node, asker.start, ticket, asked_us);
        }
        let told = self.store.ask(self.now(), asker, ticket, query, asked_us);
        self.hear(told);
    }

    /// What happened in the store has its consequences.
    pub(super) fn hear(&mut self, told: Vec<Told>) {
        for told in told {
            match told {
                Told::Stands(seen) => self.tell(Record::Change(seen.record.clone())),
                Told::Vanishes(seen) => self.tell(Record::Change(seen.reverse())),
                Told::Tells { subscription, node, seen } => {
                    let Some(change) = seen.told.clone() else { continue };
                    let delay = self.delay(End::Store, End::Node(node));
                    let at = self.store.arrival(subscription, seen.shard, self.now() + delay);
                    self.kernel.at(at, Event::Deliver { subscription, change });
                }
                Told::Answers { asker: Asker { node, start }, ticket, asked_us, answer } => {
                    let delay = self.delay(End::Store, End::Node(node));
                    let event = Event::Answer { node, start, ticket, answer, asked_us };
                    self.kernel.after(delay, event);
                }
                Told::Waits { number, asked_us } => {
                    let at_us = asked_us + QUERY_TIMEOUT_US;
                    self.kernel.at(at_us, Event::GiveUpQuestion { number });
                }
                Told::Opens { subscription, asker, feed } => {
                    self.opens(subscription, asker, feed);
                }
                Told::Closes { subscription, asker, feed } => {
                    self.closes(subscription, asker, feed);
                }
            }
        }
        let next = self.store.next_us();
        if let Some(at_us) = next.filter(|next| self.tick_us.is_none_or(|tick| *next < tick)) {
            self.tick_us = Some(at_us);
            self.kernel.at(at_us, Event::Tick);
        }
    }

    /// Time passes in the store.
    pub(super) fn tick(&mut self) {
        // One that was overtaken by an earlier one comes too, and does no harm.
        if self.tick_us.is_some_and(|at_us| at_us <= self.now()) {
            self.tick_us = None;
        }
        let told = self.store.tick(self.now());
        self.hear(told);
    }

    /// A node has waited long enough.
    pub(super) fn give_up(&mut self, number: u64) {
        let Some((Asker { node, start }, ticket)) = self.store.give_up(number) else { return };
        let answer = Err(StoreError::Indeterminate("timed out".into()));
        self.reach(node, start, stages::Event::Answer { ticket, answer });
    }

    /// No answer will come; the node finds out by waiting.
    pub(super) fn lose(&mut self, node: usize, start: u64, ticket: Ticket, asked_us: u64) {
        let answer = Err(StoreError::Indeterminate("timed out".into()));
        let event = stages::Event::Answer { ticket, answer };
        self.kernel.at(asked_us + QUERY_TIMEOUT_US, Event::Node { node, start, event });
    }

    /// A node wants to follow a feed.
    pub(super) fn follow(&mut self, node: usize, start: u64, feed: Feed) {
        if !self.is_current(node, start) {
            return;
        }
        if self.nodes[node].cut {
            let event = stages::Event::FeedClosed(feed);
            return self.kernel.after(FEED_REFUSED_US, Event::Node { node, start, event });
        }
        let told = self.store.follow(self.now(), Asker { node, start }, feed);
        self.hear(told);
    }

    /// A feed is open; its node hears so.
    fn opens(&mut self, subscription: u64, asker: Asker, feed: Feed) {
        let Asker { node, start } = asker;
        if !self.is_current(node, start) {
            return self.store.unsubscribe(subscription);
        }
        if self.nodes[node].cut {
            self.store.unsubscribe(subscription);
            let event = stages::Event::FeedClosed(feed);
            return self.kernel.after(FEED_REFUSED_US, Event::Node { node, start, event });
        }
        let opened_us = self.now() + self.delay(End::Store, End::Node(node));
        if let Some(earlier) = self.nodes[node].feeds.insert(feed, subscription) {
            self.store.unsubscribe(earlier);
        }
        let event = stages::Event::FeedOpened(feed);
        self.kernel.at(opened_us, Event::Node { node, start, event });
        let told = self.store.opened(subscription, opened_us);
        self.hear(told);
    }

    /// A feed ended, or could not be opened; its node hears so.
    fn closes(&mut self, subscription: u64, asker: Asker, feed: Feed) {
        let Asker { node, start } = asker;
        let feeds = &mut self.nodes[node].feeds;
        feeds.retain(|_, open| *open != subscription);
        let delay = self.delay(End::Store, End::Node(node));
        let event = stages::Event::FeedClosed(feed);
        self.kernel.after(delay, Event::Node { node, start, event });
    }

    /// A change reaches whoever follows.
    pub(super) fn deliver(&mut self, subscription: u64, change: Change) {
        let Some((node, feed)) = self.store.follower(subscription) else { return };
        let start = self.nodes[node].starts;
        self.reach(node, start, stages::Event::FeedChanged(feed, change));
    }

    /// All of a node's feeds end; it hears of it at once.
    pub(super) fn close_feeds(&mut self, node: usize) {
        let start = self.nodes[node].starts;
        for (feed, subscription) in std::mem::take(&mut self.nodes[node].feeds) {
            self.store.unsubscribe(subscription);
            let event = stages::Event::FeedClosed(feed);
            self.kernel.after(0, Event::Node { node, start, event });
        }
    }
}
