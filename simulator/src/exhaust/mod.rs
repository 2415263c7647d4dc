//! Small-scope exhaustion: every interleaving of what a few nodes do with a few transactions.
//!
//! A campaign draws runs; this takes them all, as far as a scope reaches: two or three nodes, one to
//! three transactions, a crash or none. The states are walked breadth first, each once, so the first
//! violation found has a story of the fewest turns. It drives the same cores as `sim` and `local`, over tables
//! that can be cloned (`tables`). From the top: [`Scope`], [`explore`], then `opening` (where an exploration
//! begins), `world` (states and steps), `laws` (what has to hold), `story` (a path in words), `pool` (values by
//! number).
//!
//! What is a choice: which of the messages under way arrives next (a question at the store, an answer
//! or a feed's element at a node, a client's request), and when a node crashes and starts again. What is
//! not: [`LIMITS`]. Of ways that come to the same, one is gone, by four reductions, each with its argument:
//! messages whose delivery is no choice (`reduction`), whose turn it is (`turns`), a turn as one step
//! (`world::ahead`), and numbers of questions that mean nothing (`canonical`). [`wander`] goes ways by chance
//! with none of them; tests compare what both meet.

mod canonical;
mod laws;
mod opening;
mod pool;
mod reduction;
mod story;
mod tables;
mod turns;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bigchaindb_core::rules::Quirks;
use serde::Serialize;

pub use laws::Violation;
pub use tables::{Changed, Tables};

use crate::chance::{Domain, draw};
use story::Story;
use world::{NODES_MAX, Next, State, Step, World};

/// What an exploration leaves out, whatever its scope.
pub const LIMITS: &[&str] = &[
    "the store answers everything in the end and loses nothing: no errors, no failover, no broken feeds",
    "a node does its own work (checking, signing) at once, and its feeds open as soon as it starts",
    "time stands still while anything is under way; a block waits for no company; clocks agree",
    "a client posts once, and to one node; what it posts is assigned to that node",
    "a crashed node starts again within 12 s, a crash loses all that has not reached the store",
    "no Byzantine members; laws looked at: S1, S2, S5, S6, S8, and at the ends L1, L2, S11",
];

/// What clients do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Each posts another TRANSFER of one and the same output.
    Conflict,
    /// Each posts a CREATE.
    Creates,
    /// All post the same TRANSFER.
    Same,
}

/// How far an exploration reaches.
#[derive(Clone, PartialEq, Debug)]
pub struct Scope {
    /// Two or three.
    pub nodes: usize,
    /// How many are posted, to one node after the other.
    pub transactions: usize,
    /// What they are.
    pub kind: Kind,
    /// How often a node may crash.
    pub crashes: usize,
    /// Safeguards taken away.
    pub quirks: Quirks,
    /// After so many states it ends early.
    pub states_max: usize,
    /// Whether the start-up is explored too; CREATEs only, for anything else needs a chain to begin with.
    pub from_start: bool,
    /// Whether deliveries that are no choice are taken at once.
    pub reduced: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            nodes: 2,
            transactions: 2,
            kind: Kind::Conflict,
            crashes: 0,
            quirks: Quirks::new(),
            states_max: 5_000_000,
            from_start: false,
            reduced: true,
        }
    }
}

/// Why a scope cannot be explored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScopeError {
    /// Too few nodes, or more than can be explored.
    #[error("{0} nodes cannot be explored; two or three can")]
    Nodes(usize),
    /// Nothing is posted, or too much.
    #[error("{0} transactions cannot be explored; one to three can")]
    Transactions(usize),
    /// There is no chain yet whose outputs could be spent.
    #[error("from the start on only CREATEs can be explored")]
    NothingToSpend,
}

