//! A node: its stages, wired.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::api::Api;
use super::block::BlockStage;
use super::context::{Context, Notice, Stage, StageName, Tickets};
use super::election::ElectionStage;
use super::hearsay::HearsayStage;
use super::ledger::Ledger;
use super::levels::Levels;
use super::memory::Memory;
use super::order::OrderStage;
use super::stale::StaleStage;
use super::vote::VoteStage;
use super::watchdog::WatchdogStage;
use super::{Config, Effect, Event, Now, Report};
use crate::query::Feed;
use crate::rules::{ConsensusRules, Order, Quirk};

/// The feeds a node follows; that of the list, where there is one, first.
fn feeds(rules: &dyn ConsensusRules) -> &'static [Feed] {
    const FEEDS: &[Feed] = &[Feed::Positions, Feed::Votes, Feed::Blocks, Feed::Backlog];
    match rules.order() {
        Order::List => FEEDS,
        Order::Votes => &FEEDS[1..],
    }
}

/// A node: everything it decides, nothing it does.
///
/// It is the same in the shell and in the simulator; equal events give equal effects. It does
/// nothing before [`Event::Start`]. A clone goes on from where this one stands, and `{:?}` tells all
/// that it knows: nodes of one configuration that say the same do the same from then on.
#[derive(Clone)]
pub struct Node {
    config: Arc<Config>,
    rules: Arc<dyn ConsensusRules>,
    ledger: Ledger,
    memory: Memory,
    stages: Stages,
    /// Feeds to be opened again, and when.
    closed: BTreeMap<Feed, Duration>,
    /// What stages were told and have not heard yet.
    notices: VecDeque<Notice>,
    /// Stages that fell over.
    fallen: BTreeSet<StageName>,
    tickets: Tickets,
    /// The time of the last [`Effect::Wake`] that has not come.
    alarm: Option<Duration>,
}

impl Node {
    /// A node that knows nothing yet.
    pub fn new(config: Arc<Config>, rules: Arc<dyn ConsensusRules>) -> Self {
        let stages = Stages::new(rules.order());
        Self {
            config,
            rules,
            ledger: Ledger::default(),
            memory: Memory::default(),
            stages,
            closed: BTreeMap::new(),
            notices: VecDeque::new(),
            fallen: BTreeSet::new(),
            tickets: Tickets::default(),
            alarm: None,
        }
    }

