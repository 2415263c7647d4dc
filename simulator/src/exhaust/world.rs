//! States of a small federation, and the steps between them.
//!
//! A state is the tables, each node's core and what is under way to or from each node; all of them are
//! kept in pools, so a state is a few numbers and can be compared at once. A step delivers one message,
//! stops or starts a node, or lets time pass. Here: which steps there are and what they lead to. Not
//! here: which messages need not be a choice (`reduction`), what has to hold (`laws`), walking through
//! all states ([`explore`](super::explore)). Start at [`World::steps`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{
    BlockId, Keypair, Memo, NodeKey, SignatureCheck, Transaction, keccak256_hex,
};
use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use bigchaindb_core::rules::{self, ConsensusRules, Election, Federation, Quirk};
use bigchaindb_core::stages::{
    Call, Config, Effect, Event, Node, Now, Report, RequestId, Response, Settings, Ticket,
};

use super::laws::{Judged, Violation};
use super::pool::Pool;
use super::reduction;
use super::story::Story;
use super::tables::{Changed, Tables};
use super::turns::Turn;
use super::{Kind, Scope};
use crate::observe::election_word;
use crate::plan::EPOCH_UNIX_MS;

/// Nodes at most.
pub(super) const NODES_MAX: usize = 3;
/// Questions that one write overtakes at most; of more, the later ones are asked behind it.
const OVERTAKEN_MAX: usize = 16;
/// Signatures remembered.
const SIGNATURES: usize = 10_000;
/// A node that was stopped is started after this long at the latest: time enough for another one to
/// take over what waits for it.
const DOWN_MS: u64 = 12_000;
/// When nothing was written and nobody started for this long, nothing that has not happened will: the
/// longest wait of a node is that of `reassign`, 10 s.
const QUIET_MS: u64 = 15_000;

/// Something under way to or from a node.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A client's request.
    Post { number: usize },
    /// A question on its way to the store.
    Question { ticket: Ticket, query: Query },
    /// Its answer on its way back.
    Answer { ticket: Ticket, answer: Result<Answer, StoreError>, to: Asked },
    /// An element of a feed; those of one row come by their turns.
    Element { feed: Feed, key: Arc<str>, turn: usize, change: Change },
    /// A time that the node has asked for has come.
    Woken,
}

/// What an answer is the answer to, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    InsertBacklog,
    InsertBlock,
    DeleteBacklog,
    Claim,
    Positions,
    Votes,
    Other,
}

impl Asked {
    pub(super) fn by(query: &Query) -> Self {
        match query {
            Query::InsertBacklog { .. } => Self::InsertBacklog,
            Query::InsertBlock { .. } => Self::InsertBlock,
            Query::DeleteBacklog { .. } => Self::DeleteBacklog,
            Query::Claim { .. } => Self::Claim,
            Query::Positions { .. } => Self::Positions,
            Query::Votes { .. } => Self::Votes,
            _ => Self::Other,
        }
    }
}

/// A state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct State {
    pub(super) now_ms: u64,
    /// When something was written last, or a node started.
    changed_ms: u64,
    pub(super) tables: u32,
    clients: u32,
    nodes: [u32; NODES_MAX],
    turn: Turn,
}

/// A node, and what is under way to and from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Slot {
    /// The running node; none while it is down.
    pub(super) core: Option<u32>,
    /// How often it was started.
    starts: u32,
    /// When it was started or stopped.
    since_ms: u64,
    /// When it wants to be woken.
    alarm_ms: Option<u64>,
    /// Messages, by number.
    pub(super) flight: Vec<u32>,
}

/// What is known outside, and what may still go wrong.
#[derive(Clone, Debug)]
struct Clients {
    crashes: usize,
    /// What was acknowledged, by the number of its request.
    accepted: BTreeMap<usize, Arc<Transaction>>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Deliver {
        node: usize,
        message: u32,
    },
    /// A question is asked that writes; of the questions under way whose answers this changes, those
    /// of this set were asked before.
    Write {
        node: usize,
        message: u32,
        before: u32,
    },
    /// A node reads, and waits for the next write.
    Wait(usize),
    Stop(usize),
    Start(usize),
    /// Nothing is under way: time passes until somebody wants to be woken.
    Pass,
}

/// What can happen next.
pub(super) enum Next {
    /// One of these; if there is none, another way was taken that comes to the same.
    Steps(Vec<Step>),
    /// Nothing is under way, and nothing is left to do.
    End,
}

