//! S21: nodes tell clients what is so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, TxId};
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
/// Votes give whole seconds, by clocks that nobody has disturbed: none is this much ahead, in seconds.
const VOTES_AHEAD: u64 = 1;

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
    unseen: BTreeMap<TxId, Post>,
    /// What looked wrong where the observer hears things later than nodes do: judged once all is heard.
    suspicions: Vec<(Post, Arc<Json>)>,
}

/// A POST that was answered.
struct Post {
    sent_us: u64,
    at_us: u64,
    operation: Operation,
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
                    match self.unseen.remove(&id) {
                        Some(post) => self.judge(post, Arc::clone(row), reference),
                        None => drop(self.rows.entry(id).or_insert_with(|| Arc::clone(row))),
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
                    let operation = operation.clone();
                    self.answered(Post { sent_us, at_us: observed.at_us, operation }, reference);
                }
            }
            _ => {}
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        for (post, document) in std::mem::take(&mut self.suspicions) {
            if let Some(wrong) = post.wrong(&document, reference) {
                self.violated(&post, &document, wrong);
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl ApiVerdicts {
    fn answered(&mut self, post: Post, reference: &Reference) {
        match (post.operation.kind, &post.operation.tx) {
            // What was accepted before is on its way, or lost a conflict since.
            (Kind::Ok, Some(id)) if !self.judged.contains(id) => match self.rows.remove(id) {
                Some(row) => self.judge(post, row, reference),
                None => drop(self.unseen.entry(id.clone()).or_insert(post)),
            },
            (Kind::Fail, _) if post.operation.http == Some(400) => {
                if let Some(document) = post.operation.document.clone() {
                    self.judge(post, document, reference);
                }
            }
            _ => {}
        }
    }

    fn judge(&mut self, post: Post, document: Arc<Json>, reference: &Reference) {
        if post.operation.kind == Kind::Ok {
            self.judged.extend(post.operation.tx.clone());
        }
        self.findings.looked();
        match post.wrong(&document, reference) {
            Some(wrong) if reference.surroundings().is_exact() => {
                self.violated(&post, &document, wrong);
            }
            Some(_) => self.suspicions.push((post, document)),
            None => {}
        }
    }

    fn violated(&mut self, post: &Post, document: &Json, wrong: String) {
        let id = document.get("id").and_then(Json::as_str).map(TxId::from);
        self.findings.violated(post.at_us, wrong, id.as_ref(), &[]);
    }
}

impl Post {
    /// What is wrong with the answer, by what is known.
    fn wrong(&self, document: &Json, reference: &Reference) -> Option<String> {
        let said = Said { post: self, reference };
        match self.operation.kind {
            Kind::Ok => said.wrongly_accepted(document),
            _ => said.wrongly_refused(document),
        }
    }
}

/// An answer, and what it is held against.
#[derive(Clone, Copy)]
struct Said<'a> {
    post: &'a Post,
    reference: &'a Reference,
}

impl Said<'_> {
    fn wrongly_accepted(&self, row: &Json) -> Option<String> {
        let id = self.post.operation.tx.as_ref()?;
        let examined = self.examine(row);
        if examined.unsure {
            return None;
        }
        let odd = examined.odd.clone().filter(|_| self.reference.rules() == Rules::Default);
        let why = examined.wrong.clone().or(odd).or_else(|| self.why_not(&examined, id))?;
        Some(format!("{} accepted {id}, but {why}", self.post.operation.node))
    }

    fn wrongly_refused(&self, document: &Json) -> Option<String> {
        let body = document.get("transaction");
        let creates =
            body.and_then(|body| body.get("operation")).and_then(Json::as_str) == Some("CREATE");
        let plain = self.reference.rules() == Rules::Default || is_ascii(document);
        let valid = if creates {
            can_create(document) == Some(true) && plain
        } else {
            let examined = self.examine(document);
            plain
                && has_documented_fields(document)
                && !examined.unsure
                && examined.wrong.is_none()
                && examined.odd.is_none()
                && self.is_surely_spendable(&examined)
        };
        let operation = &self.post.operation;
        let reason = operation.value.as_deref().unwrap_or("no reason given");
        let name = document.get("id").and_then(Json::as_str).unwrap_or("a CREATE");
        valid.then(|| format!("{} refused {name}, which is valid: {reason}", operation.node))
    }

    fn examine(&self, document: &Json) -> Examined {
        let at = self.reference.unix_s(self.post.at_us);
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
            if !self.may_have_been_there(&output.0) {
                return Some(format!("{} was in no VALID block", output.0));
            }
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
                    && !self.reference.was_hidden(other, self.post.sent_us)
                    && valid_at_us.is_some_and(|at_us| at_us + HEARD_WITHIN_US < self.post.sent_us)
            })?;
            Some(format!("{spender} had spent output {} of {}", output.1, output.0))
        })
    }

    /// Whether a transaction that is in a VALID block now may have been there when the answer was given.
    ///
    /// Where the observer hears of votes later than nodes do, they say themselves when they were cast.
    fn may_have_been_there(&self, id: &TxId) -> bool {
        let Self { reference, post } = *self;
        if reference.surroundings().is_exact() || reference.surroundings().has_wrong_clocks() {
            return true;
        }
        let answered_s = reference.unix_s(post.at_us) + VOTES_AHEAD;
        let cast_by_then = |block: &BlockId| {
            let votes = reference.ballot().good_votes(block);
            let cast = votes
                .filter(|vote| vote.valid && vote.timestamp.is_none_or(|at_s| at_s <= answered_s));
            2 * cast.count() > reference.federation().len()
        };
        let blocks = reference.blocks_of(id, Election::Valid);
        blocks.is_empty() || blocks.into_iter().any(|id| reference.is_first(id) || cast_by_then(id))
    }

    /// Whether all it spends was there when it was sent, and nobody else may have spent it since.
    fn is_surely_spendable(&self, examined: &Examined) -> bool {
        examined.spends.iter().all(|(input, opens)| {
            let output = self.reference.output(input);
            let seen = self.reference.transaction(&output.0);
            let known = seen.and_then(|seen| seen.valid_at_us);
            let made = self.reference.history_of(&output.0);
            let rivals = self.reference.spenders_of(&output);
            known.is_some_and(|at_us| at_us + HEARD_WITHIN_US < self.post.sent_us)
                && !self.reference.was_hidden(&output.0, self.post.sent_us)
                && made.is_some_and(|made| made.guard(output.1) == Some(opens))
                && rivals.into_iter().all(|rival| {
                    let blocks = self.reference.transaction(rival).map(|seen| &seen.blocks);
                    blocks.into_iter().flatten().all(|block| {
                        let block = self.reference.block(block);
                        block.is_some_and(|block| {
                            block.election == Election::Invalid
                                && block.elected_at_us + HEARD_WITHIN_US < self.post.sent_us
                        })
                    })
                })
        })
    }
}

fn is_ascii(document: &Json) -> bool {
    document.to_string().is_ascii()
}
