//! The world of a simulated run: clients, nodes, store, and the network and the faults between them.
//!
//! Everything that happens is an [`Event`] of the kernel's; handling one schedules others. Messages
//! take the time their link draws for them, work and questions take what [`Costs`] says, with chance
//! around it, all drawn by key. Not here: the order of events (`kernel`), what a node is (`node`), what
//! the store answers (`store`), what clients want (`workload`).
//!
//! [`Costs`]: crate::plan::Costs

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb::http;
use bigchaindb_core::model::{Json, Keypair, NodeKey};
use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_core::rules::{ConsensusRules, Federation};
use bigchaindb_core::stages::{self, Config, Effect, Report, RequestId, Response, Ticket, Work};

use super::kernel::Kernel;
use super::node::SimNode;
use super::store::SimStore;
use crate::chance::{Domain, draw, draw_bytes};
use crate::observe::{self, Befell, Log, Phase, Record};
use crate::plan::{EPOCH_UNIX_MS, FaultKind, Plan};
use crate::workload::{self, CallId, ClientEffect, ClientEvent, Driver, Request};

/// A question without an answer is given up after this long.
const QUERY_TIMEOUT_US: u64 = 5_000_000;
/// A request without an answer is given up by its client after this long.
const REQUEST_TIMEOUT_US: u64 = 10_000_000;
/// A feed that cannot be opened is refused after this long.
const FEED_REFUSED_US: u64 = 1_000_000;

/// An end of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Node(usize),
    Clients,
    Store,
}

impl End {
    /// Its number in the keys by which delays are drawn.
    fn number(self) -> u32 {
        match self {
            Self::Node(node) => u32::try_from(node).expect("a federation has some dozen nodes"),
            Self::Clients => u32::MAX - 1,
            Self::Store => u32::MAX,
        }
    }
}

/// What happens.
pub(super) enum Event {
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
    /// A node wants to follow a feed.
    Follow {
        node: usize,
        start: u64,
        feed: Feed,
    },
    /// A change reaches whoever follows.
    Deliver {
        subscription: u64,
        change: Change,
    },
    /// A fault begins, or ends.
    Harm(usize),
    Mend(usize),
}

/// The world of a simulated run.
pub(super) struct World<'a> {
    plan: &'a Arc<Plan>,
    kernel: Kernel<Event>,
    nodes: Vec<SimNode>,
    store: SimStore,
    clients: Driver,
    /// Requests under way, and the nodes they went to.
    under_way: BTreeMap<CallId, usize>,
    /// Messages sent so far on each link.
    messages: BTreeMap<(End, End), u64>,
    rules: Arc<dyn ConsensusRules>,
    log: &'a mut Log,
    /// Reused from event to event.
    effects: Vec<Effect>,
}

/// How long the harness waits for the answers to its own last questions.
pub(super) const PROBE_US: u64 = 2_000_000;

impl<'a> World<'a> {
    pub(super) fn new(
        plan: &'a Arc<Plan>,
        rules: Arc<dyn ConsensusRules>,
        log: &'a mut Log,
    ) -> Self {
        let keypairs: Vec<_> = (0..plan.nodes.len())
            .map(|node| Keypair::from_seed(plan.node_key_seed(node)))
            .collect();
        let keys: Vec<NodeKey> = keypairs.iter().map(|pair| pair.public().clone()).collect();
        let nodes = plan.nodes.iter().zip(keypairs).map(|(node, keypair)| {
            let me = keypair.public().clone();
            let keyring = keys.iter().filter(|key| **key != me).cloned().collect();
            let federation = Federation::new(me, keyring);
            let (settings, quirks) = (stages::Settings::default(), plan.quirks());
            let config = Config { keypair, federation, settings, quirks };
            SimNode::new(&node.name, config, rules.clone())
        });
        Self {
            plan,
            kernel: Kernel::new(),
            nodes: nodes.collect(),
            store: SimStore::new(plan),
            clients: Driver::new(plan.clone(), EPOCH_UNIX_MS),
            under_way: BTreeMap::new(),
            messages: BTreeMap::new(),
            rules,
            log,
            effects: Vec::new(),
        }
    }

