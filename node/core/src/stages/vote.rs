//! The vote stage: the list's next block comes in, this node's vote on it goes out.
//!
//! Here: walking the list, one block at a time and in order; this node's word on a block goes out
//! only after its word on the one before was read back, and after every earlier block that shares a
//! transaction, an input or an output with it, or to whose time it would be held, is decided. So all
//! honest voters judge from the same facts. Not here: what a block is held to (`rules`), reading votes (`election`).
//!
//! Source: ARCHITECTURE.md, "The default rules", rules 1, 4 and 9.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::ledger::Ledger;
use super::{Levels, Now, Outcome, Report, Ticket, Work, election};
use crate::model::{Block, BlockId, Output, Position, TxId, Vote, keccak256_hex, uuid};
use crate::query::{Answer, Query, StoreError, VoteRow};
use crate::rules::{self, Case, Election, Facts, InvalidBlock, InvalidTransaction, Order, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct VoteStage {
    /// This start's chance; for a quirk.
    entropy: [u8; 32],
    /// Everything this node voted on before its start is known.
    ready: bool,
    /// The place of the block to vote on next.
    next: Position,
    step: Step,
    /// What earlier, undecided blocks touch.
    touched: BTreeMap<BlockId, Touched>,
    /// The last block that is known to be decided valid: its place and its timestamp.
    before: Option<(Position, u64)>,
    /// The same of blocks that were voted on and are undecided.
    times: BTreeMap<BlockId, (Position, u64)>,
    /// The list had grown to this end by this time; what is about places before `next` is forgotten.
    heard: BTreeMap<Position, Duration>,
    /// Blocks this node has made and not voted on.
    made: BTreeSet<BlockId>,
    /// Where the list ended when this node began to vote: what comes behind was made since.
    since: Position,
    /// What the next vote names as previous instead of the list's predecessor, and the places to
    /// vote on before `next` goes on along the list (quirks `unvoted-in-any-order`,
    /// `last-vote-by-clock`).
    wayward: Option<Wayward>,
    /// How long the block at `next` has been looked at.
    judging: Stopwatch,
    /// When to try again what did not work.
    retry: Option<Duration>,
}

/// An order of a node's own, as the original had it after a restart.
#[derive(Clone, Debug)]
struct Wayward {
    /// The block that this node voted on before.
    last: BlockId,
    /// Places to vote on first; the first is `next`.
    detour: VecDeque<Position>,
    /// Where the list goes on behind them.
    then: Position,
}

/// How far the block at `next` has come.
#[derive(Clone, Default, Debug)]
enum Step {
    #[default]
    Idle,
    /// The block, and those before it that have to be known, are being read.
    Fetching(Ticket),
    /// It, and those of its transactions that were not checked before, are being looked at.
    Checking(Checking),
    /// It waits for the decision of earlier blocks; without a list, no longer than until then.
    Waiting(Arc<Block>, Option<Duration>),
    /// The facts are being gathered.
    Gathering(Ticket, Arc<Block>),
    /// The vote is being written.
    Voting { ticket: Option<Ticket>, subject: Subject, vote: Arc<Vote>, key: u32 },
    /// The vote is written and has to be read back; if it is not, it is written again.
    Voted { subject: Subject, vote: Arc<Vote>, key: u32, again: Duration },
}

/// What a vote is on.
#[derive(Clone, Debug)]
enum Subject {
    Block(Arc<Block>),
    /// An entry of the list whose block is not in the database.
    Missing(BlockId),
}

impl Subject {
    fn id(&self) -> &BlockId {
        match self {
            Self::Block(block) => block.id(),
            Self::Missing(id) => id,
        }
    }
}

#[derive(Clone, Debug)]
struct Checking {
    block: Arc<Block>,
    block_check: Option<Ticket>,
    transaction_checks: Option<Ticket>,
}

/// Adds up times.
#[derive(Clone, Default, Debug)]
struct Stopwatch {
    total: Duration,
    since: Option<Duration>,
}

impl Stopwatch {
    fn start(&mut self, now: Duration) {
        self.since = Some(now);
    }

    fn stop(&mut self, now: Duration) {
        self.total += now.saturating_sub(self.since.take().unwrap_or(now));
    }
}

/// What a block touches: another block that touches the same has to wait for it.
#[derive(Clone, Default, Debug)]
struct Touched {
    transactions: BTreeSet<TxId>,
    spends: BTreeSet<Output>,
}

impl Touched {
    fn by(block: &Block) -> Self {
        let mut touched = Self::default();
        for transaction in block.transactions() {
            touched.transactions.insert(transaction.id().clone());
            touched.spends.extend(transaction.inputs().iter().cloned());
        }
        touched
    }

    /// Does a later block hold one of these transactions, spend the same, or spend what they made?
    /// The last only if `inputs` are asked about.
    fn concerns(&self, later: &Block, inputs: bool) -> bool {
        later.transactions().iter().any(|transaction| {
            self.transactions.contains(transaction.id())
                || transaction.inputs().iter().any(|input| {
                    self.spends.contains(input) || inputs && self.transactions.contains(&input.txid)
                })
        })
    }
}

impl Stage for VoteStage {
    fn measure(&self, _now: Now, ledger: &Ledger, levels: &mut Levels) {
        let most = ledger.end().0.saturating_sub(self.next.0);
        levels.vote = if self.ready { usize::try_from(most).unwrap_or(usize::MAX) } else { 0 };
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        match std::mem::take(&mut self.step) {
            Step::Fetching(asked) if asked == ticket => match answer {
                Ok(answer) => self.fetched(cx, answer.into_blocks()),
                Err(error) => self.retry = Some(cx.retry("reading a block", &error)),
            },
            Step::Gathering(asked, block) if asked == ticket => match answer {
                Ok(answer) => self.judge(cx, block, answer),
                Err(error) => {
                    self.retry = Some(cx.retry("gathering facts for a vote", &error));
                    self.wait(cx, block);
                }
            },
            Step::Voting { ticket: Some(asked), subject, vote, key } if asked == ticket => {
                self.vote_answered(cx, subject, vote, key, answer);
            }
            other => self.step = other,
        }
    }

    fn worked(&mut self, cx: &mut Context, ticket: Ticket, outcome: Outcome) {
        let Step::Checking(checking) = &mut self.step else { return };
        match outcome {
            Outcome::Checked(checks) if checking.transaction_checks == Some(ticket) => {
                checking.transaction_checks = None;
                cx.remember(checks);
            }
            Outcome::BlockChecked(result) if checking.block_check == Some(ticket) => {
                checking.block_check = None;
                if let Err(reason) = result {
                    let block = checking.block.clone();
                    if matches!(reason, InvalidBlock::Malformed { .. })
                        && cx.has(Quirk::UnexpectedKills)
                    {
                        return cx.fall(format!("block {}: {reason}", block.id()));
                    }
                    if block.transactions().is_empty() && cx.has(Quirk::EmptyBlockUnvoted) {
                        return self.pass_over(cx);
                    }
                    if cx.rules.order() == Order::List && !reason.is_final() {
                        // A row that anybody may have written in the block's place.
                        self.step = Step::Idle;
                        return self.miss(cx, &format!("only there as something else: {reason}"));
                    }
                    if cx.rules.order() == Order::List {
                        // A malformed block is invalid by rule, whatever anybody votes.
                        election::settle(cx, block.id(), Election::Invalid);
                    }
                    return self.vote(cx, Subject::Block(block), Err(reason.to_string()));
                }
            }
            _ => return,
        }
        if checking.block_check.is_none() && checking.transaction_checks.is_none() {
            let block = checking.block.clone();
            self.look_for_twin(cx, &block);
            self.wait(cx, block);
            self.gather(cx);
        }
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::Started(entropy) => self.entropy = *entropy,
            Notice::Made(block) => {
                self.made.insert(block.clone());
                return;
            }
            Notice::Lost(block) => {
                self.made.remove(block);
                return;
            }
            Notice::CaughtUp => {
                self.ready = true;
                self.next = cx.ledger.first();
                self.since = cx.ledger.end();
                if cx.has(Quirk::VotesAgain) {
                    self.vote_again(cx);
                }
                self.go_wayward(cx);
            }
            Notice::Decided(block) => {
                self.touched.remove(block);
                if let Some((place, at)) = self.times.remove(block)
                    && cx.ledger.election(block) == Election::Valid
                {
                    self.note_valid(place, at);
                }
            }
            Notice::Listed => {
                self.heard.insert(cx.ledger.end(), cx.now.monotonic);
            }
            Notice::VoteSeen => {}
            _ => return,
        }
        self.go_on(cx);
    }

    fn tick(&mut self, cx: &mut Context) {
        if self.retry.is_some_and(|at| at <= cx.now.monotonic) {
            self.retry = None;
            self.go_on(cx);
        }
        if self.retry.is_none() && matches!(self.step, Step::Waiting(_, Some(_))) {
            self.gather(cx);
        }
        if let Step::Voted { subject, vote, key, again } = &self.step
            && *again <= cx.now.monotonic
        {
            let (subject, vote, key) = (subject.clone(), vote.clone(), *key);
            self.step = Step::Voting { ticket: None, subject, vote, key };
            self.write(cx);
        }
    }

    fn due(&self) -> Option<Duration> {
        let due = match &self.step {
            Step::Voted { again, .. } => Some(*again),
            // Until the store is asked again nothing is gathered.
            Step::Waiting(_, until) if self.retry.is_none() => *until,
            _ => None,
        };
        self.retry.into_iter().chain(due).min()
    }
}

