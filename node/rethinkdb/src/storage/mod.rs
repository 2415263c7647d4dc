//! One ordered map of keys to rows and index entries, written by atomic batches.
//!
//! Here: what the rest of the engine needs of a storage ([`Storage`]) and how durable a write is.
//! Two forms: [`Memory`], where a simulator can make the power fail, and [`Disk`]. Not here: what
//! the keys mean, apart from their first two bytes, the [`Space`] (`batch`).

mod cache;
mod disk;
mod memory;

pub(crate) use disk::Disk;
pub use disk::OpenError;
pub(crate) use memory::Memory;

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::Transaction;

use crate::key::Key;
use crate::row::{Row, Shape, UnreadableRow};
use crate::schema::{IndexId, TableId};

/// When an answer may be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// At once. What was written is seen by every later read; it is on disk with the next hard
    /// answer, the next flush, or after [`SOFT_WRITES_MAX`] more writes, and may be lost until then.
    Soft,
    /// When all it tells of is on disk: what was written, and also what was only read, as with
    /// RethinkDB's majority reads.
    Hard,
}

/// So many batches may be soft before one is made hard.
pub const SOFT_WRITES_MAX: usize = 1000;

/// Where keys of one kind lie: the first two bytes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Space([u8; 2]);

impl Space {
    /// The rows of a table, by primary key.
    pub(crate) fn rows(table: TableId) -> Self {
        Self([table.0, ROWS])
    }

    /// The entries of an index.
    pub(crate) fn index(index: IndexId) -> Self {
        Self([index.table.0, FIRST_INDEX + index.number])
    }

    /// The entries of a view that is kept beside a table.
    pub(crate) fn view(table: TableId) -> Self {
        Self([table.0, VIEW])
    }

    /// A key of this space, to be appended to.
    pub(crate) fn key(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

const ROWS: u8 = 0;
/// The transactions of a table's blocks, by primary key and number; [`Disk`] only.
const PARTS: u8 = 1;
const FIRST_INDEX: u8 = 2;
const VIEW: u8 = u8::MAX;

/// What is to stand under a key.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// A row.
    Row(Arc<Row>),
    /// Nothing but the key itself: an index entry.
    Entry,
    /// Nothing: what was there is gone.
    Empty,
}

/// What is to be written, all or nothing.
pub(crate) type Writes = BTreeMap<Key, Slot>;

/// An ordered map.
pub(crate) trait Storage: Send {
    /// The row under a key.
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError>;

    /// What the row under a key was taken for, without reading more of it.
    fn shape(&self, key: &[u8]) -> Result<Option<Shape>, StorageError>;

    /// One transaction of the block under a key, without reading more of it.
    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError>;

    /// The first keys from `from` on and before `to`, ascending.
    fn keys(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Key>, StorageError>;

    /// Writes all of it, or nothing.
    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError>;

    /// Brings every soft write to disk.
    fn flush(&mut self) -> Result<(), StorageError>;

    /// Loses every soft write, as a failing power supply does; how many batches. Memory only: on
    /// disk this is left to the real thing.
    fn power_loss(&mut self) -> Option<usize>;
}

/// The storage does not work. What was being written may be there or not.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The disk, or the file on it.
    #[error("the disk failed: {0}")]
    Disk(#[from] Box<redb::Error>),
    /// What stands there is not what was written.
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
}
