//! What a database does for a cluster of servers that shares it: rows written with the changes that this
//! makes, taken back when they are lost, and read as if some had not been made.

use std::sync::Arc;

use super::{Database, DatabaseError, Prepared, Swapped, is_same, there};
use crate::TableId;
use crate::batch::{Batch, BatchError, row_key};
use crate::feeds::Change;
use crate::live::Attempt;
use crate::reql::Datum;
use crate::row::Row;
use crate::storage::Durability;

/// An attempt, with all that can be made of it before its turn comes.
enum Ready {
    Write(Prepared),
    Keep { key: Box<[u8]>, row: Option<Arc<Row>> },
}

impl Database {
    /// Writes rows, each if it still is what was read; with each the change that it makes. All of it
    /// is one step, soon on disk, and no feed is told.
    ///
    /// # Errors
    /// As [`swap`](Self::swap).
    pub(crate) fn attempt(
        &self,
        table: TableId,
        attempts: Vec<Attempt>,
    ) -> Result<Vec<(Swapped, Option<Change>)>, DatabaseError> {
        let catalog = self.catalog();
        let ready = |attempt| match attempt {
            Attempt::Write(swap) => Ok(Ready::Write(Prepared::new(&catalog, swap)?)),
            Attempt::Keep { key, row } => Ok(Ready::Keep { key: row_key(table, &key)?, row }),
        };
        let ready = attempts.into_iter().map(ready).collect::<Result<Vec<_>, DatabaseError>>()?;
        self.0.core.write(Durability::Soft, |engine| {
            there(engine.catalog(), table)?;
            let (done, changes) = engine.transact_untold(Durability::Soft, |batch| {
                let done = ready.into_iter().map(|ready| ready.done(batch));
                done.collect::<Result<Vec<_>, DatabaseError>>()
            })?;
            let mut changes = changes.into_iter();
            let with_change = |(swapped, changed): (_, bool)| {
                (swapped, changed.then(|| changes.next()).flatten())
            };
            Ok(done.into_iter().map(with_change).collect())
        })
    }

    /// Takes changes back, newest first. No feed is told.
    ///
    /// # Errors
    /// If the storage does not work.
    pub(crate) fn undo(&self, changes: &[Change]) -> Result<(), BatchError> {
        self.0.core.write(Durability::Soft, |engine| engine.undo(changes, Durability::Soft))
    }

    /// The row with this primary key, as if these changes, newest first, had not been made.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn get_without(
        &self,
        table: TableId,
        key: &Datum,
        unseen: &[Change],
    ) -> Result<Option<Arc<Row>>, DatabaseError> {
        let key = row_key(table, key)?;
        let engine = self.engine();
        there(engine.catalog(), table)?;
        let mut batch = engine.read();
        unseen.iter().try_for_each(|change| batch.take_back(change))?;
        Ok(batch.row(&key)?)
    }
}

impl Ready {
    /// What became of it, and whether that changed anything.
    fn done(self, batch: &mut Batch<'_>) -> Result<(Swapped, bool), DatabaseError> {
        match self {
            Self::Write(prepared) => {
                let changes = prepared.expected.is_some() || prepared.new.is_some();
                let swapped = prepared.done(batch)?;
                let changed = changes && matches!(swapped, Swapped::Done);
                Ok((swapped, changed))
            }
            Self::Keep { key, row } => {
                let stands = batch.row(&key)?;
                let swapped = match is_same(stands.as_ref(), row.as_ref()) {
                    true => Swapped::Done,
                    false => Swapped::Conflict(stands),
                };
                Ok((swapped, false))
            }
        }
    }
}
