//! The block stage: this node's waiting transactions go in, a signed block comes out.
//!
//! Here: gathering up to a thousand of them, judging them, writing the block; and what becomes of
//! them when it is decided. A transaction leaves the backlog only when a block that holds it is
//! decided valid, or when it has lost for good; if its block is decided invalid, it is tried again.
//! So a crash between any two steps loses nothing. Not here: whose turn it is (`pool`), the block's
//! place in the list (`order`), the votes on it (`vote`, `election`), waiting transactions of nodes
//! that do not come (`stale`).
//!
//! Source: BigchainDB 0.6 docs, "The Block Model"; ARCHITECTURE.md, "The default rules", rule 5.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::ledger::Ledger;
use super::pool::Pool;
use super::{Levels, Now, Outcome, Report, Ticket, Work};
use crate::model::{Block, BlockId, Output, Transaction, TxId};
use crate::query::{Answer, BacklogRow, Change, Feed, Query, StoreError};
use crate::rules::{Case, Election, Facts, InvalidTransaction, Order, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct BlockStage {
    pool: Pool,
    /// The first of those that are ready has waited long enough for company.
    block_due: Option<Duration>,
    /// It waits on, as too many of this node's blocks are undecided.
    is_held: bool,
    step: Step,
    /// What is known of twice (quirk `twice-in-a-block`).
    copies: Vec<Arc<Transaction>>,
    /// This node's blocks that are not decided, and what is in them.
    undecided: BTreeMap<BlockId, Vec<TxId>>,
    /// The question that reads this node's backlog.
    reading: Option<Ticket>,
    /// Not all of it was read: there was no room, or no answer.
    unread: bool,
    /// What is to leave the backlog.
    finished: Vec<TxId>,
    deleting: Option<(Ticket, Vec<TxId>)>,
    /// When to ask again what the store did not answer.
    retry: Option<Duration>,
}

/// How far the next block has come.
#[derive(Clone, Default, Debug)]
enum Step {
    #[default]
    Idle,
    /// Transactions are being looked at, and the facts about them gathered.
    Gathering(Gathering),
    /// The block is being made and signed.
    Making(Ticket, Vec<TxId>),
    /// The block is being written.
    Writing(Option<Ticket>, Arc<Block>),
}

#[derive(Clone, Debug)]
struct Gathering {
    batch: Vec<Arc<Transaction>>,
    checks: Option<Ticket>,
    question: Ticket,
    answer: Option<Answer>,
}

impl Stage for BlockStage {
    fn measure(&self, now: Now, _ledger: &Ledger, levels: &mut Levels) {
        levels.mine = self.pool.len();
        levels.oldest = self.pool.oldest().map(|since| now.monotonic.saturating_sub(since));
        levels.block = self.pool.ready();
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        if self.reading == Some(ticket) {
            self.reading = None;
            self.on_backlog(cx, answer);
        } else if let Some((_, ids)) = self.deleting.take_if(|(asked, _)| *asked == ticket) {
            self.on_deleted(cx, ids, answer);
        } else {
            self.on_step(cx, ticket, answer);
        }
        self.go_on(cx);
    }

    fn worked(&mut self, cx: &mut Context, ticket: Ticket, outcome: Outcome) {
        match (&mut self.step, outcome) {
            (Step::Gathering(gathering), Outcome::Checked(checked)) => {
                cx.remember(checked);
                gathering.checks.take_if(|asked| *asked == ticket);
            }
            (Step::Making(asked, batch), Outcome::BlockMade(made)) if *asked == ticket => {
                let batch = std::mem::take(batch);
                self.on_made(cx, batch, made);
            }
            _ => {}
        }
        self.go_on(cx);
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::FeedOpened(Feed::Backlog) => self.unread = true,
            Notice::Changed(Change::Backlog { old, new }) => {
                self.on_change(cx, old.as_ref(), new.as_ref());
            }
            Notice::Decided(block) => self.on_decided(cx, block),
            Notice::Lost(block) => {
                self.is_held = false;
                for id in self.undecided.remove(block).unwrap_or_default() {
                    self.pool.make_ready(&id);
                }
            }
            _ => return,
        }
        self.go_on(cx);
    }

    fn tick(&mut self, cx: &mut Context) {
        self.retry.take_if(|at| *at <= cx.now.monotonic);
        self.pool.wake(cx.now.monotonic);
        self.go_on(cx);
    }

    fn due(&self) -> Option<Duration> {
        let is_free = matches!(self.step, Step::Idle) && !self.is_held;
        let block_due = self.block_due.filter(|_| is_free);
        // Until the store is asked again nothing else can be done.
        self.retry.or_else(|| self.pool.due().into_iter().chain(block_due).min())
    }
}

