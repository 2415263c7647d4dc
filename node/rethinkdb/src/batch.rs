//! What is read and written together: reads see what was written before them in the same batch,
//! and nothing of it is in the storage until all of it is.
//!
//! Here: rows by primary key and by index, and how a changed row moves its index entries along.
//! Not here: what BigchainDB asks (`answer`).

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use bigchaindb_core::model::{Json, Transaction};

use crate::feeds::Change;
use crate::key::{self, Key, KeyError};
use crate::row::{Row, Shape};
use crate::schema::{IndexId, Schema, TableId};
use crate::storage::{Slot, Space, Storage, StorageError, Writes};

/// A batch of reads and writes. See [`Engine::transact`](crate::Engine::transact).
pub struct Batch<'e> {
    schema: &'static Schema,
    storage: &'e dyn Storage,
    writes: Writes,
    changes: Vec<Change>,
}

/// Why a batch stops.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The document cannot be a row; nothing was written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The storage does not work.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// An entry of an index.
pub(crate) struct Entry {
    table: TableId,
    key: Key,
    /// Where the row's primary key starts.
    row: usize,
    /// Where the tag starts.
    tag: usize,
}

impl Entry {
    /// The whole key of the entry.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The whole key of the row.
    pub(crate) fn row(&self) -> Vec<u8> {
        let mut row = Space::rows(self.table).key();
        row.extend(self.id());
        row
    }

    /// The primary key of the row, encoded.
    pub(crate) fn id(&self) -> &[u8] {
        &self.key[self.row..self.tag]
    }

    /// The number of the element that is found here on the outermost array, if the index goes
    /// through one.
    pub(crate) fn element(&self) -> Option<u32> {
        let number = self.key[self.tag..].first_chunk()?;
        Some(u32::from_be_bytes(*number))
    }
}

impl<'e> Batch<'e> {
    pub(crate) fn new(schema: &'static Schema, storage: &'e dyn Storage) -> Self {
        Self { schema, storage, writes: BTreeMap::new(), changes: vec![] }
    }

    /// What is to be written, and what feeds will tell about it.
    pub(crate) fn finish(self) -> (Writes, Vec<Change>) {
        (self.writes, self.changes)
    }

    /// The row with this primary key.
    ///
    /// # Errors
    /// If the value cannot be a primary key, or the storage does not work.
    pub fn get(&self, table: TableId, id: &Json) -> Result<Option<Arc<Row>>, BatchError> {
        Ok(self.row(&row_key(table, id)?)?)
    }

