//! The storage on disk: one file of `redb`, a copy-on-write B-tree, and what is not in it yet.
//!
//! What is written is kept in memory first and seen by every reader at once. A [`Flush`] takes all
//! of it to the file, in one transaction with one `fsync`, and needs nobody's lock for that: whoever
//! writes meanwhile fills the next one. After a crash the file is as the last flush left it.
//!
//! A row is text, its block's transactions are texts of their own beside it, so that one can be
//! read without the rest. Rows read or written lately are kept parsed.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;

use bigchaindb_core::model::Transaction;
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::cache::Cache;
use super::flush::{Flush, Flushed};
use super::{
    Direction, Durability, PARTS, SOFT_WRITES_MAX, Slot, Storage, StorageError, Writes, merged,
};
use crate::key::Key;
use crate::row::{self, Row, Shape};

pub(super) type Map<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;
pub(super) type ReadOnlyMap = ReadOnlyTable<&'static [u8], &'static [u8]>;

pub(super) const MAP: TableDefinition<&[u8], &[u8]> = TableDefinition::new("map");

/// Under this key stands which layout the file has.
const LAYOUT_KEY: &[u8] = &[u8::MAX];

/// What stands there. It counts up when rows, entries or the catalog are written in another way.
const LAYOUT: &str = "format 3";

/// How much of the file is kept in memory, in bytes.
const PAGES_CACHED: usize = 256 << 20;

/// Why a database on disk cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is open already, here or in another process.
    #[error("the database is in use by another process")]
    InUse,
    /// It is no file of ours, or one of another version.
    #[error("the file's layout is `{found}`, expected `{expected}`")]
    Layout {
        /// What the file says.
        found: String,
        /// What this version reads.
        expected: String,
    },
    /// The list of its tables is not what was written.
    #[error("the catalog on disk cannot be read: {0}")]
    Catalog(String),
    /// The disk, or the file on it.
    #[error("the database cannot be opened: {0}")]
    Disk(#[source] Box<redb::Error>),
    /// The process may have no more threads.
    #[error("the database's threads cannot be started: {0}")]
    NoThread(#[source] std::io::Error),
    /// It opens, and then it does not work.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A file, and what is to come into it.
pub(crate) struct Disk {
    file: Arc<Database>,
    /// The file's map as the last flush left it.
    map: ReadOnlyMap,
    /// What a flush is taking to the file.
    flushing: Option<Arc<Writes>>,
    /// What the next one will take.
    waiting: Writes,
    /// Rows of about so many bytes are in there.
    waiting_bytes: usize,
    soft_writes: usize,
    /// Somebody else says when to flush.
    is_left_to_others: bool,
    /// Why a flush failed: nobody knows what the file holds since.
    broken: Option<String>,
    /// Rows of the file.
    rows: RefCell<Cache<Row>>,
    /// Transactions of the file that were asked for without their blocks.
    parts: RefCell<Cache<Transaction>>,
    parsed: Cell<u64>,
}

impl Disk {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let file = Builder::new().set_cache_size(PAGES_CACHED).create(path);
        let file = file.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
            other => OpenError::Disk(Box::new(other.into())),
        })?;
        check_layout(&file)?;
        let map = read_map(&file).map_err(|error| OpenError::Disk(Box::new(error)))?;
        Ok(Self {
            file: Arc::new(file),
            map,
            flushing: None,
            waiting: Writes::new(),
            waiting_bytes: 0,
            soft_writes: 0,
            is_left_to_others: false,
            broken: None,
            rows: RefCell::default(),
            parts: RefCell::default(),
            parsed: Cell::new(0),
        })
    }

    /// What is to stand under a key, if that is not in the file yet.
    fn written(&self, key: &[u8]) -> Option<&Slot> {
        let flushing = || self.flushing.as_deref()?.get(key);
        self.waiting.get(key).or_else(flushing)
    }

    fn read(&self, key: &[u8]) -> Result<Option<(Row, usize)>, StorageError> {
        let Some(text) = self.map.get(key).map_err(failed)? else { return Ok(None) };
        let text = text.value();
        let (mut parts, mut size) = (vec![], text.len());
        if row::shape(text) == Shape::Block {
            let [first, last] = parts_of(key);
            for part in self.map.range(first.as_slice()..=last.as_slice()).map_err(failed)? {
                let (_, part) = part.map_err(failed)?;
                size += part.value().len();
                parts.push(row::read_part(part.value())?);
            }
        }
        self.count(size);
        Ok(Some((row::read(text, parts)?, size)))
    }

    fn count(&self, bytes: usize) {
        self.parsed.set(self.parsed.get() + bytes as u64);
    }

    fn works(&self) -> Result<(), StorageError> {
        self.broken.clone().map_or(Ok(()), |error| Err(StorageError::Broken(error)))
    }
}

impl Storage for Disk {
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError> {
        match self.written(key) {
            Some(Slot::Row(row)) => return Ok(Some(row.clone())),
            Some(_) => return Ok(None),
            None => {}
        }
        let mut rows = self.rows.borrow_mut();
        if let Some(row) = rows.get(key) {
            return Ok(Some(row));
        }
        let Some((row, size)) = self.read(key)? else { return Ok(None) };
        let row = Arc::new(row);
        rows.insert(key.into(), row.clone(), size);
        Ok(Some(row))
    }

