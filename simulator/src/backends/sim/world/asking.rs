//! What passes between nodes and their store: questions, answers, feeds.

use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_core::stages::{self, Ticket};

use super::{End, Event, World};
use crate::backends::sim::store::{Asker, Seen, Told};
use crate::chance::{Domain, draw};
use crate::observe::Record;
use crate::plan::{Loss, Store};

/// A question without an answer is given up after this long.
const QUERY_TIMEOUT_US: u64 = 5_000_000;
/// A feed that cannot be opened is refused after this long.
const FEED_REFUSED_US: u64 = 1_000_000;
/// A block that is overtaken in a feed comes at most so much later: a block a second is usual.
const OVERTAKEN_US: u64 = 2_000_000;

impl World<'_> {
    /// A question reaches the store.
    pub(super) fn ask(&mut self, asker: Asker, ticket: Ticket, query: Query, asked_us: u64) {
        if self.nodes[asker.node].link.to_store_cut {
            return self.lose(asker.node, asker.start, ticket, asked_us);
        }
        if let Some((fault, server)) = self.store.without_room(&query) {
            self.shows(fault);
            let name = Store::server_name(server);
            let answer = Err(StoreError::Refused(format!("no space left on the disk of {name}")));
            return self.answers(asker, ticket, asked_us, answer);
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
                Told::Tells { subscription, node, seen } => self.tells(subscription, node, &seen),
                Told::Answers { asker, ticket, asked_us, answer } => {
                    self.answers(asker, ticket, asked_us, answer);
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

    /// An answer is on its way, or is lost.
    fn answers(
        &mut self,
        asker: Asker,
        ticket: Ticket,
        asked_us: u64,
        mut answer: Result<Answer, StoreError>,
    ) {
        let Asker { node, start } = asker;
        let delay = self.delay(End::Store, End::Node(node));
        if let Some((fault, share, loss)) = self.nodes[node].link.lossy {
            let message = self.message(End::Store, End::Node(node));
            let about = |n| draw(self.plan.seed, Domain::LostAnswer, node as u64, 2 * message + n);
            if about(0).happens(share) {
                let silent = match loss {
                    Loss::Silence => true,
                    Loss::Reset => false,
                    Loss::Either => about(1).happens(500_000),
                };
                self.shows(fault);
                if silent {
                    return self.lose(node, start, ticket, asked_us);
                }
                answer = Err(StoreError::Indeterminate("connection reset".into()));
            }
        }
        self.kernel.after(delay, Event::Answer { node, start, ticket, answer, asked_us });
    }

    /// A change is on its way to one who follows. Elements of one stream keep their order, unless links
    /// reorder: then one block may be overtaken by those after it, as no promise of a feed forbids.
    fn tells(&mut self, subscription: u64, node: usize, seen: &Seen) {
        let Some(change) = seen.told.clone() else { return };
        let mut at_us = self.now() + self.delay(End::Store, End::Node(node));
        let message = self.message(End::Store, End::Node(node));
        let (seed, entity) = (self.plan.seed, node as u64);
        if let Some(late) =
            self.nodes[node].link.late.filter(|late| late.means(seen.feed, seen.shard))
        {
            at_us += draw(seed, Domain::FeedLag, entity, message).between(1, late.most_us);
            self.shows(late.fault);
        }
        let mut at_us = self.store.arrival(subscription, seen.shard, at_us);
        let overtaken = |n| draw(seed, Domain::Reorder, entity, 2 * message + n);
        if seen.feed == Feed::Blocks && overtaken(0).happens(self.plan.links.reorder) {
            at_us += overtaken(1).between(1, OVERTAKEN_US);
        }
        self.kernel.at(at_us, Event::Deliver { subscription, change: change.clone() });
        if let Some((fault, share)) = self.nodes[node].link.twice
            && draw(seed, Domain::FeedRepeat, entity, message).happens(share)
        {
            self.shows(fault);
            let at_us = self.store.arrival(subscription, seen.shard, at_us);
            self.kernel.at(at_us, Event::Deliver { subscription, change });
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
        if self.nodes[node].link.to_store_cut {
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
        if self.nodes[node].link.from_store_cut {
            self.store.unsubscribe(subscription);
            let event = stages::Event::FeedClosed(feed);
            return self.kernel.after(FEED_REFUSED_US, Event::Node { node, start, event });
        }
        let opened_us = self.now() + self.delay(End::Store, End::Node(node));
        if let Some(earlier) = self.nodes[node].feeds.insert(feed, subscription) {
            self.store.unsubscribe(earlier);
        }
        self.kernel.at(opened_us, Event::Opened { node, start, feed, subscription });
        let told = self.store.opened(subscription, opened_us);
        self.hear(told);
    }

    /// The word that a feed is open arrives, unless it ended meanwhile.
    pub(super) fn opened(&mut self, node: usize, start: u64, feed: Feed, subscription: u64) {
        if self.nodes[node].feeds.get(&feed) == Some(&subscription) {
            self.reach(node, start, stages::Event::FeedOpened(feed));
        }
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
        if self.nodes[node].link.from_store_cut {
            return;
        }
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
