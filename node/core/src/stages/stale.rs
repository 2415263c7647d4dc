//! The stale stage: transactions whose assignee does not come are taken over.
//!
//! Here: watching what waits for others, by this node's own monotonic time since it first saw it, and
//! taking over what waits too long, by an update that succeeds only if the assignee is still the one
//! that was read. Not here: what becomes of it then (`block`, which hears of it by the feed).
//!
//! Source: BigchainDB 0.6 docs, "Timestamps in BigchainDB" (the original only announces it);
//! ARCHITECTURE.md, "The default rules", rule 8.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::ledger::Ledger;
use super::{Levels, Now, Report, Ticket};
use crate::model::{NodeKey, TxId};
use crate::query::{Answer, BacklogRow, Change, Feed, Needs, Query, StoreError, Write};
use crate::rules::{Election, Facts, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct StaleStage {
    watched: BTreeMap<TxId, Watched>,
    /// When each of `watched` is looked at.
    times: BTreeSet<(Duration, TxId)>,
    reading: Option<Ticket>,
    /// Those being looked at, and the question about them.
    looking: Option<(Ticket, Vec<TxId>)>,
    /// Those being taken over.
    taking: BTreeMap<Ticket, TxId>,
    deleting: Option<Ticket>,
    /// When to ask again what the store did not answer.
    retry: Option<Duration>,
    unread: bool,
}

#[derive(Clone, Debug)]
struct Watched {
    assignee: NodeKey,
    at: Duration,
}

impl Stage for StaleStage {
    fn measure(&self, _now: Now, _ledger: &Ledger, levels: &mut Levels) {
        levels.backlog = self.watched.len();
        let looking = self.looking.as_ref().map_or(0, |(_, ids)| ids.len());
        levels.stale = looking + self.taking.len();
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        if self.reading == Some(ticket) {
            self.reading = None;
            match answer {
                Ok(answer) => answer.into_backlog().iter().for_each(|row| self.watch(cx, row)),
                Err(error) => {
                    self.unread = true;
                    self.retry = Some(cx.retry("reading everybody's backlog", &error));
                }
            }
        } else if let Some((_, ids)) = self.looking.take_if(|(asked, _)| *asked == ticket) {
            self.on_facts(cx, ids, answer);
        } else if let Some(id) = self.taking.remove(&ticket) {
            self.on_taken(cx, id, answer);
        } else if self.deleting.take_if(|asked| *asked == ticket).is_some()
            && let Err(error) = answer
        {
            self.retry = Some(cx.retry("deleting from the backlog", &error));
        }
        self.go_on(cx);
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::FeedOpened(Feed::Backlog) => self.unread = true,
            Notice::Changed(Change::Backlog { old, new }) => {
                if let Some(row) = old {
                    self.forget(row.transaction.id());
                }
                if let Some(row) = new {
                    self.watch(cx, row);
                }
            }
            _ => return,
        }
        self.go_on(cx);
    }

    fn tick(&mut self, cx: &mut Context) {
        self.retry.take_if(|at| *at <= cx.now.monotonic);
        self.go_on(cx);
    }

    fn due(&self) -> Option<Duration> {
        let next = self.times.first().map(|(at, _)| *at).filter(|_| self.looking.is_none());
        self.retry.or(next)
    }
}

impl StaleStage {
    /// Does what can be done next, if it is not being done.
    fn go_on(&mut self, cx: &mut Context) {
        if self.retry.is_some() || cx.has(Quirk::NeverTakenOver) {
            return;
        }
        if self.unread && self.reading.is_none() {
            self.unread = false;
            let limit = cx.config.settings.watched;
            self.reading = Some(cx.ask(Query::Backlog { assignee: None, limit }));
        }
        if self.looking.is_none() {
            self.look(cx);
        }
    }

    fn watch(&mut self, cx: &Context, row: &BacklogRow) {
        if cx.has(Quirk::NeverTakenOver) {
            return;
        }
        let id = row.transaction.id();
        if self.watched.get(id).is_some_and(|watched| watched.assignee == row.assignee) {
            return;
        }
        self.forget(id);
        let is_mine = row.assignee == *cx.config.federation.me();
        if !is_mine && self.watched.len() < cx.config.settings.watched {
            let at = cx.now.monotonic + cx.config.settings.reassign;
            self.watched.insert(id.clone(), Watched { assignee: row.assignee.clone(), at });
            self.times.insert((at, id.clone()));
        }
    }

    fn forget(&mut self, id: &TxId) {
        if let Some(watched) = self.watched.remove(id) {
            self.times.remove(&(watched.at, id.clone()));
        }
    }

    fn watch_on(&mut self, cx: &Context, id: &TxId) {
        if let Some(watched) = self.watched.get_mut(id) {
            self.times.remove(&(watched.at, id.clone()));
            watched.at = cx.now.monotonic + cx.config.settings.reassign;
            self.times.insert((watched.at, id.clone()));
        }
    }

    /// Asks where those stand that have waited too long.
    fn look(&mut self, cx: &mut Context) {
        let overdue = self.times.iter().take_while(|(at, _)| *at <= cx.now.monotonic);
        let ids: Vec<_> = overdue.take(cx.config.settings.page).map(|(_, id)| id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        let needs = Needs { transactions: ids.clone(), outputs: Vec::new() };
        self.looking = Some((cx.ask(Query::Gather(needs)), ids));
    }

    fn on_facts(&mut self, cx: &mut Context, ids: Vec<TxId>, answer: Result<Answer, StoreError>) {
        let gathered = match answer {
            Ok(answer) => answer.into_gathered(),
            Err(error) => {
                return self.retry = Some(cx.retry("looking after what waits too long", &error));
            }
        };
        let waiting: BTreeMap<_, _> = gathered
            .waiting
            .iter()
            .map(|row| (row.transaction.id().clone(), row.clone()))
            .collect();
        let facts = Facts::settle(gathered, |block| Some(cx.ledger.election(block)));
        let mut done = Vec::new();
        for id in ids {
            let Some(assignee) = self.watched.get(&id).map(|watched| watched.assignee.clone())
            else {
                continue;
            };
            self.watch_on(cx, &id);
            let found = facts.found.get(&id).map_or(&[][..], Vec::as_slice);
            let Some(row) = waiting.get(&id) else {
                self.forget(&id);
                continue;
            };
            if row.assignee != assignee {
                // Somebody took it over while no feed could tell.
                self.watch(cx, row);
            } else if found.iter().any(|placed| placed.election == Election::Valid) {
                done.push(id);
            } else if found.iter().all(|placed| placed.election == Election::Invalid) {
                let me = cx.config.federation.me().clone();
                let query = Query::Reassign { transaction: id.clone(), from: assignee, to: me };
                self.taking.insert(cx.ask(query), id);
            }
        }
        if !done.is_empty() {
            self.deleting = Some(cx.ask(Query::DeleteBacklog { transactions: done }));
        }
    }

    fn on_taken(&mut self, cx: &mut Context, id: TxId, answer: Result<Answer, StoreError>) {
        match answer {
            Ok(answer) => {
                // If nothing was written somebody else was faster; the feed tells who.
                if answer.into_written() == Write::Changed
                    && let Some(watched) = self.watched.get(&id)
                {
                    let from = watched.assignee.clone();
                    cx.report(Report::Reassigned { transaction: id, from });
                }
            }
            Err(error) => self.retry = Some(cx.retry("taking a transaction over", &error)),
        }
    }
}
