//! What a node's steps mean in metrics.
//!
//! Here: what its reports, its questions and its work count for. Not here: names (`metrics::table`),
//! requests (`http`), how any of it is sent (`metrics`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bigchaindb_core::model::BlockId;
use bigchaindb_core::query::{Answer, Feed, StoreError, Write};
use bigchaindb_core::rules::{ConsensusRules, Election};
use bigchaindb_core::stages::{Config, Levels, Node, Now, Outcome, Report, Work};

use crate::clock;
use crate::metrics::labels::Question;
use crate::metrics::{Counter, Gauge, Metrics, Timer, Timing, statsd};
use crate::store::Store;

/// Blocks whose way is timed at once; of more, nothing is known but their number.
const TIMED_MAX: usize = 10_000;

/// Votes can be heard of before the list is: so many blocks that were decided last are looked for there.
const UNSEEN_MAX: usize = 100;

/// Turns what a node does into metrics.
pub(super) struct Meter {
    metrics: Metrics,
    /// When levels are taken next.
    due: Duration,
    /// Blocks that were listed and are not decided, or not voted on.
    seen: BTreeMap<BlockId, Seen>,
    /// The last that were decided and not listed before: those may come, or be older than this start.
    unseen: VecDeque<BlockId>,
    /// When the last block was listed.
    listed: Option<Duration>,
    /// Feeds that were opened once.
    opened: BTreeSet<Feed>,
    /// Of the store's connections, so many were counted.
    reconnects: usize,
}

/// How far a block has come.
struct Seen {
    at: Duration,
    decided: bool,
    voted: bool,
}

impl Meter {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            due: Duration::ZERO,
            seen: BTreeMap::new(),
            unseen: VecDeque::new(),
            listed: None,
            opened: BTreeSet::new(),
            reconnects: 0,
        }
    }

    /// When [`measure`](Self::measure) has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        self.metrics.is_on().then_some(self.due)
    }

    /// Takes the levels, if it is time.
    pub(super) fn measure(&mut self, now: Now, node: &mut Node, store: &dyn Store) {
        if !self.metrics.is_on() || now.monotonic < self.due {
            return;
        }
        self.due = now.monotonic + statsd::FLUSH;
        let reconnects = store.reconnects();
        self.metrics.count(Counter::StoreReconnects, reconnects.saturating_sub(self.reconnects));
        self.reconnects = reconnects;
        let levels = node.levels(now);
        let Levels { undecided, backlog, mine, oldest, api, block, vote, election, stale } = levels;
        let oldest = usize::try_from(oldest.unwrap_or_default().as_millis()).unwrap_or(usize::MAX);
        for (gauge, level) in [
            (Gauge::BlockUndecided, undecided),
            (Gauge::BacklogSize, backlog),
            (Gauge::BacklogMine, mine),
            (Gauge::BacklogOldestAge, oldest),
            (Gauge::QueueApi, api),
            (Gauge::QueueBlock, block),
            (Gauge::QueueVote, vote),
            (Gauge::QueueElection, election),
            (Gauge::QueueStale, stale),
        ] {
            self.metrics.set(gauge, level);
        }
    }

    /// A feed is being opened.
    pub(super) fn opened(&mut self, feed: Feed) {
        if !self.opened.insert(feed) {
            self.metrics.count(Counter::FeedReopened, 1);
        }
    }

    /// The node reports something.
    pub(super) fn hear(&mut self, now: Duration, report: &Report) {
        if !self.metrics.is_on() {
            return;
        }
        match report {
            Report::Decided { block, election } => {
                let valid = *election == Election::Valid;
                let decided = if valid { Counter::BlockValid } else { Counter::BlockInvalid };
                self.metrics.count(decided, 1);
                if !self.seen.contains_key(block) {
                    self.unseen.push_back(block.clone());
                    if self.unseen.len() > UNSEEN_MAX {
                        self.unseen.pop_front();
                    }
                }
                self.pass(now, block, Timer::BlockDecision, |seen| seen.decided = true);
            }
            Report::BlockWritten { transactions, .. } => {
                self.metrics.count(Counter::BlockCreated, 1);
                self.metrics.count(Counter::TxInBlocks, *transactions);
            }
            Report::Voted { took, .. } => {
                if let Some(took) = took {
                    self.metrics.time(Timer::BlockValidate, *took);
                }
            }
            Report::Cast { block, valid } => {
                self.metrics.count(Counter::VoteCast, 1);
                self.metrics.count(Counter::VoteCastInvalid, usize::from(!valid));
                self.pass(now, block, Timer::VoteLatency, |seen| seen.voted = true);
            }
            Report::Listed { block } => self.list(now, block),
            Report::Judged { transactions } => {
                self.metrics.count(Counter::TxValidated, *transactions);
            }
            Report::Requeued { transactions, .. } => {
                self.metrics.count(Counter::ElectionRequeued, *transactions);
            }
            Report::Ignored { votes, .. } => self.metrics.count(Counter::VoteIgnored, *votes),
            Report::Dropped { .. } => self.metrics.count(Counter::TxInvalid, 1),
            Report::Reassigned { .. } => self.metrics.count(Counter::TxReassigned, 1),
            Report::Twin { .. }
            | Report::Fell { .. }
            | Report::Harmed { .. }
            | Report::PutBack { .. }
            | Report::Trouble(_) => {}
        }
    }

    fn list(&mut self, now: Duration, block: &BlockId) {
        if let Some(before) = self.listed.replace(now) {
            self.metrics.time(Timer::BlockInterval, now - before);
        }
        if self.seen.len() < TIMED_MAX {
            let seen = Seen { at: now, decided: false, voted: false };
            self.seen.insert(block.clone(), seen);
        }
        if let Some(place) = self.unseen.iter().position(|one| one == block) {
            self.unseen.remove(place);
            self.pass(now, block, Timer::BlockDecision, |seen| seen.decided = true);
        }
    }

    /// A block has come past a point; it is forgotten once it has passed both.
    fn pass(&mut self, now: Duration, block: &BlockId, timer: Timer, mark: fn(&mut Seen)) {
        let Some(seen) = self.seen.get_mut(block) else { return };
        self.metrics.time(timer, now - seen.at);
        mark(seen);
        if seen.decided && seen.voted {
            self.seen.remove(block);
        }
    }
}

