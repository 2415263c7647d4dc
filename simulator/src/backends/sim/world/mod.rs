//! The world of a simulated run: clients, nodes, store, and the network and the faults between them.
//!
//! Everything that happens is an [`Event`] of the kernel's; handling one schedules others. Messages
//! take the time their link draws for them, work and questions take what [`Costs`] says, with chance
//! around it, all drawn by key. Here: the events, what nodes want done, the log. What passes between nodes
//! and their store is in `asking`, between them and clients in `clients`, how long it takes in `ways`; what
//! goes wrong in `harming`: with nodes in `nodes`, with the store in `servers`; what Byzantine members do in
//! `mischief`; looking at nodes in `gauges`, at what is owned in the end in `owned`. Not here: the order
//! of events (`kernel`), what a node is (`node`), what the store answers (`store`), what clients want
//! (`workload`).
//!
//! [`Costs`]: crate::plan::Costs

mod asking;
mod clients;
mod gauges;
mod harming;
mod history;
mod mischief;
mod nodes;
mod owned;
mod servers;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Keypair, Memo, NodeKey};
use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_core::rules::{ConsensusRules, Federation};
use bigchaindb_core::stages::{self, Config, Effect, Report, Ticket, Work};

use super::super::told;
use super::byzantine::Member;
use super::kernel::Kernel;
use super::node::SimNode;
use super::store::raw::RawWrite;
use super::store::{Asker, SimStore};
use crate::chance::{Domain, draw, draw_bytes};
use crate::coverage::Coverage;
use crate::observe::{self, Befell, Log, Phase, Record};
use crate::plan::{EPOCH_UNIX_MS, Plan, Side, Step, Store};
use crate::workload::{self, CallId, ClientEvent, Driver, Request};
use history::Question;
use ways::End;

/// How far a fault has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It has not begun.
    Waits,
    /// It waits for its occasion.
    Armed,
    /// It is there.
    Holds,
    Over,
}

/// What happens.
pub(super) enum Event {
    /// A node is started for the first time, unless a fault has done so.
    Start(usize),
    /// Something concerns the clients.
    Client(ClientEvent),
    /// A request reaches a node.
    Arrive {
        call: CallId,
        request: Request,
    },
    /// A client has waited long enough for an answer.
    GiveUp {
        call: CallId,
    },
    /// Something reaches a node that was started so many times.
    Node {
        node: usize,
        start: u64,
        event: stages::Event,
    },
    /// A node that was started so many times wanted to be woken now, unless it has changed its mind.
    Wake {
        node: usize,
        start: u64,
    },
    /// A node's work is done.
    Work {
        node: usize,
        start: u64,
        ticket: Ticket,
        work: Work,
    },
    /// A question reaches the store.
    Ask {
        node: usize,
        start: u64,
        ticket: Ticket,
        query: Query,
        asked_us: u64,
    },
    /// An answer reaches its node, unless the link is cut meanwhile.
    Answer {
        node: usize,
        start: u64,
        ticket: Ticket,
        answer: Result<Answer, StoreError>,
        asked_us: u64,
    },
    /// A node has waited long enough for an answer of the store.
    GiveUpQuestion {
        number: u64,
    },
    /// Time passes in the store.
    Tick,
    /// A node wants to follow a feed.
    Follow {
        node: usize,
        start: u64,
        feed: Feed,
    },
    /// The word that a feed is open reaches its node.
    Opened {
        node: usize,
        start: u64,
        feed: Feed,
        subscription: u64,
    },
    /// A change reaches whoever follows.
    Deliver {
        subscription: u64,
        change: Change,
    },
    /// Nodes are looked at.
    Gauge,
    /// A fault begins, is looked at, or ends.
    Harm(usize),
    Look(usize),
    Mend(usize),
    /// A node that died at a point of its work starts again.
    Restart(usize),
    /// A Byzantine member has an idea of its own.
    Idea(usize),
    /// A raw write of a Byzantine member reaches the store.
    Write {
        node: usize,
        start: u64,
        write: RawWrite,
    },
    /// A Byzantine member starts a second node with its key, or stops it.
    Twin(usize),
    Untwin(usize),
}

