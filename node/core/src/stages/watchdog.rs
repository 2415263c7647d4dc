//! The watchdog: what stands for ever and was changed or deleted is put back.
//!
//! Here: hearing of it by the feeds, saying so, and writing the row as it was over whatever is in its
//! place, if the row proves itself: a block by its id and its signature, a vote by its voter's, an
//! entry of the list by what this node had read there. Every node does so, which is harmless: they
//! write the same. Whoever goes on harming a row is answered ever more slowly. Not seen: what was
//! done while no node had a feed open. Lawful deletions (of the backlog) are none of its business.
//!
//! Source: BigchainDB 0.6 docs, "How BigchainDB is Immutable / Tamper-Resistant" (internal watchdogs).

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::{Outcome, Report, Ticket, Work};
use crate::query::{Answer, Change, Query, Standing, StoreError, Write};
use crate::rules::{self, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct WatchdogStage {
    /// Rows that were harmed, by table and key.
    harmed: BTreeMap<Key, Harmed>,
    /// Some were left alone because there were too many, and that was said.
    overrun: bool,
}

type Key = (&'static str, String);

/// A row that was harmed.
#[derive(Clone, Debug)]
struct Harmed {
    step: Step,
    /// How often it was put back.
    times: u32,
}

#[derive(Clone, Debug)]
enum Step {
    /// Whether it proves itself is being looked at.
    Checking(Ticket, Standing),
    /// It is put back at this time.
    Due(Duration, Standing),
    /// It is being put back; once more if it was harmed meanwhile.
    Writing(Ticket, Standing, bool),
    /// It stands again; if it is left alone until then, it is forgotten.
    Standing(Duration, Standing),
}

impl Stage for WatchdogStage {
    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        if let Notice::Changed(Change::Harmed { row, deleted }) = notice {
            let (table, key) = (row.table(), row.key());
            cx.report(Report::Harmed { table, key: key.clone(), deleted: *deleted });
            if !cx.has(Quirk::HarmLeft) {
                self.look(cx, (table, key), row.clone());
            }
        }
    }

    fn worked(&mut self, cx: &mut Context, ticket: Ticket, outcome: Outcome) {
        let Some(key) = self.of(ticket) else { return };
        let Some(Harmed { step: Step::Checking(_, row), times }) = self.harmed.remove(&key) else {
            return;
        };
        match outcome {
            Outcome::BlockChecked(Ok(())) => self.put_back(cx, key, row, times),
            _ => unproven(cx, &key),
        }
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        let Some(key) = self.of(ticket) else { return };
        let Some(Harmed { step, times }) = self.harmed.remove(&key) else { return };
        let Step::Writing(_, row, again) = step else { return };
        let step = match answer {
            Ok(answer) => {
                if answer.into_written() != Write::Unchanged {
                    let (table, key) = key.clone();
                    cx.report(Report::PutBack { table, key });
                }
                if again {
                    return self.put_back(cx, key, row, times);
                }
                self.make_room(cx);
                Step::Standing(cx.now.monotonic + 2 * cx.config.settings.guard_most, row)
            }
            Err(error) => Step::Due(cx.retry("putting a row back", &error), row),
        };
        self.harmed.insert(key, Harmed { step, times });
    }

    fn tick(&mut self, cx: &mut Context) {
        let now = cx.now.monotonic;
        let due = |_: &Key, harmed: &mut Harmed| match harmed.step {
            Step::Due(at, _) | Step::Standing(at, _) => at <= now,
            Step::Checking(..) | Step::Writing(..) => false,
        };
        let due: Vec<_> = self.harmed.extract_if(.., due).collect();
        for (key, Harmed { step, times }) in due {
            if let Step::Due(_, row) = step {
                let ticket = cx.ask(Query::PutBack(row.clone()));
                self.harmed.insert(key, Harmed { step: Step::Writing(ticket, row, false), times });
            }
        }
        self.overrun &= self.under_way() >= cx.config.settings.guarded;
    }

    fn due(&self) -> Option<Duration> {
        let due = self.harmed.values().filter_map(|harmed| match harmed.step {
            Step::Due(at, _) | Step::Standing(at, _) => Some(at),
            Step::Checking(..) | Step::Writing(..) => None,
        });
        due.min()
    }
}

impl WatchdogStage {
    /// Looks whether a row proves itself, unless it is looked after already: then what is known of it
    /// is older, and as good.
    fn look(&mut self, cx: &mut Context, key: Key, row: Standing) {
        let has_room = self.under_way() < cx.config.settings.guarded;
        let times = match self.harmed.get_mut(&key) {
            // Not the row that was put back, but what it was put back over.
            Some(Harmed { step: Step::Standing(_, stood), .. }) if *stood != row => return,
            Some(Harmed { step: Step::Standing(..), times }) => *times,
            // What is written now may come too early.
            Some(Harmed { step: Step::Writing(_, stood, again), .. }) => {
                *again |= *stood == row;
                return;
            }
            Some(Harmed { step: Step::Checking(..) | Step::Due(..), .. }) => return,
            None if has_room => 0,
            None => {
                if !std::mem::replace(&mut self.overrun, true) {
                    let many = "too many rows were harmed at once: some are not put back";
                    cx.report(Report::Trouble(many.to_owned()));
                }
                return;
            }
        };
        let federation = &cx.config.federation;
        let proven = match &row {
            row if !is_bare(row) => false,
            Standing::Block(block) if !cx.ledger.is_genesis(block.id()) => {
                let ticket = cx.work(Work::CheckBlock(block.clone()));
                let step = Step::Checking(ticket, row);
                self.harmed.insert(key, Harmed { step, times });
                return;
            }
            Standing::Block(block) => cx.rules.check_genesis(block, federation).is_ok(),
            Standing::Vote(row) => {
                let vote = &row.vote;
                federation.contains(vote.voter())
                    && rules::is_good_vote(vote, vote.block(), vote.voter())
            }
            Standing::Entry(entry) => cx.ledger.holds(entry),
        };
        if proven { self.put_back(cx, key, row, times) } else { unproven(cx, &key) }
    }

    /// At once the first time, then ever later.
    fn put_back(&mut self, cx: &Context, key: Key, row: Standing, times: u32) {
        let settings = &cx.config.settings;
        let delay = match times {
            0 => Duration::ZERO,
            _ => settings.guard.saturating_mul(1 << (times - 1).min(16)).min(settings.guard_most),
        };
        let step = Step::Due(cx.now.monotonic + delay, row);
        self.harmed.insert(key, Harmed { step, times: times + 1 });
    }

    /// Rows that do not stand again yet.
    fn under_way(&self) -> usize {
        let stands = |harmed: &&Harmed| matches!(harmed.step, Step::Standing(..));
        self.harmed.len() - self.harmed.values().filter(stands).count()
    }

    /// Of rows that stand again, forgets the one that has stood longest if there are too many.
    fn make_room(&mut self, cx: &Context) {
        let stands = self.harmed.iter().filter_map(|(key, harmed)| match harmed.step {
            Step::Standing(at, _) => Some((at, key)),
            _ => None,
        });
        let stands: Vec<_> = stands.collect();
        if stands.len() >= cx.config.settings.guarded
            && let Some((_, key)) = stands.into_iter().min()
        {
            let key = key.clone();
            self.harmed.remove(&key);
        }
    }

    /// The row that a question or a piece of work is about.
    fn of(&self, ticket: Ticket) -> Option<Key> {
        let about = |harmed: &Harmed| match harmed.step {
            Step::Checking(asked, _) | Step::Writing(asked, ..) => asked == ticket,
            Step::Due(..) | Step::Standing(..) => false,
        };
        let found = self.harmed.iter().find(|(_, harmed)| about(harmed));
        found.map(|(key, _)| key.clone())
    }
}

/// Whether a row holds what proves it and nothing else, so that no two that prove themselves stand in
/// one place.
fn is_bare(row: &Standing) -> bool {
    let (document, fields) = match row {
        Standing::Block(block) => (block.document(), &["id", "block", "signature"][..]),
        Standing::Vote(row) => {
            (row.vote.document(), &["id", "node_pubkey", "vote", "signature"][..])
        }
        // That was seen to by whoever told of it.
        Standing::Entry(_) => return true,
    };
    let names = document.as_object().into_iter().flat_map(|object| object.iter());
    names.into_iter().all(|(name, _)| fields.contains(&name))
}

/// Anybody could have written it, so anybody may take it away.
fn unproven(cx: &mut Context, (table, key): &Key) {
    let left = format!("row {key} of {table} never proved itself, and is left as it is");
    cx.report(Report::Trouble(left));
}