/// What a node makes of an event.
struct Handled {
    core: u32,
    alarm_ms: Option<u64>,
    questions: Vec<u32>,
    accepted: Vec<(usize, Arc<Transaction>)>,
    decided: Vec<(BlockId, Election)>,
    reports: Vec<String>,
}

/// What the store makes of a question.
struct Answered {
    tables: u32,
    /// The message that brings the answer.
    answer: u32,
    changes: Vec<Changed>,
    violation: Option<Violation>,
}

/// Who does what: a node, as it is, in a life that began then, at this time.
type Moment = (usize, u32, u64, u64);

/// All that states are made of, and what was worked out already.
pub(super) struct World {
    rules: Arc<dyn ConsensusRules>,
    configs: Vec<Arc<Config>>,
    members: BTreeSet<NodeKey>,
    signatures: Arc<dyn SignatureCheck>,
    /// Whether the same transaction is posted again.
    pub(super) posted_again: bool,
    /// Whether of interleavings that come to the same one is enough.
    pub(super) reduced: bool,
    /// What clients post.
    pub(super) posts: Vec<Arc<Transaction>>,
    /// When the exploration begins.
    began_ms: u64,
    pub(super) cores: Pool<Node>,
    pub(super) messages: Pool<Message>,
    pub(super) tables: Pool<Tables>,
    clients: Pool<Clients>,
    /// Lists of questions; none is 0.
    questions: Pool<Vec<u32>>,
    slots: Vec<Arc<Slot>>,
    slot_numbers: BTreeMap<Slot, u32>,
    handled: BTreeMap<(Moment, u32), Arc<Handled>>,
    answered: BTreeMap<(u32, u32), Arc<Answered>>,
    judged: BTreeMap<u32, Arc<Judged>>,
    /// Told of everything that happens, while there is one.
    pub(super) story: Option<Story>,
}

impl World {
    /// Nodes that were never started, over empty tables.
    pub(super) fn new(scope: &Scope) -> (Self, State) {
        let signatures: Arc<dyn SignatureCheck> = Arc::new(Memo::new(SIGNATURES));
        let rules = rules::without("default", &scope.quirks, signatures.clone())
            .expect("the default rules come with the core");
        let keypairs: Vec<_> = (0..scope.nodes).map(keypair).collect();
        let keys: Vec<_> = keypairs.iter().map(|pair| pair.public().clone()).collect();
        let configs = keypairs.into_iter().map(|keypair| {
            let me = keypair.public().clone();
            let keyring = keys.iter().filter(|key| **key != me).cloned().collect();
            let federation = Federation::new(me, keyring);
            // A block waits for no company. What it would wait for can come late by itself.
            let settings = Settings { block_wait: Duration::ZERO, ..Settings::default() };
            Arc::new(Config { keypair, federation, settings })
        });
        let mut world = Self {
            rules,
            configs: configs.collect(),
            members: keys.into_iter().collect(),
            signatures,
            posted_again: scope.kind == Kind::Same && scope.transactions > 1,
            reduced: false,
            posts: Vec::new(),
            began_ms: 0,
            cores: Pool::new(),
            messages: Pool::new(),
            tables: Pool::new(),
            clients: Pool::new(),
            questions: Pool::new(),
            slots: Vec::new(),
            slot_numbers: BTreeMap::new(),
            handled: BTreeMap::new(),
            answered: BTreeMap::new(),
            judged: BTreeMap::new(),
            story: None,
        };
        world.questions.number(0, Vec::new());
        let down = Slot { core: None, starts: 0, since_ms: 0, alarm_ms: None, flight: Vec::new() };
        let nodes = [world.slot_number(down); NODES_MAX];
        let tables = world.tables.number(0, Tables::default());
        let clients = world.clients.number(0, Clients { crashes: 0, accepted: BTreeMap::new() });
        let turn = Turn::default();
        (world, State { now_ms: 0, changed_ms: 0, tables, clients, nodes, turn })
    }

    /// From here on clients post these, one to each node in turn, and so many nodes may be stopped.
    pub(super) fn begin(
        &mut self,
        state: State,
        posts: Vec<Arc<Transaction>>,
        crashes: usize,
    ) -> State {
        self.began_ms = state.now_ms;
        self.posts = posts;
        let clients = self.clients.number(0, Clients { crashes, accepted: BTreeMap::new() });
        let mut state = State { clients, turn: Turn::default(), ..state };
        for number in 0..self.posts.len() {
            let node = number % self.configs.len();
            let mut slot = self.slot(&state, node);
            self.add(&mut slot, node, Message::Post { number });
            self.put(&mut state, node, slot);
        }
        state
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.configs.len()
    }