/// The world of a simulated run.
pub(super) struct World<'a> {
    plan: &'a Arc<Plan>,
    kernel: Kernel<Event>,
    /// The federation's, and behind them twins of Byzantine members.
    nodes: Vec<SimNode>,
    /// Byzantine members, an entry of the plan each.
    members: Vec<Member<'a>>,
    /// Twins, each with the entry of the plan that has it.
    twins: BTreeMap<usize, usize>,
    store: SimStore,
    clients: Driver,
    /// Requests under way, and the nodes they went to.
    under_way: BTreeMap<CallId, usize>,
    /// Messages sent so far on each link.
    messages: BTreeMap<(End, End), u64>,
    /// Questions whose answers are to be told, and how many there were.
    noted_questions: BTreeMap<(usize, u64, Ticket), Question>,
    noted: u64,
    rules: Arc<dyn ConsensusRules>,
    log: &'a mut Log,
    /// How far each fault has come.
    courses: Vec<Course>,
    /// Where the harness fell short.
    shortfalls: Vec<Arc<str>>,
    coverage: Coverage,
    /// When the store wants to be told that time has passed.
    tick_us: Option<u64>,
    /// Reused from event to event.
    effects: Vec<Effect>,
}

/// How long the harness waits for the answers to its own last questions.
pub(super) const PROBE_US: u64 = 2_000_000;

impl<'a> World<'a> {
    pub(super) fn new(
        plan: &'a Arc<Plan>,
        rules: Arc<dyn ConsensusRules>,
        signatures: &Arc<Memo>,
        log: &'a mut Log,
    ) -> Self {
        let keypairs: Vec<_> = (0..plan.nodes.len())
            .map(|node| Keypair::from_seed(plan.node_key_seed(node)).known_to(signatures.clone()))
            .collect();
        let keys: Vec<NodeKey> = keypairs.iter().map(|pair| pair.public().clone()).collect();
        let nodes = plan.nodes.iter().zip(keypairs).map(|(node, keypair)| {
            let me = keypair.public().clone();
            let keyring = keys.iter().filter(|key| **key != me).cloned().collect();
            let federation = Federation::new(me, keyring);
            let settings = plan.bounds.settings();
            let config = Config { keypair, federation, settings };
            SimNode::new(&node.name, config, rules.clone(), plan.costs.cores)
        });
        Self {
            plan,
            kernel: Kernel::new(),
            nodes: nodes.collect(),
            members: plan.byzantine.iter().map(|one| Member::new(plan.seed, one)).collect(),
            twins: BTreeMap::new(),
            store: SimStore::new(plan, rules.quirks()),
            clients: Driver::new(plan.clone(), EPOCH_UNIX_MS).known_to(signatures.clone()),
            under_way: BTreeMap::new(),
            messages: BTreeMap::new(),
            noted_questions: BTreeMap::new(),
            noted: 0,
            rules,
            log,
            courses: vec![Course::Waits; plan.faults.len()],
            shortfalls: Vec::new(),
            coverage: Coverage::default(),
            tick_us: None,
            effects: Vec::new(),
        }
    }

