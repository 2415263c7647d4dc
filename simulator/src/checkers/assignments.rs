//! S14: nodes mind their own business.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::{Record, Table};

/// Remembers whose turn each transaction was.
#[derive(Default)]
pub(super) struct Assignments {
    findings: Findings,
    assignees: BTreeMap<TxId, BTreeSet<NodeKey>>,
    /// Where the order of the log is not that of events: the row may be seen after the block.
    early: Vec<(u64, BlockId, TxId, NodeKey)>,
}

impl Checker for Assignments {
    fn invariant(&self) -> &'static str {
        "S14"
    }

    fn statement(&self) -> &'static str {
        "A transaction waits for a member of the federation, and only a node that it has waited for \
         puts it into a block."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        if let Record::Change(change) = &moment.observed.record
            && change.table == Table::Backlog
            && let Some(row) = &change.new
        {
            self.assigned(at_us, row, moment.reference);
        }
        for news in moment.news {
            if let News::Block(id) = news {
                self.block(at_us, id, moment.reference);
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        for (at_us, block, transaction, author) in std::mem::take(&mut self.early) {
            let assignees = self.assignees.get(&transaction);
            if assignees.is_none_or(|assignees| !assignees.contains(&author)) {
                self.report(at_us, &block, &transaction, reference.name(&author));
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl Assignments {
    fn assigned(&mut self, at_us: u64, row: &Json, reference: &Reference) {
        let Some(id) = row.get("id").and_then(Json::as_str).map(TxId::from) else { return };
        let assignee = NodeKey::from(row.get("assignee").and_then(Json::as_str).unwrap_or(""));
        let on_purpose = !reference.acts_on(Table::Backlog, &id.as_str().into()).is_empty();
        if !reference.federation().contains(&assignee) && !on_purpose {
            let what = format!("{id} waits for {assignee}, who is not of the federation");
            self.findings.violated(at_us, what, Some(&id), &[]);
        }
        self.assignees.entry(id).or_default().insert(assignee);
    }

    fn block(&mut self, at_us: u64, id: &BlockId, reference: &Reference) {
        let Some(block) = reference.block(id) else { return };
        let author = &block.document.author;
        if block.document.is_genesis
            || reference.is_byzantine(author)
            || !block.sealed
            || !reference.federation().contains(author)
            || block.seen_at_us < at_us
        {
            return;
        }
        for transaction in &block.document.transactions {
            self.findings.looked();
            let assignees = self.assignees.get(&transaction.id);
            if assignees.is_some_and(|assignees| assignees.contains(author)) {
                continue;
            }
            if reference.surroundings().is_exact() {
                self.report(at_us, id, &transaction.id, reference.name(author));
            } else {
                let early = (at_us, id.clone(), transaction.id.clone(), author.clone());
                self.early.push(early);
            }
        }
    }

    fn report(&mut self, at_us: u64, block: &BlockId, transaction: &TxId, author: &str) {
        let what = format!("{author} put {transaction} into block {block}; it never waited for it");
        self.findings.violated(at_us, what, Some(transaction), &[block]);
    }
}
