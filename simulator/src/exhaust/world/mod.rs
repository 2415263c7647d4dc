//! States of a small federation, and the steps between them.
//!
//! A state is the tables, each node's core and what is under way to or from each node; all of them are
//! kept in pools, so a state is a few numbers and can be compared at once. A step delivers one message,
//! stops or starts a node, or lets time pass. Here: what a state is, and the first one. From the top:
//! `message` (what is under way), `steps` (what can happen), `taking` (what it leads to), `nodes` and `answers`
//! (what nodes and the store make of a message), `ahead` (whole turns), `alike` (states that are one). Not
//! here: which messages need not be a choice (`reduction`), what has to hold (`laws`), walking through all states
//! ([`explore`](super::explore)). Start at [`World::after`].

mod ahead;
mod alike;
mod answers;
mod message;
mod nodes;
mod steps;
mod taking;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Keypair, Memo, NodeKey, SignatureCheck, Transaction};
use bigchaindb_core::rules::{self, ConsensusRules, Federation};
use bigchaindb_core::stages::{Config, Node, Settings};

use super::laws::Judged;
use super::pool::Pool;
use super::story::Story;
use super::tables::Tables;
use super::turns::Turn;
use super::{Kind, Scope};

pub(super) use message::{Asked, Message};
pub(super) use steps::{Next, Step};

use ahead::{Begins, End};
use alike::Like;
use answers::Answered;
use nodes::{Handled, Moment};
use taking::insert;

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

impl State {
    /// Whether a node's turn has begun and not ended.
    pub(super) fn is_within_a_turn(&self) -> bool {
        self.turn.asks().is_some()
    }
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
    turns: BTreeMap<Begins, Arc<Vec<End>>>,
    alike: BTreeMap<(usize, u32), Arc<Like>>,
    first_alike: BTreeMap<[u8; 32], (u32, Vec<u32>)>,
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
            turns: BTreeMap::new(),
            alike: BTreeMap::new(),
            first_alike: BTreeMap::new(),
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
}

/// A node's own keys.
fn keypair(node: usize) -> Keypair {
    let number = u8::try_from(node).expect("there are three nodes at most");
    Keypair::from_seed([number + 1; 32])
}
