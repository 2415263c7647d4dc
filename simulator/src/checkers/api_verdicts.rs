//! S21: nodes tell clients what is so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{Json, TxId};
use bigchaindb_core::rules::Election;

use super::reference::validator::{Examined, can_create, examine};
use super::reference::{Reference, Rules};
use super::valid_history::has_documented_fields;
use super::{Checker, Findings, Moment};
use crate::observe::{Call, Kind, Operation, Record, Table};

/// A node may know of a decision so much later than the votes come to it.
const HEARD_WITHIN_US: u64 = 2_000_000;
/// Clocks of nodes lie so far apart at most, in seconds, unless one is disturbed.
const CLOCKS_APART: u64 = 120;

/// Judges what was posted as the node that answered had to.
#[derive(Default)]
pub(super) struct ApiVerdicts {
    findings: Findings,
    /// When each POST was sent: (operation, node).
    sent: BTreeMap<(u64, Arc<str>), u64>,
    judged: BTreeSet<TxId>,
    /// What was put into the backlog, until its POST is answered.
    rows: BTreeMap<TxId, Arc<Json>>,
    /// Acknowledged, but not seen in the backlog yet: feeds and clients may race.
    unseen: BTreeMap<TxId, (u64, u64, Operation)>,
}

/// A POST that was answered.
struct Post<'a> {
    sent_us: u64,
    at_us: u64,
    operation: &'a Operation,
    reference: &'a Reference,
}

