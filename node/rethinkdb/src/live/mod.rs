//! A cluster in real time: several servers with one database, each as the model has it.
//!
//! Here: [`Member`], a server's way to the rows. Whatever a query reads, writes or follows is an
//! operation of the [`Cluster`]: it says when it is done, when it is answered or why not, and which
//! writes are lost. The rows are kept once, in the [`Database`], and all writes go through here, so
//! that what is lost can be taken back. Not here: sockets (`server`), the model itself (`cluster`).
//!
//! From the top: `member` (what a query asks for), `operation` (it waits, is done, is answered),
//! `follower` (feeds), `tables` (where shards and replicas are), `trouble` (what is wrong with servers and
//! links), `clock` (what happens by itself), `reach` (keys as the cluster knows them).

mod clock;
mod follower;
mod member;
mod operation;
mod reach;
mod tables;
mod trouble;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

pub(crate) use follower::Following;
pub use member::Member;
pub(crate) use operation::{Attempt, Refusal};
pub(crate) use reach::{between, key};
pub(crate) use tables::Cut;
pub use trouble::{Ending, NoTrouble, Trouble};

use crate::TableId;
use crate::cluster::{Cluster, Effect, Process, TableNumber, Timing};
use crate::database::Database;
use crate::feeds::Change;
use crate::reql;
use clock::Clock;
use follower::Follower;
use operation::Asked;

/// What all members of a cluster share.
struct Live {
    database: Database,
    servers: Vec<Arc<reql::Server>>,
    /// What each server's process does, for its sockets.
    presences: Vec<watch::Sender<Presence>>,
    began: Instant,
    state: Mutex<State>,
    /// Something may have changed that somebody waits for.
    moved: Condvar,
    /// Something happens earlier than the clock expects.
    hurry: Condvar,
}

/// A server's process, from one start to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Presence {
    pub(crate) process: Process,
    /// How often it ended.
    pub(crate) ends: u32,
}

struct State {
    cluster: Cluster<Change>,
    /// The cluster's number of each table.
    tables: BTreeMap<TableId, TableNumber>,
    /// Operations on their way, by number.
    asked: BTreeMap<u64, Asked>,
    /// Feeds, by the number of the operation that opened each.
    followers: BTreeMap<u64, Follower>,
    /// Operations and tables so far.
    numbers: u64,
    troubles: trouble::InEffect,
    /// When the clock looks next.
    looks_us: u64,
    is_closing: bool,
}

/// The members of a new cluster, with all tables of the database in it.
///
/// # Errors
/// If there is no thread for its clock.
pub(crate) fn members(
    database: &Database,
    servers: Vec<Arc<reql::Server>>,
    timing: Timing,
) -> io::Result<Vec<Member>> {
    let names = servers.iter().map(|server| server.name.clone()).collect();
    let cluster = Cluster::new(names, timing);
    let presence = Presence { process: Process::Up, ends: 0 };
    let state = State {
        cluster,
        tables: BTreeMap::new(),
        asked: BTreeMap::new(),
        followers: BTreeMap::new(),
        numbers: 0,
        troubles: trouble::InEffect::default(),
        looks_us: u64::MAX,
        is_closing: false,
    };
    let live = Arc::new(Live {
        database: database.clone(),
        presences: servers.iter().map(|_| watch::Sender::new(presence)).collect(),
        servers,
        began: clock::now(),
        state: Mutex::new(state),
        moved: Condvar::new(),
        hurry: Condvar::new(),
    });
    let ids: Vec<_> = live.lock().cluster.servers().collect();
    live.follow_catalog(&ids);
    let clock = Arc::new(Clock::start(live.clone())?);
    Ok(ids.into_iter().map(|id| Member::new(live.clone(), clock.clone(), id)).collect())
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic leaves the model in some state of its own, and the rows whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Microseconds since the cluster began.
    fn now_us(&self) -> u64 {
        let since = clock::now().saturating_duration_since(self.began);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// Does something with the cluster now, and all that follows from it.
    fn act<R>(&self, act: impl FnOnce(&mut State, u64, &mut Vec<Effect<Change>>) -> R) -> R {
        let mut state = self.lock();
        let mut effects = Vec::new();
        let now = self.now_us();
        let result = act(&mut state, now, &mut effects);
        state.carry_out(&self.database, now, effects);
        if state.cluster.next_us().is_some_and(|next| next < state.looks_us) {
            self.hurry.notify_all();
        }
        self.moved.notify_all();
        result
    }
}

impl State {
    fn new_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Does what the cluster wants done.
    fn carry_out(&mut self, database: &Database, now: u64, effects: Vec<Effect<Change>>) {
        let mut effects = std::collections::VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Perform { number, shards, unseen } => {
                    let written = self.perform(number, &shards, &unseen);
                    let mut more = Vec::new();
                    self.cluster.performed(now, number, written, &mut more);
                    effects.extend(more);
                }
                Effect::Answer { number, outcome } => {
                    if let Some(asked) = self.asked.remove(&number) {
                        asked.answer(outcome);
                    }
                }
                Effect::Acknowledged(_) => {}
                Effect::Lost(lost) => {
                    let lost: Vec<_> = lost.into_iter().map(|undone| undone.what).collect();
                    // A storage that fails says so to the next who waits for it.
                    let _broken = database.undo(&lost);
                }
                Effect::FeedEnded { number, .. } => {
                    self.followers.remove(&number);
                }
                Effect::FeedFlows { number } => self.let_through(number),
            }
        }
    }
}