/// A question to the store has its answer, or none will come.
pub(super) fn answered(
    metrics: &Metrics,
    question: Question,
    took: Duration,
    answer: &Result<Answer, StoreError>,
) {
    metrics.time(Timing::Store(question), took);
    let Ok(answer) = answer else { return metrics.count(Counter::StoreErrors, 1) };
    match question {
        Question::InsertBacklog => {
            metrics.time(Timer::TxWrite, took);
            if matches!(answer, Answer::Written(Write::Inserted)) {
                metrics.count(Counter::TxWritten, 1);
            }
        }
        Question::InsertBlock => metrics.time(Timer::BlockWrite, took),
        Question::InsertVote => metrics.time(Timer::VoteWrite, took),
        _ => {}
    }
}

/// Does a piece of work; of checked transactions, tells how long one took.
pub(super) fn timed(
    metrics: &Metrics,
    work: Work,
    config: &Config,
    rules: &dyn ConsensusRules,
) -> Outcome {
    let transactions = match &work {
        Work::Prepare { .. } => 1,
        Work::Check(transactions) => u32::try_from(transactions.len()).unwrap_or(u32::MAX),
        Work::CheckBlock(_) | Work::MakeBlock { .. } => 0,
    };
    if transactions == 0 || !metrics.is_on() {
        return work.run(config, rules);
    }
    let began = clock::monotonic();
    let outcome = work.run(config, rules);
    metrics.time(Timer::TxValidate, (clock::monotonic() - began) / transactions);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Names, Rate};

    #[test]
    fn a_block_whose_votes_are_heard_of_first_is_timed_and_forgotten_all_the_same() {
        let (metrics, mut lines) = Metrics::new(Names::new("n", "vm"), Rate::ALL);
        let mut meter = Meter::new(metrics);
        let at = Duration::from_secs;
        let block = |id: &str| BlockId::from(id);
        let decided = |id: &str| Report::Decided { block: block(id), election: Election::Valid };
        for old in 0..2 * UNSEEN_MAX {
            meter.hear(at(0), &decided(&format!("old {old}")));
        }
        meter.hear(at(1), &Report::Listed { block: block("a") });
        meter.hear(at(2), &decided("b"));
        meter.hear(at(3), &decided("a"));
        meter.hear(at(4), &Report::Listed { block: block("b") });
        for id in ["a", "b"] {
            meter.hear(at(5), &Report::Cast { block: block(id), valid: true });
        }
        assert!(meter.seen.is_empty());
        assert_eq!(meter.unseen.len(), UNSEEN_MAX - 1);
        let mut told = Vec::new();
        lines.take(|line| told.push(line.to_owned()));
        told.retain(|line| line.contains("block.decision_ms"));
        let ms = |line: &String| line.split([':', '|']).nth(1).unwrap().parse::<f64>().unwrap();
        assert_eq!(told.iter().map(ms).collect::<Vec<_>>(), [2000.0, 0.0], "{told:?}");
    }
}
