//! A database that many clients share.
//!
//! Here: [`Database`], a cheap handle on one [`Engine`] behind a lock that is held for one small step
//! at a time, so that nobody waits long: a read hands out a page of rows, a write compares and sets,
//! and what takes long (an index over a large table, a table's keys after its drop) is done a little
//! at a time. Not here: what a query makes of rows (`reql`), who waits for the disk (`commit`), what
//! several servers need that share it (`cluster`).

mod cluster;
mod commit;
mod page;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bigchaindb_core::query::{Answer, Query, StoreError};

pub use commit::FLUSH_INTERVAL;
use commit::{Commits, Threads};
pub use page::{Found, KeyRange, PAGE_ROWS_MAX, Page, Place};
pub(crate) use page::{STEP_BYTES, Stretch};

use crate::batch::{Batch, BatchError, row_key};
use crate::catalog::{
    BIGCHAINDB, Catalog, CatalogError, Chore, Compile, Db, Index, IndexDefinition, Table,
    TableConfig, TableId, TableOptions, Uuid,
};
use crate::engine::{BIGCHAIN_DB, Engine, Progress};
use crate::feeds::{Subscription, Wake};
use crate::key::KeyError;
use crate::reql::{Datum, ErrorKind};
use crate::row::{Row, Shape};
use crate::storage::{Durability, OpenError, StorageError};

/// A database, shared by all who hold a clone of it. It is closed when the last one goes.
#[derive(Clone)]
pub struct Database(Arc<Shared>);

struct Shared {
    core: Arc<Core>,
    /// None in memory.
    _threads: Option<Threads>,
}

/// What the clients and the database's own threads share.
struct Core {
    engine: Mutex<Engine>,
    commits: Commits,
    is_on_disk: bool,
}

/// Nobody writes more while so many keys wait for the disk: a second's work for a slow one.
const WAITING_MAX: usize = 20_000;

/// Nobody writes more while rows of about so many bytes wait.
const WAITING_BYTES_MAX: usize = 64 << 20;

impl Core {
    fn new(engine: Engine, is_on_disk: bool) -> Arc<Self> {
        let commits = Commits::new(engine.writes());
        Arc::new(Self { engine: Mutex::new(engine), commits, is_on_disk })
    }

    /// The engine, for one small step.
    fn engine(&self) -> MutexGuard<'_, Engine> {
        // A panic leaves nothing half done: what a batch writes is written as a whole.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one small step, after which all it wrote and saw is on disk, or, if soft, soon.
    fn write<R, E: From<StorageError>>(
        &self,
        durability: Durability,
        step: impl FnOnce(&mut Engine) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut engine = self.engine();
        let result = step(&mut engine);
        if !self.is_on_disk {
            return result;
        }
        let number = engine.writes();
        self.commits.written(number);
        let (keys, bytes) = engine.waiting();
        drop(engine);
        let result = result?;
        if durability == Durability::Hard || keys > WAITING_MAX || bytes > WAITING_BYTES_MAX {
            self.commits.wait(number)?;
        }
        Ok(result)
    }

    /// What was left to be done, if anything.
    fn chore(&self) -> Option<Chore> {
        self.engine().catalog().chore()
    }

    /// Does a little of a chore; whether there is more to do.
    fn step(&self, chore: Chore, progress: &mut Progress) -> Result<bool, StorageError> {
        self.write(Durability::Soft, |engine| engine.step(chore, progress))
    }
}

/// What a server may be told when it is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the database whose tables `backlog`, `bigchain`, `votes` and `positions` are also
    /// asked natively.
    pub bigchain: Arc<str>,
    /// Makes an index's function of its text.
    pub compile: Compile,
}

/// The database is called `bigchain`.
impl Default for Settings {
    fn default() -> Self {
        Self { bigchain: BIGCHAIN_DB.into(), compile: crate::reql::compile_index }
    }
}

