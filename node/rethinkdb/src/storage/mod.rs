//! One ordered map of keys to rows and index entries, written by atomic batches.
//!
//! Here: what the rest of the engine needs of a storage ([`Storage`]) and how durable a write is.
//! Two forms: [`Memory`], where a simulator can make the power fail, and [`Disk`]. Not here: what
//! the keys mean, apart from their first four bytes, the [`Space`] (`batch`).

mod disk;
mod memory;
mod merged;

pub use disk::OpenError;
pub(crate) use disk::{Disk, Flush, Flushed, Settle, Settled};
pub(crate) use memory::Memory;
pub(crate) use merged::{Stands, merged};

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::Transaction;

use crate::catalog::{IndexId, TableId};
use crate::key::Key;
use crate::row::{Row, Shape, UnreadableRow};

/// When an answer may be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// At once. What was written is seen by every later read; it is on disk with the next hard
    /// answer, the next flush, or after [`SOFT_WRITES_MAX`] more writes (of a shared
    /// [`Database`](crate::Database): soon), and may be lost until then.
    Soft,
    /// When all it tells of is on disk: what was written, and also what was only read, as with
    /// RethinkDB's majority reads.
    Hard,
}

/// So many batches may be soft before one is made hard.
pub const SOFT_WRITES_MAX: usize = 1000;

/// Where keys of one kind lie: the first four bytes of a key, two for the table, two for what of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Space([u8; 4]);

impl Space {
    /// The rows of a table, by primary key.
    pub(crate) fn rows(table: TableId) -> Self {
        Self::of(table.number, ROWS)
    }

    /// The entries of an index.
    pub(crate) fn index(index: IndexId) -> Self {
        Self::of(index.table.number, FIRST_INDEX + index.number)
    }

    /// The entries of a view that is kept beside a table.
    pub(crate) fn view(table: TableId) -> Self {
        Self::of(table.number, VIEW)
    }

    /// The catalog's entries.
    pub(crate) fn catalog() -> Self {
        Self::of(CATALOG, 0)
    }

    /// How many rows each table has.
    pub(crate) fn counts() -> Self {
        Self::of(CATALOG, 1)
    }

    fn of(table: u16, what: u16) -> Self {
        let ([a, b], [c, d]) = (table.to_be_bytes(), what.to_be_bytes());
        Self([a, b, c, d])
    }

    /// A key of this space, to be appended to.
    pub(crate) fn key(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// The first key of a table that is none of its rows', and the first after all of its keys.
    pub(crate) fn beside_rows(table: u16) -> [Vec<u8>; 2] {
        [Self::of(table, ROWS + 1).key(), Self::of(table + 1, 0).key()]
    }
}

/// How many bytes of a key say in which space it is.
pub(crate) const SPACE: usize = 4;

/// No table has this number or a larger one.
pub(crate) const CATALOG: u16 = 0xff00;

const ROWS: u16 = 0;
/// The transactions of a table's blocks, by primary key and number; [`Disk`] only.
const PARTS: u16 = 1;
const FIRST_INDEX: u16 = 2;
const VIEW: u16 = u16::MAX;

/// What is to stand under a key.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// A row.
    Row(Arc<Row>),
    /// Nothing but the key itself: an index entry.
    Entry,
    /// A text: an entry of the catalog, or a number of rows.
    Text(Arc<str>),
    /// Nothing: what was there is gone.
    Empty,
}

impl Stands for Slot {
    fn is_there(&self) -> bool {
        !matches!(self, Self::Empty)
    }
}

/// What is to be written, all or nothing.
pub(crate) type Writes = BTreeMap<Key, Slot>;

/// In which order keys are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// An ordered map.
pub(crate) trait Storage: Send {
    /// The row under a key.
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError>;

    /// What the row under a key was taken for, without reading more of it.
    fn shape(&self, key: &[u8]) -> Result<Option<Shape>, StorageError>;

    /// One transaction of the block under a key, without reading more of it.
    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError>;

    /// The text under a key.
    fn text(&self, key: &[u8]) -> Result<Option<Arc<str>>, StorageError>;

    /// The first keys from `from` on and before `to`, in that direction.
    fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Key>, StorageError>;

    /// How many bytes of text were made into rows so far: what reading has cost.
    fn parsed(&self) -> u64;

    /// Writes all of it, or nothing.
    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError>;

    /// Brings every soft write to disk.
    fn flush(&mut self) -> Result<(), StorageError>;

    /// All writes stay in memory from now on until the caller flushes.
    fn leave_flushing(&mut self) {}

    /// How many keys, and rows of about how many bytes, are to be brought to disk.
    fn waiting(&self) -> (usize, usize) {
        (0, 0)
    }

    /// Begins to bring every soft write to disk, if there is any: the caller runs the flush, and
    /// gives back what became of it before the next one begins.
    fn begin_flush(&mut self) -> Result<Option<Flush>, StorageError> {
        Ok(None)
    }

    /// A flush has been run.
    fn end_flush(&mut self, _: Flushed) -> Result<(), StorageError> {
        Ok(())
    }

    /// Begins to settle all that was flushed, if that is anything and none is on the way; between two flushes.
    /// The caller runs it, and gives back what became of it.
    fn settle(&mut self) -> Option<Settle> {
        None
    }

    /// The same, if it is much.
    fn begin_settle(&mut self) -> Option<Settle> {
        None
    }

    /// Nothing is flushed and not settled.
    fn is_settled(&self) -> bool {
        true
    }

    /// What was settled is so.
    fn end_settle(&mut self, _: &mut Settled) -> Result<(), StorageError> {
        Ok(())
    }

    /// So much was flushed and not settled that nothing more should be, as long as something is on the way.
    fn is_full(&self) -> bool {
        false
    }

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
    /// An earlier write failed: nobody knows any more what is on disk.
    #[error("the disk failed before: {0}")]
    Broken(String),
}
