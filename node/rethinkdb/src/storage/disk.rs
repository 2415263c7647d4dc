//! The storage on disk: one file of `redb`, a copy-on-write B-tree.
//!
//! A row is text, its block's transactions are texts of their own beside it, so that one can be
//! read without the rest. A hard write is an `fsync`; after a crash the file is as the last hard
//! write left it. Rows read or written lately are kept parsed.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use bigchaindb_core::model::Transaction;
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

use super::cache::Cache;
use super::{Durability, PARTS, SOFT_WRITES_MAX, Slot, Storage, StorageError, Writes};
use crate::key::Key;
use crate::row::{self, Row, Shape};
use crate::schema::{Schema, Table};

type Map<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;
type ReadOnlyMap = ReadOnlyTable<&'static [u8], &'static [u8]>;

const MAP: TableDefinition<&[u8], &[u8]> = TableDefinition::new("map");

/// Under this key stands which layout the file has.
const LAYOUT_KEY: &[u8] = &[u8::MAX];

/// How rows and entries are written; counts up when that changes.
const FORMAT: u32 = 1;

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
    /// The disk, or the file on it.
    #[error("the database cannot be opened: {0}")]
    Disk(#[source] Box<redb::Error>),
}

/// A file.
pub(crate) struct Disk {
    database: Database,
    /// The map as the last write left it.
    map: Option<ReadOnlyMap>,
    rows: RefCell<Cache<Row>>,
    /// Transactions that were asked for without their blocks.
    parts: RefCell<Cache<Transaction>>,
    soft_writes: usize,
}