/// A write of one document: done if what stands there is still what was read.
#[derive(Clone, Debug)]
pub struct Swap {
    /// In which table.
    pub table: TableId,
    /// Under which primary key.
    pub key: Datum,
    /// The row that was read; none if there was none.
    pub expected: Option<Arc<Row>>,
    /// The document that is to stand there, with the same primary key; none to take it away.
    pub new: Option<Datum>,
}

/// What became of a [`Swap`].
#[derive(Clone, Debug)]
pub enum Swapped {
    /// It was done.
    Done,
    /// Nothing was written; this stands there now.
    Conflict(Option<Arc<Row>>),
}

/// Why rows cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A value cannot be a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The table or index was dropped.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The storage does not work: a write may have been done or not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<BatchError> for DatabaseError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Key(error) => Self::Key(error),
            BatchError::Catalog(error) => Self::Catalog(error),
            BatchError::Storage(error) => Self::Storage(error),
        }
    }
}

impl DatabaseError {
    /// The kind of failure that a ReQL client is told of.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Key(error) => error.kind(),
            Self::Catalog(error) => error.kind(),
            Self::Storage(_) => ErrorKind::OpIndeterminate,
        }
    }
}

impl Database {
    /// A fresh server in memory: no table, and no database but `test`.
    pub fn in_memory() -> Self {
        Self::in_memory_with(&Settings::default())
    }

    /// A fresh server in memory.
    pub fn in_memory_with(settings: &Settings) -> Self {
        let Settings { bigchain, compile } = settings.clone();
        let core = Core::new(Engine::fresh(&BIGCHAINDB, bigchain, compile), false);
        Self(Arc::new(Shared { core, _threads: None }))
    }

