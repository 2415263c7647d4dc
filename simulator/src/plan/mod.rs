//! The plan: a scenario and a seed with nothing left to decide.
//!
//! Here: what is planned, as data that is written into the run directory, and how the choices are
//! made. Not here: reading the file (`scenario`), the documents that clients sign (`workload`),
//! carrying it out (`backends`). Times are microseconds of the run, from its beginning. Start at
//! [`Plan`] and [`make()`].

mod action;
mod bounds;
pub mod byzantine;
mod external;
mod fault;
mod harm;
mod make;
mod operations;
mod particulars;
mod stories;
mod swarm;

pub use action::{Action, Guard, Oddity, Shapeless, Way};
pub use bigchaindb::control::{NoSuchPoint, Point, Side, Step};
pub use bounds::Bounds;
pub use byzantine::{Act, Byzantine};
pub use external::{External, PLACEHOLDERS, filled};
pub use fault::{Direction, Fault, FaultKind, Followed, Form, How, Loss, OtherSide, Shape};
pub use make::make;

pub(crate) use bounds::{BOUNDS, Bound};

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{Keypair, NodeKey};
use bigchaindb_core::rules::{Quirk, Quirks};
use bigchaindb_rethinkdb::cluster::Timing;
use serde::{Deserialize, Serialize};

use crate::backends::Backend;
use crate::chance::{self, Domain, draw, draw_bytes};
use crate::checkers::QUEUE_MAX;

/// The Unix time at which a run in virtual time begins, in milliseconds: 1 September 2016, 00:00
/// UTC, the day BigchainDB 0.6.0 came out.
pub const EPOCH_UNIX_MS: u64 = 1_472_688_000_000;

/// Every choice made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// The run's seed, from which everything below was drawn, and what is drawn by key on the way.
    pub seed: u64,
    /// Which world carries it out.
    pub backend: Backend,
    /// The rules' profile, by name.
    pub rules: String,
    /// Safeguards taken away on purpose, by name.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// The members of the federation: our own in the order of their names, then external ones.
    pub nodes: Vec<Node>,
    /// Bounds and waits of the nodes that are other than usual.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub bounds: Bounds,
    /// The first node starts at once, the others so long after it.
    #[serde(default)]
    pub start_gap_us: u64,
    /// The store all nodes share.
    pub store: Store,
    /// How long messages take.
    pub links: Links,
    /// How long work takes, where time is virtual.
    pub costs: Costs,
    /// What clients do, by number, which is not always the order of time.
    pub operations: Vec<Operation>,
    /// What goes wrong, by number, which is not always the order of time.
    pub faults: Vec<Fault>,
    /// Who acts against the rules on purpose, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byzantine: Vec<Byzantine>,
    /// From here on nobody loads and nothing is broken.
    pub quiet_from_us: u64,
    /// The run's end: everything is collected and judged.
    pub end_us: u64,
    /// What has to come true.
    pub expect: Expect,
    /// How much of the observation log is kept.
    #[serde(default, skip_serializing_if = "is_whole")]
    pub log: LogDetail,
}

/// How much of the observation log is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogDetail {
    /// All of it.
    #[default]
    Whole,
    /// What is rare; the checkers see all of it as it is made.
    Thinned,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_whole(log: &LogDetail) -> bool {
    *log == LogDetail::Whole
}

/// A member of the federation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// `n1`, `n2`, …; an external one has the name that the scenario gives it.
    pub name: String,
    /// Its public key, in base58, if it has a keypair of its own though it is a node of ours: one on a machine that was
    /// there before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it is, if it is no node of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
}

impl Node {
    /// Its public key, if it is not made from the seed.
    fn own_key(&self) -> Option<&str> {
        let of_external = self.external.as_ref().and_then(|external| external.key.as_deref());
        self.key.as_deref().or(of_external)
    }
}

/// The store all nodes share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Store {
    /// Which program it is, where it is one of its own.
    #[serde(default, skip_serializing_if = "is_embedded")]
    pub engine: Engine,
    /// How many servers.
    pub servers: u32,
    /// Into how many shards each table is split.
    pub shards: u32,
    /// How many copies of each shard.
    pub replicas: u32,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// By how many it is.
    #[serde(default)]
    pub write_acks: WriteAcks,
    /// Whom a read asks.
    #[serde(default)]
    pub read_mode: ReadMode,
    /// Whether rows come in an order of chance where none was asked for.
    #[serde(default)]
    pub shuffle: bool,
    /// How long failovers and the like take.
    #[serde(default)]
    pub timing: Timing,
}