    /// A node's public key.
    pub(super) fn key(&self, node: usize) -> &NodeKey {
        self.configs[node].keypair.public()
    }

    /// All that can happen next.
    ///
    /// # Errors
    /// If nothing can happen that would finish what has been begun.
    pub(super) fn steps(&mut self, state: &State) -> Result<Next, Violation> {
        let nodes = 0..self.len();
        let is_empty = |node: usize| {
            let slot = self.slot_of(state, node);
            slot.core.is_none() || slot.flight.is_empty()
        };
        let at_rest = nodes.clone().all(is_empty);
        let down: Vec<_> =
            nodes.clone().filter(|&node| self.slot_of(state, node).core.is_none()).collect();
        let clients = self.clients.get(state.clients).clone();
        if at_rest && down.is_empty() {
            let judged = self.judged(state.tables);
            match judged.unfinished(self.tables.get(state.tables), &clients.accepted) {
                None => return Ok(Next::End),
                Some(violation) if state.now_ms >= state.changed_ms + QUIET_MS => {
                    return Err(violation);
                }
                Some(_) => {}
            }
            let gone = judged.gone(self.tables.get(state.tables), &clients.accepted);
            if let Some(gone) = gone.filter(|_| !self.remembers(state)) {
                return Err(gone);
            }
        }
        let mut steps = Vec::new();
        for node in nodes {
            if !down.contains(&node) && (!self.reduced || state.turn.is_open_to(node)) {
                self.steps_of(state, node, &mut steps);
            }
        }
        if clients.crashes > 0 {
            let running = (0..self.len()).filter(|node| !down.contains(node));
            let can_crash = |node: &usize| !self.reduced || state.turn.can_crash(*node);
            steps.extend(running.filter(can_crash).map(Step::Stop));
        }
        if !self.reduced || state.turn.is_between() {
            steps.extend(down.iter().copied().map(Step::Start));
        }
        let is_due = |&node: &usize| {
            let slot = self.slot_of(state, node);
            state.now_ms >= slot.since_ms + DOWN_MS || slot.starts == 0
        };
        if at_rest && !down.iter().any(is_due) && self.next_alarm(state).is_some() {
            steps.push(Step::Pass);
        }
        Ok(Next::Steps(steps))
    }

    /// Whether a node has transactions of its own in mind.
    fn remembers(&self, state: &State) -> bool {
        (0..self.len()).any(|node| {
            let slot = self.slot_of(state, node);
            let now = Now { monotonic: Duration::ZERO, unix_ms: EPOCH_UNIX_MS };
            let core = slot.core.map(|core| (**self.cores.get(core)).clone());
            core.is_some_and(|mut core| core.levels(now).mine > 0)
        })
    }

    /// All that can happen next at a running node.
    fn steps_of(&mut self, state: &State, node: usize, steps: &mut Vec<Step>) {
        let slot = self.slot(state, node);
        let asks = state.turn.asks().map(|asks| self.questions.get(asks).clone());
        let mut reads = false;
        for (at, &message) in slot.flight.iter().enumerate() {
            let earlier = &slot.flight[..at];
            let repeats = self.reduced && reduction::repeats(self, earlier, message);
            if repeats || !self.is_next(&slot, message) {
                continue;
            }
            let asked_now = asks.as_ref().is_none_or(|asks| asks.contains(&message));
            let Some(tables) = self.writes(state, node, message) else {
                reads |= asked_now && self.can_change(state, message);
                steps.push(Step::Deliver { node, message });
                continue;
            };
            if self.reduced && !(asked_now && state.turn.can_write()) {
                continue;
            }
            let overtaken = self.overtaken(state, tables);
            for before in 0..1 << overtaken.len().min(OVERTAKEN_MAX) {
                let are_asked = |waits| {
                    let waits = self.questions.get(waits);
                    let mut each = overtaken.iter().enumerate();
                    each.any(|(at, (_, read))| waits.contains(read) && before & (1 << at) != 0)
                };
                if !self.reduced || state.turn.waiting().all(are_asked) {
                    steps.push(Step::Write { node, message, before });
                }
            }
        }
        if self.reduced && reads && state.turn.can_wait(node) {
            steps.push(Step::Wait(node));
        }
    }

