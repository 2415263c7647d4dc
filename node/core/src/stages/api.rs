//! The api stage: what clients ask, and what they are told.
//!
//! Here: posting a transaction (whatever can be refused is refused before it is acknowledged; it is
//! acknowledged only once it is in the backlog), reading one, and saying where one stands. Not here:
//! paths, status codes and bodies (the shell), what makes a transaction acceptable (`rules`).
//!
//! Source: BigchainDB 0.6 docs, "The HTTP Client-Server API"; ARCHITECTURE.md, "The default rules",
//! rules 6, 10 and 11.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::{Context, Stage};
use super::ledger::Ledger;
use super::{Call, Levels, Now, Outcome, RequestId, Response, Ticket, Work, choose, election};
use crate::model::{BlockId, Json, NodeKey, Raised, Transaction, TxId, uuid};
use crate::query::{Answer, Gathered, Needs, Query, StoreError, VoteRow, Write};
use crate::rules::{Case, Checked, Election, Facts, InvalidTransaction, Phase, Quirk, Status};

#[derive(Clone, Default, Debug)]
pub(super) struct Api {
    /// Requests under way, by the question or work they wait for.
    requests: BTreeMap<Ticket, Request>,
    /// Requests that were refused and keep their place (quirk `connections-leak`).
    leaked: usize,
}

#[derive(Clone, Debug)]
struct Request {
    id: RequestId,
    step: Step,
}

/// What a request waits for.
#[derive(Clone, Debug)]
enum Step {
    /// The document to be read and checked.
    Preparing { entropy: [u8; 16] },
    /// The facts.
    Gathering(Purpose),
    /// The votes on undecided blocks that the answer depends on.
    Voting(Purpose, Gathered, Vec<BlockId>),
    /// The transaction to be in the backlog.
    Inserting(Arc<Transaction>, NodeKey),
}

/// What the facts are wanted for.
#[derive(Clone, Debug)]
enum Purpose {
    Post { transaction: Arc<Transaction>, checked: Checked, entropy: [u8; 16] },
    Get(TxId),
    Status(TxId),
}

impl Stage for Api {
    fn measure(&self, _now: Now, _ledger: &Ledger, levels: &mut Levels) {
        levels.api = self.under_way();
    }

    fn requested(&mut self, cx: &mut Context, id: RequestId, call: Call, entropy: [u8; 16]) {
        if self.under_way() >= cx.config.settings.requests {
            return cx.respond(id, Response::Unavailable("too many requests are under way".into()));
        }
        match call {
            Call::Post(posted) => self.prepare(cx, id, posted, entropy),
            Call::Get(tx) => self.gather(cx, id, Purpose::Get(tx)),
            Call::Status(tx) => self.gather(cx, id, Purpose::Status(tx)),
        }
    }

    fn worked(&mut self, cx: &mut Context, ticket: Ticket, outcome: Outcome) {
        let Some(Request { id, step }) = self.requests.remove(&ticket) else { return };
        let (Step::Preparing { entropy }, Outcome::Prepared(prepared)) = (step, outcome) else {
            return;
        };
        match prepared {
            Ok((transaction, checked)) => {
                cx.remember(vec![(transaction.clone(), checked.clone())]);
                if transaction.inputs().is_empty() {
                    // It was made a moment ago and builds on nothing: there are no facts about it.
                    self.post(cx, id, transaction, &checked, entropy, &Facts::default());
                } else {
                    self.gather(cx, id, Purpose::Post { transaction, checked, entropy });
                }
            }
            Err(reason) => self.refuse(cx, id, Phase::Reading, &reason),
        }
    }

    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        let Some(Request { id, step }) = self.requests.remove(&ticket) else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return cx.respond(id, Response::Unavailable(error.to_string())),
        };
        match step {
            Step::Gathering(purpose) => self.on_gathered(cx, id, purpose, answer.into_gathered()),
            Step::Voting(purpose, gathered, blocks) => {
                match count(cx, &blocks, answer.into_votes()) {
                    Ok(()) => self.conclude(cx, id, purpose, gathered),
                    Err(reason) => self.refuse(cx, id, Phase::Judging, &reason),
                }
            }
            Step::Inserting(transaction, assignee) => {
                // It may wait already, for whoever was chosen the first time.
                let inserted = answer.into_written() == Write::Inserted;
                cx.respond(id, Response::Accepted(transaction, inserted.then_some(assignee)));
            }
            Step::Preparing { .. } => {}
        }
    }
}

impl Api {
    fn under_way(&self) -> usize {
        self.requests.len() + self.leaked
    }

    /// Says no, or falls over.
    fn refuse(
        &mut self,
        cx: &mut Context,
        id: RequestId,
        phase: Phase,
        reason: &InvalidTransaction,
    ) {
        if cx.has(Quirk::ConnectionsLeak) {
            self.leaked += 1;
        }
        refuse(cx, id, phase, reason);
    }

    fn prepare(&mut self, cx: &mut Context, id: RequestId, posted: Json, entropy: [u8; 16]) {
        let (uuid, timestamp) = (uuid(&entropy), cx.timestamp());
        let ticket = cx.work(Work::Prepare { posted, uuid, timestamp });
        self.requests.insert(ticket, Request { id, step: Step::Preparing { entropy } });
    }