    /// The server whose data are in this file; a fresh one if there is no such file.
    ///
    /// # Errors
    /// If the file is in use, of another layout, or cannot be read.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self, OpenError> {
        let Settings { bigchain, compile } = settings.clone();
        let mut engine = Engine::stored(&BIGCHAINDB, bigchain, compile, path)?;
        engine.leave_flushing();
        let core = Core::new(engine, true);
        let threads = Threads::start(&core)?;
        Ok(Self(Arc::new(Shared { core, _threads: Some(threads) })))
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.0.core.engine()
    }

    /// Which databases, tables and indexes there are now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.engine().catalog().clone()
    }

    /// Makes the tables that a node asks natively, with all of their indexes declared, as far as they
    /// are not there.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn declare_native(&self) -> Result<(), CatalogError> {
        self.alter(Engine::declare_native)
    }

    /// Changes the catalog, durably.
    fn alter<R>(
        &self,
        change: impl FnOnce(&mut Engine) -> Result<R, CatalogError>,
    ) -> Result<R, CatalogError> {
        self.0.core.write(Durability::Hard, change)
    }

    /// Makes a database.
    ///
    /// # Errors
    /// As [`CatalogError`] says; so with all changes of the catalog.
    pub fn create_database(&self, name: &str, uuid: Uuid) -> Result<Arc<Db>, CatalogError> {
        self.alter(|engine| {
            engine.alter(|catalog| {
                catalog.create_db(name, uuid)?;
                catalog.db(name).cloned()
            })
        })
    }

    /// Takes a database away with its tables, which are given back.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn drop_database(&self, name: &str) -> Result<Vec<Arc<Table>>, CatalogError> {
        let tables = self.alter(|engine| engine.drop_db(name))?;
        for table in &tables {
            self.finish(Chore::Purge { table: table.id.number, index: None })?;
        }
        Ok(tables)
    }

    /// Makes a table.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn create_table(
        &self,
        db: &str,
        name: &str,
        options: TableOptions,
    ) -> Result<Arc<Table>, CatalogError> {
        self.alter(|engine| engine.create_table(db, name, options))
    }

    /// Takes a table away; its feeds break. It is gone at once, and it may take a while until it has
    /// gone from the storage too.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn drop_table(&self, db: &str, name: &str) -> Result<Arc<Table>, CatalogError> {
        let table = self.alter(|engine| engine.drop_table(db, name))?;
        self.finish(Chore::Purge { table: table.id.number, index: None })?;
        Ok(table)
    }

    /// Gives a table another name, durability and so on. If its shards are others now its feeds
    /// break.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn set_table_config(
        &self,
        table: TableId,
        config: TableConfig,
    ) -> Result<Arc<Table>, CatalogError> {
        self.alter(|engine| engine.configure(table, config))
    }

    /// Makes an index, and puts all rows into it: it is ready when this returns, and others see it
    /// before.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn create_index(
        &self,
        table: TableId,
        definition: IndexDefinition,
    ) -> Result<Arc<Index>, CatalogError> {
        let create = |catalog: &mut Catalog| catalog.create_index(table, definition);
        let index = self.alter(|engine| engine.alter(create))?;
        if !index.ready {
            self.finish(Chore::Build { index: index.id })?;
        }
        Ok(index)
    }

    /// Takes an index away.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn drop_index(&self, table: TableId, name: &str) -> Result<(), CatalogError> {
        self.alter(|engine| engine.alter(|catalog| catalog.drop_index(table, name)))?;
        Ok(self.finish_purges(table)?)
    }

    /// Gives an index another name; one that has it goes, if `overwrite` says so.
    ///
    /// # Errors
    /// As [`CatalogError`] says.
    pub fn rename_index(
        &self,
        table: TableId,
        name: &str,
        wanted: &str,
        overwrite: bool,
    ) -> Result<(), CatalogError> {
        let rename = |catalog: &mut Catalog| catalog.rename_index(table, name, wanted, overwrite);
        self.alter(|engine| engine.alter(rename))?;
        Ok(self.finish_purges(table)?)
    }

    /// Takes a table's dropped indexes out of the storage.
    fn finish_purges(&self, table: TableId) -> Result<(), StorageError> {
        let dropped = self.catalog().dropped_indexes(table);
        dropped.into_iter().try_for_each(|chore| self.finish(chore))
    }

    /// Does a chore a little at a time.
    fn finish(&self, chore: Chore) -> Result<(), StorageError> {
        let mut progress = Progress::default();
        while self.0.core.step(chore, &mut progress)? {}
        Ok(())
    }

    /// The row with this primary key.
    ///
    /// # Errors
    /// If the value cannot be a primary key, the table was dropped, or the storage does not work.
    pub fn get(&self, table: TableId, key: &Datum) -> Result<Option<Arc<Row>>, DatabaseError> {
        self.get_without(table, key, &[])
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// If the table was dropped, or the storage does not work.
    pub fn count(&self, table: TableId) -> Result<u64, DatabaseError> {
        let engine = self.engine();
        there(engine.catalog(), table)?;
        Ok(engine.read().count(table.number)?)
    }

    /// Writes documents, each if what stands under its key is still what was read. All of it is one
    /// step: nobody sees a part.
    ///
    /// With hard durability it is on disk when this returns; with soft durability soon after.
    ///
    /// # Errors
    /// If a value cannot be a primary key or a document has another one than its swap, a table was
    /// dropped, or the storage does not work. In all cases but the last nothing is written.
    pub fn swap(
        &self,
        swaps: Vec<Swap>,
        durability: Durability,
    ) -> Result<Vec<Swapped>, DatabaseError> {
        let catalog = self.catalog();
        let prepared = swaps.into_iter().map(|swap| Prepared::new(&catalog, swap));
        let prepared = prepared.collect::<Result<Vec<_>, DatabaseError>>()?;
        self.0.core.write(durability, |engine| {
            for swap in &prepared {
                there(engine.catalog(), swap.table)?;
            }
            engine.transact(Durability::Hard, |batch| {
                prepared.into_iter().map(|swap| swap.done(batch)).collect()
            })
        })
    }

    /// Brings all that was written so far to disk.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn sync(&self) -> Result<(), DatabaseError> {
        self.0.core.write(Durability::Hard, |_| Ok(()))
    }

    /// Brings all that was written so far from the log to the tree. It takes long, and nothing needs it: whoever
    /// measures what writing costs has the whole of it then.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn settle(&self) -> Result<(), DatabaseError> {
        self.sync()?;
        let core = &self.0.core;
        core.commits.wait_while(|| {
            let is_to_be_settled = !core.engine().is_settled();
            if is_to_be_settled {
                core.commits.want_settled();
            }
            is_to_be_settled
        });
        core.commits.failure().map_or(Ok(()), |why| Err(StorageError::Broken(why).into()))
    }

    /// Opens a feed of a table's later changes, in which at most so many wait. `wake` is called when
    /// there are some, and when the feed breaks: when the table is dropped or its shards change.
    ///
    /// # Errors
    /// If the table was dropped.
    pub fn subscribe(
        &self,
        table: TableId,
        queue_max: usize,
        wake: Option<Wake>,
    ) -> Result<Subscription, DatabaseError> {
        let mut engine = self.engine();
        there(engine.catalog(), table)?;
        Ok(engine.subscribe_bounded(table, queue_max, wake))
    }

    /// Why nothing is written any more, if that is so: the disk has failed, or is full. What was
    /// acknowledged is there when it is opened again.
    pub fn failure(&self) -> Option<String> {
        self.0.core.commits.failure()
    }

    /// How often all that was written was brought to disk; 0 in memory.
    pub fn flushes(&self) -> u64 {
        self.0.core.commits.flushes()
    }

    /// Answers a node's queries; see [`Engine::apply_all`].
    pub fn apply_all(
        &self,
        queries: &[Query],
        durability: Durability,
    ) -> Vec<Result<Answer, StoreError>> {
        let applied =
            self.0.core.write(durability, |engine| Ok(engine.apply_all(queries, Durability::Hard)));
        applied.unwrap_or_else(|error: StorageError| {
            let unknown = StoreError::Indeterminate(error.to_string());
            queries.iter().map(|_| Err(unknown.clone())).collect()
        })
    }
}