    /// All rows of a table, by primary key.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn rows(&self, table: TableId) -> Result<Vec<Arc<Row>>, StorageError> {
        let prefix = Space::rows(table).key();
        let keys = self.keys(&prefix, &after(&prefix), usize::MAX)?;
        let rows = keys.iter().map(|key| Ok(self.row(key)?.expect("a row has just been seen")));
        rows.collect()
    }

    /// The rows that an index has under a value, by primary key; one that is there several times
    /// comes as often.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn get_all(&self, index: IndexId, value: &Json) -> Result<Vec<Arc<Row>>, StorageError> {
        let mut prefix = Space::index(index).key();
        if !key::encode(value, &mut prefix) {
            return Ok(vec![]);
        }
        self.rows_of(&self.entries(index, &prefix, usize::MAX)?)
    }

    /// The rows of an index, ascending by (value, primary key), whose value is an array that starts
    /// with these values; all rows of an index whose values are no arrays if there are none.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn ordered(
        &self,
        index: IndexId,
        starts_with: &[Json],
        limit: usize,
    ) -> Result<Vec<Arc<Row>>, StorageError> {
        let mut prefix = Space::index(index).key();
        if !starts_with.is_empty() {
            key::encode_start_of_array(starts_with, &mut prefix);
        }
        self.rows_of(&self.entries(index, &prefix, limit)?)
    }

    /// The rows that entries belong to.
    pub(crate) fn rows_of(&self, entries: &[Entry]) -> Result<Vec<Arc<Row>>, StorageError> {
        let of = |entry: &Entry| {
            let row = self.row(&entry.row())?;
            Ok(row.expect("an index entry has its row"))
        };
        entries.iter().map(of).collect()
    }

    /// Writes a row unless its primary key is taken; whether it did.
    ///
    /// # Errors
    /// If the document has no proper primary key, or the storage does not work.
    pub fn insert(&mut self, table: TableId, row: Row) -> Result<bool, BatchError> {
        let key = primary_key(table, &row)?;
        if self.shape(&key)?.is_some() {
            return Ok(false);
        }
        self.set(table, key, None, Some(Arc::new(row)))?;
        Ok(true)
    }

    /// Writes a row, over the one that has its primary key, if any; whether that changed anything.
    ///
    /// # Errors
    /// If the document has no proper primary key, or the storage does not work.
    pub fn replace(&mut self, table: TableId, row: Row) -> Result<bool, BatchError> {
        let key = primary_key(table, &row)?;
        let before = self.row(&key)?;
        if before.as_deref() == Some(&row) {
            return Ok(false);
        }
        self.set(table, key, before, Some(Arc::new(row)))?;
        Ok(true)
    }

    /// Takes a row away; whether there was one.
    ///
    /// # Errors
    /// If the value cannot be a primary key, or the storage does not work.
    pub fn delete(&mut self, table: TableId, id: &Json) -> Result<bool, BatchError> {
        let key = row_key(table, id)?;
        let Some(before) = self.row(&key)? else { return Ok(false) };
        self.set(table, key, Some(before), None)?;
        Ok(true)
    }

    /// Puts `new` where `old` was, with everything that follows from it.
    fn set(
        &mut self,
        table: TableId,
        key: Key,
        old: Option<Arc<Row>>,
        new: Option<Arc<Row>>,
    ) -> Result<(), StorageError> {
        for (number, index) in (0..).zip(self.schema.of(table).indexes) {
            let space = Space::index(IndexId { table, number });
            for (row, slot) in [(&old, Slot::Empty), (&new, Slot::Entry)] {
                let Some(row) = row else { continue };
                index.value.entries(row, &mut |value, tag| {
                    let entry = entry_key(space, value, &key[SPACE..], tag);
                    self.writes.insert(entry, slot.clone());
                });
            }
        }
        self.writes.insert(key, new.clone().map_or(Slot::Empty, Slot::Row));
        let change = Change { table, old, new };
        for follow in self.schema.views {
            follow(self, &change)?;
        }
        self.changes.push(change);
        Ok(())
    }

    /// The row under a whole key.
    pub(crate) fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError> {
        match self.writes.get(key) {
            Some(Slot::Row(row)) => Ok(Some(row.clone())),
            Some(_) => Ok(None),
            None => self.storage.row(key),
        }
    }

    /// What the row under a whole key was taken for.
    pub(crate) fn shape(&self, key: &[u8]) -> Result<Option<Shape>, StorageError> {
        match self.writes.get(key) {
            Some(Slot::Row(row)) => Ok(Some(row.shape())),
            Some(_) => Ok(None),
            None => self.storage.shape(key),
        }
    }

    /// One transaction of the block under a whole key.
    pub(crate) fn part(
        &self,
        key: &[u8],
        number: u32,
    ) -> Result<Option<Arc<Transaction>>, StorageError> {
        match self.writes.get(key) {
            Some(Slot::Row(row)) => Ok(row.part(number)),
            Some(_) => Ok(None),
            None => self.storage.part(key, number),
        }
    }

    /// Writes a key that is no row's: an index entry or nothing.
    pub(crate) fn mark(&mut self, key: Key, slot: Slot) {
        self.writes.insert(key, slot);
    }

    /// The first entries of an index whose keys start with `prefix`, ascending.
    pub(crate) fn entries(
        &self,
        index: IndexId,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        self.entries_from(index, prefix, &after(prefix), limit)
    }

    /// The first entries of an index with keys from `from` on and before `to`, ascending.
    pub(crate) fn entries_from(
        &self,
        index: IndexId,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let tag_length = 4 * self.schema.index_of(index).value.tag_length();
        let entries = self.keys(from, to, limit)?.into_iter().map(|key| {
            let row = SPACE + key::length(&key[SPACE..]);
            Entry { table: index.table, row, tag: key.len() - tag_length, key }
        });
        Ok(entries.collect())
    }

    /// The first entries of an index under a text.
    pub(crate) fn entries_under(
        &self,
        index: IndexId,
        value: &str,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let mut prefix = Space::index(index).key();
        key::encode_text(value, &mut prefix);
        self.entries(index, &prefix, limit)
    }

    /// The first keys from `from` on and before `to`, ascending: those of the storage, and those
    /// that this batch adds and takes away.
    pub(crate) fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Key>, StorageError> {
        let range = (Included(from), Excluded(to));
        let pending: Vec<_> = self.writes.range::<[u8], _>(range).collect();
        // Each pending key takes away at most one of those that are read.
        let stored = self.storage.keys(from, to, limit.saturating_add(pending.len()))?;
        if pending.is_empty() {
            return Ok(stored);
        }
        let mut keys: BTreeMap<Key, ()> = stored.into_iter().map(|key| (key, ())).collect();
        for (key, slot) in pending {
            match slot {
                Slot::Empty => keys.remove(key),
                _ => keys.insert(key.clone(), ()),
            };
        }
        Ok(keys.into_keys().take(limit).collect())
    }
}

/// How many bytes of a key say in which space it is.
const SPACE: usize = 2;

/// The whole key of a row.
fn row_key(table: TableId, id: &Json) -> Result<Key, KeyError> {
    let mut key = Space::rows(table).key();
    key::encode_primary(id, &mut key)?;
    Ok(key.into())
}

fn primary_key(table: TableId, row: &Row) -> Result<Key, KeyError> {
    let id = row.root().get("id").and_then(|id| id.json()).ok_or(KeyError::Missing)?;
    row_key(table, id)
}

fn entry_key(space: Space, value: &[u8], row: &[u8], tag: &[u32]) -> Key {
    let mut key = space.key();
    key.extend(value);
    key.extend(row);
    tag.iter().for_each(|number| key.extend(number.to_be_bytes()));
    key.into()
}

/// The first key after all that start with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    // No letter of a type, and nothing else that goes on in a key, is as large as this.
    [prefix, &[u8::MAX]].concat()
}