impl Checker for ApiVerdicts {
    fn invariant(&self) -> &'static str {
        "S21"
    }

    fn statement(&self) -> &'static str {
        "A node accepts what is valid by its document and the VALID history, and refuses what is not, as \
         far as those decide when it is asked."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, reference, .. } = *moment;
        match &observed.record {
            Record::Change(change) if change.table == Table::Backlog && change.old.is_none() => {
                if let (Some(row), Some(id)) = (&change.new, change.id()) {
                    let id = TxId::from(&*id);
                    self.rows.entry(id.clone()).or_insert_with(|| Arc::clone(row));
                    if let Some((sent_us, at_us, operation)) = self.unseen.remove(&id) {
                        let operation = &operation;
                        self.accepted(&Post { sent_us, at_us, operation, reference });
                    }
                }
            }
            Record::Operation(operation) if operation.call == Call::Post => {
                let key = (operation.number, Arc::clone(&operation.node));
                if operation.kind == Kind::Invoke {
                    self.sent.insert(key, observed.at_us);
                } else if let Some(sent_us) = self.sent.remove(&key)
                    && !reference.is_byzantine_name(&operation.node)
                {
                    let post = Post { sent_us, at_us: observed.at_us, operation, reference };
                    match operation.kind {
                        Kind::Ok => self.accepted(&post),
                        Kind::Fail if operation.http == Some(400) => self.refused(&post),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

impl ApiVerdicts {
    fn accepted(&mut self, post: &Post<'_>) {
        let Post { reference, operation, at_us, .. } = *post;
        let Some(id) = &operation.tx else { return };
        // What was accepted before is on its way, or lost a conflict since.
        if self.judged.contains(id) {
            return;
        }
        let Some(row) = self.rows.remove(id) else {
            let post = (post.sent_us, at_us, operation.clone());
            self.unseen.entry(id.clone()).or_insert(post);
            return;
        };
        self.judged.insert(id.clone());
        self.findings.looked();
        let examined = post.examine(&row);
        if examined.unsure {
            return;
        }
        let odd = examined.odd.clone().filter(|_| reference.rules() == Rules::Default);
        let why = examined.wrong.clone().or(odd).or_else(|| post.why_not(&examined, id));
        if let Some(why) = why {
            let what = format!("{} accepted {id}, but {why}", operation.node);
            self.findings.violated(at_us, what, Some(id), &[]);
        }
    }

    fn refused(&mut self, post: &Post<'_>) {
        let Post { reference, operation, at_us, .. } = *post;
        let Some(document) = &operation.document else { return };
        let body = document.get("transaction");
        let creates =
            body.and_then(|body| body.get("operation")).and_then(Json::as_str) == Some("CREATE");
        let plain = reference.rules() == Rules::Default || is_ascii(document);
        let valid = if creates {
            can_create(document) == Some(true) && plain
        } else {
            let examined = post.examine(document);
            plain
                && has_documented_fields(document)
                && !examined.unsure
                && examined.wrong.is_none()
                && examined.odd.is_none()
                && post.is_surely_spendable(&examined)
        };
        self.findings.looked();
        if valid {
            let id = document.get("id").and_then(Json::as_str).map(TxId::from);
            let reason = operation.value.as_deref().unwrap_or("no reason given");
            let name = id.as_ref().map_or("a CREATE", TxId::as_str);
            let what = format!("{} refused {name}, which is valid: {reason}", operation.node);
            self.findings.violated(at_us, what, id.as_ref(), &[]);
        }
    }
}

impl Post<'_> {
    fn examine(&self, document: &Json) -> Examined {
        let at = self.reference.unix_s(self.at_us);
        let is_member = |key: &_| self.reference.federation().contains(key);
        let look = |at| examine(document, is_member, at, false, self.reference.signatures());
        let now = look(at);
        if now.timeless {
            return now;
        }
        // The node's clock decides, and it may be another: what is not so for all is not told.
        let others = [look(at.saturating_sub(CLOCKS_APART)), look(at + CLOCKS_APART)];
        if others.iter().all(|other| other.wrong == now.wrong) {
            return now;
        }
        Examined { unsure: true, ..now }
    }

    /// Why history did not let it pass, for sure.
    fn why_not(&self, examined: &Examined, id: &TxId) -> Option<String> {
        examined.spends.iter().find_map(|(input, opens)| {
            let output = self.reference.output(input);
            let Some(made) = self.reference.history_of(&output.0) else {
                return Some(format!("{} is in no VALID block", output.0));
            };
            match made.guard(output.1) {
                None => return Some(format!("{} has no output {}", output.0, output.1)),
                Some(guard) if guard != opens => {
                    return Some(format!("it does not open output {} of {}", output.1, output.0));
                }
                Some(_) => {}
            }
            let spender = self.reference.ledger().spenders(&output).find(|other| {
                let seen = self.reference.transaction(other);
                let valid_at_us = seen.and_then(|seen| seen.valid_at_us);
                *other != id
                    && !self.reference.was_hidden(other, self.sent_us)
                    && valid_at_us.is_some_and(|at_us| at_us + HEARD_WITHIN_US < self.sent_us)
            })?;
            Some(format!("{spender} had spent output {} of {}", output.1, output.0))
        })
    }

    /// Whether all it spends was there when it was sent, and nobody else may have spent it since.
    fn is_surely_spendable(&self, examined: &Examined) -> bool {
        examined.spends.iter().all(|(input, opens)| {
            let output = self.reference.output(input);
            let seen = self.reference.transaction(&output.0);
            let known = seen.and_then(|seen| seen.valid_at_us);
            let made = self.reference.history_of(&output.0);
            let rivals = self.reference.spenders_of(&output);
            known.is_some_and(|at_us| at_us + HEARD_WITHIN_US < self.sent_us)
                && !self.reference.was_hidden(&output.0, self.sent_us)
                && made.is_some_and(|made| made.guard(output.1) == Some(opens))
                && rivals.into_iter().all(|rival| {
                    let blocks = self.reference.transaction(rival).map(|seen| &seen.blocks);
                    blocks.into_iter().flatten().all(|block| {
                        let block = self.reference.block(block);
                        block.is_some_and(|block| {
                            block.election == Election::Invalid
                                && block.elected_at_us + HEARD_WITHIN_US < self.sent_us
                        })
                    })
                })
        })
    }
}

fn is_ascii(document: &Json) -> bool {
    document.to_string().is_ascii()
}
