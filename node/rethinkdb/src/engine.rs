//! The engine: queries and rows in, answers and changes out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Query, StoreError};

use crate::answer::answer;
use crate::batch::{Batch, BatchError};
use crate::catalog::{BIGCHAINDB, Catalog, Compile, Entries, Schema, TEST, TableId, Uuid};
use crate::feeds::{Change, Feeds, QUEUE_MAX, Subscription, Wake};
use crate::row::Row;
use crate::storage::{
    Disk, Durability, Flush, Flushed, Memory, OpenError, Settle, Settled, Storage, StorageError,
    Writes,
};

mod admin;
mod undo;

pub(crate) use admin::Progress;

/// A database, its feeds, and where it is kept.
///
/// It does one thing at a time: whoever has several clients queues what they want, and hands it
/// over together ([`apply_all`](Self::apply_all)), so that one `fsync` serves them all, or lets them
/// share a [`Database`](crate::Database).
///
/// ```
/// use bigchaindb_core::query::{Answer, Query};
/// use bigchaindb_rethinkdb::{Durability, Engine};
///
/// let mut engine = Engine::in_memory();
/// let query = Query::UnlistedBlocks { limit: 10 };
/// let answer = engine.apply(&query, Durability::Hard).unwrap();
/// assert_eq!(answer.into_block_ids(), []);
/// ```
pub struct Engine {
    catalog: Arc<Catalog>,
    storage: Box<dyn Storage>,
    feeds: Feeds,
    /// How many batches were written so far.
    writes: u64,
}

/// The name that the database of a node's tables has unless its owner says otherwise.
pub const BIGCHAIN_DB: &str = "bigchain";

impl Engine {
    /// A BigchainDB database in memory, empty.
    pub fn in_memory() -> Self {
        Self::in_memory_with(&BIGCHAINDB)
    }

    /// A database of these tables in memory, empty.
    pub fn in_memory_with(schema: &'static Schema) -> Self {
        let mut engine = Self::fresh(schema, BIGCHAIN_DB.into(), no_functions);
        engine.declare_native().expect("a storage in memory works");
        engine
    }

