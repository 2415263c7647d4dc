//! What a stage is given besides its event, and how stages hear of each other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ledger::Ledger;
use super::levels::Levels;
use super::memory::Memory;
use super::{Call, RequestId};
use super::{Config, Effect, Now, Outcome, Report, Response, Ticket, Work};
use crate::model::{BlockId, Transaction};
use crate::query::{Answer, Change, Feed, Needs, Query, StoreError};
use crate::rules::{Checked, ConsensusRules, Election, Quirk};

/// The stages, in the order in which they hear of things.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum StageName {
    Order,
    Election,
    Vote,
    Block,
    Stale,
    Api,
    Watchdog,
}

impl StageName {
    /// Its name in reports.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Election => "election",
            Self::Vote => "vote",
            Self::Block => "block",
            Self::Stale => "stale",
            Self::Api => "api",
            Self::Watchdog => "watchdog",
        }
    }

    pub(super) const ALL: [Self; 7] = [
        Self::Order,
        Self::Election,
        Self::Vote,
        Self::Block,
        Self::Stale,
        Self::Api,
        Self::Watchdog,
    ];

    /// The stage that a ticket belongs to.
    pub(super) fn of(ticket: Ticket) -> Self {
        let index = usize::try_from(ticket.0 % Self::ALL.len() as u64);
        Self::ALL[index.expect("it is smaller than seven")]
    }
}

/// How many tickets each stage has drawn. Each counts for itself, so that what one stage does changes
/// nothing in the numbers of another's questions.
#[derive(Clone, Default, Debug)]
pub(super) struct Tickets([u64; StageName::ALL.len()]);

impl Tickets {
    fn next(&mut self, stage: StageName) -> Ticket {
        let drawn = &mut self.0[stage as usize];
        *drawn += 1;
        Ticket(*drawn * StageName::ALL.len() as u64 + stage as u64)
    }
}

/// One stage: everything it can hear. Most stages hear only some of it.
pub(super) trait Stage {
    /// One of its questions has an answer, or none will come.
    fn answered(
        &mut self,
        _cx: &mut Context,
        _ticket: Ticket,
        _answer: Result<Answer, StoreError>,
    ) {
    }
    /// A piece of its work is done.
    fn worked(&mut self, _cx: &mut Context, _ticket: Ticket, _outcome: Outcome) {}
    /// Something happened that any stage may want to know.
    fn noticed(&mut self, _cx: &mut Context, _notice: &Notice) {}
    /// A client asks.
    fn requested(&mut self, _cx: &mut Context, _id: RequestId, _call: Call, _entropy: [u8; 16]) {}
    /// Says how full it is.
    fn measure(&self, _now: Now, _ledger: &Ledger, _levels: &mut Levels) {}
    /// Does what is due.
    fn tick(&mut self, _cx: &mut Context) {}
    /// When `tick` has something to do, if ever.
    fn due(&self) -> Option<std::time::Duration> {
        None
    }
}

/// What stages tell each other, and what feeds tell all of them.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// The node begins, with its own chance.
    Started([u8; 32]),
    /// A feed is open: read now, then believe it.
    FeedOpened(Feed),
    /// A feed's next element.
    Changed(Change),
    /// Everything that was in the list at start is known.
    ListRead,
    /// Blocks found their place in the list.
    Listed,
    /// This node made a block; it is about to be written.
    Made(BlockId),
    /// This node wrote a block; it wants a place in the list.
    Written(BlockId),
    /// A block that this node's transactions depend on; it may not have a place.
    Met(BlockId),
    /// A block that was to get a place is not in the database.
    Lost(BlockId),
    /// This node wrote its vote on a block.
    Voted(BlockId),
    /// This node's own vote on a block was read back.
    VoteSeen,
    /// Votes on all that was listed at start are counted.
    CaughtUp,
    /// A block is decided; the ledger says how.
    Decided(BlockId),
    /// A stage fell over; it hears nothing any more.
    Fell(StageName),
}

