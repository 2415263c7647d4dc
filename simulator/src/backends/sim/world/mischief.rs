//! Byzantine members in the world: when they have their occasions, and what they do goes out.
//!
//! Here too: a second node with a member's key, which is a node like any other, but none of the
//! federation's. Not here: what a member does (`byzantine`).

use bigchaindb_core::query::{Change, Query};
use bigchaindb_core::stages::{self, Ticket};

use super::{End, Event, World};
use crate::backends::sim::byzantine::{Done, IDEA_US, Instead, Occasion};
use crate::backends::sim::node::SimNode;
use crate::backends::sim::store::Asker;
use crate::backends::sim::store::raw::RawWrite;
use crate::observe::{self, Record, Table};
use crate::plan::{Act, EPOCH_UNIX_MS};

/// The ticket of what no core has asked: nobody waits for the answer.
pub(super) const NOBODYS: Ticket = Ticket(u64::MAX);

impl World<'_> {
    pub(super) fn plan_mischief(&mut self) {
        for (entry, member) in self.plan.byzantine.iter().enumerate() {
            self.kernel.at(member.at_us, Event::Idea(entry));
            if member.acts.contains(&Act::Twin) {
                self.kernel.at(member.at_us, Event::Twin(entry));
                self.kernel.at(member.until_us, Event::Untwin(entry));
            }
        }
    }

    /// A member has an idea of its own.
    pub(super) fn idea(&mut self, entry: usize) {
        let member = &self.plan.byzantine[entry];
        if self.now() >= member.until_us {
            return;
        }
        if self.nodes[member.node].is_running() {
            let done = self.consider(entry, &Occasion::Time);
            let start = self.nodes[member.node].starts;
            done.into_iter().for_each(|done| self.do_mischief(member.node, start, done));
        }
        self.kernel.after(IDEA_US, Event::Idea(entry));
    }

    /// A node hears of a change.
    pub(super) fn overhear(&mut self, node: usize, start: u64, change: &Change) {
        for entry in self.entries_of(node) {
            if let Some(done) = self.consider(entry, &Occasion::Hears(change)) {
                self.do_mischief(node, start, done);
            }
        }
    }

    /// A node's core asks the store: what is asked instead, and how much later; nothing, if it is to
    /// think that the answer was lost.
    pub(super) fn tempt(
        &mut self,
        node: usize,
        start: u64,
        ticket: Ticket,
        query: Query,
    ) -> Option<(Query, u64)> {
        if node >= self.plan.nodes.len() {
            self.tell_twin(node, &query);
            return Some((query, 0));
        }
        for entry in self.entries_of(node) {
            let Some(mut done) = self.consider(entry, &Occasion::Asks(&query)) else { continue };
            let instead = std::mem::replace(&mut done.instead, Instead::Asked);
            self.do_mischief(node, start, done);
            return match instead {
                Instead::Asked => Some((query, 0)),
                Instead::Late(late_us) => Some((query, late_us)),
                Instead::Other(other) => Some((other, 0)),
                Instead::Lost => {
                    self.lose(node, start, ticket, self.now());
                    None
                }
            };
        }
        Some((query, 0))
    }

    /// What a node reports, its mischief hears as well.
    pub(super) fn report_to_mischief(&mut self, node: usize, report: &stages::Report) {
        for entry in self.entries_of(node) {
            self.members[entry].overhear(report);
        }
    }

    fn entries_of(&self, node: usize) -> Vec<usize> {
        let entries = self.plan.byzantine.iter().enumerate();
        entries.filter(|(_, member)| member.node == node).map(|(entry, _)| entry).collect()
    }

    fn consider(&mut self, entry: usize, occasion: &Occasion<'_>) -> Option<Done> {
        let node = self.plan.byzantine[entry].node;
        let (now, sim) = (self.now(), &self.nodes[node]);
        if !self.members[entry].is_active(now) || sim.link.to_store_cut {
            return None;
        }
        let unix_s = (EPOCH_UNIX_MS + now / 1_000) / 1_000;
        let config = sim.config.clone();
        self.members[entry].consider(occasion, &config, unix_s, &mut self.store)
    }

    fn do_mischief(&mut self, node: usize, start: u64, done: Done) {
        for (act, table, key) in done.acts {
            self.tell_act(node, act, table, key);
        }
        let asked_us = self.now();
        for query in done.queries {
            let delay = self.delay(End::Node(node), End::Store) + self.store.cost_us(node, &query);
            let ticket = NOBODYS;
            self.kernel.after(delay, Event::Ask { node, start, ticket, query, asked_us });
        }
        for write in done.writes {
            let delay = self.delay(End::Node(node), End::Store) + self.store.raw_cost_us();
            self.kernel.after(delay, Event::Write { node, start, write });
        }
    }

    /// A raw write reaches the store.
    pub(super) fn write(&mut self, node: usize, start: u64, write: RawWrite) {
        if !self.nodes[node].link.to_store_cut {
            let told = self.store.write(self.now(), Asker { node, start }, NOBODYS, write);
            self.hear(told);
        }
    }

    fn tell_act(&mut self, node: usize, act: Act, table: Table, key: String) {
        let (node, act) = (self.nodes[node].name.clone(), act.name().into());
        self.tell(Record::Act(observe::Act { node, act, table, key: key.into() }));
    }

    // A second node with the same key.

    pub(super) fn twin(&mut self, entry: usize) {
        let original = &self.nodes[self.plan.byzantine[entry].node];
        let name = format!("{}-twin", original.name);
        let config = (*original.config).clone();
        let twin = self.nodes.len();
        self.nodes.push(SimNode::new(&name, config, self.rules.clone(), self.plan.costs.cores));
        self.twins.insert(twin, entry);
        self.start(twin);
    }

    pub(super) fn untwin(&mut self, entry: usize) {
        let twin = self.twins.iter().find(|(_, of)| **of == entry).map(|(twin, _)| *twin);
        if let Some(twin) = twin {
            self.close_feeds(twin);
            self.nodes[twin].kill();
        }
    }

    /// What a twin writes is an act of its member's.
    fn tell_twin(&mut self, twin: usize, query: &Query) {
        let (table, key) = match query {
            Query::InsertBlock { block } => (Table::Bigchain, block.id().to_string()),
            Query::InsertVote { vote } => (Table::Votes, vote.key.to_string()),
            Query::Claim { entry } => (Table::Positions, entry.position.0.to_string()),
            Query::Reassign { transaction, .. } => (Table::Backlog, transaction.to_string()),
            _ => return,
        };
        let member = self.plan.byzantine[self.twins[&twin]].node;
        self.tell_act(member, Act::Twin, table, key);
    }
}