    fn gather(&mut self, cx: &mut Context, id: RequestId, purpose: Purpose) {
        let needs = match &purpose {
            Purpose::Post { transaction, .. } => {
                cx.rules.needs(&mut std::iter::once(&**transaction))
            }
            Purpose::Get(tx) | Purpose::Status(tx) => {
                Needs { transactions: vec![tx.clone()], outputs: Vec::new() }
            }
        };
        let ticket = cx.ask(Query::Gather(needs));
        self.requests.insert(ticket, Request { id, step: Step::Gathering(purpose) });
    }

    /// This node may not have heard yet how a block was decided that others already speak of: it
    /// reads the votes before it says `undecided`.
    fn on_gathered(
        &mut self,
        cx: &mut Context,
        id: RequestId,
        purpose: Purpose,
        gathered: Gathered,
    ) {
        let found = gathered.found.iter().map(|(block, _)| block);
        let spent = gathered.spends.iter().map(|spend| &spend.block);
        let undecided = |block: &&BlockId| cx.ledger.election(block) == Election::Undecided;
        let blocks: BTreeSet<_> = found.chain(spent).filter(undecided).cloned().collect();
        if blocks.is_empty() || cx.has(Quirk::StatusAtOneGlance) {
            return self.conclude(cx, id, purpose, gathered);
        }
        let blocks: Vec<_> = blocks.into_iter().collect();
        let ticket = cx.ask(Query::Votes { blocks: blocks.clone() });
        let step = Step::Voting(purpose, gathered, blocks);
        self.requests.insert(ticket, Request { id, step });
    }

    fn conclude(&mut self, cx: &mut Context, id: RequestId, purpose: Purpose, gathered: Gathered) {
        let assignees = gathered.waiting.iter().map(|row| row.assignee.clone()).collect::<Vec<_>>();
        let facts = Facts::settle(gathered, |block| Some(cx.ledger.election(block)));
        match purpose {
            Purpose::Post { transaction, checked, entropy } => {
                self.post(cx, id, transaction, &checked, entropy, &facts);
            }
            Purpose::Get(tx) => tell(cx, id, &tx, &facts, |status, transaction| match status {
                Status::Backlog => Response::Found(transaction, assignees.into_iter().next()),
                Status::Valid | Status::Undecided => Response::Found(transaction, None),
                Status::Invalid => Response::NotFound,
            }),
            Purpose::Status(tx) => tell(cx, id, &tx, &facts, |status, _| Response::Status(status)),
        }
    }

    fn post(
        &mut self,
        cx: &mut Context,
        id: RequestId,
        transaction: Arc<Transaction>,
        checked: &Checked,
        entropy: [u8; 16],
        facts: &Facts,
    ) {
        let federation = &cx.config.federation;
        let at = cx.timestamp();
        let case = Case { transaction: &transaction, checked, facts, at, federation };
        match cx.rules.admit(case) {
            Ok(()) => {}
            // To post again what is on its way, or has arrived, is no mistake.
            Err(
                InvalidTransaction::AlreadyDecided { .. }
                | InvalidTransaction::AlreadyInBlock { .. },
            ) => return cx.respond(id, Response::Accepted(transaction, None)),
            Err(_) if cx.has(Quirk::AcceptedUnjudged) => {}
            Err(reason) => return self.refuse(cx, id, Phase::Judging, &reason),
        }
        let assignee = choose(assignees(cx), entropy).clone();
        let query =
            Query::InsertBacklog { transaction: transaction.clone(), assignee: assignee.clone() };
        let ticket = cx.ask(query);
        let step = Step::Inserting(transaction, assignee);
        self.requests.insert(ticket, Request { id, step });
    }
}

/// Those who may get a new transaction assigned; never nobody.
fn assignees<'a>(cx: &'a Context) -> &'a [NodeKey] {
    let federation = &cx.config.federation;
    match federation.others() {
        [] => federation.voters(),
        // Whoever never takes over from others does not choose itself either.
        others if cx.has(Quirk::NeverTakenOver) => others,
        _ => cx.rules.clients().assignees(federation),
    }
}

/// Counts the votes on these blocks.
///
/// # Errors
/// If votes cannot be counted and these rules fall over that; else the block stays undecided.
fn count(
    cx: &mut Context,
    blocks: &[BlockId],
    rows: Vec<VoteRow>,
) -> Result<(), InvalidTransaction> {
    for block in blocks {
        let of_block = |row: &&VoteRow| row.vote.block() == block;
        let rows: Vec<_> = rows.iter().filter(of_block).cloned().collect();
        if let Err(error) = election::decide(cx, block, &rows) {
            let raised = Raised::new(error.class(), error.to_string()).into();
            if cx.rules.clients().falls_over(Phase::Judging, &raised) {
                return Err(raised);
            }
        }
    }
    Ok(())
}

/// Tells a client where a transaction stands, as `say` puts it.
fn tell(
    cx: &mut Context,
    id: RequestId,
    tx: &TxId,
    facts: &Facts,
    say: impl FnOnce(Status, Arc<Transaction>) -> Response,
) {
    match cx.rules.reading().standing(tx, facts) {
        Ok(Some((status, transaction))) => cx.respond(id, say(status, transaction)),
        Ok(None) => cx.respond(id, Response::NotFound),
        Err(raised) => refuse(cx, id, Phase::Judging, &raised.into()),
    }
}

/// Says no, or falls over.
fn refuse(cx: &mut Context, id: RequestId, phase: Phase, reason: &InvalidTransaction) {
    let text = reason.to_string();
    let fell = cx.rules.clients().falls_over(phase, reason);
    cx.respond(id, if fell { Response::Failed(text) } else { Response::Refused(text) });
}