    /// Runs the plan to its end.
    pub(super) fn run(&mut self) {
        for node in 0..self.nodes.len() {
            match self.plan.start_gap_us {
                gap_us if node > 0 && gap_us > 0 => self.kernel.at(gap_us, Event::Start(node)),
                _ => self.start(node),
            }
        }
        self.client(ClientEvent::Start);
        for (index, fault) in self.plan.faults.iter().enumerate() {
            self.kernel.at(fault.at_us, Event::Harm(index));
            self.kernel.at(fault.mended_us(), Event::Mend(index));
        }
        self.plan_mischief();
        self.gauge_later();
        self.kernel.at(self.plan.end_us - PROBE_US, Event::Client(ClientEvent::Probe));
        while let Some(event) = self.kernel.next(self.plan.end_us) {
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(node) => {
                if self.nodes[node].starts == 0 {
                    self.start(node);
                }
            }
            Event::Client(event) => {
                if matches!(event, ClientEvent::Probe) {
                    self.gauge_last();
                }
                self.client(event);
            }
            Event::Arrive { call, request } => self.arrive(call, request),
            Event::GiveUp { call } => {
                self.answered(call, workload::Answer::Lost("timed out".into()))
            }
            Event::Node { node, start, event } => self.reach(node, start, event),
            Event::Wake { node, start } => {
                // An alarm that an earlier one has replaced would wake it for nothing, and be set
                // again each time: there would be more of them with every transaction.
                let now_us = self.now();
                if self.is_current(node, start) && self.nodes[node].is_alarm(now_us) {
                    self.reach(node, start, stages::Event::Woken);
                }
            }
            Event::Work { node, start, ticket, work } => {
                let step = Step::of_work(&work);
                if self.is_current(node, start) && !self.dies(node, Side::After, step) {
                    let outcome = work.run(&self.nodes[node].config, &*self.rules);
                    self.reach(node, start, stages::Event::Worked { ticket, outcome });
                }
            }
            Event::Ask { node, start, ticket, query, asked_us } => {
                self.ask(Asker { node, start }, ticket, query, asked_us);
            }
            Event::Answer { node, start, ticket, answer, asked_us } => {
                if self.nodes[node].link.from_store_cut {
                    return self.lose(node, start, ticket, asked_us);
                }
                self.reach(node, start, stages::Event::Answer { ticket, answer });
            }
            Event::GiveUpQuestion { number } => self.give_up(number),
            Event::Tick => self.tick(),
            Event::Follow { node, start, feed } => self.follow(node, start, feed),
            Event::Opened { node, start, feed, subscription } => {
                self.opened(node, start, feed, subscription);
            }
            Event::Deliver { subscription, change } => self.deliver(subscription, change),
            Event::Gauge => self.gauge(),
            Event::Harm(fault) => self.harm(fault),
            Event::Look(fault) => self.look(fault),
            Event::Mend(fault) => self.mend(fault),
            Event::Restart(fault) => self.restart(fault),
            Event::Idea(entry) => self.idea(entry),
            Event::Write { node, start, write } => self.write(node, start, write),
            Event::Twin(entry) => self.twin(entry),
            Event::Untwin(entry) => self.untwin(entry),
        }
    }

    // Nodes.

    fn start(&mut self, node: usize) {
        let now = self.now();
        let sim = &mut self.nodes[node];
        sim.start(now);
        let entropy = draw_bytes(self.plan.seed, Domain::StartEntropy, node as u64, sim.starts);
        let start = sim.starts;
        if node < self.plan.nodes.len() {
            self.tell_node(node, Befell::Started, "");
        }
        self.reach(node, start, stages::Event::Start { entropy });
    }

    fn is_current(&self, node: usize, start: u64) -> bool {
        self.nodes[node].is_up() && self.nodes[node].starts == start
    }

    /// An event reaches a node; what it wants done is done.
    fn reach(&mut self, node: usize, start: u64, event: stages::Event) {
        if !self.is_current(node, start) {
            return;
        }
        match &event {
            stages::Event::Answer { ticket: mischief::NOBODYS, .. } => return,
            stages::Event::FeedChanged(_, change) if !self.members.is_empty() => {
                self.overhear(node, start, change);
            }
            stages::Event::Answer { ticket, answer } => {
                self.note_answer(node, start, *ticket, answer);
            }
            _ => {}
        }
        let mut effects = std::mem::take(&mut self.effects);
        self.nodes[node].handle(self.kernel.now_us(), event, &mut effects);
        for effect in effects.drain(..) {
            // It may have died on the way.
            if self.is_current(node, start) {
                self.carry_out(node, start, effect);
            }
        }
        self.effects = effects;
    }