    /// The BigchainDB database in this file; an empty one if there is no such file.
    ///
    /// # Errors
    /// If the file is in use, of another layout, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(&BIGCHAINDB, path)
    }

    /// The database of these tables in this file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(schema: &'static Schema, path: &Path) -> Result<Self, OpenError> {
        let mut engine = Self::stored(schema, BIGCHAIN_DB.into(), no_functions, path)?;
        engine.declare_native().map_err(|error| OpenError::Catalog(error.to_string()))?;
        engine.do_chores()?;
        Ok(engine)
    }

    /// In memory, with no table at all and the one database that every server has.
    pub(crate) fn fresh(native: &'static Schema, native_db: Arc<str>, compile: Compile) -> Self {
        let mut catalog = Catalog::empty(native, native_db, compile);
        catalog.create_db(TEST, own_uuid(TEST_DB)).expect("it is the first one");
        Self {
            catalog: Arc::new(catalog),
            storage: Box::new(Memory::default()),
            feeds: Feeds::default(),
            writes: 0,
        }
    }

    /// What is in this file; if there is none, the one database that every server has.
    pub(crate) fn stored(
        native: &'static Schema,
        native_db: Arc<str>,
        compile: Compile,
        path: &Path,
    ) -> Result<Self, OpenError> {
        let storage = Box::new(Disk::open(path)?);
        let Self { catalog, .. } = Self::fresh(native, native_db.clone(), compile);
        let mut engine = Self { catalog, storage, feeds: Feeds::default(), writes: 0 };
        let entries = engine.entries()?;
        if entries.is_empty() {
            let catalog = engine.catalog.clone();
            engine.write_catalog(&Entries::new(), &catalog)?;
        } else {
            let catalog = Catalog::read(&entries, native, native_db, compile);
            engine.catalog = Arc::new(catalog.map_err(|error| OpenError::Catalog(error.0))?);
        }
        Ok(engine)
    }

    /// Which tables there are, and by what their rows are found.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Which tables are asked natively.
    pub fn schema(&self) -> &'static Schema {
        self.catalog.schema()
    }

    /// Answers one query.
    ///
    /// # Errors
    /// As [`apply_all`](Self::apply_all).
    pub fn apply(&mut self, query: &Query, durability: Durability) -> Result<Answer, StoreError> {
        let mut answers = self.apply_all(std::slice::from_ref(query), durability);
        answers.pop().expect("a query has an answer")
    }

    /// Answers queries one after the other, each seeing what those before it wrote, and makes them
    /// durable together.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a query about a table that does not exist, or that wants to write
    /// a document without a proper primary key; the others are answered.
    /// [`StoreError::Indeterminate`] for all of them if the storage does not work.
    pub fn apply_all(
        &mut self,
        queries: &[Query],
        durability: Durability,
    ) -> Vec<Result<Answer, StoreError>> {
        let answers = self.transact(durability, |batch| {
            let answers = queries.iter().map(|query| match answer(batch, query) {
                Ok(answer) => Ok(Ok(answer)),
                Err(BatchError::Storage(error)) => Err(error),
                Err(refused) => Ok(Err(StoreError::Refused(refused.to_string()))),
            });
            answers.collect::<Result<Vec<_>, StorageError>>()
        });
        answers.unwrap_or_else(|error| {
            let unknown = StoreError::Indeterminate(error.to_string());
            queries.iter().map(|_| Err(unknown.clone())).collect()
        })
    }

    /// Reads and writes rows. All of it is written, or, if `work` fails, nothing.
    ///
    /// # Errors
    /// What `work` fails with, or that the storage does not work.
    pub fn transact<R, E: From<StorageError>>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Batch<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let (result, changes) = self.transact_untold(durability, work)?;
        self.feeds.tell(&changes);
        Ok(result)
    }

    /// The same, and no feed is told: the caller does that.
    pub(crate) fn transact_untold<R, E: From<StorageError>>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Batch<'_>) -> Result<R, E>,
    ) -> Result<(R, Vec<Change>), E> {
        let mut batch = Batch::new(&self.catalog, &*self.storage);
        let result = work(&mut batch)?;
        let (writes, changes) = batch.finish()?;
        if !writes.is_empty() {
            self.put(writes, durability)?;
        } else if durability == Durability::Hard {
            self.storage.flush()?;
        }
        Ok((result, changes))
    }

    /// Writes a batch.
    fn put(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError> {
        self.writes += 1;
        self.storage.write(writes, durability)
    }

    /// How many batches were written so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// Brings nothing to disk any more, whatever the durability: the caller flushes.
    pub(crate) fn leave_flushing(&mut self) {
        self.storage.leave_flushing();
    }

    /// How many keys, and rows of about how many bytes, wait for the caller to flush.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        self.storage.waiting()
    }

    /// Takes what waits for a flush; see [`Storage::begin_flush`].
    pub(crate) fn begin_flush(&mut self) -> Result<Option<Flush>, StorageError> {
        self.storage.begin_flush()
    }

    /// Takes note of a flush that was run.
    pub(crate) fn end_flush(&mut self, flushed: Flushed) -> Result<(), StorageError> {
        self.storage.end_flush(flushed)
    }

    /// Begins to settle what was flushed, if that is much; see [`Storage::begin_settle`].
    pub(crate) fn begin_settle(&mut self) -> Option<Settle> {
        self.storage.begin_settle()
    }

    /// Begins to settle all that was flushed.
    pub(crate) fn settle(&mut self) -> Option<Settle> {
        self.storage.settle()
    }

    /// Nothing is flushed and not settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.storage.is_settled()
    }

    /// Takes note of what was settled.
    pub(crate) fn end_settle(&mut self, settled: &mut Settled) -> Result<(), StorageError> {
        self.storage.end_settle(settled)
    }

    /// Nothing more should be flushed before something is settled.
    pub(crate) fn is_full(&self) -> bool {
        self.storage.is_full()
    }

    /// Reads rows.
    pub(crate) fn read(&self) -> Batch<'_> {
        Batch::new(&self.catalog, &*self.storage)
    }

    /// How many bytes of text were made into rows so far.
    pub(crate) fn parsed(&self) -> u64 {
        self.storage.parsed()
    }

    /// Opens a feed of a table's later changes. `wake` is called when there are some.
    pub fn subscribe(&mut self, table: TableId, wake: Option<Wake>) -> Subscription {
        self.subscribe_bounded(table, QUEUE_MAX, wake)
    }

    /// Opens a feed in which at most so many changes wait.
    pub fn subscribe_bounded(
        &mut self,
        table: TableId,
        queue_max: usize,
        wake: Option<Wake>,
    ) -> Subscription {
        self.feeds.subscribe(table, queue_max, wake)
    }

    /// All rows of a native table, by primary key.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn rows(&self, table: TableId) -> Result<Vec<Arc<Row>>, StorageError> {
        self.read().rows(table)
    }

    /// All documents of all native tables, by the table's name, each table's by primary key.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn tables(&self) -> Result<BTreeMap<&'static str, Vec<Json>>, StorageError> {
        let batch = self.read();
        let tables = (0..).zip(self.schema().tables).map(|(number, table)| {
            let rows = batch.rows(TableId::any(number))?;
            Ok((table.name, rows.iter().map(|row| row.document()).collect()))
        });
        tables.collect()
    }

    /// Brings every soft write to disk.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn flush(&mut self) -> Result<(), StorageError> {
        self.storage.flush()
    }

    /// Loses every soft write since the last hard one and breaks all feeds, as a failing power
    /// supply does; how many batches were lost. In memory only: `None` on disk.
    pub fn power_loss(&mut self) -> Option<usize> {
        let lost = self.storage.power_loss()?;
        self.feeds.close_all();
        Some(lost)
    }
}

/// The identity of what is there without anybody having made it; the same in every server, as
/// nothing here draws chance.
fn own_uuid(what: u8) -> Uuid {
    let mut bytes = *b"bigchaindb  own ";
    bytes[15] = what;
    Uuid::random(bytes)
}

/// What [`own_uuid`] is about: the database `test`, that of the native tables, and from there on the
/// native tables.
const TEST_DB: u8 = 0;
const NATIVE_DB: u8 = 1;
const NATIVE_TABLES: u8 = 2;

/// For an engine that no ReQL client ever sees.
fn no_functions(_: &str, _: bool) -> Result<crate::catalog::IndexFunction, String> {
    Err("This store has native indexes only.".to_owned())
}
