//! A node of the simulation: the core, and what a machine adds to it.
//!
//! Here: being up, paused or down, what waits while it stands still, how long its work takes, what it
//! has under way, which feeds it follows. Not here: what it decides (`bigchaindb_core::stages`), its clock
//! (`clock`), the ways to others (`link`), the network (`world`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::query::Feed;
use bigchaindb_core::rules::ConsensusRules;
use bigchaindb_core::stages::{Config, Effect, Event, Levels, Node, Now, Ticket};

use super::clock::Clock;
use super::link::Link;
use crate::plan::{Point, Step};

/// A node of the simulation.
pub(super) struct SimNode {
    pub(super) name: Arc<str>,
    pub(super) config: Arc<Config>,
    rules: Arc<dyn ConsensusRules>,
    /// The running node; `None` while it is down.
    core: Option<Node>,
    /// How often it was started: what was meant for an earlier start reaches nobody.
    pub(super) starts: u64,
    started_us: u64,
    paused: bool,
    /// What arrived while it stood still.
    held: VecDeque<Event>,
    /// The ways to its store and to clients.
    pub(super) link: Link,
    /// What it takes for the time of day.
    pub(super) clock: Clock,
    /// Its work takes so many times as long as usual.
    pub(super) slowness: u32,
    /// The point of its work at which it dies.
    pub(super) armed: Option<Armed>,
    /// Questions without an answer and work that is not done.
    pub(super) under_way: BTreeMap<Ticket, Step>,
    /// Until when each of its cores works.
    busy_until_us: Vec<u64>,
    /// When it wants to be woken, on the run's clock.
    alarm_us: Option<u64>,
    /// The feeds it follows, each with the number of its subscription.
    pub(super) feeds: BTreeMap<Feed, u64>,
    /// Requests it was sent, over all starts.
    pub(super) requests: u64,
    /// Pieces of work it did, over all starts.
    pub(super) works: u64,
    /// Questions it asked of the store, over all starts.
    pub(super) questions: u64,
    /// Its levels as last written down.
    pub(super) gauged: Levels,
}

/// A node is to die at a point of its work.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    /// By which fault of the plan.
    pub(super) fault: usize,
    pub(super) point: Point,
    /// It dies when it has come there so many times more.
    pub(super) left: u32,
}

impl SimNode {
    pub(super) fn new(
        name: &str,
        config: Config,
        rules: Arc<dyn ConsensusRules>,
        cores: u32,
    ) -> Self {
        Self {
            name: name.into(),
            config: Arc::new(config),
            rules,
            core: None,
            starts: 0,
            started_us: 0,
            paused: false,
            held: VecDeque::new(),
            link: Link::default(),
            clock: Clock::default(),
            slowness: 1,
            armed: None,
            under_way: BTreeMap::new(),
            busy_until_us: vec![0; cores as usize],
            alarm_us: None,
            feeds: BTreeMap::new(),
            requests: 0,
            works: 0,
            questions: 0,
            gauged: Levels::default(),
        }
    }

    /// Starts afresh, with nothing but its configuration.
    pub(super) fn start(&mut self, now_us: u64) {
        self.core = Some(Node::new(self.config.clone(), self.rules.clone()));
        self.starts += 1;
        self.started_us = now_us;
        self.busy_until_us.fill(now_us);
        self.alarm_us = None;
    }

    /// Stops at once; all that is not in the store is lost.
    pub(super) fn kill(&mut self) {
        self.core = None;
        self.paused = false;
        self.held.clear();
        self.feeds.clear();
        self.under_way.clear();
    }

    pub(super) fn is_up(&self) -> bool {
        self.core.is_some()
    }

    /// Does it answer? It may be up and stand still.
    pub(super) fn is_running(&self) -> bool {
        self.is_up() && !self.paused
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on; returns what it has to catch up with.
    pub(super) fn resume(&mut self) -> VecDeque<Event> {
        self.paused = false;
        std::mem::take(&mut self.held)
    }

    /// An event reaches it: it acts, or the event waits, or nobody is there.
    pub(super) fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>) {
        if self.paused {
            return self.held.push_back(event);
        }
        let now = self.time(now_us);
        if let Event::Answer { ticket, .. } | Event::Worked { ticket, .. } = &event {
            self.under_way.remove(ticket);
        }
        if let Some(core) = &mut self.core {
            core.handle(now, event, effects);
        }
    }

    /// How full it is; none while it is down.
    pub(super) fn levels(&mut self, now_us: u64) -> Option<Levels> {
        let now = self.time(now_us);
        self.core.as_mut().map(|core| core.levels(now))
    }

    /// What its clocks say.
    fn time(&self, now_us: u64) -> Now {
        Now {
            monotonic: Duration::from_micros(now_us - self.started_us),
            unix_ms: self.clock.unix_us(now_us) / 1000,
        }
    }

    /// It wants to be woken at a moment of its monotonic time, and at no other any more; when that is on
    /// the run's clock.
    pub(super) fn set_alarm(&mut self, monotonic: Duration, now_us: u64) -> u64 {
        let since_start_us = u64::try_from(monotonic.as_micros()).unwrap_or(u64::MAX);
        let at_us = self.started_us.saturating_add(since_start_us).max(now_us);
        self.alarm_us = Some(at_us);
        at_us
    }

    /// Whether this is the moment at which it wants to be woken; then its alarm is over.
    pub(super) fn is_alarm(&mut self, now_us: u64) -> bool {
        self.alarm_us.take_if(|at_us| *at_us == now_us).is_some()
    }

    /// Occupies cores for this long in all, whichever are free first, with as many pieces as the work has or
    /// there are cores; returns when all of it is done.
    pub(super) fn occupy(&mut self, now_us: u64, cost_us: u64, pieces: usize) -> u64 {
        let pieces = pieces.clamp(1, self.busy_until_us.len());
        let each_us = cost_us.div_ceil(pieces as u64);
        let mut done_us = now_us;
        for _ in 0..pieces {
            let core = self.busy_until_us.iter_mut().min().expect("a node has a core");
            *core = now_us.max(*core) + each_us;
            done_us = done_us.max(*core);
        }
        done_us
    }
}

#[cfg(test)]
mod tests {
    use bigchaindb_core::model::Keypair;
    use bigchaindb_core::rules::{DefaultRules, Federation};
    use bigchaindb_core::stages::Settings;

    use super::*;

    fn node(cores: u32) -> SimNode {
        let keypair = Keypair::from_seed([1; 32]);
        let federation = Federation::new(keypair.public().clone(), Vec::new());
        let config = Config { keypair, federation, settings: Settings::default() };
        SimNode::new("n1", config, Arc::new(DefaultRules::default()), cores)
    }

    #[test]
    fn work_waits_for_a_core_and_is_shared_out() {
        let mut one = node(1);
        assert_eq!([one.occupy(10, 100, 8), one.occupy(20, 50, 1)], [110, 160]);
        let mut three = node(3);
        assert_eq!([three.occupy(10, 100, 1), three.occupy(20, 50, 1)], [110, 70]);
        // One core is free, the next from 70 on: two pieces of 30, one after the other.
        assert_eq!(three.occupy(20, 60, 2), 80);
        assert_eq!(three.occupy(90, 30, 8), 110, "two of three pieces on the same core");
    }
}
