//! The storage on disk: one file of `redb`, a copy-on-write B-tree, a log, and what is in neither yet.
//!
//! What is written is kept in memory first and seen by every reader at once. A [`Flush`] takes all
//! of it to the end of the log, with one `fsync`, and needs nobody's lock for that: whoever writes
//! meanwhile fills the next one. It stays in memory until a [`Settle`] has taken it to the tree, much at once:
//! keys are hashes, so each one costs a page of the tree to itself, unless there are many; and what waits in
//! the backlog is gone before it gets there. After a crash the log is read, and all is as the last flush left it.
//!
//! A row is text, its block's transactions are texts of their own beside it, so that one can be
//! read without the rest. Rows read or written lately are kept parsed.
//!
//! Here: the file, and what is read of it. In rooms of their own: what is not in the file yet (`memtables`),
//! the log and what it says (`log`), what a flush and a settle write (`flush`, `settle`), what is kept parsed
//! (`cache`).

mod cache;
mod flush;
mod log;
mod memtables;
mod settle;

pub(crate) use flush::{Flush, Flushed};
pub(crate) use settle::{Settle, Settled};

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb_core::model::Transaction;
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, TableDefinition};

use self::cache::Cache;
use self::log::{Log, LogError};
use self::memtables::Memtables;
use super::{Direction, Durability, PARTS, SOFT_WRITES_MAX, Slot, Storage, StorageError, Writes};
use crate::key::Key;
use crate::row::{self, Row, Shape};

type Map<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;
type ReadOnlyMap = ReadOnlyTable<&'static [u8], &'static [u8]>;

const MAP: TableDefinition<&[u8], &[u8]> = TableDefinition::new("map");

/// Under this key stands which layout the file has.
const LAYOUT_KEY: &[u8] = &[u8::MAX];

/// What stands there. It counts up when rows, entries or the catalog are written in another way.
const LAYOUT: &str = "format 4";

/// The one before: all the same, but that there is no log.
const LAYOUT_WITHOUT_LOG: &str = "format 3";

/// Under this key stands up to which number all of the logs is in the tree.
const SETTLED_KEY: &[u8] = &[u8::MAX, 0];

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
    /// The log beside it is not what was written.
    #[error("the log cannot be read: {0}")]
    Log(String),
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
    path: PathBuf,
    file: Arc<Database>,
    /// The file's map as it was settled last.
    map: ReadOnlyMap,
    /// What is not in there yet.
    written: Memtables,
    /// None while a flush has it.
    log: Option<Log>,
    soft_writes: usize,
    /// Somebody else says when to flush.
    is_left_to_others: bool,
    /// Why it works no more: nobody knows what is on disk since.
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
        let settled = settled(&map).map_err(|error| OpenError::Disk(Box::new(error.into())))?;
        let mut written = Memtables::default();
        let log = Log::open(path, settled, |key, logged| written.note(key, logged));
        let log = log.map_err(|error| match error {
            LogError::Io(error) => {
                OpenError::Disk(Box::new(redb::StorageError::from(error).into()))
            }
            other => OpenError::Log(other.to_string()),
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            map,
            written,
            log: Some(log),
            soft_writes: 0,
            is_left_to_others: false,
            broken: None,
            rows: RefCell::default(),
            parts: RefCell::default(),
            parsed: Cell::new(0),
        })
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

    /// Takes note that nobody knows any more what is on disk: what was written goes on being seen, and
    /// nothing is promised any more.
    fn broken_by(&mut self, error: redb::Error) -> StorageError {
        self.broken = Some(error.to_string());
        StorageError::Disk(Box::new(error))
    }

    fn works(&self) -> Result<(), StorageError> {
        self.broken.clone().map_or(Ok(()), |error| Err(StorageError::Broken(error)))
    }
}

