//! S10: what stands stays as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json};
use sha2::{Digest as _, Sha256};

use super::reference::{Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Change, Record, Table, row_id};

/// Remembers every row of the tables that only grow.
pub(super) struct Immutable {
    findings: Findings,
    within_us: u64,
    rows: BTreeMap<(Table, Arc<str>), Row>,
    /// Whether there is a final dump.
    dumped: bool,
}

/// What a row was when it was first there.
enum First {
    Whole(Arc<Json>),
    /// The hash of a vote, and its block: where the log is thinned nobody else keeps it.
    Vote([u8; 32], Option<BlockId>),
}

impl First {
    fn of(table: Table, row: &Arc<Json>, thinned: bool) -> Self {
        if table == Table::Votes && thinned {
            Self::Vote(hash(row), voted_for(row))
        } else {
            Self::Whole(Arc::clone(row))
        }
    }

    fn is(&self, row: &Json) -> bool {
        match self {
            Self::Whole(first) => **first == *row,
            Self::Vote(first, _) => *first == hash(row),
        }
    }

    /// The block that a vote is on.
    fn voted_for(&self) -> Option<BlockId> {
        match self {
            Self::Whole(row) => voted_for(row),
            Self::Vote(_, block) => block.clone(),
        }
    }
}

fn hash(row: &Json) -> [u8; 32] {
    Sha256::digest(row.to_string().as_bytes()).into()
}

fn voted_for(row: &Json) -> Option<BlockId> {
    row.get("vote")?.get("voting_for_block")?.as_str().map(BlockId::from)
}

/// A row as it was when it was first there, and what was done to it since.
struct Row {
    first: First,
    present: bool,
    /// Whether the final dump has it, and as it was first.
    dumped: Option<bool>,
    /// Changes and deletions that nothing explains so far: an act may be written down later.
    harms: Vec<(u64, &'static str)>,
}

impl Immutable {
    pub(super) fn new(within_us: u64) -> Self {
        Self { findings: Findings::default(), within_us, rows: BTreeMap::new(), dumped: false }
    }
}

impl Checker for Immutable {
    fn invariant(&self) -> &'static str {
        "S10"
    }

    fn statement(&self) -> &'static str {
        "Blocks and votes (and under default entries of the list) are only ever added: nothing is \
         changed or deleted, but by a Byzantine act, or by a store that had not promised to keep it. \
         What is put back is as it was."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        match &moment.observed.record {
            Record::Change(change) if is_guarded(change.table, moment.reference) => {
                let lossy = moment.reference.surroundings().may_lose_writes(self.within_us);
                let thinned = moment.reference.run().is_some_and(|run| run.thinned);
                self.change(moment.observed.at_us, change, lossy, thinned);
            }
            Record::Final(last) if is_guarded(last.table, moment.reference) => {
                if let Some(id) = row_id(&last.row) {
                    self.dumped = true;
                    if let Some(row) = self.rows.get_mut(&(last.table, id)) {
                        row.dumped = Some(row.first.is(&last.row));
                    }
                }
            }
            _ => {}
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let lossy = reference.surroundings().may_lose_writes(self.within_us);
        let now_us = reference.surroundings().now_us();
        for ((table, id), row) in &self.rows {
            let mut harms = row.harms.clone();
            if self.dumped && row.present {
                match row.dumped {
                    Some(same) if same || !row.harms.is_empty() => {}
                    Some(_) => harms.push((now_us, "changed, and no feed said so")),
                    None if lossy => {}
                    None => harms.push((now_us, "gone, and no feed said so")),
                }
            }
            let explained = reference.acts_on(*table, id).len();
            for (at_us, how) in harms.into_iter().skip(explained) {
                let what = format!("row {id} of {table} is {how}");
                let block = (*table == Table::Bigchain).then(|| BlockId::from(&**id));
                let block = block.or_else(|| row.first.voted_for());
                self.findings.violated(at_us, what, None, &block.iter().collect::<Vec<_>>());
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl Immutable {
    fn change(&mut self, at_us: u64, change: &Change, lossy: bool, thinned: bool) {
        let Some(id) = change.id() else { return };
        let row = self.rows.entry((change.table, id));
        let Some(new) = &change.new else {
            let row = row.and_modify(|row| row.present = false);
            if let std::collections::btree_map::Entry::Occupied(mut row) = row
                && !lossy
            {
                row.get_mut().harms.push((at_us, "deleted"));
            }
            return;
        };
        let row = row.or_insert_with(|| {
            self.findings.looked();
            let first = change.old.as_ref().and_then(|old| old.row.clone());
            Row {
                first: First::of(change.table, first.as_ref().unwrap_or(new), thinned),
                present: true,
                dumped: None,
                harms: Vec::new(),
            }
        });
        row.present = true;
        if row.first.is(new) {
            return;
        }
        if lossy && change.old.is_none() {
            // What was lost has made room for another row.
            row.first = First::of(change.table, new, thinned);
        } else {
            row.harms.push((at_us, "not what it was"));
        }
    }
}

fn is_guarded(table: Table, reference: &Reference) -> bool {
    match table {
        Table::Backlog => false,
        Table::Bigchain | Table::Votes => true,
        Table::Positions => reference.rules() == Rules::Default,
    }
}