    /// Whether a message is a question whose answer can still change.
    fn can_change(&self, state: &State, message: u32) -> bool {
        let Message::Question { query, .. } = &**self.messages.get(message) else { return false };
        let again = self.rules.quirks().contains(&Quirk::VotesAgain);
        again || self.tables.get(state.tables).can_change(query, self.len())
    }

    /// What a step leads to.
    ///
    /// # Errors
    /// If it breaks a law.
    pub(super) fn take(&mut self, mut state: State, step: Step) -> Result<State, Violation> {
        let earlier = state;
        match step {
            Step::Deliver { node, message } => self.deliver(&mut state, node, message)?,
            Step::Write { node, message, before } => {
                self.overtake(&mut state, node, message, before);
                self.deliver(&mut state, node, message)?;
            }
            Step::Wait(_) => {}
            Step::Stop(node) => self.stop(&mut state, node),
            Step::Start(node) => self.start(&mut state, node)?,
            Step::Pass => self.pass(&mut state),
        }
        if self.reduced {
            while let Some((node, message)) = reduction::forced(self, &state) {
                self.deliver(&mut state, node, message)?;
            }
            state.turn = match step {
                Step::Deliver { node, .. } => {
                    let before = self.slot_of(&earlier, node);
                    let flight = &self.slot_of(&state, node).flight;
                    let is_new = |message: &u32| {
                        let is_question = |each| matches!(each, &Message::Question { .. });
                        is_question(self.messages.get(*message)) && !before.flight.contains(message)
                    };
                    let asks: Vec<_> = flight.iter().copied().filter(is_new).collect();
                    let is_last = flight.is_empty();
                    state.turn.delivered(node, self.questions.number(0, asks), is_last)
                }
                Step::Write { node, .. } => {
                    let may_crash = self.clients.get(state.clients).crashes > 0;
                    Turn::wrote(node, may_crash)
                }
                Step::Wait(node) => state.turn.waited(node),
                Step::Stop(_) | Step::Start(_) => Turn::restarted(),
                Step::Pass => Turn::default(),
            };
        }
        Ok(state)
    }

    /// Whether a message comes before all others of its row.
    pub(super) fn is_next(&self, slot: &Slot, message: u32) -> bool {
        let Message::Element { feed, key, turn, .. } = &**self.messages.get(message) else {
            return true;
        };
        slot.flight.iter().all(|other| match &**self.messages.get(*other) {
            Message::Element { feed: of, key: row, turn: earlier, .. } => {
                of != feed || row != key || earlier >= turn
            }
            _ => true,
        })
    }

    pub(super) fn slot_of(&self, state: &State, node: usize) -> &Slot {
        &self.slots[state.nodes[node] as usize]
    }

    fn slot(&self, state: &State, node: usize) -> Slot {
        self.slot_of(state, node).clone()
    }

    fn put(&mut self, state: &mut State, node: usize, slot: Slot) {
        state.nodes[node] = self.slot_number(slot);
    }

    fn slot_number(&mut self, slot: Slot) -> u32 {
        if let Some(number) = self.slot_numbers.get(&slot) {
            return *number;
        }
        let number = u32::try_from(self.slots.len()).expect("so many do not fit into memory");
        self.slots.push(Arc::new(slot.clone()));
        self.slot_numbers.insert(slot, number);
        number
    }

    fn add(&mut self, slot: &mut Slot, node: usize, message: Message) {
        insert(&mut slot.flight, self.messages.number(node, message));
    }

    /// What a message makes of the tables, if it is a question that writes.
    fn writes(&mut self, state: &State, node: usize, message: u32) -> Option<u32> {
        let answered = self.answer(state.tables, node, message)?;
        (answered.tables != state.tables).then_some(answered.tables)
    }

    /// Questions under way that write nothing now, and have another answer by the tables to come.
    ///
    /// A question that only reads can be asked at any time between its sending and its answer's
    /// arrival. What it is answered changes only with such a write, so it is asked right before one, or
    /// right before the answer arrives; all other moments come to the same. So an answer to a question
    /// that only reads is under way only if it is out of date.
    fn overtaken(&mut self, state: &State, tables: u32) -> Vec<(usize, u32)> {
        let mut overtaken = Vec::new();
        for node in 0..self.len() {
            for message in self.slot_of(state, node).flight.clone() {
                let Some(now) = self.answer(state.tables, node, message) else { continue };
                let later = self.answer(tables, node, message);
                let reads = now.tables == state.tables;
                if reads && later.is_some_and(|later| later.answer != now.answer) {
                    overtaken.push((node, message));
                }
            }
        }
        overtaken
    }