impl VoteStage {
    /// Does what can be done next, if it is not being done.
    fn go_on(&mut self, cx: &mut Context) {
        if !self.ready || self.retry.is_some() {
            return;
        }
        while self.next < cx.ledger.end()
            && cx.ledger.at(self.next).is_none_or(|block| cx.ledger.voted(block))
        {
            let place = self.next;
            self.next = self.advance();
            match std::mem::take(&mut self.step) {
                Step::Voting { subject, vote, .. } | Step::Voted { subject, vote, .. } => {
                    let (block, valid) = (subject.id().clone(), vote.is_valid_vote());
                    cx.report(Report::Cast { block, valid });
                }
                // It has not voted, and has a vote.
                _ if place >= self.since => self.tell_of_twin(cx, place),
                _ => {}
            }
        }
        self.heard = self.heard.split_off(&self.next);
        match &self.step {
            Step::Idle if self.next < cx.ledger.end() => self.fetch(cx),
            Step::Waiting(..) => self.gather(cx),
            Step::Voting { ticket: None, .. } => self.write(cx),
            _ => {}
        }
    }

    /// The place after this one.
    fn advance(&mut self) -> Position {
        let Some(wayward) = &mut self.wayward else { return self.next.next() };
        match wayward.detour.pop_front() {
            Some(_) => wayward.detour.front().copied().unwrap_or(wayward.then),
            None => self.next.next(),
        }
    }

