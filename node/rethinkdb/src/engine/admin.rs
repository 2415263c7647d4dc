//! Changes of the catalog, and the work they leave: each is one write, and each chore many small
//! ones.

use std::sync::Arc;

use super::{Engine, NATIVE_DB, NATIVE_TABLES, own_uuid};
use crate::batch::{Batch, after, count_key};
use crate::catalog::{
    Catalog, CatalogError, Chore, Entries, IndexDefinition, IndexId, Table, TableConfig, TableId,
    TableOptions,
};
use crate::feeds::Change;
use crate::key::Key;
use crate::storage::{Direction, Durability, Slot, Space, StorageError, Writes};

/// How many keys or rows a step of a chore is about: a few milliseconds of work, for which everybody
/// else waits.
const STEP: usize = 500;

/// Where a chore goes on.
#[derive(Default)]
pub(crate) struct Progress {
    /// Up to here everything is done.
    after: Option<Key>,
}

impl Engine {
    /// Makes the database of the native tables, its tables, and declares all of their indexes, if
    /// they are not there yet.
    pub(crate) fn declare_native(&mut self) -> Result<(), CatalogError> {
        let (schema, db) = (self.schema(), self.catalog.native_db().clone());
        let mut catalog = Catalog::clone(&self.catalog);
        if catalog.db(&db).is_err() {
            catalog.create_db(&db, own_uuid(NATIVE_DB))?;
        }
        for (number, native) in (0..).zip(schema.tables) {
            if catalog.table(&db, native.name).is_ok() {
                continue;
            }
            self.purge(number)?;
            catalog.done(Chore::Purge { table: number, index: None });
            let uuid = own_uuid(NATIVE_TABLES + u8::try_from(number).expect("they are few"));
            let table = catalog.create_table(&db, native.name, TableOptions::new(uuid))?;
            for index in native.indexes {
                let (name, function) = (index.name.into(), index.function.into());
                let multi = index.value.is_multi();
                catalog.create_index(table.id, IndexDefinition { name, multi, function })?;
            }
        }
        Ok(self.change_catalog(catalog)?)
    }

    /// Changes the catalog and makes that durable.
    ///
    /// # Errors
    /// What `change` fails with, and nothing is changed; or that the storage does not work.
    pub(crate) fn alter<R>(
        &mut self,
        change: impl FnOnce(&mut Catalog) -> Result<R, CatalogError>,
    ) -> Result<R, CatalogError> {
        let mut catalog = Catalog::clone(&self.catalog);
        let result = change(&mut catalog)?;
        self.change_catalog(catalog)?;
        Ok(result)
    }