    /// Asks these of the questions that a write is about to overtake.
    fn overtake(&mut self, state: &mut State, node: usize, message: u32, before: u32) {
        let Some(tables) = self.writes(state, node, message) else { return };
        let overtaken = self.overtaken(state, tables);
        for (at, (node, message)) in overtaken.into_iter().enumerate() {
            if before & (1 << at) != 0
                && let Some(answered) = self.answer(state.tables, node, message)
            {
                self.tell_asked(node, message, answered.answer);
                let mut slot = self.slot(state, node);
                slot.flight.retain(|other| *other != message);
                insert(&mut slot.flight, answered.answer);
                self.put(state, node, slot);
            }
        }
    }

    fn tell_asked(&mut self, node: usize, question: u32, answer: u32) {
        let Self { messages, story: Some(story), .. } = self else { return };
        if let (Message::Question { query, .. }, Message::Answer { answer, .. }) =
            (&**messages.get(question), &**messages.get(answer))
        {
            story.asked(node, query, answer);
        }
    }

    /// A message reaches whom it is for. A question that writes nothing has its answer at once.
    fn deliver(&mut self, state: &mut State, node: usize, number: u32) -> Result<(), Violation> {
        let mut slot = self.slot(state, node);
        let at = slot.flight.binary_search(&number).expect("only what is under way is delivered");
        slot.flight.remove(at);
        self.put(state, node, slot);
        let Some(answered) = self.answer(state.tables, node, number) else {
            if let Some(story) = &mut self.story {
                story.delivered(node, self.messages.get(number));
            }
            return self.react(state, node, number);
        };
        self.tell_asked(node, number, answered.answer);
        if answered.tables == state.tables {
            return self.react(state, node, answered.answer);
        }
        (state.tables, state.changed_ms) = (answered.tables, state.now_ms);
        let mut slot = self.slot(state, node);
        insert(&mut slot.flight, answered.answer);
        self.put(state, node, slot);
        for Changed { feed, key, change } in &answered.changes {
            for node in 0..self.len() {
                let mut slot = self.slot(state, node);
                if slot.core.is_some() {
                    let turn = self.turn(&slot, *feed, key);
                    let (feed, key, change) = (*feed, key.clone(), change.clone());
                    self.add(&mut slot, node, Message::Element { feed, key, turn, change });
                    self.put(state, node, slot);
                }
            }
        }
        answered.violation.clone().map_or(Ok(()), Err)
    }

    /// The turn of a row's next element.
    fn turn(&self, slot: &Slot, feed: Feed, key: &str) -> usize {
        let turns = slot.flight.iter().filter_map(|number| match &**self.messages.get(*number) {
            Message::Element { feed: of, key: row, turn, .. } if *of == feed && **row == *key => {
                Some(*turn + 1)
            }
            _ => None,
        });
        turns.max().unwrap_or(0)
    }

    /// What the store makes of a message, if that is a question.
    fn answer(&mut self, tables: u32, node: usize, number: u32) -> Option<Arc<Answered>> {
        let message = self.messages.get(number).clone();
        let Message::Question { ticket, query } = &*message else { return None };
        if let Some(answered) = self.answered.get(&(tables, number)) {
            return Some(answered.clone());
        }
        let mut after = (**self.tables.get(tables)).clone();
        let mut changes = Vec::new();
        let (answer, to) = (after.answer(query, &mut changes), Asked::by(query));
        let answer = self.messages.number(node, Message::Answer { ticket: *ticket, answer, to });
        let (mut then, mut violation) = (tables, None);
        if !changes.is_empty() {
            then = self.tables.number(0, after);
            let (earlier, later) = (self.judged(tables), self.judged(then));
            violation = later.violation.clone().or_else(|| later.changes(&earlier));
        }
        let answered = Arc::new(Answered { tables: then, answer, changes, violation });
        self.answered.insert((tables, number), answered.clone());
        Some(answered)
    }