    /// Runs the plan to its end.
    pub(super) fn run(&mut self) {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        self.client(ClientEvent::Start);
        for (index, fault) in self.plan.faults.iter().enumerate() {
            self.kernel.at(fault.at_us, Event::Harm(index));
            self.kernel.at(fault.until_us, Event::Mend(index));
        }
        self.kernel.at(self.plan.end_us - PROBE_US, Event::Client(ClientEvent::Probe));
        while let Some(event) = self.kernel.next(self.plan.end_us) {
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Client(event) => self.client(event),
            Event::Arrive { call, request } => self.arrive(call, request),
            Event::GiveUp { call } => {
                self.answered(call, workload::Answer::Lost("timed out".into()))
            }
            Event::Node { node, start, event } => self.reach(node, start, event),
            Event::Work { node, start, ticket, work } => {
                if self.is_current(node, start) {
                    let outcome = work.run(&self.nodes[node].config, &*self.rules);
                    self.reach(node, start, stages::Event::Worked { ticket, outcome });
                }
            }
            Event::Ask { node, start, ticket, query, asked_us } => {
                self.ask(node, start, ticket, &query, asked_us);
            }
            Event::Answer { node, start, ticket, answer, asked_us } => {
                if self.nodes[node].cut {
                    return self.lose(node, start, ticket, asked_us);
                }
                self.reach(node, start, stages::Event::Answer { ticket, answer });
            }
            Event::Follow { node, start, feed } => self.follow(node, start, feed),
            Event::Deliver { subscription, change } => self.deliver(subscription, change),
            Event::Harm(fault) => self.harm(fault),
            Event::Mend(fault) => self.mend(fault),
        }
    }

    // Nodes.

    fn start(&mut self, node: usize) {
        let now = self.now();
        let sim = &mut self.nodes[node];
        sim.start(now);
        let entropy = draw_bytes(self.plan.seed, Domain::StartEntropy, node as u64, sim.starts);
        let start = sim.starts;
        self.tell_node(node, Befell::Started, "");
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
        let mut effects = std::mem::take(&mut self.effects);
        self.nodes[node].handle(self.kernel.now_us(), event, &mut effects);
        for effect in effects.drain(..) {
            self.carry_out(node, start, effect);
        }
        self.effects = effects;
    }