    /// Quirks: what was missed is voted on in another order than the list's, or the first vote after
    /// the start names another block than the list's predecessor.
    fn go_wayward(&mut self, cx: &Context) {
        let by_clock = cx.has(Quirk::LastVoteByClock);
        if !by_clock && !cx.has(Quirk::UnvotedInAnyOrder) {
            return;
        }
        let first = cx.ledger.first();
        let places = (first.0..cx.ledger.end().0).map(Position);
        let (voted, mut unvoted): (Vec<_>, Vec<_>) = places
            .filter_map(|place| Some((place, cx.ledger.at(place)?)))
            .partition(|(_, block)| cx.ledger.voted(block));
        let in_order = voted.last().map(|(_, block)| (*block).clone());
        let last = if by_clock { cx.ledger.last_voted_by_clock() } else { in_order };
        let Some(last) = last.or_else(|| cx.ledger.before(first).cloned()) else { return };
        if cx.has(Quirk::UnvotedInAnyOrder) {
            let chance = |block: &BlockId| {
                keccak256_hex(&[&self.entropy, block.as_str().as_bytes()].concat())
            };
            unvoted.sort_by_cached_key(|(_, block)| chance(block));
        }
        let detour: VecDeque<_> = unvoted.into_iter().map(|(place, _)| place).collect();
        if let Some(first) = detour.front() {
            self.next = *first;
        }
        self.wayward = Some(Wayward { last, detour, then: cx.ledger.end() });
    }

    /// Goes on without a vote on this block, or without waiting for it (quirks).
    fn pass_over(&mut self, cx: &mut Context) {
        self.next = self.advance();
        self.step = Step::Idle;
        self.go_on(cx);
    }