    pub(super) fn judged(&mut self, number: u32) -> Arc<Judged> {
        let Self { tables, members, signatures, judged, .. } = self;
        let judge = || Arc::new(Judged::of(tables.get(number), members, &**signatures));
        judged.entry(number).or_insert_with(judge).clone()
    }

    /// A node makes something of a message.
    fn react(&mut self, state: &mut State, node: usize, message: u32) -> Result<(), Violation> {
        let handled = self.made_of(state, node, message);
        self.follow(state, node, &handled)
    }

    /// What a running node makes of a message.
    fn made_of(&mut self, state: &State, node: usize, message: u32) -> Arc<Handled> {
        let slot = self.slot_of(state, node);
        let core = slot.core.expect("only running nodes have messages delivered");
        let moment = (node, core, slot.since_ms, state.now_ms);
        if let Some(handled) = self.handled.get(&(moment, message)) {
            return handled.clone();
        }
        let event = self.event(&self.messages.get(message).clone());
        let handled = Arc::new(self.handle(moment, event));
        self.handled.insert((moment, message), handled.clone());
        handled
    }

    /// Whether a message, or the answer to a question that writes nothing, makes a running node ask or
    /// say anything.
    pub(super) fn is_news(&mut self, state: &State, node: usize, message: u32) -> bool {
        let answered = self.answer(state.tables, node, message);
        let message = answered.map_or(message, |answered| answered.answer);
        let handled = self.made_of(state, node, message);
        !handled.questions.is_empty() || !handled.reports.is_empty() || handled.alarm_ms.is_some()
    }

    /// Whether a message leaves a running node as it is.
    pub(super) fn is_idle(&mut self, state: &State, node: usize, message: u32) -> bool {
        let handled = self.made_of(state, node, message);
        let core = self.slot_of(state, node).core;
        Some(handled.core) == core && !self.is_news(state, node, message)
    }

    fn event(&self, message: &Message) -> Event {
        match message.clone() {
            Message::Post { number } => Event::Request {
                id: RequestId(number as u64),
                call: Call::Post(self.posts[number].document().clone()),
                entropy: self.entropy(number),
            },
            Message::Question { .. } => unreachable!("questions go to the store"),
            Message::Answer { ticket, answer, .. } => Event::Answer { ticket, answer },
            Message::Element { feed, change, .. } => Event::FeedChanged(feed, change),
            Message::Woken => Event::Woken,
        }
    }

    /// By this a node assigns what it is sent to itself: it comes last in its own list of voters.
    fn entropy(&self, number: usize) -> [u8; 16] {
        let members = self.len() as u128;
        (members * number as u128 + members - 1).to_le_bytes()
    }