    /// Makes a table.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn create_table(
        &mut self,
        db: &str,
        name: &str,
        options: TableOptions,
    ) -> Result<Arc<Table>, CatalogError> {
        if let Some(number) = self.catalog.native_number(db, name, &options.primary_key) {
            // One of this name was dropped a moment ago.
            self.purge(number)?;
        }
        self.alter(|catalog| catalog.create_table(db, name, options))
    }

    /// Takes a table away. Its feeds break; its rows are gone at once for every reader, and from
    /// the storage with the chores that this leaves.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn drop_table(&mut self, db: &str, name: &str) -> Result<Arc<Table>, CatalogError> {
        let table = self.alter(|catalog| catalog.drop_table(db, name))?;
        self.feeds.close(table.id);
        Ok(table)
    }

    /// Gives a table another name, durability and so on. If its shards are others now its feeds
    /// break, as RethinkDB's do.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub(crate) fn configure(
        &mut self,
        id: TableId,
        config: TableConfig,
    ) -> Result<Arc<Table>, CatalogError> {
        let shards = self.catalog.table_of(id).map(|table| table.config.shards);
        let table = self.alter(|catalog| catalog.configure(id, config))?;
        if shards != Some(table.config.shards) {
            self.feeds.close(id);
        }
        Ok(table)
    }

    /// Takes a database away with its tables, which are given back.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn drop_db(&mut self, name: &str) -> Result<Vec<Arc<Table>>, CatalogError> {
        let tables = self.alter(|catalog| catalog.drop_db(name))?;
        tables.iter().for_each(|table| self.feeds.close(table.id));
        Ok(tables)
    }

    /// Does all that changes of the catalog have left to be done.
    ///
    /// # Errors
    /// If the storage does not work.
    pub(crate) fn do_chores(&mut self) -> Result<(), StorageError> {
        while let Some(chore) = self.catalog.chore() {
            self.do_chore(chore)?;
        }
        Ok(())
    }

    fn do_chore(&mut self, chore: Chore) -> Result<(), StorageError> {
        let mut progress = Progress::default();
        while self.step(chore, &mut progress)? {}
        Ok(())
    }

    fn purge(&mut self, table: u16) -> Result<(), StorageError> {
        let chore = Chore::Purge { table, index: None };
        if self.catalog.has(chore) { self.do_chore(chore) } else { Ok(()) }
    }

    /// Does a little of a chore; whether there is more to do.
    ///
    /// # Errors
    /// If the storage does not work.
    pub(crate) fn step(
        &mut self,
        chore: Chore,
        progress: &mut Progress,
    ) -> Result<bool, StorageError> {
        // Somebody else may have done it, or dropped what it is about.
        if !self.catalog.has(chore) {
            return Ok(false);
        }
        let more = match chore {
            Chore::Purge { table, index: None } => {
                self.purge_beside_rows(table)? || self.purge_rows(table)?
            }
            Chore::Purge { table, index: Some(number) } => {
                let index = IndexId { table: TableId::any(table), number, tag_length: 0 };
                let from = Space::index(index).key();
                self.purge_range(&from, &after(&from))?
            }
            Chore::Build { index } => self.build(index, progress)?,
        };
        if !more {
            let mut catalog = Catalog::clone(&self.catalog);
            catalog.done(chore);
            self.change_catalog(catalog)?;
        }
        Ok(more)
    }

    /// Takes away what stands beside a dropped table's rows: entries of indexes and views, parts.
    fn purge_beside_rows(&mut self, table: u16) -> Result<bool, StorageError> {
        let [from, to] = Space::beside_rows(table);
        self.purge_range(&from, &to)
    }

    fn purge_range(&mut self, from: &[u8], to: &[u8]) -> Result<bool, StorageError> {
        let keys = self.storage.keys(from, to, Direction::Ascending, STEP)?;
        if keys.is_empty() {
            return Ok(false);
        }
        let writes = keys.into_iter().map(|key| (key, Slot::Empty)).collect();
        self.put(writes, Durability::Soft)?;
        Ok(true)
    }

    /// Takes away a dropped table's rows, after all else: what stands beside other tables may follow
    /// from them.
    fn purge_rows(&mut self, number: u16) -> Result<bool, StorageError> {
        let table = TableId::any(number);
        let from = Space::rows(table).key();
        let keys = self.storage.keys(&from, &after(&from), Direction::Ascending, STEP)?;
        let is_native = usize::from(number) < self.schema().tables.len();
        let mut batch = Batch::new(&self.catalog, &*self.storage);
        for key in &keys {
            let old = if is_native { batch.row(key)? } else { None };
            batch.mark(key.clone(), Slot::Empty);
            if old.is_some() {
                batch.follow(&Change { table, old, new: None })?;
            }
        }
        batch.mark(count_key(number), Slot::Empty);
        let (writes, _) = batch.finish()?;
        self.put(writes, Durability::Soft)?;
        Ok(!keys.is_empty())
    }

    /// Puts rows into an index that were there before it.
    fn build(&mut self, id: IndexId, progress: &mut Progress) -> Result<bool, StorageError> {
        let table = self.catalog.table_of(id.table);
        let Some(index) = table.and_then(|table| table.index_of(id)).cloned() else {
            return Ok(false);
        };
        let start = Space::rows(id.table).key();
        let from = progress.after.as_ref().map_or(start.clone(), |last| [&**last, &[0]].concat());
        let keys = self.storage.keys(&from, &after(&start), Direction::Ascending, STEP)?;
        let Some(last) = keys.last() else { return Ok(false) };
        let before = self.storage.parsed();
        let mut batch = Batch::new(&self.catalog, &*self.storage);
        let mut done = last;
        for key in &keys {
            if let Some(row) = batch.row(key)? {
                batch.mark_index(&index, &row, key);
            }
            // Large rows make a step with few of them.
            if self.storage.parsed() - before > crate::database::STEP_BYTES {
                done = key;
                break;
            }
        }
        progress.after = Some(done.clone());
        let (writes, _) = batch.finish()?;
        self.put(writes, Durability::Soft)?;
        Ok(true)
    }

    /// The catalog's entries in the storage.
    pub(super) fn entries(&self) -> Result<Entries, StorageError> {
        let from = Space::catalog().key();
        let keys = self.storage.keys(&from, &after(&from), Direction::Ascending, usize::MAX)?;
        let mut entries = Entries::new();
        for key in keys {
            if let Some(text) = self.storage.text(&key)? {
                entries.insert(key, text);
            }
        }
        Ok(entries)
    }

    fn change_catalog(&mut self, catalog: Catalog) -> Result<(), StorageError> {
        let before = self.catalog.entries();
        self.write_catalog(&before, &catalog)?;
        self.catalog = Arc::new(catalog);
        Ok(())
    }

    /// Writes what is different.
    pub(super) fn write_catalog(
        &mut self,
        before: &Entries,
        catalog: &Catalog,
    ) -> Result<(), StorageError> {
        let entries = catalog.entries();
        let gone = before.keys().filter(|key| !entries.contains_key(*key));
        let mut writes: Writes = gone.map(|key| (key.clone(), Slot::Empty)).collect();
        let news = entries.into_iter().filter(|(key, text)| before.get(key) != Some(text));
        writes.extend(news.map(|(key, text)| (key, Slot::Text(text))));
        if writes.is_empty() { Ok(()) } else { self.put(writes, Durability::Hard) }
    }
}
