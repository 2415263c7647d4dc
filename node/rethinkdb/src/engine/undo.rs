//! Changes taken back, for whoever models what a cluster loses.

use bigchaindb_core::query::{Answer, Query, StoreError};

use super::Engine;
use crate::answer::answer;
use crate::batch::{Batch, BatchError};
use crate::feeds::Change;
use crate::storage::Durability;

impl Engine {
    /// Takes changes back, newest first, as if they had never been made. No feed tells of that.
    ///
    /// # Errors
    /// If the storage does not work; then nothing was taken back.
    pub fn undo(&mut self, changes: &[Change], durability: Durability) -> Result<(), BatchError> {
        let mut batch = self.read();
        take_back(&mut batch, changes)?;
        let (writes, _) = batch.finish()?;
        Ok(self.put(writes, durability)?)
    }

    /// Answers a query that only reads as if these changes, newest first, had not been made.
    ///
    /// # Errors
    /// As [`apply_all`](Self::apply_all).
    pub fn answer_without(&self, query: &Query, changes: &[Change]) -> Result<Answer, StoreError> {
        let mut batch = self.read();
        let answered = take_back(&mut batch, changes).and_then(|()| answer(&mut batch, query));
        answered.map_err(|error| match error {
            BatchError::Storage(error) => StoreError::Indeterminate(error.to_string()),
            refused => StoreError::Refused(refused.to_string()),
        })
    }
}

fn take_back(batch: &mut Batch<'_>, changes: &[Change]) -> Result<(), BatchError> {
    changes.iter().try_for_each(|change| batch.take_back(change))
}
