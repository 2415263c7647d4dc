//! S15: Byzantine members change nothing for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, NodeKey};
use bigchaindb_core::rules::Election;

use super::reference::{GoodVote, News, Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Act, Befell, Change, Record, Table, election_word};

/// Compares what correct nodes say with the good votes, and what was harmed with what came of it.
pub(super) struct CorrectNodes {
    findings: Findings,
    within_us: u64,
    /// What good votes have made of each block, at some time.
    been: BTreeSet<(BlockId, Election)>,
    /// Rows that were changed or deleted, by table and key.
    harmed: BTreeMap<(Table, Arc<str>), Harmed>,
    /// What nodes wrote into their logs about harmed rows.
    reports: Vec<(u64, Arc<str>)>,
    rows: BTreeMap<(Table, Arc<str>), Arc<Json>>,
}

/// A row that somebody changed or deleted.
struct Harmed {
    /// As it was before.
    before: Arc<Json>,
    /// Since when it has not been as it was, until it was put back. Harm upon harm needs no name of its own.
    since_us: u64,
    /// When it was harmed last, and put back after that.
    at_us: u64,
    back_at_us: Option<u64>,
}

impl CorrectNodes {
    pub(super) fn new(within_us: u64) -> Self {
        Self {
            findings: Findings::default(),
            within_us,
            been: BTreeSet::new(),
            harmed: BTreeMap::new(),
            reports: Vec::new(),
            rows: BTreeMap::new(),
        }
    }
}

impl Checker for CorrectNodes {
    fn invariant(&self) -> &'static str {
        "S15"
    }

    fn statement(&self) -> &'static str {
        "Where members act against the rules, what correct nodes say of a block is what the good votes \
         come to, forged ones change nothing; and what is changed or deleted of others' is named by a \
         correct node and (under default) put back."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, news, reference } = *moment;
        for news in news {
            if let News::Vote(GoodVote { block, .. }) | News::Elected { block, .. } = news {
                self.been.insert((block.clone(), without_forgeries(reference, block)));
            }
        }
        match &observed.record {
            // Where nobody means harm there is none to be put back, and no row to be remembered.
            Record::Change(change)
                if change.table != Table::Backlog
                    && reference.run().is_none_or(|run| !run.byzantine.is_empty()) =>
            {
                self.change(observed.at_us, change);
            }
            Record::Node(event)
                if event.event == Befell::Log
                    && event.text.starts_with("somebody ")
                    && !reference.is_byzantine_name(&event.node) =>
            {
                self.reports.push((observed.at_us, Arc::clone(&event.text)));
            }
            Record::Decided(decided)
                if !reference.is_byzantine_name(&decided.node)
                    && reference.counts_as(&decided.node) =>
            {
                let forged = is_forged(reference, &decided.block);
                let suspicious =
                    forged || reference.run().is_some_and(|run| !run.byzantine.is_empty());
                if !suspicious
                    || !reference.surroundings().is_exact()
                    || reference.block(&decided.block).is_none()
                {
                    return;
                }
                self.findings.looked();
                let by_votes = without_forgeries(reference, &decided.block);
                let was_so = self.been.contains(&(decided.block.clone(), decided.election));
                if by_votes != decided.election && !was_so {
                    let (said, is) = (election_word(decided.election), election_word(by_votes));
                    let (node, id) = (&decided.node, &decided.block);
                    let what =
                        format!("{node} says block {id} is {said}, by the good votes it is {is}");
                    self.findings.violated(observed.at_us, what, None, &[id]);
                }
            }
            _ => {}
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        for ((table, key), harmed) in &self.harmed {
            let acts = reference.acts_on(*table, key);
            let mut others =
                acts.iter().filter(|(_, act)| is_others(reference, act, *table, &harmed.before));
            let Some((_, act)) = others.next_back() else { continue };
            if reference.rules() != Rules::Default {
                continue;
            }
            self.findings.looked();
            let due_us = reference.surroundings().due_us(harmed.at_us, self.within_us);
            let is_due = due_us.is_some_and(|due_us| reference.surroundings().now_us() >= due_us);
            let named = self.reports.iter().any(|(at_us, text)| {
                *at_us >= harmed.since_us && text.contains(&**key) && text.ends_with(table.as_str())
            });
            let what = match (harmed.back_at_us, named) {
                (Some(_), true) => continue,
                _ if !is_due => {
                    self.findings
                        .doubted("a row was harmed, and the log ends before it has to be back");
                    continue;
                }
                (None, _) => {
                    format!("row {key} of {table}, harmed by {}, was not put back", act.node)
                }
                (_, false) => {
                    format!("no node named the harm that {} did to row {key} of {table}", act.node)
                }
            };
            self.findings.violated(harmed.at_us, what, None, &[]);
        }
        std::mem::take(&mut self.findings)
    }
}

impl CorrectNodes {
    fn change(&mut self, at_us: u64, change: &Change) {
        let Some(id) = change.id() else { return };
        let row = (change.table, id);
        match (self.rows.get(&row), &change.new) {
            (None, Some(new)) => drop(self.rows.insert(row, Arc::clone(new))),
            (Some(before), Some(new)) if before == new => {
                if let Some(harmed) = self.harmed.get_mut(&row) {
                    harmed.back_at_us = Some(at_us);
                }
            }
            (Some(before), _) => {
                let before = Arc::clone(before);
                let still = self.harmed.get(&row).filter(|harmed| harmed.back_at_us.is_none());
                let since_us = still.map_or(at_us, |harmed| harmed.since_us);
                self.harmed.insert(row, Harmed { before, since_us, at_us, back_at_us: None });
            }
            (None, None) => {}
        }
    }
}

/// Whether the row that was harmed is somebody else's than the one's who did it, and proves itself.
fn is_others(reference: &Reference, act: &Act, table: Table, before: &Json) -> bool {
    let author = match table {
        Table::Bigchain => before.get("block").and_then(|block| block.get("node_pubkey")),
        Table::Votes => before.get("node_pubkey"),
        Table::Backlog | Table::Positions => return true,
    };
    let Some(author) = author.and_then(Json::as_str).map(NodeKey::from) else { return false };
    let members = || reference.run().into_iter().flat_map(|run| &run.nodes);
    let own = members().any(|member| member.name == act.node && member.key == author);
    !own && members().any(|member| member.key == author) && !reference.is_byzantine(&author)
}

/// Whether rows on this block pretend to be votes, and are none.
fn is_forged(reference: &Reference, id: &BlockId) -> bool {
    let voters = reference.block(id).map(|block| &*block.document.voters).unwrap_or_default();
    reference.ballot().bad_rows(id, voters) > 0
}

/// How the block is decided if only good votes count.
fn without_forgeries(reference: &Reference, id: &BlockId) -> Election {
    let Some(block) = reference.block(id) else { return Election::Undecided };
    if reference.rules() == Rules::Default || !is_forged(reference, id) {
        return block.election;
    }
    reference.ballot().count_good(id, &block.document.voters)
}