    /// Lets a node handle an event, and do its own work at once.
    fn handle(&mut self, (node, core, since_ms, now_ms): Moment, event: Event) -> Handled {
        let mut core = (**self.cores.get(core)).clone();
        let config = self.configs[node].clone();
        let now = Now {
            monotonic: Duration::from_millis(now_ms - since_ms),
            unix_ms: EPOCH_UNIX_MS + now_ms,
        };
        let (mut events, mut effects) = (VecDeque::from([event]), Vec::new());
        let mut handled = Handled {
            core: 0,
            alarm_ms: None,
            questions: Vec::new(),
            accepted: Vec::new(),
            decided: Vec::new(),
            reports: Vec::new(),
        };
        while let Some(event) = events.pop_front() {
            core.handle(now, event, &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Query { ticket, query } => {
                        let question = Message::Question { ticket, query };
                        handled.questions.push(self.messages.number(node, question));
                    }
                    Effect::Open(feed) => events.push_back(Event::FeedOpened(feed)),
                    Effect::Work { ticket, work } => {
                        let outcome = work.run(&config, &*self.rules);
                        events.push_back(Event::Worked { ticket, outcome });
                    }
                    Effect::Respond { id, response: Response::Accepted(transaction, _) } => {
                        let number = usize::try_from(id.0).expect("it was a usize");
                        handled.reports.push(format!("acknowledges {}", transaction.id()));
                        handled.accepted.push((number, transaction));
                    }
                    Effect::Respond { response, .. } => {
                        handled.reports.push(format!("answers the client: {response:?}"));
                    }
                    Effect::Wake { at } => {
                        let at_ms = at.as_nanos().div_ceil(1_000_000);
                        let at_ms = u64::try_from(at_ms).unwrap_or(u64::MAX);
                        handled.alarm_ms = Some(since_ms.saturating_add(at_ms));
                    }
                    Effect::Report(report) => {
                        handled.reports.extend(super::story::report(&report));
                        if let Report::Decided { block, election } = report {
                            handled.decided.push((block, election));
                        }
                    }
                }
            }
        }
        handled.core = self.cores.number(node, core);
        handled
    }

    /// What a node has made of an event has its consequences.
    fn follow(
        &mut self,
        state: &mut State,
        node: usize,
        handled: &Handled,
    ) -> Result<(), Violation> {
        if let Some(story) = &mut self.story {
            story.reported(node, &handled.reports);
            for (number, transaction) in &handled.accepted {
                story.name(transaction.id(), format!("T{}", number + 1));
            }
        }
        let mut slot = self.slot(state, node);
        slot.core = Some(handled.core);
        slot.alarm_ms = handled.alarm_ms.or(slot.alarm_ms);
        slot.flight.extend(&handled.questions);
        slot.flight.sort_unstable();
        self.put(state, node, slot);
        if !handled.accepted.is_empty() {
            let mut clients = (**self.clients.get(state.clients)).clone();
            clients.accepted.extend(handled.accepted.iter().cloned());
            state.clients = self.clients.number(0, clients);
        }
        let judged = self.judged(state.tables);
        for (block, says) in &handled.decided {
            let is = judged.elections.get(block).copied().unwrap_or(Election::Undecided);
            if is != *says {
                let (says, is) = (election_word(*says), election_word(is));
                let who = self.key(node);
                let what = format!("{who} says block {block} is {says}; by the votes it is {is}");
                return Err(Violation { invariant: "S8", what });
            }
        }
        Ok(())
    }

    /// A node stops at once: what it knows is lost, and what is under way, except requests.
    fn stop(&mut self, state: &mut State, node: usize) {
        let mut clients = (**self.clients.get(state.clients)).clone();
        clients.crashes -= 1;
        state.clients = self.clients.number(0, clients);
        let Slot { starts, flight, .. } = self.slot(state, node);
        let is_post = |number: &u32| matches!(**self.messages.get(*number), Message::Post { .. });
        let flight = flight.into_iter().filter(is_post).collect();
        let slot = Slot { core: None, starts, since_ms: state.now_ms, alarm_ms: None, flight };
        self.put(state, node, slot);
        if let Some(story) = &mut self.story {
            story.stopped(node);
        }
    }

    /// A node starts with nothing but its configuration. Its feeds are open at once.
    fn start(&mut self, state: &mut State, node: usize) -> Result<(), Violation> {
        if let Some(story) = &mut self.story {
            story.started(node);
        }
        let mut slot = self.slot(state, node);
        let fresh = Node::new(self.configs[node].clone(), self.rules.clone());
        let core = self.cores.number(node, fresh);
        slot.core = Some(core);
        state.changed_ms = state.now_ms;
        slot.starts += 1;
        slot.since_ms = state.now_ms;
        let drawn = keccak256_hex(format!("start {} of node {node}", slot.starts).as_bytes());
        self.put(state, node, slot);
        let entropy = std::array::from_fn(|i| drawn.as_bytes()[i]);
        let handled =
            self.handle((node, core, state.now_ms, state.now_ms), Event::Start { entropy });
        self.follow(state, node, &handled)
    }

    fn next_alarm(&self, state: &State) -> Option<u64> {
        (0..self.len()).filter_map(|node| self.slot_of(state, node).alarm_ms).min()
    }

    fn pass(&mut self, state: &mut State) {
        let at_ms = self.next_alarm(state).expect("time passes only if somebody waits");
        state.now_ms = state.now_ms.max(at_ms);
        for node in 0..self.len() {
            let mut slot = self.slot(state, node);
            if slot.alarm_ms.is_some_and(|alarm_ms| alarm_ms <= state.now_ms) {
                slot.alarm_ms = None;
                self.add(&mut slot, node, Message::Woken);
                self.put(state, node, slot);
            }
        }
        if let Some(story) = &mut self.story {
            story.passed(state.now_ms - self.began_ms);
        }
    }
}

fn insert(flight: &mut Vec<u32>, message: u32) {
    let at = flight.partition_point(|other| *other < message);
    flight.insert(at, message);
}

/// A node's own keys.
fn keypair(node: usize) -> Keypair {
    let number = u8::try_from(node).expect("there are three nodes at most");
    Keypair::from_seed([number + 1; 32])
}