impl Store {
    /// More servers than this take more time than one machine has.
    pub const SERVERS_MAX: u32 = 64;
    /// RethinkDB has no more.
    pub const SHARDS_MAX: u32 = 64;

    /// The name of the server at an index.
    pub fn server_name(index: usize) -> String {
        format!("s{}", index + 1)
    }
}

/// Which program a store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Our own, which any machine has.
    #[default]
    Embedded,
    /// RethinkDB, which has to be installed.
    Rethinkdb,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_embedded(engine: &Engine) -> bool {
    *engine == Engine::Embedded
}

/// By how many replicas a write is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteAcks {
    /// By the primary alone.
    Single,
    /// By most of them.
    #[default]
    Majority,
}

/// Whom a read asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadMode {
    /// The primary, which may tell of what is lost later.
    Single,
    /// The primary, which makes sure that most replicas have what it tells.
    #[default]
    Majority,
    /// Any replica.
    Outdated,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Once it is on disk.
    Hard,
    /// Once it is in memory.
    Soft,
}

/// How long messages take, one way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Links {
    /// The middle.
    pub latency_us: u64,
    /// How far each message may lie from the middle, to either side.
    pub jitter_us: u64,
    /// How many of the elements of a feed of blocks are overtaken by later ones, in parts per million.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reorder: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How long work takes where time is virtual: the simulator's model of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Costs {
    /// A node reads and answers a client's request.
    pub request_us: u64,
    /// A node checks one transaction's document alone: shape, id, signatures.
    pub check_us: u64,
    /// A node makes and signs a block, or checks one alone.
    pub block_us: u64,
    /// The store answers a question, whatever it holds.
    pub query_us: u64,
    /// The store reads or writes one row on top of that.
    pub row_us: u64,
    /// The store brings a write to disk, if durability is hard.
    pub sync_us: u64,
    /// How many pieces of its work a node does at once; checks of many transactions are shared out.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub cores: u32,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

/// One thing a client does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Its number: the entity of every draw made for it.
    pub number: u32,
    /// When it is meant to happen. Latencies count from here.
    pub at_us: u64,
    /// Which client does it: the entry of `[[load]]` it comes from. Clients are open loop: they do
    /// not wait for one answer before the next request.
    pub client: u32,
    /// The node it is sent to, as an index into [`Plan::nodes`].
    pub node: usize,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// Whether its client looks after what was accepted, and at the end after whom it belongs to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watch: bool,
    /// How often its client asks another node than the one it was posted to whether its transaction is valid
    /// there, until it is; `None`: nobody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable_us: Option<u64>,
    /// Of a closed loop: it is not done at its moment, but as soon as another one has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// Of which operation another one waits for the end, whatever that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Follows {
    /// Its number.
    pub of: u32,
    /// If it takes longer than up to here, the one that follows is not done at all.
    pub until_us: u64,
}

/// What has to come true.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Expect {
    /// Which invariants are checked, by id; `None` means all that the run can be judged by.
    pub invariants: Option<Vec<String>>,
    /// Invariants that this run is meant to violate, by id.
    pub violations: Vec<String>,
    /// After load and faults have ended, everything accepted has to be decided within this time.
    pub decided_after_heal_us: u64,
    /// How much any queue of a node may hold.
    #[serde(default = "queue_max")]
    pub queue_max: u32,
    /// Whether the log tells of every question about a single row of the store.
    #[serde(default)]
    pub store_history: bool,
    /// Upper bounds for the time from an operation's intended moment to the decision.
    pub finality: Vec<Percentile>,
}

/// An upper bound for a percentile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Percentile {
    /// As the scenario names it: `p50`, `p99`, `p99_7`.
    pub name: String,
    /// The percentile in thousandths of a per cent: p99.7 is 99,700.
    pub millipercent: u32,
    /// At most this long.
    pub limit_us: u64,
}

fn is_usual(bounds: &Bounds) -> bool {
    bounds.0.is_empty()
}

/// What older plans do not say.
fn queue_max() -> u32 {
    QUEUE_MAX
}

impl Plan {
    /// The secret from which a node's keypair is made; the node is an index into [`Plan::nodes`].
    pub fn node_key_seed(&self, node: usize) -> [u8; 32] {
        draw_bytes(self.seed, Domain::NodeKey, node as u64, 0)
    }

    /// The public key of a node; the node is an index into [`Plan::nodes`].
    pub fn node_key(&self, node: usize) -> NodeKey {
        match self.nodes.get(node).and_then(Node::own_key) {
            Some(key) => NodeKey::from(key),
            None => Keypair::from_seed(self.node_key_seed(node)).public().clone(),
        }
    }