impl BlockStage {
    /// Does what can be done next, if it is not being done.
    fn go_on(&mut self, cx: &mut Context) {
        if self.retry.is_some() {
            return;
        }
        if self.unread && self.reading.is_none() && self.has_room(cx) {
            let (assignee, limit) = (cx.config.federation.me().clone(), cx.config.settings.waiting);
            self.reading = Some(cx.ask(Query::Backlog { assignee: Some(assignee), limit }));
            self.unread = false;
        }
        if let Step::Gathering(Gathering { checks: None, answer: Some(_), .. }) = self.step {
            self.judge(cx);
        }
        match &mut self.step {
            Step::Idle => self.start_block(cx),
            Step::Writing(ticket @ None, block) => {
                *ticket = Some(cx.ask(Query::InsertBlock { block: block.clone() }));
            }
            _ => {}
        }
        // Judging may have found some.
        if self.deleting.is_none() && !self.finished.is_empty() {
            let ids = std::mem::take(&mut self.finished);
            let ticket = cx.ask(Query::DeleteBacklog { transactions: ids.clone() });
            self.deleting = Some((ticket, ids));
        }
    }

    /// Reads the rest when there is room for it again: what a page lacked the feed will not repeat.
    fn on_backlog(&mut self, cx: &mut Context, answer: Result<Answer, StoreError>) {
        match answer {
            Ok(answer) => {
                let rows = answer.into_backlog();
                self.unread |= rows.len() >= cx.config.settings.waiting;
                rows.into_iter().for_each(|row| self.admit(cx, row.transaction));
            }
            Err(error) => {
                self.unread = true;
                self.retry = Some(cx.retry("reading the backlog", &error));
            }
        }
    }

    fn on_change(&mut self, cx: &Context, old: Option<&BacklogRow>, new: Option<&BacklogRow>) {
        match new {
            Some(row) if row.assignee == *cx.config.federation.me() => {
                self.admit(cx, row.transaction.clone());
            }
            _ if forgets_backlog(cx) => {}
            _ => old.iter().for_each(|row| self.pool.remove(row.transaction.id())),
        }
    }

    fn has_room(&self, cx: &Context) -> bool {
        self.pool.len() < cx.config.settings.waiting || cx.has(Quirk::UnboundedQueue)
    }

    fn admit(&mut self, cx: &Context, transaction: Arc<Transaction>) {
        if !self.has_room(cx) {
            return self.unread = true;
        }
        if cx.has(Quirk::DeletedBeforeWritten) {
            self.finished.push(transaction.id().clone());
        }
        if cx.has(Quirk::TimerRestarts) {
            self.block_due = None;
        }
        if cx.has(Quirk::TwiceInBlock) && self.pool.contains(transaction.id()) {
            self.copies.push(transaction.clone());
        }
        self.pool.admit(transaction, cx.now.monotonic);
    }

    fn on_deleted(&mut self, cx: &mut Context, ids: Vec<TxId>, answer: Result<Answer, StoreError>) {
        match answer {
            Ok(_) if forgets_backlog(cx) => {}
            Ok(_) => ids.iter().for_each(|id| self.pool.remove(id)),
            Err(error) => {
                self.finished.extend(ids);
                self.retry = Some(cx.retry("deleting from the backlog", &error));
            }
        }
    }

