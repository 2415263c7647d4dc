//! What is read and written together: reads see what was written before them in the same batch,
//! and nothing of it is in the storage until all of it is.
//!
//! Here: rows by primary key and by index, and how a changed row moves its index entries along.
//! Not here: what BigchainDB asks (`answer`).

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Json, Transaction};

use crate::catalog::{Catalog, CatalogError, Index, IndexId, Table, TableId};
use crate::feeds::Change;
use crate::key::{self, Bounds, Key, KeyError};
use crate::reql::Datum;
use crate::row::{Row, Shape};
use crate::storage::{Direction, SPACE, Slot, Space, Storage, StorageError, Writes, merged};

/// A batch of reads and writes. See [`Engine::transact`](crate::Engine::transact).
pub struct Batch<'e> {
    catalog: &'e Catalog,
    storage: &'e dyn Storage,
    writes: Writes,
    changes: Vec<Change>,
    /// How many rows more or fewer each table has.
    more: BTreeMap<u16, i64>,
}

/// Why a batch stops.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The document cannot be a row; nothing was written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no such table.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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
    pub(crate) fn new(catalog: &'e Catalog, storage: &'e dyn Storage) -> Self {
        let (writes, more) = Default::default();
        Self { catalog, storage, writes, changes: vec![], more }
    }

    /// What is to be written, and what feeds will tell about it.
    ///
    /// # Errors
    /// If the storage does not work.
    pub(crate) fn finish(mut self) -> Result<(Writes, Vec<Change>), StorageError> {
        for (table, more) in std::mem::take(&mut self.more) {
            if more != 0 {
                let count = self.count(table)?.saturating_add_signed(more);
                self.writes.insert(count_key(table), Slot::Text(count.to_string().into()));
            }
        }
        Ok((self.writes, self.changes))
    }

    /// How many rows the storage has of a table.
    pub(crate) fn count(&self, table: u16) -> Result<u64, StorageError> {
        let text = self.storage.text(&count_key(table))?;
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Which tables and indexes there are.
    pub(crate) fn catalog(&self) -> &'e Catalog {
        self.catalog
    }

    /// The row with this primary key.
    ///
    /// # Errors
    /// If the value cannot be a primary key, or the storage does not work.
    pub fn get(&self, table: TableId, id: &Json) -> Result<Option<Arc<Row>>, BatchError> {
        Ok(self.row(&json_row_key(table, id)?)?)
    }

    /// All rows of a table, by primary key.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn rows(&self, table: TableId) -> Result<Vec<Arc<Row>>, StorageError> {
        let prefix = Space::rows(table).key();
        let keys = self.keys(&prefix, &after(&prefix), Direction::Ascending, usize::MAX)?;
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
        let key = self.primary_key(table, &row)?;
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
        let key = self.primary_key(table, &row)?;
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
        let key = json_row_key(table, id)?;
        let Some(before) = self.row(&key)? else { return Ok(false) };
        self.set(table, key, Some(before), None)?;
        Ok(true)
    }

    /// Puts a row back to where it was before a change; nothing if its table is gone.
    pub(crate) fn take_back(&mut self, change: &Change) -> Result<(), BatchError> {
        let row = change.new.as_ref().or(change.old.as_ref());
        let Some(row) = row.filter(|_| self.catalog.table_of(change.table).is_some()) else {
            return Ok(());
        };
        let key = self.primary_key(change.table, row)?;
        Ok(self.set(change.table, key, change.new.clone(), change.old.clone())?)
    }

    /// The whole key of a row of a table.
    pub(crate) fn primary_key(&self, table: TableId, row: &Row) -> Result<Key, BatchError> {
        let field = &self.catalog.native(table)?.primary_key;
        let missing = || KeyError::Missing { field: (**field).into(), document: row.datum() };
        let id = row.root().get(field).and_then(|id| id.json()).ok_or_else(missing)?;
        Ok(json_row_key(table, id)?)
    }

    /// Puts `new` where `old` was, with everything that follows from it.
    pub(crate) fn set(
        &mut self,
        table: TableId,
        key: Key,
        old: Option<Arc<Row>>,
        new: Option<Arc<Row>>,
    ) -> Result<(), StorageError> {
        let described = self.catalog.table_of(table);
        for (row, slot) in [(&old, Slot::Empty), (&new, Slot::Entry)] {
            let (Some(row), Some(table)) = (row, described) else { continue };
            self.mark_indexes(table, row, &key, &slot);
        }
        let more = i64::from(new.is_some()) - i64::from(old.is_some());
        *self.more.entry(table.number).or_default() += more;
        self.writes.insert(key, new.clone().map_or(Slot::Empty, Slot::Row));
        let change = Change { table, old, new };
        if described.is_some_and(|table| table.native.is_some()) {
            self.follow(&change)?;
        }
        self.changes.push(change);
        Ok(())
    }

    /// Keeps what stands beside the native tables true.
    pub(crate) fn follow(&mut self, change: &Change) -> Result<(), StorageError> {
        self.catalog.schema().views.iter().try_for_each(|follow| follow(self, change))
    }

    /// Writes or takes away a row's entries in all indexes of its table.
    fn mark_indexes(&mut self, table: &Table, row: &Row, key: &[u8], slot: &Slot) {
        let writes = &mut self.writes;
        let natives = table.native.map_or(&[][..], |native| native.indexes);
        for (number, index) in (0..).zip(natives) {
            let space = Space::index(IndexId { table: table.id, number, tag_length: 0 });
            index.value.entries(row, &mut |value, tag| {
                writes.insert(entry_key(space, value, &key[SPACE..], tag), slot.clone());
            });
        }
        for index in table.indexes() {
            mark_index(writes, index, row, key, slot);
        }
    }

    /// Writes a row's entries in one index that a client made.
    pub(crate) fn mark_index(&mut self, index: &Index, row: &Row, key: &[u8]) {
        mark_index(&mut self.writes, index, row, key, &Slot::Entry);
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
        self.entries_between(index, from, to, Direction::Ascending, limit)
    }

    /// The first entries of an index with keys from `from` on and before `to`, in that direction.
    pub(crate) fn entries_between(
        &self,
        index: IndexId,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let tag_length = 4 * usize::from(index.tag_length);
        let entries = self.keys(from, to, direction, limit)?.into_iter().map(|key| {
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

    /// The first keys from `from` on and before `to`, in that direction: those of the storage, and
    /// those that this batch adds and takes away.
    pub(crate) fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Key>, StorageError> {
        merged(&self.writes, from, to, direction, limit, |from, to, limit| {
            self.storage.keys(from, to, direction, limit)
        })
    }
}

fn mark_index(writes: &mut Writes, index: &Index, row: &Row, key: &[u8], slot: &Slot) {
    let Some(evaluate) = &index.evaluate else { return };
    let space = Space::index(index.id);
    let mut value = Vec::new();
    for (number, datum) in (0..).zip(evaluate(&row.datum())) {
        value.clear();
        if key::encode(&datum, &mut value) {
            let tag: &[u32] = if index.multi { &[number] } else { &[] };
            writes.insert(entry_key(space, &value, &key[SPACE..], tag), slot.clone());
        }
    }
}

/// The whole key of a row.
pub(crate) fn row_key(table: TableId, id: &Datum) -> Result<Key, KeyError> {
    let mut key = Space::rows(table).key();
    key::encode_primary(id, &mut key, Bounds::Refused)?;
    Ok(key.into())
}

fn json_row_key(table: TableId, id: &Json) -> Result<Key, KeyError> {
    let mut key = Space::rows(table).key();
    key::encode_primary_json(id, &mut key)?;
    Ok(key.into())
}

/// Where it stands how many rows a table has.
pub(crate) fn count_key(table: u16) -> Key {
    let mut key = Space::counts().key();
    key.extend(table.to_be_bytes());
    key.into()
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