    /// Reads the block at `next`, the one whose time it is held to if that is not known, and those
    /// earlier ones that are undecided and not known (after a start).
    fn fetch(&mut self, cx: &mut Context) {
        let Some(block) = cx.ledger.at(self.next) else { return };
        let mut ids = vec![block.clone()];
        let earlier = cx.ledger.undecided().take_while(|(position, _)| *position < self.next);
        ids.extend(
            earlier.filter(|(_, id)| !self.touched.contains_key(*id)).map(|(_, id)| id.clone()),
        );
        if self.before.is_none()
            && let Some(before) = cx.ledger.valid_before(self.next)
            && !ids.contains(before)
        {
            ids.push(before.clone());
        }
        self.step = Step::Fetching(cx.ask(Query::Blocks { ids }));
    }

    fn fetched(&mut self, cx: &mut Context, blocks: Vec<Arc<Block>>) {
        let mut wanted = None;
        for block in blocks {
            match cx.ledger.position(block.id()) {
                Some(position) if position == self.next => wanted = Some(block),
                Some(position) => {
                    if cx.ledger.election(block.id()) == Election::Valid {
                        self.note_valid(position, block.timestamp().unwrap_or_default());
                    }
                    if cx.ledger.election(block.id()) == Election::Undecided {
                        let time = block.timestamp().unwrap_or_default();
                        self.times.insert(block.id().clone(), (position, time));
                        self.touched.insert(block.id().clone(), Touched::by(&block));
                    }
                }
                None => {}
            }
        }
        let Some(block) = wanted else {
            return self.miss(cx, "missing");
        };
        self.judging = Stopwatch::default();
        self.judging.start(cx.now.monotonic);
        let transaction_checks = cx.check(block.transactions());
        let block_check = Some(cx.work(Work::CheckBlock(block.clone())));
        self.step = Step::Checking(Checking { block, block_check, transaction_checks });
    }

    /// A block of this node's key that it has not made.
    fn look_for_twin(&mut self, cx: &mut Context, block: &Block) {
        let mine = block.node_pubkey() == cx.config.federation.me();
        if !self.made.remove(block.id()) && mine && self.next >= self.since {
            self.tell_of_twin(cx, self.next);
        }
    }

    fn tell_of_twin(&mut self, cx: &mut Context, place: Position) {
        if let Some(block) = cx.ledger.at(place).cloned() {
            self.made.remove(&block);
            cx.report(Report::Twin { block });
        }
    }

    /// The block is in the list, but not in the database: somebody deleted or changed it, or wrote the
    /// entry for a block that never was. It may still come; in the end it is voted invalid, so that
    /// nobody can hold up the others with an entry. Entries heard of together run out together.
    fn miss(&mut self, cx: &mut Context, how: &str) {
        let missing = format!("the block at place {} is {how}", self.next.0);
        let heard = self.heard.range(self.next.next()..).next().map(|(_, heard)| *heard);
        let overdue = heard.unwrap_or_default() + cx.config.settings.missing;
        match cx.ledger.at(self.next) {
            Some(id) if cx.now.monotonic >= overdue && !cx.has(Quirk::MissingWaitedFor) => {
                let subject = Subject::Missing(id.clone());
                self.vote(cx, subject, Err(missing));
            }
            _ => self.retry = Some(cx.retry("voting", &StoreError::Refused(missing))),
        }
    }

    /// Voters that each have an order of their own may wait for one another: in the end they vote as
    /// things stand.
    fn wait(&mut self, cx: &Context, block: Arc<Block>) {
        self.judging.stop(cx.now.monotonic);
        let until = (cx.rules.order() == Order::Votes)
            .then(|| cx.now.monotonic + cx.config.settings.undecided);
        self.step = Step::Waiting(block, until);
    }

    /// Gathers the facts, once everything they depend on is decided.
    fn gather(&mut self, cx: &mut Context) {
        let Step::Waiting(block, until) = &self.step else { return };
        let is_over = until.is_some_and(|until| until <= cx.now.monotonic);
        if !is_over && self.has_to_wait(cx, block) {
            return;
        }
        let needs = cx.rules.needs(&mut block.transactions().iter().map(|arc| &**arc));
        let block = block.clone();
        self.judging.start(cx.now.monotonic);
        self.step = Step::Gathering(cx.ask(Query::Gather(needs)), block);
    }