/// A table that a reader or writer means, if it is still there.
fn there(catalog: &Catalog, table: TableId) -> Result<&Arc<Table>, CatalogError> {
    catalog.table_of(table).ok_or(CatalogError::TableGone)
}

/// Whether a row is still the one that was read.
fn is_same(stands: Option<&Arc<Row>>, expected: Option<&Arc<Row>>) -> bool {
    match (stands, expected) {
        (None, None) => true,
        // The same row may have been read from disk twice.
        (Some(stands), Some(expected)) => Arc::ptr_eq(stands, expected) || stands == expected,
        _ => false,
    }
}

/// A swap, with all that can be made of it before its turn comes.
struct Prepared {
    table: TableId,
    key: Box<[u8]>,
    expected: Option<Arc<Row>>,
    new: Option<Arc<Row>>,
}

impl Prepared {
    fn new(catalog: &Catalog, swap: Swap) -> Result<Self, DatabaseError> {
        let table = there(catalog, swap.table)?;
        let key = row_key(swap.table, &swap.key)?;
        let new = swap.new.map(|document| {
            let field = &table.primary_key;
            let missing =
                || KeyError::Missing { field: (**field).into(), document: document.clone() };
            let id = document.get(field).ok_or_else(missing)?;
            if row_key(swap.table, id)? != key {
                let old = swap.key.pretty().into();
                let (field, new) = ((**field).into(), document.pretty().into());
                return Err(KeyError::Changed { field, old, new });
            }
            let shape = table.native.map_or(Shape::Plain, |native| native.shape);
            Ok(Arc::new(Row::of_datum(shape, document)))
        });
        Ok(Self { table: swap.table, key, expected: swap.expected, new: new.transpose()? })
    }

    fn done(self, batch: &mut Batch<'_>) -> Result<Swapped, DatabaseError> {
        let Self { table, key, expected, new } = self;
        let stands = batch.row(&key)?;
        if !is_same(stands.as_ref(), expected.as_ref()) {
            return Ok(Swapped::Conflict(stands));
        }
        if stands.is_some() || new.is_some() {
            batch.set(table, key, stands, new)?;
        }
        Ok(Swapped::Done)
    }
}