    /// The only way in: an event comes, effects go out.
    pub fn handle(&mut self, now: Now, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Start { entropy } => {
                self.notices.push_back(Notice::Started(entropy));
                self.open_all(now, effects);
            }
            Event::FeedOpened(feed) => {
                if !self.has(Quirk::FeedGap) {
                    self.notices.push_back(Notice::FeedOpened(feed));
                }
            }
            Event::FeedChanged(_, change) => self.notices.push_back(Notice::Changed(change)),
            Event::FeedClosed(feed) if self.has(Quirk::FeedLossIsFinal) => {
                let reason = "the feed broke".to_owned();
                effects.push(Effect::Report(Report::Fell { part: feed.name(), reason }));
            }
            Event::FeedClosed(feed) => {
                let again = now.monotonic + self.config.settings.store_retry;
                self.closed.insert(feed, again);
            }
            Event::Request { id, call, entropy } => {
                self.with(StageName::Api, now, effects, |stage, cx| {
                    stage.requested(cx, id, call, entropy);
                });
            }
            Event::Answer { ticket, answer } => {
                self.with(StageName::of(ticket), now, effects, |stage, cx| {
                    stage.answered(cx, ticket, answer);
                });
            }
            Event::Worked { ticket, outcome } => {
                self.with(StageName::of(ticket), now, effects, |stage, cx| {
                    stage.worked(cx, ticket, outcome);
                });
            }
            Event::Woken => self.alarm = None,
        }
        self.settle(now, effects);
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.rules.quirks().contains(&quirk)
    }

    /// Opens all feeds; once one is open, what there is is read.
    fn open_all(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let feeds = feeds(&*self.rules);
        if !self.has(Quirk::FeedGap) {
            return effects.extend(feeds.iter().copied().map(Effect::Open));
        }
        // Read now, open later: what comes in between nobody hears of.
        let later = now.monotonic + self.config.settings.feed_gap;
        for &feed in feeds {
            self.notices.push_back(Notice::FeedOpened(feed));
            self.closed.insert(feed, later);
        }
    }

    /// How full it is.
    pub fn levels(&mut self, now: Now) -> Levels {
        let undecided = self.ledger.undecided().count();
        let mut levels = Levels { undecided, ..Levels::default() };
        for name in StageName::ALL {
            self.stages.get(name).measure(now, &self.ledger, &mut levels);
        }
        levels.backlog += levels.mine;
        levels
    }

    /// Lets the stages hear what they told each other, and do what is due, until all is quiet.
    fn settle(&mut self, now: Now, effects: &mut Vec<Effect>) {
        loop {
            while let Some(notice) = self.notices.pop_front() {
                if let Notice::Fell(stage) = notice {
                    self.fallen.insert(stage);
                    continue;
                }
                for name in StageName::ALL {
                    self.with(name, now, effects, |stage, cx| stage.noticed(cx, &notice));
                }
            }
            for name in StageName::ALL {
                if self.due(name).is_some_and(|due| due <= now.monotonic) {
                    self.with(name, now, effects, |stage, cx| stage.tick(cx));
                }
            }
            if self.notices.is_empty() {
                break;
            }
        }
        for &feed in feeds(&*self.rules) {
            if self.closed.get(&feed).is_some_and(|&again| again <= now.monotonic) {
                self.closed.remove(&feed);
                effects.push(Effect::Open(feed));
            }
        }
        let stages: Vec<_> = StageName::ALL.into_iter().filter_map(|name| self.due(name)).collect();
        let next = stages.into_iter().chain(self.closed.values().copied()).min();
        if let Some(at) = next
            && self.alarm.is_none_or(|alarm| at < alarm)
        {
            self.alarm = Some(at);
            effects.push(Effect::Wake { at });
        }
    }

    fn due(&mut self, name: StageName) -> Option<Duration> {
        if self.fallen.contains(&name) { None } else { self.stages.get(name).due() }
    }

    fn with(
        &mut self,
        name: StageName,
        now: Now,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut dyn Stage, &mut Context),
    ) {
        if self.fallen.contains(&name) {
            return;
        }
        let Self { config, rules, ledger, memory, stages, notices, tickets, .. } = self;
        let mut cx = Context {
            now,
            config,
            rules: &**rules,
            ledger,
            memory,
            stage: name,
            tickets,
            notices,
            effects,
        };
        act(stages.get(name), &mut cx);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ledger, memory, stages, closed, notices, fallen, tickets, alarm, .. } = self;
        let mut shown = f.debug_struct("Node");
        shown.field("ledger", ledger).field("memory", memory).field("stages", stages);
        shown.field("closed", closed).field("notices", notices).field("fallen", fallen);
        shown.field("tickets", tickets).field("alarm", alarm).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
struct Stages {
    order: Ordering,
    election: ElectionStage,
    vote: VoteStage,
    block: BlockStage,
    stale: StaleStage,
    api: Api,
    watchdog: WatchdogStage,
}

/// Where the order of blocks comes from.
#[derive(Clone, Debug)]
enum Ordering {
    List(OrderStage),
    Votes(HearsayStage),
}

impl Stages {
    fn new(order: Order) -> Self {
        Self {
            order: match order {
                Order::List => Ordering::List(OrderStage::default()),
                Order::Votes => Ordering::Votes(HearsayStage::default()),
            },
            election: ElectionStage::default(),
            vote: VoteStage::default(),
            block: BlockStage::default(),
            stale: StaleStage::default(),
            api: Api::default(),
            watchdog: WatchdogStage::default(),
        }
    }

    fn get(&mut self, name: StageName) -> &mut dyn Stage {
        match name {
            StageName::Order => match &mut self.order {
                Ordering::List(order) => order,
                Ordering::Votes(hearsay) => hearsay,
            },
            StageName::Election => &mut self.election,
            StageName::Vote => &mut self.vote,
            StageName::Block => &mut self.block,
            StageName::Stale => &mut self.stale,
            StageName::Api => &mut self.api,
            StageName::Watchdog => &mut self.watchdog,
        }
    }
}