    fn shape(&self, key: &[u8]) -> Result<Option<Shape>, StorageError> {
        match self.written(key) {
            Some(Slot::Row(row)) => return Ok(Some(row.shape())),
            Some(_) => return Ok(None),
            None => {}
        }
        let text = self.map.get(key).map_err(failed)?;
        Ok(text.map(|text| row::shape(text.value())))
    }

    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError> {
        match self.written(key) {
            Some(Slot::Row(row)) => return Ok(row.part(number)),
            Some(_) => return Ok(None),
            None => {}
        }
        if let Some(row) = self.rows.borrow_mut().get(key) {
            return Ok(row.part(number));
        }
        let (key, mut parts) = (part_of(key, number), self.parts.borrow_mut());
        if let Some(part) = parts.get(&key) {
            return Ok(Some(part));
        }
        let Some(text) = self.map.get(&*key).map_err(failed)? else { return Ok(None) };
        let text = text.value();
        let part = row::read_part(text)?;
        self.count(text.len());
        parts.insert(key.into(), part.clone(), text.len());
        Ok(Some(part))
    }

    fn text(&self, key: &[u8]) -> Result<Option<Arc<str>>, StorageError> {
        match self.written(key) {
            Some(Slot::Text(text)) => return Ok(Some(text.clone())),
            Some(_) => return Ok(None),
            None => {}
        }
        let text = self.map.get(key).map_err(failed)?;
        Ok(text.map(|text| String::from_utf8_lossy(text.value()).into()))
    }

    fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Key>, StorageError> {
        let in_file = |from: &[u8], to: &[u8], limit| {
            let range = self.map.range::<&[u8]>(from..to).map_err(failed)?;
            let key = |entry: Result<(redb::AccessGuard<'_, &[u8]>, _), _>| {
                Ok(Key::from(entry.map_err(failed)?.0.value()))
            };
            match direction {
                Direction::Ascending => range.take(limit).map(key).collect(),
                Direction::Descending => range.rev().take(limit).map(key).collect(),
            }
        };
        merged(&self.waiting, from, to, direction, limit, |from, to, limit| {
            match self.flushing.as_deref() {
                Some(flushing) => merged(flushing, from, to, direction, limit, in_file),
                None => in_file(from, to, limit),
            }
        })
    }

    fn parsed(&self) -> u64 {
        self.parsed.get()
    }

    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError> {
        self.works()?;
        for slot in writes.values() {
            self.waiting_bytes += if let Slot::Row(row) = slot { row.weight() } else { 0 };
        }
        self.waiting.extend(writes);
        self.soft_writes += 1;
        match durability {
            Durability::Soft if self.soft_writes <= SOFT_WRITES_MAX => Ok(()),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        if self.is_left_to_others {
            return Ok(());
        }
        match self.begin_flush()? {
            Some(flush) => self.end_flush(flush.run()),
            None => Ok(()),
        }
    }

    fn leave_flushing(&mut self) {
        self.is_left_to_others = true;
    }

    fn waiting(&self) -> (usize, usize) {
        (self.waiting.len(), self.waiting_bytes)
    }

    fn begin_flush(&mut self) -> Result<Option<Flush>, StorageError> {
        self.works()?;
        assert!(self.flushing.is_none(), "one flush ends before the next one begins");
        (self.soft_writes, self.waiting_bytes) = (0, 0);
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let writes = Arc::new(std::mem::take(&mut self.waiting));
        self.flushing = Some(writes.clone());
        Ok(Some(Flush::new(self.file.clone(), writes)))
    }

    fn end_flush(&mut self, flushed: Flushed) -> Result<(), StorageError> {
        let writes = self.flushing.clone().expect("a flush that ends has begun");
        let (map, written) = flushed.into_result().map_err(|error| {
            // What was to be written goes on being seen, and nothing is promised any more.
            self.broken = Some(error.to_string());
            StorageError::Disk(Box::new(error))
        })?;
        self.map = map;
        self.flushing = None;
        let (rows, parts) = (self.rows.get_mut(), self.parts.get_mut());
        if written.over_a_block {
            parts.clear();
        }
        for ((key, slot), text) in writes.iter().zip(written.texts) {
            match slot {
                Slot::Row(row) => rows.insert(key.clone(), row.clone(), text),
                Slot::Empty => rows.remove(key),
                Slot::Entry | Slot::Text(_) => {}
            }
        }
        Ok(())
    }

    fn power_loss(&mut self) -> Option<usize> {
        None
    }
}

fn check_layout(file: &Database) -> Result<(), OpenError> {
    let found = (|| {
        let transaction = file.begin_write()?;
        let found = {
            let mut map = transaction.open_table(MAP)?;
            let found = redb::ReadableTable::get(&map, LAYOUT_KEY)?;
            let found = found.map(|text| String::from_utf8_lossy(text.value()).into_owned());
            if found.is_none() {
                map.insert(LAYOUT_KEY, LAYOUT.as_bytes())?;
            }
            found
        };
        match found {
            None => transaction.commit()?,
            Some(_) => transaction.abort()?,
        }
        Ok(found)
    })();
    match found.map_err(|error: redb::Error| OpenError::Disk(Box::new(error)))? {
        Some(found) if found != LAYOUT => {
            Err(OpenError::Layout { found, expected: LAYOUT.to_owned() })
        }
        _ => Ok(()),
    }
}

pub(super) fn read_map(file: &Database) -> Result<ReadOnlyMap, redb::Error> {
    Ok(file.begin_read()?.open_table(MAP)?)
}

/// Where a block's transaction is kept.
pub(super) fn part_of(key: &[u8], number: u32) -> Vec<u8> {
    let mut part = key.to_vec();
    part[2..4].copy_from_slice(&PARTS.to_be_bytes());
    part.extend(number.to_be_bytes());
    part
}

/// The first and the last place where a block's transactions can be.
pub(super) fn parts_of(key: &[u8]) -> [Vec<u8>; 2] {
    [part_of(key, 0), part_of(key, u32::MAX)]
}

fn failed(error: redb::StorageError) -> StorageError {
    StorageError::Disk(Box::new(error.into()))
}
