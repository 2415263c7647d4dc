//! The storage in memory, for simulations and tests: rows are kept as they are, nothing is parsed.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use bigchaindb_core::model::Transaction;

use super::{Direction, Durability, SOFT_WRITES_MAX, Slot, Storage, StorageError, Writes};
use crate::key::Key;
use crate::row::{Row, Shape};

/// A map, and how to undo what is not yet "on disk".
#[derive(Default)]
pub(crate) struct Memory {
    slots: BTreeMap<Key, Slot>,
    /// What the soft writes since the last hard one replaced, oldest first, a list per batch.
    undo: Vec<Vec<(Key, Slot)>>,
}

impl Memory {
    fn set(&mut self, key: Key, slot: Slot) -> Slot {
        let before = match slot {
            Slot::Empty => self.slots.remove(&key),
            slot => self.slots.insert(key, slot),
        };
        before.unwrap_or(Slot::Empty)
    }

    fn get(&self, key: &[u8]) -> Option<&Arc<Row>> {
        if let Slot::Row(row) = self.slots.get(key)? { Some(row) } else { None }
    }
}

impl Storage for Memory {
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError> {
        Ok(self.get(key).cloned())
    }

    fn shape(&self, key: &[u8]) -> Result<Option<Shape>, StorageError> {
        Ok(self.get(key).map(|row| row.shape()))
    }

    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError> {
        Ok(self.get(key).and_then(|row| row.part(number)))
    }

    fn text(&self, key: &[u8]) -> Result<Option<Arc<str>>, StorageError> {
        Ok(match self.slots.get(key) {
            Some(Slot::Text(text)) => Some(text.clone()),
            _ => None,
        })
    }

    fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Key>, StorageError> {
        if from >= to {
            return Ok(vec![]);
        }
        let range = self.slots.range::<[u8], _>((Included(from), Excluded(to)));
        let keys = range.map(|(key, _)| key);
        Ok(match direction {
            Direction::Ascending => keys.take(limit).cloned().collect(),
            Direction::Descending => keys.rev().take(limit).cloned().collect(),
        })
    }

    fn parsed(&self) -> u64 {
        0
    }

    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError> {
        match durability {
            Durability::Hard => {
                self.undo.clear();
                for (key, slot) in writes {
                    self.set(key, slot);
                }
            }
            Durability::Soft => {
                let set = |(key, slot): (Key, Slot)| (key.clone(), self.set(key, slot));
                let before = writes.into_iter().map(set).collect();
                self.undo.push(before);
                if self.undo.len() > SOFT_WRITES_MAX {
                    self.undo.clear();
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.undo.clear();
        Ok(())
    }

    fn power_loss(&mut self) -> Option<usize> {
        let batches = std::mem::take(&mut self.undo);
        let lost = batches.len();
        for (key, slot) in batches.into_iter().rev().flatten() {
            self.set(key, slot);
        }
        Some(lost)
    }
}