    /// The rules by which a node is judged; the node is an index into [`Plan::nodes`].
    pub fn rules_of(&self, node: usize) -> &str {
        let external = self.nodes.get(node).and_then(|node| node.external.as_ref());
        external.map_or(&*self.rules, |external| &*external.profile)
    }

    /// The rules by which the federation as a whole is judged: those of all its members, or `mixed`.
    pub fn judged_by(&self) -> &str {
        external::common_rules((0..self.nodes.len()).map(|node| self.rules_of(node)))
    }

    /// Safeguards taken away on purpose; names that are none are left out.
    pub fn quirks(&self) -> Quirks {
        self.quirks.iter().filter_map(|name| Quirk::by_name(name)).collect()
    }

    /// The operation of this number.
    pub fn operation(&self, number: u32) -> Option<&Operation> {
        let index = self.operations.binary_search_by_key(&number, |operation| operation.number);
        Some(&self.operations[index.ok()?])
    }

    /// Whether a node is lost in the course of the run, never to be started again.
    pub fn is_lost(&self, node: usize) -> bool {
        let lose = |fault: &&Fault| fault.kind == FaultKind::Lose;
        self.faults.iter().filter(lose).any(|fault| fault.nodes.contains(&node))
    }

    /// When the last operation has begun and the last fault is mended.
    pub fn last_moment_us(&self) -> u64 {
        let operations = self.operations.iter().map(|operation| operation.at_us);
        let faults = self.faults.iter().map(|fault| fault.until_us);
        let members = self.byzantine.iter().map(|member| member.until_us);
        operations.chain(faults).chain(members).max().unwrap_or(0)
    }

    /// The plan without some operations (and those that build on them) and without some faults.
    /// All that stays is as it was, to the byte of each document.
    pub fn without(&self, operations: &BTreeSet<u32>, faults: &BTreeSet<u32>) -> Self {
        let mut gone = operations.clone();
        let mut kept = Vec::new();
        // Who follows one that is gone follows whom that one followed.
        let mut led_by: BTreeMap<u32, Option<Follows>> = BTreeMap::new();
        // What an operation builds on has a lower number, so one pass finds all.
        for operation in &self.operations {
            let orphan = operation.action.depends_on().any(|on| gone.contains(&on));
            let follows = operation.follows.and_then(|follows| match led_by.get(&follows.of) {
                Some(before) => before.map(|before| Follows { of: before.of, ..follows }),
                None => Some(follows),
            });
            if orphan || gone.contains(&operation.number) {
                gone.insert(operation.number);
                led_by.insert(operation.number, follows);
            } else {
                kept.push(Operation { follows, ..operation.clone() });
            }
        }
        let faults = self.faults.iter().filter(|fault| !faults.contains(&fault.number));
        Self { operations: kept, faults: faults.cloned().collect(), ..self.clone() }
    }
}

impl Plan {
    /// The plan without some acts of Byzantine members, by the number of the entry; a member whose acts are
    /// all taken out is an honest one. Acts that stay are done as they were on the same occasions.
    pub fn without_acts(&self, gone: &BTreeSet<(u32, Act)>) -> Self {
        let mut byzantine = self.byzantine.clone();
        for member in &mut byzantine {
            member.acts.retain(|act| !gone.contains(&(member.number, *act)));
        }
        byzantine.retain(|member| !member.acts.is_empty());
        Self { byzantine, ..self.clone() }
    }
}

impl Links {
    /// How long a message takes; the ends are numbers of the backend's choice, `message` counts the
    /// messages from one to the other.
    pub fn delay_us(&self, seed: u64, from: u32, to: u32, message: u64) -> u64 {
        let drawn = draw(seed, Domain::Latency, chance::pair(from, to), message);
        let least = self.latency_us.saturating_sub(self.jitter_us);
        drawn.between(least, self.latency_us + self.jitter_us)
    }
}

impl Default for Links {
    /// One data centre: a quarter of a millisecond, a tenth up or down.
    fn default() -> Self {
        Self { latency_us: 250, jitter_us: 25, reorder: 0 }
    }
}

impl Default for Costs {
    /// A small machine with a local disk. Round figures, not yet calibrated against `local` runs.
    fn default() -> Self {
        Self {
            request_us: 100,
            check_us: 80,
            block_us: 200,
            query_us: 200,
            row_us: 10,
            sync_us: 2_000,
            cores: 1,
        }
    }
}
