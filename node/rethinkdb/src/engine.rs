//! The engine: queries in, answers and changes out.

use std::collections::BTreeMap;
use std::path::Path;

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Query, StoreError};

use crate::answer::answer;
use crate::batch::{Batch, BatchError};
use crate::feeds::{Feeds, QUEUE_MAX, Subscription, Wake};
use crate::schema::{BIGCHAINDB, Schema, TableId};
use crate::storage::{Disk, Durability, Memory, OpenError, Storage, StorageError};

/// A database, its feeds, and where it is kept.
///
/// It does one thing at a time: whoever has several clients queues what they want, and hands it
/// over together ([`apply_all`](Self::apply_all)), so that one `fsync` serves them all.
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
    schema: &'static Schema,
    storage: Box<dyn Storage>,
    feeds: Feeds,
}

impl Engine {
    /// A BigchainDB database in memory, empty.
    pub fn in_memory() -> Self {
        Self::in_memory_with(&BIGCHAINDB)
    }

    /// A database of these tables in memory, empty.
    pub fn in_memory_with(schema: &'static Schema) -> Self {
        Self { schema, storage: Box::new(Memory::default()), feeds: Feeds::default() }
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
        let storage = Box::new(Disk::open(path, schema)?);
        Ok(Self { schema, storage, feeds: Feeds::default() })
    }

    /// Which tables and indexes there are.
    pub fn schema(&self) -> &'static Schema {
        self.schema
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
    /// [`StoreError::Refused`] for a query that wants to write a document without a proper primary
    /// key; the others are answered. [`StoreError::Indeterminate`] for all of them if the storage
    /// does not work.
    pub fn apply_all(
        &mut self,
        queries: &[Query],
        durability: Durability,
    ) -> Vec<Result<Answer, StoreError>> {
        let answers = self.transact(durability, |batch| {
            let answers = queries.iter().map(|query| match answer(batch, query) {
                Ok(answer) => Ok(Ok(answer)),
                Err(BatchError::Key(error)) => Ok(Err(StoreError::Refused(error.to_string()))),
                Err(BatchError::Storage(error)) => Err(error),
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
        let mut batch = Batch::new(self.schema, &*self.storage);
        let result = work(&mut batch)?;
        let (writes, changes) = batch.finish();
        if !writes.is_empty() {
            self.storage.write(writes, durability)?;
        } else if durability == Durability::Hard {
            self.storage.flush()?;
        }
        self.feeds.tell(&changes);
        Ok(result)
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

    /// All documents of all tables, by the table's name, each table's by primary key.
    ///
    /// # Errors
    /// If the storage does not work.
    pub fn tables(&self) -> Result<BTreeMap<&'static str, Vec<Json>>, StorageError> {
        let batch = Batch::new(self.schema, &*self.storage);
        let tables = (0..).zip(self.schema.tables).map(|(number, table)| {
            let rows = batch.rows(TableId(number))?;
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
        self.feeds.close();
        Some(lost)
    }
}
