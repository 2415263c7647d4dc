//! Rows that stand for ever, and that somebody changed or deleted on purpose.
//!
//! They count as they were: whoever has read them knows them, and they are put back. Here: when they
//! were not as they were. Not here: whether they are put back (`correct_nodes`).

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, TxId};

use super::{Reference, Timed};
use crate::observe::{Change, Table, row_id};
use crate::plan::Act as ByzantineAct;

/// Which rows were away when. Only kept where members act against the rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Harms {
    /// Every row as it was first seen.
    first: BTreeMap<(Table, Arc<str>), Arc<Json>>,
    away: BTreeMap<(Table, Arc<str>), Vec<Absence>>,
}

/// From when until when; none: still.
type Absence = (u64, Option<u64>);

impl Harms {
    pub(super) fn see(&mut self, table: Table, row: &Arc<Json>) {
        if let Some(id) = row_id(row) {
            self.first.entry((table, id)).or_insert_with(|| Arc::clone(row));
        }
    }

    /// A row that was harmed before, or is now, is another one.
    fn change(&mut self, at_us: u64, row: (Table, Arc<str>), new: Option<&Arc<Json>>) {
        let is_as_it_was = new.is_some() && self.first.get(&row) == new;
        let times = self.away.entry(row).or_default();
        match (times.last_mut(), is_as_it_was) {
            (Some((_, until @ None)), true) => *until = Some(at_us),
            (Some((_, None)), false) | (_, true) => {}
            (_, false) => times.push((at_us, None)),
        }
    }
}

impl Reference {
    /// Takes in what happens to a harmed row; says whether that was all there is to it.
    pub(super) fn change_harmed(&mut self, change: &Change) -> bool {
        let Some(id) = change.id().filter(|id| self.is_harmed(change.table, id)) else {
            return false;
        };
        let row = (change.table, id);
        let known = change.old.is_some() || self.harms.away.contains_key(&row);
        if known {
            self.harms.change(self.now_us, row, change.new.as_ref());
        }
        known
    }

    /// Whether somebody has on purpose changed or deleted a row that has to stand for ever.
    pub(super) fn is_harmed(&self, table: Table, id: &Arc<str>) -> bool {
        let harms = |(_, act): &Timed| {
            ByzantineAct::by_name(&act.act).is_none_or(|act| !act.only_inserts())
        };
        table != Table::Backlog && self.acts_on(table, id).iter().any(harms)
    }

    /// Whether a block that holds the transaction was not as it had been at some time since then: who
    /// has to read it there may not have found it.
    pub fn was_hidden(&self, transaction: &TxId, since_us: u64) -> bool {
        let holds = self.transaction(transaction).into_iter().flat_map(|seen| &seen.blocks);
        holds.into_iter().any(|block| self.was_away(block, since_us))
    }

    /// Whether a block, or a vote on it, was not as it had been at some time since then.
    pub fn was_away(&self, block: &BlockId, since_us: u64) -> bool {
        let away = |row: &(Table, Arc<str>)| {
            let times = self.harms.away.get(row).into_iter().flatten();
            times.into_iter().any(|(_, until)| until.is_none_or(|until| until >= since_us))
        };
        away(&(Table::Bigchain, block.as_str().into()))
            || self.ballot.keys_on(block).any(|key| away(&(Table::Votes, Arc::clone(key))))
    }
}
