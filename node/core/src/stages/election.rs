//! The election stage: votes come in, decisions go into the ledger.
//!
//! Here: which blocks' votes to read when, and telling the others what came of it. A feed only
//! wakes: what counts is a majority read of all votes on the block. This node's own votes are read
//! back here too, as everybody's are. Not here: adding votes up (`rules::tally`).
//!
//! Source: ARCHITECTURE.md, "The default rules", rules 1, 2 and 7.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::ledger::Ledger;
use super::requeue::Requeue;
use super::{Levels, Now, Report, Ticket};
use crate::model::BlockId;
use crate::query::{Answer, Change, Feed, Query, StoreError, VoteRow};
use crate::rules::{Election, Quirk, Tally, TallyError};

#[derive(Clone, Default, Debug)]
pub(super) struct ElectionStage {
    /// Blocks whose votes are to be read.
    unread: BTreeSet<BlockId>,
    /// The question under way, and the blocks it is about.
    reading: Option<(Ticket, Vec<BlockId>)>,
    /// The list was read, so once nothing is unread, all of it has been counted.
    catching_up: bool,
    /// When to read the votes of undecided blocks without being woken.
    poll: Option<Duration>,
    /// When to ask again what the store did not answer.
    retry: Option<Duration>,
    requeue: Requeue,
    /// Blocks on which a vote was heard of (quirk `everyone-requeues`).
    told_of: BTreeSet<BlockId>,
}

impl Stage for ElectionStage {
    fn measure(&self, _now: Now, _ledger: &Ledger, levels: &mut Levels) {
        let reading = self.reading.as_ref().map_or(0, |(_, blocks)| blocks.len());
        levels.election = self.unread.len() + reading;
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        if self.requeue.answered(cx, ticket, &answer) {
            return;
        }
        let Some((_, blocks)) = self.reading.take_if(|(asked, _)| *asked == ticket) else { return };
        match answer {
            Ok(answer) => {
                let told_of: Vec<_> =
                    blocks.iter().filter(|block| self.told_of.remove(*block)).cloned().collect();
                count(cx, blocks, answer.into_votes());
                for block in told_of {
                    if cx.ledger.election(&block) == Election::Invalid {
                        self.requeue.start(cx, &block);
                    }
                }
            }
            Err(error) => {
                self.unread.extend(blocks);
                self.retry = Some(cx.retry("reading votes", &error));
            }
        }
        self.read(cx);
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::Started(_) => self.poll = Some(cx.now.monotonic + cx.config.settings.poll),
            Notice::Changed(Change::Vote(row)) => {
                let block = row.vote.block();
                self.want(cx, block);
                if cx.has(Quirk::EveryoneRequeues) {
                    self.unread.insert(block.clone());
                    self.told_of.insert(block.clone());
                }
            }
            Notice::Voted(block) => self.want(cx, block),
            Notice::FeedOpened(Feed::Votes) => self.want_undecided(cx),
            Notice::ListRead => {
                self.catching_up = true;
                self.want_undecided(cx);
            }
            _ => return,
        }
        self.read(cx);
    }

    fn tick(&mut self, cx: &mut Context) {
        let now = cx.now.monotonic;
        if self.poll.is_some_and(|at| at <= now) {
            self.poll = Some(now + cx.config.settings.poll);
            self.want_undecided(cx);
        }
        if self.retry.is_some_and(|at| at <= now) {
            self.retry = None;
        }
        self.read(cx);
    }

    fn due(&self) -> Option<Duration> {
        self.poll.into_iter().chain(self.retry).min()
    }
}

impl ElectionStage {
    fn want(&mut self, cx: &Context, block: &BlockId) {
        if cx.ledger.election(block) == Election::Undecided
            || !cx.ledger.voted(block)
            || cx.has(Quirk::DecisionsFlip)
        {
            self.unread.insert(block.clone());
        }
    }

    /// Everything listed that is not decided, and at start everything this node did not vote on as
    /// far as it knows.
    fn want_undecided(&mut self, cx: &Context) {
        if self.catching_up {
            self.unread.extend(cx.ledger.listed().cloned());
        } else {
            self.unread.extend(cx.ledger.undecided().map(|(_, block)| block.clone()));
        }
    }

    fn read(&mut self, cx: &mut Context) {
        if self.reading.is_some() || self.retry.is_some() {
            return;
        }
        let mut blocks = Vec::new();
        while blocks.len() < cx.config.settings.votes_page
            && let Some(block) = self.unread.pop_first()
        {
            blocks.push(block);
        }
        if !blocks.is_empty() {
            let ticket = cx.ask(Query::Votes { blocks: blocks.clone() });
            self.reading = Some((ticket, blocks));
        } else if self.catching_up {
            self.catching_up = false;
            cx.notify(Notice::CaughtUp);
        }
    }
}

/// Counts the votes on each of these blocks, and tells what is new.
fn count(cx: &mut Context, blocks: Vec<BlockId>, rows: Vec<VoteRow>) {
    let mut votes: BTreeMap<BlockId, Vec<VoteRow>> = BTreeMap::new();
    for row in rows {
        votes.entry(row.vote.block().clone()).or_default().push(row);
    }
    for block in blocks {
        let rows = votes.remove(&block).unwrap_or_default();
        // Votes that cannot be added up decide nothing.
        if let Err(error) = decide(cx, &block, &rows)
            && cx.has(Quirk::SurplusVotesRaise)
        {
            return cx.fall(error.to_string());
        }
        let own = cx.rules.vote_of(&block, cx.config.federation.me(), &rows);
        if let Some(own) = own
            && cx.ledger.note_vote(&block)
        {
            cx.ledger.note_vote_time(&block, own.vote.timestamp().unwrap_or_default());
            cx.notify(Notice::VoteSeen);
        }
    }
}

/// Takes in what all votes on a block say.
///
/// # Errors
/// If they cannot be added up: it is reported, and the block stays undecided.
pub(super) fn decide(
    cx: &mut Context,
    block: &BlockId,
    rows: &[VoteRow],
) -> Result<(), TallyError> {
    match cx.rules.tally(block, &cx.config.federation, rows) {
        Ok(Tally { election, ignored }) => {
            if settle(cx, block, election) && ignored > 0 {
                cx.report(Report::Ignored { block: block.clone(), votes: ignored });
            }
            Ok(())
        }
        Err(error) => {
            cx.report(Report::Trouble(format!("votes on block {block}: {error}")));
            Err(error)
        }
    }
}

/// Takes in a decision; tells everyone if it is news, and says whether it is.
pub(super) fn settle(cx: &mut Context, block: &BlockId, election: Election) -> bool {
    let news = match cx.has(Quirk::DecisionsFlip) {
        true => cx.ledger.decide_again(block, election),
        false => cx.ledger.decide(block, election),
    };
    if news {
        cx.report(Report::Decided { block: block.clone(), election });
        cx.notify(Notice::Decided(block.clone()));
    }
    news
}
