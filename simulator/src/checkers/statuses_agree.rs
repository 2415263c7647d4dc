//! S9: nodes say what the votes say.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, TxId};
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Call, Decided, Kind, Operation, Record, election_word};

/// How long a node may take to hear of what the votes have come to. An answer that lags no more than
/// this is overlooked; a node is asked again when all is at rest.
const HEARD_WITHIN_US: u64 = 2_000_000;

/// Compares what nodes answer, and what they say of blocks, with the votes.
#[derive(Default)]
pub(super) struct StatusesAgree {
    findings: Findings,
    /// When a probe was sent: (operation, node).
    asked: BTreeMap<(u64, Arc<str>), u64>,
    /// The last answer of each node about each transaction.
    answers: BTreeMap<(TxId, Arc<str>), Answer>,
    /// When a transaction's status changed last.
    moved: BTreeMap<TxId, u64>,
    /// What each node says of each block.
    decisions: BTreeMap<(BlockId, Arc<str>), (u64, Election)>,
}

/// What a node answered.
struct Answer {
    asked_at_us: u64,
    at_us: u64,
    status: Arc<str>,
}

impl Checker for StatusesAgree {
    fn invariant(&self) -> &'static str {
        "S9"
    }

    fn statement(&self) -> &'static str {
        "No node calls a block decided before the votes do, and at rest all report what the votes say."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        match &moment.observed.record {
            Record::Operation(operation) => self.operation(at_us, operation),
            Record::Decided(decided) => {
                self.premature(moment, at_us, decided);
                let key = (decided.block.clone(), Arc::clone(&decided.node));
                self.decisions.insert(key, (at_us, decided.election));
            }
            _ => {}
        }
        for news in moment.news {
            match news {
                News::Moved(transaction) => {
                    self.moved.insert(transaction.clone(), at_us);
                }
                News::Elected { block, .. } => {
                    let block = moment.reference.block(block).into_iter();
                    for transaction in block.flat_map(|block| &block.document.transactions) {
                        self.moved.insert(transaction.id.clone(), at_us);
                    }
                }
                _ => {}
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let quiet_from_us = reference.surroundings().quiet_from_us();
        for ((transaction, node), answer) in &self.answers {
            let settled_us = self.moved.get(transaction).copied().unwrap_or(0).max(quiet_from_us);
            if !reference.counts_as(node) {
                continue;
            }
            let expected = match reference.rules() {
                Rules::Original => status_as_original(reference, transaction),
                Rules::Default | Rules::Mixed => status(reference, transaction),
            };
            let agrees = &*answer.status == expected;
            if reference.was_hidden(transaction, answer.asked_at_us) {
                // Somebody has taken away what it would have had to read.
                continue;
            }
            if answer.asked_at_us < settled_us + if agrees { 0 } else { HEARD_WITHIN_US } {
                continue;
            }
            self.findings.looked();
            if !agrees {
                let what = format!(
                    "{node} says {transaction} is {}, by the votes it is {expected}",
                    answer.status
                );
                self.findings.violated(answer.at_us, what, Some(transaction), &[]);
            }
        }
        for ((id, node), (at_us, said)) in &self.decisions {
            let Some(block) = reference.block(id).filter(|_| reference.counts_as(node)) else {
                continue;
            };
            self.findings.looked();
            if *said != Election::Undecided && *said != block.election {
                let (said, is) = (election_word(*said), election_word(block.election));
                let what = format!("{node} says block {id} is {said}, by the votes it is {is}");
                self.findings.violated(*at_us, what, None, &[id]);
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl StatusesAgree {
    /// A node that calls a block decided before the votes do will be right most of the time.
    fn premature(&mut self, moment: &Moment<'_>, at_us: u64, decided: &Decided) {
        let Some(block) = moment.reference.block(&decided.block) else { return };
        let reference = moment.reference;
        if reference.surroundings().is_exact()
            && block.election == Election::Undecided
            && reference.counts_as(&decided.node)
        {
            let (node, id, said) = (&decided.node, &decided.block, election_word(decided.election));
            let what = format!("{node} says block {id} is {said}, by the votes it is undecided");
            self.findings.violated(at_us, what, None, &[id]);
        }
    }

    fn operation(&mut self, at_us: u64, operation: &Operation) {
        if operation.what.is_load() || operation.call != Call::Status {
            return;
        }
        let probe = (operation.number, Arc::clone(&operation.node));
        match (operation.kind, &operation.tx) {
            (Kind::Invoke, _) => {
                self.asked.insert(probe, at_us);
            }
            (Kind::Ok | Kind::Fail, Some(transaction)) => {
                let asked_at_us = self.asked.remove(&probe).unwrap_or(operation.intended_us);
                let status = match (operation.http, &operation.value) {
                    (Some(404), _) => "not found".into(),
                    (Some(200), Some(status)) => Arc::clone(status),
                    // A node that cannot answer says nothing wrong.
                    _ => return,
                };
                let key = (transaction.clone(), Arc::clone(&operation.node));
                self.answers.insert(key, Answer { asked_at_us, at_us, status });
            }
            _ => {}
        }
    }
}

/// What a node has to answer. Source: BigchainDB 0.6 docs, "The HTTP Client-Server API".
fn status(reference: &Reference, transaction: &TxId) -> &'static str {
    let Some(seen) = reference.transaction(transaction) else { return "not found" };
    let any = |election| !reference.blocks_of(transaction, election).is_empty();
    if any(Election::Valid) {
        "valid"
    } else if any(Election::Undecided) {
        "undecided"
    } else if seen.waiting {
        "backlog"
    } else if any(Election::Invalid) {
        "invalid"
    } else {
        "not found"
    }
}

/// What the original answers: it looks into the backlog only for what is in no block, and finds nothing
/// that is in invalid ones alone.
///
/// Source: BigchainDB 0.6.0, `core.py`, `get_transaction`.
fn status_as_original(reference: &Reference, transaction: &TxId) -> &'static str {
    match status(reference, transaction) {
        "backlog" | "invalid"
            if !reference.blocks_of(transaction, Election::Invalid).is_empty() =>
        {
            "not found"
        }
        said => said,
    }
}