    /// Starts a block if one is full, or if the first transaction has waited long enough.
    fn start_block(&mut self, cx: &mut Context) {
        let settings = &cx.config.settings;
        if self.pool.ready() == 0 {
            return self.block_due = None;
        }
        let due = *self.block_due.get_or_insert(cx.now.monotonic + settings.block_wait);
        let is_full = self.pool.ready() >= settings.block_size;
        if !is_full && cx.now.monotonic < due {
            return;
        }
        // With a list, all blocks wait for one another.
        self.is_held = !is_full
            && cx.rules.order() == Order::List
            && self.undecided.len() >= settings.unfinished;
        if self.is_held {
            return;
        }
        self.block_due = None;
        let mut batch = self.pool.take(settings.block_size);
        batch.append(&mut self.copies);
        let needs = cx.rules.needs(&mut batch.iter().map(|transaction| &**transaction));
        let checks = cx.check(&batch);
        let question = cx.ask(Query::Gather(needs));
        self.step = Step::Gathering(Gathering { batch, checks, question, answer: None });
    }

    fn on_step(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        match (&mut self.step, answer) {
            (Step::Gathering(gathering), Ok(answer)) if gathering.question == ticket => {
                gathering.answer = Some(answer);
            }
            (Step::Gathering(gathering), Err(error)) if gathering.question == ticket => {
                let batch = std::mem::take(&mut gathering.batch);
                self.step = Step::Idle;
                batch.iter().for_each(|transaction| self.pool.make_ready(transaction.id()));
                self.retry = Some(cx.retry("gathering facts for a block", &error));
            }
            (Step::Writing(asked, block), answer) if *asked == Some(ticket) => match answer {
                Ok(_) => {
                    let block = block.clone();
                    self.step = Step::Idle;
                    self.on_written(cx, &block);
                }
                Err(error) => {
                    // Perhaps it was written: an id that is taken is as good as an insert.
                    *asked = None;
                    self.retry = Some(cx.retry("writing a block", &error));
                }
            },
            _ => {}
        }
    }

    /// Judges the batch: what is sound goes into the block, what is lost leaves the backlog, what
    /// depends on a decision to come waits.
    fn judge(&mut self, cx: &mut Context) {
        let Step::Gathering(gathering) = std::mem::take(&mut self.step) else { return };
        let Some(gathered) = gathering.answer.map(Answer::into_gathered) else { return };
        let federation = &cx.config.federation;
        let mine = |row: &&BacklogRow| row.assignee == *federation.me();
        let mine: BTreeSet<_> =
            gathered.waiting.iter().filter(mine).map(|row| row.transaction.id().clone()).collect();
        for block in gathered.blocks().filter(|block| cx.ledger.position(block).is_none()) {
            cx.notices.push_back(Notice::Met(block.clone()));
        }
        let facts = Facts::settle(gathered, |block| cx.election(block));
        if cx.has(Quirk::TwiceValidRaises)
            && let Some(id) = facts.valid_twice()
        {
            return cx.fall(format!("transaction {id} is in several valid blocks"));
        }
        let deleted = forgets_backlog(cx);
        let now = cx.timestamp();
        let (mut chosen, mut spent) = (Vec::new(), BTreeSet::new());
        for transaction in gathering.batch {
            if !mine.contains(transaction.id()) && !deleted {
                // It left the backlog, or was taken over, while no feed told of it.
                self.pool.remove(transaction.id());
                continue;
            }
            let checked = cx.recall(&transaction);
            let case = Case {
                transaction: &transaction,
                checked: &checked,
                facts: &facts,
                at: now,
                federation,
            };
            match cx.rules.admit(case) {
                Err(InvalidTransaction::AlreadyDecided { .. })
                    if cx.has(Quirk::RequeuedThoughValid)
                        && self.pool.was_put_off(transaction.id()) =>
                {
                    chosen.push(transaction);
                }
                Err(reason @ InvalidTransaction::Malformed { .. })
                    if cx.has(Quirk::UnexpectedKills) =>
                {
                    return cx.fall(format!("transaction {}: {reason}", transaction.id()));
                }
                Ok(()) if self.shares_input(cx, &transaction, &spent, &chosen) => {
                    // Two that spend the same never share a block: the second one waits.
                    self.postpone(cx, transaction.id());
                }
                Ok(()) => {
                    spent.extend(transaction.inputs().iter().cloned());
                    chosen.push(transaction);
                }
                Err(reason) if reason.is_final() => self.finish(cx, &transaction, &reason),
                Err(_) => self.postpone(cx, transaction.id()),
            }
        }
        if chosen.is_empty() {
            return;
        }
        let fell = |one: &Arc<Transaction>| facts.invalid_blocks(one.id());
        let has_to_go_alone = |one| fell(one) >= cx.config.settings.falls;
        if let Some(at) = chosen.iter().position(has_to_go_alone)
            && !cx.has(Quirk::ConflictsShareBlock)
        {
            // Nobody else's conflict may bring it down once more. The others have waited long enough.
            let alone = chosen.remove(at);
            chosen.iter().for_each(|other| self.pool.make_ready(other.id()));
            chosen = vec![alone];
            self.block_due = Some(cx.now.monotonic);
        }
        cx.report(Report::Judged { transactions: chosen.len() });
        let batch = chosen.iter().map(|transaction| transaction.id().clone()).collect();
        let ticket = cx.work(Work::MakeBlock { transactions: chosen, timestamp: now });
        self.step = Step::Making(ticket, batch);
    }