    fn carry_out(&mut self, node: usize, start: u64, effect: Effect) {
        match effect {
            Effect::Query { ticket, query } => {
                let asked_us = self.now();
                if self.nodes[node].cut {
                    return self.lose(node, start, ticket, asked_us);
                }
                let delay = self.delay(End::Node(node), End::Store) + self.store.cost_us(&query);
                self.kernel.after(delay, Event::Ask { node, start, ticket, query, asked_us });
            }
            Effect::Open(feed) => {
                let delay = self.delay(End::Node(node), End::Store);
                self.kernel.after(delay, Event::Follow { node, start, feed });
            }
            Effect::Work { ticket, work } => {
                let cost = self.cost(node, &work);
                let done = self.nodes[node].occupy(self.kernel.now_us(), cost);
                self.kernel.at(done, Event::Work { node, start, ticket, work });
            }
            Effect::Respond { id, response } => self.respond(id, response),
            Effect::Wake { at } => {
                let at = self.nodes[node].moment_us(at);
                self.kernel.at(at, Event::Node { node, start, event: stages::Event::Woken });
            }
            Effect::Report(report) => self.report(node, report),
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
        draw(self.plan.seed, Domain::ServiceTime, node as u64, sim.works)
            .between(mean / 2, mean + mean / 2)
    }

    fn report(&mut self, node: usize, report: Report) {
        let text = match report {
            Report::Decided { block, election } => {
                let node = self.nodes[node].name.clone();
                return self.tell(Record::Decided(observe::Decided { node, block, election }));
            }
            Report::BlockWritten { .. } | Report::Voted { reason: None, .. } => return,
            Report::Voted { block, reason: Some(reason), .. } => {
                format!("voted invalid on block {block}: {reason}")
            }
            Report::Dropped { transaction, reason } => format!("dropped {transaction}: {reason}"),
            Report::Reassigned { transaction, from } => {
                format!("took over {transaction} from {from}")
            }
            Report::Trouble(text) => text,
        };
        self.tell_node(node, Befell::Log, &text);
    }

    // The store.

    /// The store answers a question; whoever follows a feed hears what it changed.
    fn ask(&mut self, node: usize, start: u64, ticket: Ticket, query: &Query, asked_us: u64) {
        if self.nodes[node].cut {
            return self.lose(node, start, ticket, asked_us);
        }
        let answer = self.store.answer(query);
        let now = self.now();
        for seen in self.store.changes() {
            self.tell(Record::Change(seen.record));
            let Some(told) = seen.told else { continue };
            for (subscription, follower) in self.store.followers(seen.feed) {
                let delay = self.delay(End::Store, End::Node(follower));
                let at = self.store.arrival(subscription, seen.shard, now + delay);
                self.kernel.at(at, Event::Deliver { subscription, change: told.clone() });
            }
        }
        let delay = self.delay(End::Store, End::Node(node));
        self.kernel.after(delay, Event::Answer { node, start, ticket, answer, asked_us });
    }

    /// No answer will come; the node finds out by waiting.
    fn lose(&mut self, node: usize, start: u64, ticket: Ticket, asked_us: u64) {
        let answer = Err(StoreError::Indeterminate("timed out".into()));
        let event = stages::Event::Answer { ticket, answer };
        self.kernel.at(asked_us + QUERY_TIMEOUT_US, Event::Node { node, start, event });
    }

    fn follow(&mut self, node: usize, start: u64, feed: Feed) {
        if !self.is_current(node, start) {
            return;
        }
        if self.nodes[node].cut {
            let event = stages::Event::FeedClosed(feed);
            return self.kernel.after(FEED_REFUSED_US, Event::Node { node, start, event });
        }
        let opened_us = self.now() + self.delay(End::Store, End::Node(node));
        let subscription = self.store.subscribe(node, feed, opened_us);
        if let Some(earlier) = self.nodes[node].feeds.insert(feed, subscription) {
            self.store.unsubscribe(earlier);
        }
        let event = stages::Event::FeedOpened(feed);
        self.kernel.at(opened_us, Event::Node { node, start, event });
    }

    fn deliver(&mut self, subscription: u64, change: Change) {
        let Some((node, feed)) = self.store.follower(subscription) else { return };
        let start = self.nodes[node].starts;
        self.reach(node, start, stages::Event::FeedChanged(feed, change));
    }

    /// All of a node's feeds end; it hears of it at once.
    fn close_feeds(&mut self, node: usize) {
        let start = self.nodes[node].starts;
        for (feed, subscription) in std::mem::take(&mut self.nodes[node].feeds) {
            self.store.unsubscribe(subscription);
            let event = stages::Event::FeedClosed(feed);
            self.kernel.after(0, Event::Node { node, start, event });
        }
    }

    // Clients.

    fn client(&mut self, event: ClientEvent) {
        let mut effects = Vec::new();
        self.clients.handle(self.kernel.now_us(), event, &mut effects);
        for effect in effects {
            match effect {
                ClientEffect::Send { call, node, request } => {
                    self.under_way.insert(call, node);
                    let delay = self.delay(End::Clients, End::Node(node));
                    self.kernel.after(delay, Event::Arrive { call, request });
                    self.kernel.after(REQUEST_TIMEOUT_US, Event::GiveUp { call });
                }
                ClientEffect::WakeAt(at_us) => {
                    self.kernel.at(at_us, Event::Client(ClientEvent::Woken));
                }
                ClientEffect::Record(operation) => self.tell(Record::Operation(operation)),
                ClientEffect::Idle => {}
            }
        }
    }

    fn arrive(&mut self, call: CallId, request: Request) {
        let Some(&node) = self.under_way.get(&call) else { return };
        let sim = &mut self.nodes[node];
        if !sim.is_up() {
            let refused = workload::Answer::Unreachable("connection refused".into());
            return self.answered(call, refused);
        }
        sim.requests += 1;
        let drawn = draw_bytes(self.plan.seed, Domain::RequestEntropy, node as u64, sim.requests);
        let (id, start) = (RequestId(call.0), sim.starts);
        let call = match request {
            Request::Post(document) => stages::Call::Post((*document).clone()),
            Request::Status(tx) => stages::Call::Status(tx),
        };
        let entropy = std::array::from_fn(|i| drawn[i]);
        self.reach(node, start, stages::Event::Request { id, call, entropy });
    }

    fn respond(&mut self, id: RequestId, response: Response) {
        let (status, text) = http::answer(response);
        let body = Json::parse(text.as_bytes()).expect("a node's answers are JSON");
        self.answered(CallId(id.0), workload::Answer::Http { status, body });
    }

    /// A request ends, one way or the other; whoever asked hears of it.
    fn answered(&mut self, call: CallId, answer: workload::Answer) {
        let Some(node) = self.under_way.remove(&call) else { return };
        let delay = self.delay(End::Node(node), End::Clients);
        self.kernel.after(delay, Event::Client(ClientEvent::Answered { call, answer }));
    }

    // Faults.

    fn harm(&mut self, index: usize) {
        self.tell_fault(index, Phase::Planned);
        let fault = &self.plan.faults[index];
        for &node in &fault.nodes {
            match fault.kind {
                FaultKind::Kill => self.kill(node),
                FaultKind::Pause => {
                    self.nodes[node].pause();
                    self.tell_node(node, Befell::Paused, "");
                }
                FaultKind::Partition => {
                    self.nodes[node].cut = true;
                    self.close_feeds(node);
                }
                FaultKind::FeedAbort => self.close_feeds(node),
            }
        }
        self.tell_fault(index, Phase::Applied);
        if fault.nodes.iter().all(|&node| self.is_harmed(node, fault.kind)) {
            self.tell_fault(index, Phase::Verified);
        }
    }

    /// The probe: is the fault real?
    fn is_harmed(&self, node: usize, kind: FaultKind) -> bool {
        let node = &self.nodes[node];
        match kind {
            FaultKind::Kill => !node.is_up(),
            FaultKind::Pause => !node.is_running(),
            FaultKind::Partition => node.cut && node.feeds.is_empty(),
            FaultKind::FeedAbort => node.feeds.is_empty(),
        }
    }

    fn mend(&mut self, index: usize) {
        let fault = &self.plan.faults[index];
        for &node in &fault.nodes {
            match fault.kind {
                FaultKind::Kill => self.start(node),
                FaultKind::Pause => self.resume(node),
                FaultKind::Partition => self.nodes[node].cut = false,
                FaultKind::FeedAbort => {}
            }
        }
        self.tell_fault(index, Phase::Healed);
    }

    fn kill(&mut self, node: usize) {
        for subscription in self.nodes[node].feeds.values() {
            self.store.unsubscribe(*subscription);
        }
        self.nodes[node].kill();
        self.tell_node(node, Befell::Killed, "");
        let broken = self.under_way.iter().filter(|(_, asked)| **asked == node);
        for call in broken.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.answered(call, workload::Answer::Lost("connection reset".into()));
        }
    }

    fn resume(&mut self, node: usize) {
        self.tell_node(node, Befell::Resumed, "");
        let start = self.nodes[node].starts;
        for event in self.nodes[node].resume() {
            self.reach(node, start, event);
        }
    }

    // The log.

    /// Everything that the tables hold, and the end.
    pub(super) fn collect(&mut self) {
        let now = self.now();
        for row in self.store.rows() {
            self.log.append(now, Record::Final(row));
        }
        self.tell(Record::End(observe::End::default()));
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
        let names: Vec<_> = fault.nodes.iter().map(|&node| &*self.nodes[node].name).collect();
        let (number, target) = (u64::from(fault.number), names.join(",").into());
        let kind = fault.kind.nature().name.into();
        self.tell(Record::Fault(observe::Fault { number, kind, phase, target }));
    }

    /// How long the next message on a link takes.
    fn delay(&mut self, from: End, to: End) -> u64 {
        let message = self.messages.entry((from, to)).or_default();
        *message += 1;
        self.plan.links.delay_us(self.plan.seed, from.number(), to.number(), *message)
    }
}