    /// Does the block share a transaction, an input or an output with an earlier, undecided one, or does
    /// whether it comes too late depend on one?
    fn has_to_wait(&self, cx: &Context, block: &Block) -> bool {
        let undecided = cx.ledger.undecided().take_while(|(position, _)| *position < self.next);
        let mut earlier = undecided.filter_map(|(_, id)| self.touched.get(id));
        let inputs = !cx.has(Quirk::UndecidedOutputsSpent);
        !cx.has(Quirk::JudgedOutOfOrder)
            && !cx.has(Quirk::JudgedAtOnce)
            && (earlier.any(|touched| touched.concerns(block, inputs))
                || self.may_be_late(cx, block))
    }

    /// Would an earlier block that is undecided, if it is valid, be the last valid one before this, and
    /// decide otherwise than the last that is known whether this comes too late?
    fn may_be_late(&self, cx: &Context, block: &Block) -> bool {
        let at = block.timestamp().unwrap_or_default();
        let (known, before) = self.before.unwrap_or((Position(0), 0));
        let mut open =
            self.times.values().filter(|(place, _)| known < *place && *place < self.next);
        has_times(cx) && open.any(|(_, time)| is_late(cx, at, *time) != is_late(cx, at, before))
    }

    /// Judges every transaction from what is decided before this block, and votes.
    fn judge(&mut self, cx: &mut Context, block: Arc<Block>, answer: Answer) {
        let earlier = |id: &BlockId| {
            // Python members put a transaction and what spends it into one block: that stands or falls
            // as a whole.
            if cx.rules.order() == Order::Votes && id == block.id() {
                return Some(Election::Valid);
            }
            if cx.ledger.position(id)? < self.next { cx.election(id) } else { None }
        };
        let facts = Facts::settle(answer.into_gathered(), earlier);
        if cx.has(Quirk::TwiceValidRaises)
            && let Some(id) = facts.valid_twice()
        {
            return cx.fall(format!("transaction {id} is in several valid blocks"));
        }
        let at = block.timestamp().unwrap_or_default();
        if let Some(reason) = self.untimely(cx, at) {
            return self.vote(cx, Subject::Block(block), Err(reason));
        }
        // All voters judge at one time, the block's.
        let at = if cx.has(Quirk::TimeoutByOwnClock) { cx.timestamp() } else { at };
        let refused = block.transactions().iter().find_map(|transaction| {
            let checked = cx.recall(transaction);
            let (checked, facts, federation) = (&checked, &facts, &cx.config.federation);
            let verdict = cx.rules.judge(Case { transaction, checked, facts, at, federation });
            verdict.err().map(|reason| (transaction.id(), reason))
        });
        let unexpected = matches!(&refused, Some((_, InvalidTransaction::Malformed { .. })));
        let verdict = match refused {
            Some((id, reason)) => Err(format!("transaction {id}: {reason}")),
            None => Ok(()),
        };
        match verdict {
            Err(reason) if unexpected && cx.has(Quirk::UnexpectedKills) => cx.fall(reason),
            verdict => self.vote(cx, Subject::Block(block), verdict),
        }
    }

    /// Is the block's timestamp too far from what this node takes for now, or long before the time of
    /// the last block decided valid? By that of others anybody could move time, and a wrong clock too.
    fn untimely(&self, cx: &Context, at: u64) -> Option<String> {
        if !has_times(cx) {
            return None;
        }
        if is_late(cx, cx.timestamp(), at) {
            return Some(format!("its timestamp {at} is in the future"));
        }
        let (_, before) = self.before?;
        is_late(cx, at, before)
            .then(|| format!("its timestamp {at} is long before the previous block's, {before}"))
    }

    /// The block at `next` is voted on.
    fn note_time(&mut self, cx: &Context, block: &Block) {
        let (id, at) = (block.id(), block.timestamp().unwrap_or_default());
        match cx.ledger.election(id) {
            Election::Valid => self.note_valid(self.next, at),
            Election::Undecided => {
                self.times.insert(id.clone(), (self.next, at));
            }
            Election::Invalid => {}
        }
    }

    /// A block at this place is decided valid: later ones are held to its time.
    fn note_valid(&mut self, place: Position, at: u64) {
        if self.before.is_none_or(|(known, _)| known < place) {
            self.before = Some((place, at));
        }
    }