impl Storage for Disk {
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError> {
        match self.written.get(key) {
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
        match self.written.get(key) {
            Some(Slot::Row(row)) => return Ok(Some(row.shape())),
            Some(_) => return Ok(None),
            None => {}
        }
        let text = self.map.get(key).map_err(failed)?;
        Ok(text.map(|text| row::shape(text.value())))
    }

    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError> {
        match self.written.get(key) {
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
        match self.written.get(key) {
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
        self.written.keys(from, to, direction, limit, in_file)
    }

    fn parsed(&self) -> u64 {
        self.parsed.get()
    }

    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError> {
        self.works()?;
        self.written.write(writes);
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
        if let Some(flush) = self.begin_flush()? {
            self.end_flush(flush.run())?;
        }
        match self.begin_settle() {
            Some(settle) => self.end_settle(&mut settle.run()),
            None => Ok(()),
        }
    }

    fn leave_flushing(&mut self) {
        self.is_left_to_others = true;
    }

    fn waiting(&self) -> (usize, usize) {
        self.written.waiting()
    }

    fn begin_flush(&mut self) -> Result<Option<Flush>, StorageError> {
        self.works()?;
        self.soft_writes = 0;
        let Some(writes) = self.written.begin_flush() else { return Ok(None) };
        let log = self.log.take().expect("no flush has it");
        Ok(Some(Flush::new(log, writes)))
    }

    fn end_flush(&mut self, flushed: Flushed) -> Result<(), StorageError> {
        self.log = Some(flushed.log);
        let logged = flushed.outcome.map_err(|error| self.broken_by(error.into()))?;
        let map = &self.map;
        let is_in_file = |key: &[u8]| Ok(map.get(key).map_err(failed)?.is_some());
        let noted = self.written.end_flush(logged, is_in_file);
        noted.inspect_err(|error| self.broken = Some(error.to_string()))
    }

    fn settle(&mut self) -> Option<Settle> {
        let log = self.log.as_mut().filter(|_| self.broken.is_none())?;
        let logged = self.written.begin_settle()?;
        let number = log.turn();
        Some(Settle { path: self.path.clone(), file: self.file.clone(), logged, number })
    }

    fn begin_settle(&mut self) -> Option<Settle> {
        if self.written.is_much() { self.settle() } else { None }
    }

    fn end_settle(&mut self, settled: &mut Settled) -> Result<(), StorageError> {
        let outcome = settled.outcome.take().expect("it is noted once");
        let (map, over_a_block) = outcome.map_err(|error| self.broken_by(error))?;
        self.map = map;
        self.written.end_settle();
        let (rows, parts) = (self.rows.get_mut(), self.parts.get_mut());
        if over_a_block {
            parts.clear();
        }
        for (key, logged) in settled.logged.iter() {
            match &logged.slot {
                Slot::Row(row) => rows.insert(key.clone(), row.clone(), logged.texts.len()),
                Slot::Empty => rows.remove(key),
                Slot::Entry | Slot::Text(_) => {}
            }
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        self.written.is_settled()
    }

    fn is_full(&self) -> bool {
        self.written.is_full() && self.broken.is_none()
    }

    fn power_loss(&mut self) -> Option<usize> {
        None
    }
}

/// Leaves nothing in the log, if all is well: it is one file then, and opened faster.
impl Drop for Disk {
    fn drop(&mut self) {
        // What fails here is in the log, and is read from there.
        if let Some(settle) = self.settle() {
            let _ = settle.run();
        }
    }
}

fn settled(map: &ReadOnlyMap) -> Result<u64, redb::StorageError> {
    let text = map.get(SETTLED_KEY)?;
    let number = text.and_then(|text| std::str::from_utf8(text.value()).ok()?.parse().ok());
    Ok(number.unwrap_or(0))
}

fn check_layout(file: &Database) -> Result<(), OpenError> {
    let found = (|| {
        let transaction = file.begin_write()?;
        let found = {
            let mut map = transaction.open_table(MAP)?;
            let found = redb::ReadableTable::get(&map, LAYOUT_KEY)?;
            let found = found.map(|text| String::from_utf8_lossy(text.value()).into_owned());
            let found = found.filter(|found| found != LAYOUT_WITHOUT_LOG);
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

fn read_map(file: &Database) -> Result<ReadOnlyMap, redb::Error> {
    Ok(file.begin_read()?.open_table(MAP)?)
}

/// Where a block's transaction is kept.
fn part_of(key: &[u8], number: u32) -> Vec<u8> {
    let mut part = key.to_vec();
    part[2..4].copy_from_slice(&PARTS.to_be_bytes());
    part.extend(number.to_be_bytes());
    part
}

/// The first and the last place where a block's transactions can be.
fn parts_of(key: &[u8]) -> [Vec<u8>; 2] {
    [part_of(key, 0), part_of(key, u32::MAX)]
}

fn failed(error: redb::StorageError) -> StorageError {
    StorageError::Disk(Box::new(error.into()))
}

#[cfg(test)]
mod tests;