/// What an exploration came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explored {
    /// Distinct states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// Steps from the beginning to the state farthest from it.
    pub depth: usize,
    /// States in which nothing is left to do.
    pub ends: usize,
    /// Distinct contents of the tables at those.
    pub outcomes: usize,
    /// Distinct contents of the tables.
    pub tables: usize,
    /// Distinct cores of nodes.
    pub cores: usize,
    /// Whether no state of the scope was left out.
    pub complete: bool,
    /// The first law that was broken.
    pub found: Option<Found>,
    /// Digests of the tables wherever it came, and at the ends; for comparing explorations.
    #[serde(skip)]
    pub met: Met,
}

/// What was in the tables, as digests.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Met {
    /// In any state.
    pub tables: BTreeSet<String>,
    /// Where nothing is left to do.
    pub ends: BTreeSet<String>,
}

/// A broken law, and how it came to that.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Found {
    /// Which law.
    pub invariant: &'static str,
    /// What is so and should not be.
    pub what: String,
    /// What happened, step by step.
    pub story: Vec<String>,
}

/// Walks through all states of a scope, until a law is broken. `progress` is told of states and depth
/// now and then.
///
/// # Errors
/// If the scope cannot be explored.
pub fn explore(
    scope: &Scope,
    mut progress: impl FnMut(usize, usize),
) -> Result<Explored, ScopeError> {
    scope.check()?;
    let (mut world, first) = opening::open(scope);
    let mut walk = Walk::new(first);
    let mut explored = Explored::nothing();
    let (mut tables, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    let mut level_end = 1;
    let mut violation = None;
    let mut next = 0;
    while next < walk.states.len() {
        if next == level_end {
            (level_end, explored.depth) = (walk.states.len(), explored.depth + 1);
            progress(walk.states.len(), explored.depth);
        }
        if walk.states.len() >= scope.states_max {
            explored.complete = false;
            break;
        }
        let state = walk.states[next];
        tables.insert(state.tables);
        match world.after(&state) {
            Err(broken) => violation = Some((next, broken)),
            Ok(None) => {
                explored.ends += 1;
                outcomes.insert(state.tables);
            }
            Ok(Some(after)) => {
                for state in after {
                    explored.transitions += 1;
                    walk.note(state, next);
                }
            }
        }
        if violation.is_some() {
            break;
        }
        next += 1;
    }
    explored.states = walk.states.len();
    (explored.tables, explored.cores) = (tables.len(), world.cores.len());
    explored.outcomes = outcomes.len();
    let digests = |numbers: BTreeSet<u32>| {
        numbers.into_iter().map(|number| world.tables.digest(number)).collect()
    };
    explored.met = Met { tables: digests(tables), ends: digests(outcomes) };
    if let Some((at, broken)) = violation {
        explored.complete = false;
        explored.found = Some(walk.tell(&mut world, at, broken));
    }
    Ok(explored)
}

/// Goes so many ways through a scope, each chosen step by step by chance and to its end, and nothing of
/// them left out. Whatever they meet a whole exploration has to meet: that is how a reduction is held
/// to its promise.
///
/// # Errors
/// If the scope cannot be explored.
pub fn wander(scope: &Scope, ways: u32) -> Result<Met, ScopeError> {
    scope.check()?;
    let (mut world, first) = opening::open(&Scope { reduced: false, ..scope.clone() });
    let mut met = Met::default();
    let (mut tables, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for way in 0..ways {
        let mut state = first;
        for at in 0_u64.. {
            tables.insert(state.tables);
            match world.steps(&state) {
                Ok(Next::Steps(steps)) => {
                    let chosen = draw(u64::from(way), Domain::Wandering, 0, at);
                    let step = *chosen.pick(&steps);
                    let Ok(after) = world.take(state, step) else { break };
                    state = after;
                }
                Ok(Next::End) => {
                    ends.insert(state.tables);
                    break;
                }
                Err(_) => break,
            }
        }
    }
    met.tables.extend(tables.into_iter().map(|number| world.tables.digest(number)));
    met.ends.extend(ends.into_iter().map(|number| world.tables.digest(number)));
    Ok(met)
}

/// The states come to so far, and each one's number of the state that it was first come to from.
struct Walk {
    states: Vec<State>,
    numbers: BTreeMap<State, ()>,
    origins: Vec<usize>,
}

impl Walk {
    fn new(first: State) -> Self {
        Self { states: vec![first], numbers: BTreeMap::from([(first, ())]), origins: vec![0] }
    }

    fn note(&mut self, state: State, from: usize) {
        if self.numbers.insert(state, ()).is_none() {
            self.states.push(state);
            self.origins.push(from);
        }
    }

    /// Goes the way to a violation once more and tells it.
    fn tell(&self, world: &mut World, at: usize, broken: Violation) -> Found {
        let (mut places, mut place) = (vec![at], at);
        while place != 0 {
            place = self.origins[place];
            places.push(place);
        }
        let mut steps = Vec::new();
        for pair in places.windows(2).rev() {
            let (to, from) = (self.states[pair[0]], self.states[pair[1]]);
            steps.extend(way(world, from, Some(to)));
        }
        steps.extend(way(world, self.states[at], None));
        let mut story = Story::default();
        for node in 0..world.len() {
            story.name(world.key(node), format!("n{}", node + 1));
        }
        opening::name(world, &self.states[0], &mut story);
        world.story = Some(story);
        let mut state = self.states[0];
        for step in steps {
            match world.take(state, step) {
                Ok(after) => state = after,
                Err(_) => break,
            }
        }
        let story = world.story.take().unwrap_or_default();
        let Violation { invariant, what } = broken;
        let what = story.named(&what);
        Found { invariant, what, story: story.finish() }
    }
}

/// The steps from a state to one of those that come next, or to the next violation: a node's turn has
/// several.
fn way(world: &mut World, from: State, to: Option<State>) -> Vec<Step> {
    let mut states = vec![(from, None)];
    let mut seen = BTreeMap::from([(from, ())]);
    let mut next = 0;
    let mut found = None;
    while let Some(&(state, _)) = states.get(next) {
        let Ok(Next::Steps(steps)) = world.steps(&state) else { break };
        for step in steps {
            match world.take(state, step) {
                Err(_) if to.is_none() => found = Some((next, step)),
                Ok(after) if to == Some(after) => found = Some((next, step)),
                Ok(after) if after.is_within_a_turn() && seen.insert(after, ()).is_none() => {
                    states.push((after, Some((next, step))));
                }
                _ => {}
            }
            if found.is_some() {
                break;
            }
        }
        if found.is_some() {
            break;
        }
        next += 1;
    }
    let mut steps = Vec::new();
    while let Some((at, step)) = found {
        steps.push(step);
        found = states[at].1;
    }
    steps.reverse();
    steps
}

impl Scope {
    fn check(&self) -> Result<(), ScopeError> {
        if !(2..=NODES_MAX).contains(&self.nodes) {
            return Err(ScopeError::Nodes(self.nodes));
        }
        if !(1..=3).contains(&self.transactions) {
            return Err(ScopeError::Transactions(self.transactions));
        }
        if self.from_start && self.kind != Kind::Creates {
            return Err(ScopeError::NothingToSpend);
        }
        Ok(())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, transactions, crashes, .. } = self;
        let what = match (self.kind, transactions) {
            (Kind::Creates, 1) => "one CREATE".to_owned(),
            (Kind::Creates, many) => format!("{many} CREATEs"),
            (_, 1) => "one TRANSFER".to_owned(),
            (Kind::Conflict, many) => format!("{many} TRANSFERs of one output"),
            (Kind::Same, many) => format!("one TRANSFER posted {many} times"),
        };
        write!(f, "{nodes} nodes, {what}, {crashes} crashes")
    }
}

impl Explored {
    fn nothing() -> Self {
        Self {
            states: 0,
            transitions: 0,
            depth: 0,
            ends: 0,
            outcomes: 0,
            tables: 0,
            cores: 0,
            complete: true,
            found: None,
            met: Met::default(),
        }
    }
}