/// What a connection of its own costs each check (quirk `connection-per-check`): a handshake of three
/// round trips, and the question.
const ROUND_TRIPS: usize = 4;

/// What a stage is given besides its event.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) config: &'a Config,
    pub(super) rules: &'a dyn ConsensusRules,
    pub(super) ledger: &'a mut Ledger,
    pub(super) memory: &'a mut Memory,
    pub(super) stage: StageName,
    pub(super) tickets: &'a mut Tickets,
    pub(super) notices: &'a mut VecDeque<Notice>,
    pub(super) effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Asks the database.
    pub(super) fn ask(&mut self, query: Query) -> Ticket {
        let ticket = self.ticket();
        self.effects.push(Effect::Query { ticket, query });
        ticket
    }

    /// Hands out work.
    pub(super) fn work(&mut self, work: Work) -> Ticket {
        let ticket = self.ticket();
        self.effects.push(Effect::Work { ticket, work });
        ticket
    }

    /// Hands out the checking of those of these documents that were not checked before.
    pub(super) fn check(&mut self, transactions: &[Arc<Transaction>]) -> Option<Ticket> {
        let unknown = |transaction: &&Arc<Transaction>| self.memory.recall(transaction).is_none();
        let unknown: Vec<_> = transactions.iter().filter(unknown).cloned().collect();
        if self.has(Quirk::ConnectionPerCheck) {
            let checks = unknown.iter().map(|transaction| transaction.fulfillments().len());
            for _ in 0..checks.sum::<usize>() * ROUND_TRIPS {
                self.ask(Query::Gather(Needs::default()));
            }
        }
        if unknown.is_empty() { None } else { Some(self.work(Work::Check(unknown))) }
    }

    /// Remembers checks.
    pub(super) fn remember(&mut self, checks: Vec<(Arc<Transaction>, Checked)>) {
        for (transaction, checked) in checks {
            self.memory.remember(transaction, checked, self.config.settings.remembered);
        }
    }

    /// The check of a document: remembered, or done here and now (a batch larger than the memory).
    pub(super) fn recall(&self, transaction: &Arc<Transaction>) -> Checked {
        self.memory.recall(transaction).cloned().unwrap_or_else(|| self.rules.check(transaction))
    }

    /// Whether the rules do without this safeguard.
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.rules.quirks().contains(&quirk)
    }

    /// This stage meets what it does not survive. Only under quirks.
    pub(super) fn fall(&mut self, reason: impl Into<String>) {
        let (part, reason) = (self.stage.as_str(), reason.into());
        self.report(Report::Fell { part, reason });
        self.notices.push_front(Notice::Fell(self.stage));
    }

    /// How a block is decided, as far as a judgement is to know: under a quirk, nothing is known of
    /// blocks that are not decided.
    pub(super) fn election(&self, block: &BlockId) -> Option<Election> {
        let election = self.ledger.election(block);
        let blind = self.has(Quirk::JudgedOutOfOrder);
        (!blind || election != Election::Undecided).then_some(election)
    }

    /// Answers a client.
    pub(super) fn respond(&mut self, id: RequestId, response: Response) {
        self.effects.push(Effect::Respond { id, response });
    }

    /// Tells every stage.
    pub(super) fn notify(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }

    /// Tells an operator or a dashboard.
    pub(super) fn report(&mut self, report: Report) {
        self.effects.push(Effect::Report(report));
    }

    /// Unix time in whole seconds, as documents carry it.
    pub(super) fn timestamp(&self) -> u64 {
        self.now.unix_ms / 1000
    }

    /// When to try again after the store did not answer; says so.
    pub(super) fn retry(&mut self, what: &str, error: &StoreError) -> std::time::Duration {
        self.report(Report::Trouble(format!("{what}: {error}")));
        self.now.monotonic + self.config.settings.store_retry
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets.next(self.stage)
    }
}