    /// Does it spend what one that was chosen before it spends?
    fn shares_input(
        &self,
        cx: &Context,
        transaction: &Transaction,
        spent: &BTreeSet<Output>,
        chosen: &[Arc<Transaction>],
    ) -> bool {
        let is_copy = || chosen.iter().any(|other| other.id() == transaction.id());
        transaction.inputs().iter().any(|input| spent.contains(input))
            && !cx.has(Quirk::ConflictsShareBlock)
            && !(cx.has(Quirk::TwiceInBlock) && is_copy())
    }

    /// It is in the chain, or it has lost to one that is: either way its waiting is over.
    fn finish(&mut self, cx: &mut Context, transaction: &Transaction, why: &InvalidTransaction) {
        let id = transaction.id().clone();
        if !matches!(why, InvalidTransaction::AlreadyDecided { .. }) {
            cx.report(Report::Dropped { transaction: id.clone(), reason: why.to_string() });
        }
        self.finished.push(id);
    }

    fn on_made(&mut self, cx: &mut Context, batch: Vec<TxId>, made: Result<Arc<Block>, String>) {
        match made {
            Ok(block) => {
                cx.notify(Notice::Made(block.id().clone()));
                if cx.has(Quirk::UnfindableWhileWritten) {
                    self.finished.extend(batch);
                }
                self.step = Step::Writing(None, block);
            }
            Err(reason) => {
                self.step = Step::Idle;
                batch.iter().for_each(|id| self.postpone(cx, id));
                cx.report(Report::Trouble(format!("cannot make a block: {reason}")));
            }
        }
    }

    fn on_written(&mut self, cx: &mut Context, block: &Block) {
        let ids: Vec<_> = block.transactions().iter().map(|each| each.id().clone()).collect();
        let (id, transactions) = (block.id().clone(), ids.len());
        cx.report(Report::BlockWritten { block: id.clone(), transactions });
        if cx.has(Quirk::RequeuedFromMemory) {
            self.finished.extend(ids.iter().cloned());
        }
        self.undecided.insert(id.clone(), ids);
        cx.notify(Notice::Written(id));
    }

    fn on_decided(&mut self, cx: &mut Context, block: &BlockId) {
        let Some(ids) = self.undecided.remove(block) else { return };
        self.is_held = false;
        if cx.ledger.election(block) == Election::Valid {
            if forgets_backlog(cx) {
                ids.iter().for_each(|id| self.pool.remove(id));
            }
            return self.finished.extend(ids);
        }
        cx.report(Report::Requeued { block: block.clone(), transactions: ids.len() });
        ids.iter().for_each(|id| self.postpone(cx, id));
    }

    fn postpone(&mut self, cx: &Context, id: &TxId) {
        if cx.has(Quirk::RetriedAtOnce) {
            return self.pool.make_ready(id);
        }
        let settings = &cx.config.settings;
        self.pool.postpone(id, cx.now.monotonic, settings.retry, settings.retry_most);
    }
}

/// Quirks: what waits here has left the backlog, or will, before it is decided.
fn forgets_backlog(cx: &Context) -> bool {
    cx.has(Quirk::DeletedBeforeWritten)
        || cx.has(Quirk::UnfindableWhileWritten)
        || cx.has(Quirk::RequeuedFromMemory)
}