    fn carry_out(&mut self, node: usize, start: u64, effect: Effect) {
        match effect {
            Effect::Query { ticket, query } => self.asks(node, start, ticket, query),
            Effect::Open(feed) => {
                let delay = self.delay(End::Node(node), End::Store);
                self.kernel.after(delay, Event::Follow { node, start, feed });
            }
            Effect::Work { ticket, work } => {
                let step = Step::of_work(&work);
                if self.dies(node, Side::Before, step) {
                    return;
                }
                self.nodes[node].under_way.insert(ticket, step);
                let cost = self.cost(node, &work);
                let pieces = match &work {
                    Work::Check(transactions) => transactions.len(),
                    _ => 1,
                };
                let done = self.nodes[node].occupy(self.kernel.now_us(), cost, pieces);
                self.kernel.at(done, Event::Work { node, start, ticket, work });
            }
            Effect::Respond { id, response } => {
                if !self.dies(node, Side::Before, Step::Respond) {
                    self.respond(id, response);
                    self.dies(node, Side::After, Step::Respond);
                }
            }
            Effect::Wake { at } => {
                let at_us = self.nodes[node].set_alarm(at, self.kernel.now_us());
                self.kernel.at(at_us, Event::Wake { node, start });
            }
            Effect::Report(report) => self.report(node, &report),
        }
    }

    /// A node asks its store.
    fn asks(&mut self, node: usize, start: u64, ticket: Ticket, query: Query) {
        let step = Step::of_query(&query);
        if step.is_some_and(|step| self.dies(node, Side::Before, step)) {
            return;
        }
        self.nodes[node].questions += 1;
        self.note_question(node, start, ticket, &query);
        self.nodes[node].under_way.extend(step.map(|step| (ticket, step)));
        let asked_us = self.now();
        if self.nodes[node].link.to_store_cut {
            self.lose(node, start, ticket, asked_us);
        } else if let Some((query, late_us)) = self.tempt(node, start, ticket, query) {
            let cost = self.store.cost_us(node, &query);
            let delay = self.delay(End::Node(node), End::Store) + cost + late_us;
            self.kernel.after(delay, Event::Ask { node, start, ticket, query, asked_us });
        }
        if let Some(step) = step {
            self.dies(node, Side::After, step);
        }
    }

    /// What a piece of work takes, with half of it up or down as chance has it.
    fn cost(&mut self, node: usize, work: &Work) -> u64 {
        let costs = &self.plan.costs;
        let mean = match work {
            Work::Prepare { .. } => costs.request_us + costs.check_us,
            Work::Check(transactions) => costs.check_us * transactions.len() as u64,
            Work::CheckBlock(_) | Work::MakeBlock { .. } => costs.block_us,
        };
        let sim = &mut self.nodes[node];
        sim.works += 1;
        let mean = mean * u64::from(sim.slowness);
        draw(self.plan.seed, Domain::ServiceTime, node as u64, sim.works)
            .between(mean / 2, mean + mean / 2)
    }

    fn report(&mut self, node: usize, report: &Report) {
        if node >= self.plan.nodes.len() {
            return;
        }
        self.report_to_mischief(node, report);
        if let Some(record) = told::record(&self.nodes[node].name, report) {
            self.tell(record);
        }
    }

    // The log.

    /// Everything that the tables hold, and the end; what the faults of the run met.
    pub(super) fn collect(mut self) -> Coverage {
        let now = self.now();
        let rows = self.store.rows();
        self.tell_owned();
        for row in rows {
            self.log.append(now, Record::Final(row));
        }
        let shortfalls = std::mem::take(&mut self.shortfalls);
        self.tell(Record::End(observe::End { shortfalls }));
        self.coverage
    }

    fn now(&self) -> u64 {
        self.kernel.now_us()
    }

    fn tell(&mut self, record: Record) {
        self.log.append(self.kernel.now_us(), record);
    }

    fn tell_node(&mut self, node: usize, event: Befell, text: &str) {
        let node = self.nodes[node].name.clone();
        self.tell(Record::Node(observe::NodeEvent { node, event, text: text.into() }));
    }

    fn tell_fault(&mut self, index: usize, phase: Phase) {
        let fault = &self.plan.faults[index];
        let nodes = fault.nodes.iter().map(|&node| self.nodes[node].name.to_string());
        let servers = fault.servers.iter().map(|&server| Store::server_name(server));
        let names: Vec<_> = nodes.chain(servers).collect();
        let (number, target) = (u64::from(fault.number), names.join(",").into());
        let kind = fault.kind.nature().name.into();
        self.tell(Record::Fault(observe::Fault { number, kind, phase, target }));
    }
}