impl Disk {
    /// Opens the file, or makes it. It keeps the tables and indexes of this schema, and no others.
    pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        let database = Builder::new().set_cache_size(PAGES_CACHED).create(path);
        let database = database.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
            other => OpenError::Disk(Box::new(other.into())),
        })?;
        let (rows, parts) = Default::default();
        let mut disk = Self { database, map: None, rows, parts, soft_writes: 0 };
        disk.check_layout(&layout(schema))?;
        Ok(disk)
    }

    fn check_layout(&mut self, expected: &str) -> Result<(), OpenError> {
        let failed = |error: redb::Error| OpenError::Disk(Box::new(error));
        let found = self.with_map(redb::Durability::Immediate, |map| {
            let found = map.get(LAYOUT_KEY)?.map(|text| text.value().to_vec());
            if found.is_none() {
                map.insert(LAYOUT_KEY, expected.as_bytes())?;
            }
            Ok(found)
        });
        match found.map_err(failed)? {
            Some(found) if found != expected.as_bytes() => Err(OpenError::Layout {
                found: String::from_utf8_lossy(&found).into_owned(),
                expected: expected.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Changes the map, all or nothing.
    fn with_map<R>(
        &mut self,
        durability: redb::Durability,
        change: impl FnOnce(&mut Map<'_>) -> Result<R, redb::Error>,
    ) -> Result<R, redb::Error> {
        // The reader goes first: pages that it can see cannot be used again.
        self.map = None;
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        let result = change(&mut transaction.open_table(MAP)?)?;
        transaction.commit()?;
        self.map = Some(self.database.begin_read()?.open_table(MAP)?);
        Ok(result)
    }

    fn map(&self) -> Result<&ReadOnlyMap, StorageError> {
        self.map.as_ref().ok_or_else(|| StorageError::from(Box::new(redb::Error::PreviousIo)))
    }

    fn read(&self, key: &[u8]) -> Result<Option<(Row, usize)>, StorageError> {
        let map = self.map()?;
        let Some(text) = map.get(key).map_err(failed)? else { return Ok(None) };
        let text = text.value();
        let (mut parts, mut size) = (vec![], text.len());
        if row::shape(text) == Shape::Block {
            let [first, last] = parts_of(key);
            for part in map.range(first.as_slice()..=last.as_slice()).map_err(failed)? {
                let (_, part) = part.map_err(failed)?;
                size += part.value().len();
                parts.push(row::read_part(part.value())?);
            }
        }
        Ok(Some((row::read(text, parts)?, size)))
    }
}

impl Storage for Disk {
    fn row(&self, key: &[u8]) -> Result<Option<Arc<Row>>, StorageError> {
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
        let text = self.map()?.get(key).map_err(failed)?;
        Ok(text.map(|text| row::shape(text.value())))
    }

    fn part(&self, key: &[u8], number: u32) -> Result<Option<Arc<Transaction>>, StorageError> {
        if let Some(row) = self.rows.borrow_mut().get(key) {
            return Ok(row.part(number));
        }
        let (key, mut parts) = (part_of(key, number), self.parts.borrow_mut());
        if let Some(part) = parts.get(&key) {
            return Ok(Some(part));
        }
        let Some(text) = self.map()?.get(&*key).map_err(failed)? else { return Ok(None) };
        let text = text.value();
        let part = row::read_part(text)?;
        parts.insert(key.into(), part.clone(), text.len());
        Ok(Some(part))
    }

    fn keys(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Key>, StorageError> {
        if from >= to {
            return Ok(vec![]);
        }
        let range = self.map()?.range::<&[u8]>(from..to).map_err(failed)?;
        let keys = range.take(limit).map(|entry| Ok(entry.map_err(failed)?.0.value().into()));
        keys.collect()
    }

    fn write(&mut self, writes: Writes, durability: Durability) -> Result<(), StorageError> {
        let soft = durability == Durability::Soft && self.soft_writes < SOFT_WRITES_MAX;
        let how = if soft { redb::Durability::None } else { redb::Durability::Immediate };
        let written = self.with_map(how, |map| {
            let written = writes.iter().map(|(key, slot)| write_slot(map, key, slot));
            written.collect::<Result<Vec<_>, _>>()
        });
        let (rows, parts) = (self.rows.get_mut(), self.parts.get_mut());
        // Nobody knows what a failed write left behind.
        let forget = |_: &redb::Error| {
            rows.clear();
            parts.clear();
        };
        let written = written.inspect_err(forget).map_err(Box::new)?;
        self.soft_writes = if soft { self.soft_writes + 1 } else { 0 };
        for ((key, slot), written) in writes.into_iter().zip(written) {
            if written.over_a_block {
                parts.clear();
            }
            match slot {
                Slot::Row(row) => rows.insert(key, row, written.text),
                Slot::Empty => rows.remove(&key),
                Slot::Entry => {}
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        if self.soft_writes > 0 {
            self.with_map(redb::Durability::Immediate, |_| Ok(())).map_err(Box::new)?;
            self.soft_writes = 0;
        }
        Ok(())
    }

    fn power_loss(&mut self) -> Option<usize> {
        None
    }
}

/// What stands under [`LAYOUT_KEY`]: tables and indexes have their numbers by their order.
fn layout(schema: &Schema) -> String {
    let table = |table: &Table| {
        let indexes: Vec<_> = table.indexes.iter().map(|index| index.name).collect();
        format!("{}({})", table.name, indexes.join(","))
    };
    let tables: Vec<_> = schema.tables.iter().map(table).collect();
    format!("format {FORMAT}: {}", tables.join(" "))
}

/// What writing a key meant.
#[derive(Default)]
struct Written {
    /// So many bytes of text.
    text: usize,
    /// A block stood there before.
    over_a_block: bool,
}

fn write_slot(map: &mut Map<'_>, key: &[u8], slot: &Slot) -> Result<Written, redb::Error> {
    let row = match slot {
        Slot::Entry => {
            map.insert(key, [].as_slice())?;
            return Ok(Written::default());
        }
        Slot::Empty => None,
        Slot::Row(row) => Some(row),
    };
    let text = row.map(|row| row::write(row));
    let before = match &text {
        Some(text) => map.insert(key, text.as_bytes())?,
        None => map.remove(key)?,
    };
    let over_a_block = before.is_some_and(|text| row::shape(text.value()) == Shape::Block);
    if over_a_block {
        let [first, last] = parts_of(key);
        map.retain_in(first.as_slice()..=last.as_slice(), |_, _| false)?;
    }
    let mut written = Written { text: text.map_or(0, |text| text.len()), over_a_block };
    let transactions =
        row.and_then(|row| row.block()).map_or(&[][..], |block| block.transactions());
    for (number, transaction) in (0..).zip(transactions) {
        let text = row::write_part(transaction);
        written.text += text.len();
        map.insert(&*part_of(key, number), text.as_bytes())?;
    }
    Ok(written)
}

/// Where a block's transaction is kept.
fn part_of(key: &[u8], number: u32) -> Vec<u8> {
    let mut part = key.to_vec();
    part[1] = PARTS;
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