    fn vote(&mut self, cx: &mut Context, subject: Subject, verdict: Result<(), String>) {
        if let Subject::Block(block) = &subject {
            self.note_time(cx, block);
        }
        let wayward = self.wayward.as_ref().map(|wayward| &wayward.last);
        let wayward = wayward.filter(|last| *last != subject.id());
        let Some(previous) = wayward.or_else(|| cx.ledger.before(self.next)) else { return };
        let valid = verdict.is_ok();
        self.judging.stop(cx.now.monotonic);
        match Vote::create(&cx.config.keypair, subject.id(), previous, valid, cx.timestamp()) {
            Ok(vote) => {
                let (block, reason) = (subject.id().clone(), verdict.err());
                let took = matches!(subject, Subject::Block(_)).then_some(self.judging.total);
                if let Some(wayward) = &mut self.wayward {
                    wayward.last = block.clone();
                }
                cx.report(Report::Voted { block, valid, reason, took });
                self.step = Step::Voting { ticket: None, subject, vote: Arc::new(vote), key: 0 };
                self.write(cx);
                if cx.has(Quirk::JudgedOutOfOrder) || cx.has(Quirk::JudgedAtOnce) {
                    // On to the next, whatever becomes of this vote.
                    self.pass_over(cx);
                }
            }
            Err(error) => {
                if let Subject::Block(block) = subject {
                    self.wait(cx, block);
                }
                self.retry = Some(cx.retry("voting", &StoreError::Refused(error.to_string())));
            }
        }
    }

    fn write(&mut self, cx: &mut Context) {
        let Step::Voting { ticket, subject, vote, key } = &mut self.step else { return };
        let key = Vote::key(subject.id(), cx.config.federation.me(), *key);
        let vote = VoteRow { key, vote: vote.clone() };
        *ticket = Some(cx.ask(Query::InsertVote { vote }));
    }

    /// The row of the key is this node's vote, be it an earlier one; or it is something else,
    /// written by another, and the next key serves.
    fn vote_answered(
        &mut self,
        cx: &mut Context,
        subject: Subject,
        vote: Arc<Vote>,
        key: u32,
        answer: Result<Answer, StoreError>,
    ) {
        let row = match answer {
            Ok(answer) => answer.into_vote_written(),
            Err(error) => {
                self.retry = Some(cx.retry("writing a vote", &error));
                self.step = Step::Voting { ticket: None, subject, vote, key };
                return;
            }
        };
        if !rules::is_good_vote(&row.vote, subject.id(), cx.config.federation.me()) {
            let forged = format!("row {} is not the vote it should be", row.key);
            cx.report(Report::Trouble(forged));
            self.step = Step::Voting { ticket: None, subject, vote, key: key + 1 };
            return self.write(cx);
        }
        if let Subject::Block(block) = &subject
            && cx.ledger.election(block.id()) == Election::Undecided
        {
            self.touched.insert(block.id().clone(), Touched::by(block));
        }
        cx.notify(Notice::Voted(subject.id().clone()));
        let again = cx.now.monotonic + cx.config.settings.poll;
        self.step = Step::Voted { subject, vote, key, again };
    }

    /// Quirk: as if nothing were known of the votes before this start.
    fn vote_again(&self, cx: &mut Context) {
        let voted = cx.ledger.listed().filter(|id| cx.ledger.voted(id));
        for block in voted.cloned().collect::<Vec<_>>() {
            let place = cx.ledger.position(&block).and_then(|place| cx.ledger.before(place));
            let Some(previous) = place.cloned() else { continue };
            let made = Vote::create(&cx.config.keypair, &block, &previous, true, cx.timestamp());
            if let Ok(vote) = made {
                let key = format!("{}-{block}", uuid(&self.entropy)).into();
                cx.ask(Query::InsertVote { vote: VoteRow { key, vote: Arc::new(vote) } });
            }
        }
    }
}

/// Whether blocks are held to times: without a list, each voter has another block before it.
fn has_times(cx: &Context) -> bool {
    cx.rules.order() == Order::List && !cx.has(Quirk::TimeUnbounded)
}

/// Whether a time, in seconds, is before another by more than clocks that work can be apart.
fn is_late(cx: &Context, at: u64, other: u64) -> bool {
    at.saturating_add(cx.config.settings.clock_tolerance.as_secs()) < other
}
