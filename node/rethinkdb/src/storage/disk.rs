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

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb_core::model::Transaction;
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::cache::Cache;
use super::flush::{Flush, Flushed};
use super::log::{Log, LogError, Logged};
use super::settle::{Settle, Settled};
use super::{
    Direction, Durability, PARTS, SOFT_WRITES_MAX, Slot, Stands as _, Storage, StorageError,
    Writes, merged,
};
use crate::key::Key;
use crate::row::{self, Row, Shape};

pub(super) type Map<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;
pub(super) type ReadOnlyMap = ReadOnlyTable<&'static [u8], &'static [u8]>;

pub(super) const MAP: TableDefinition<&[u8], &[u8]> = TableDefinition::new("map");

/// Under this key stands which layout the file has.
const LAYOUT_KEY: &[u8] = &[u8::MAX];

/// What stands there. It counts up when rows, entries or the catalog are written in another way.
const LAYOUT: &str = "format 4";

/// The one before: all the same, but that there is no log.
const LAYOUT_WITHOUT_LOG: &str = "format 3";

/// Under this key stands up to which number all of the logs is in the tree.
pub(super) const SETTLED_KEY: &[u8] = &[u8::MAX, 0];

/// So many keys that were flushed are settled,
const SETTLE_KEYS: usize = 50_000;

/// or texts of so many bytes;
const SETTLE_BYTES: usize = 32 << 20;

/// and nothing more is flushed while so many times as much is not settled.
const FULL: usize = 4;

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
    /// What is being settled.
    settling: Option<Arc<BTreeMap<Key, Logged>>>,
    /// What is in the log, and not in there.
    logged: BTreeMap<Key, Logged>,
    /// Texts of so many bytes are in there.
    logged_bytes: usize,
    /// None while a flush has it.
    log: Option<Log>,
    /// What a flush is taking to the log.
    flushing: Option<Arc<Writes>>,
    /// What the next one will take.
    waiting: Writes,
    /// Rows of about so many bytes are in there.
    waiting_bytes: usize,
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
        let (mut logged, mut logged_bytes) = (BTreeMap::<_, Logged>::new(), 0);
        let log = Log::open(path, settled, |key, each| {
            logged_bytes += each.texts.len();
            let before = logged.insert(key, each);
            logged_bytes -= before.map_or(0, |before| before.texts.len());
        });
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
            settling: None,
            logged,
            logged_bytes,
            log: Some(log),
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
        self.waiting.get(key).or_else(flushing).or_else(|| Some(&self.logged_below(key)?.slot))
    }

    /// What the log says of a key, if that is not in the file yet.
    fn logged_below(&self, key: &[u8]) -> Option<&Logged> {
        self.logged.get(key).or_else(|| self.settling.as_deref()?.get(key))
    }

    /// Whether anything would stand under a key if nothing of it were in `logged`.
    fn is_below_log(&self, key: &[u8]) -> Result<bool, StorageError> {
        if let Some(settling) = self.settling.as_deref().and_then(|settling| settling.get(key)) {
            return Ok(settling.is_there());
        }
        Ok(self.map.get(key).map_err(failed)?.is_some())
    }

    /// Takes what was flushed to what is to be settled.
    fn note(&mut self, key: &Key, logged: Logged) -> Result<(), StorageError> {
        self.logged_bytes += logged.texts.len();
        // What came and went again has never been.
        let before = if logged.is_there() || self.is_below_log(key)? {
            self.logged.insert(key.clone(), logged)
        } else {
            self.logged.remove(key)
        };
        self.logged_bytes -= before.map_or(0, |before| before.texts.len());
        Ok(())
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
            let in_logs = |from: &[u8], to: &[u8], limit| {
                merged(&self.logged, from, to, direction, limit, |from, to, limit| {
                    match self.settling.as_deref() {
                        Some(settling) => merged(settling, from, to, direction, limit, in_file),
                        None => in_file(from, to, limit),
                    }
                })
            };
            match self.flushing.as_deref() {
                Some(flushing) => merged(flushing, from, to, direction, limit, in_logs),
                None => in_logs(from, to, limit),
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
        let log = self.log.take().expect("no flush has it");
        Ok(Some(Flush::new(log, writes)))
    }

    fn end_flush(&mut self, flushed: Flushed) -> Result<(), StorageError> {
        let writes = self.flushing.clone().expect("a flush that ends has begun");
        self.log = Some(flushed.log);
        let logged = flushed.outcome.map_err(|error| self.broken_by(error.into()))?;
        for (key, logged) in writes.keys().zip(logged) {
            self.note(key, logged).inspect_err(|error| self.broken = Some(error.to_string()))?;
        }
        self.flushing = None;
        Ok(())
    }

    fn settle(&mut self) -> Option<Settle> {
        let log = self.log.as_mut().filter(|_| self.settling.is_none() && self.broken.is_none())?;
        if self.logged.is_empty() {
            return None;
        }
        let number = log.turn();
        let logged = Arc::new(std::mem::take(&mut self.logged));
        self.logged_bytes = 0;
        self.settling = Some(logged.clone());
        Some(Settle { path: self.path.clone(), file: self.file.clone(), logged, number })
    }

    fn begin_settle(&mut self) -> Option<Settle> {
        let is_much = self.logged.len() > SETTLE_KEYS || self.logged_bytes > SETTLE_BYTES;
        if is_much { self.settle() } else { None }
    }

    fn end_settle(&mut self, settled: &mut Settled) -> Result<(), StorageError> {
        let outcome = settled.outcome.take().expect("it is noted once");
        let (map, over_a_block) = outcome.map_err(|error| self.broken_by(error))?;
        self.map = map;
        self.settling = None;
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
        self.logged.is_empty() && self.settling.is_none()
    }

    fn is_full(&self) -> bool {
        let is_full =
            self.logged.len() > FULL * SETTLE_KEYS || self.logged_bytes > FULL * SETTLE_BYTES;
        is_full && self.settling.is_some() && self.broken.is_none()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use bigchaindb_core::model::Json;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::TableId;
    use crate::storage::Space;

    /// A row, an entry beside it, and what of them is written: `None` takes both away.
    fn written(number: u8, version: Option<u8>) -> Writes {
        let (row, entry) = (row_key(number), entry_key(number));
        let there = version.map(|version| Slot::Row(Arc::new(block(number, version))));
        let entry_slot = version.map_or(Slot::Empty, |_| Slot::Entry);
        [(row, there.unwrap_or(Slot::Empty)), (entry, entry_slot)].into()
    }

    fn row_key(number: u8) -> Key {
        [&*Space::rows(TableId::any(1)).key(), &[number]].concat().into()
    }

    fn entry_key(number: u8) -> Key {
        [&*Space::view(TableId::any(1)).key(), &[number]].concat().into()
    }

    /// A block with as many transactions as its version says.
    fn block(number: u8, version: u8) -> Row {
        let transaction = |part| {
            let timestamp = r#""timestamp":"1""#;
            format!(r#"{{"id":"{number}-{version}-{part}","transaction":{{{timestamp}}}}}"#)
        };
        let transactions: Vec<_> = (0..version).map(transaction).collect();
        let text = format!(
            r#"{{"id":"{number}","signature":"s","block":{{"timestamp":"1","node_pubkey":"n1",
                "voters":["n1"],"transactions":[{}]}}}}"#,
            transactions.join(",")
        );
        let row = Row::new(Shape::Block, Json::parse(text.as_bytes()).unwrap());
        assert_eq!(row.shape(), Shape::Block);
        row
    }

    /// What stands there, by all ways in which it can be asked for.
    fn versions(disk: &Disk) -> BTreeMap<u8, u8> {
        let (first, last) = (row_key(0), row_key(u8::MAX));
        let keys = disk.keys(&first, &last, Direction::Ascending, usize::MAX).unwrap();
        let versions = keys.iter().map(|key| {
            let (number, row) = (*key.last().unwrap(), disk.row(key).unwrap().unwrap());
            let parts = row.block().unwrap().transactions().len();
            assert_eq!(disk.shape(key).unwrap(), Some(Shape::Block));
            for part in 0..=u32::try_from(parts).unwrap() {
                let found = disk.part(key, part).unwrap();
                let expected = row.block().unwrap().transactions().get(part as usize);
                assert_eq!(found.as_ref().map(|part| part.id()), expected.map(|part| part.id()));
            }
            (number, u8::try_from(parts).unwrap())
        });
        let versions: BTreeMap<_, _> = versions.collect();
        let (first, last) = (entry_key(0), entry_key(u8::MAX));
        let entries = disk.keys(&first, &last, Direction::Descending, usize::MAX).unwrap();
        let numbers: BTreeSet<_> = entries.iter().map(|key| *key.last().unwrap()).collect();
        assert_eq!(numbers, versions.keys().copied().collect());
        versions
    }

    /// What a crash would leave: a copy of all files, opened.
    fn after_a_crash(folder: &Path) -> (tempfile::TempDir, Disk) {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let disk = Disk::open(&copy.path().join("data")).unwrap();
        (copy, disk)
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write(u8, Option<u8>),
        BeginFlush,
        EndFlush,
        BeginSettle,
        RunSettle,
        EndSettle,
        Crash,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..6_u8, prop::option::of(1..4_u8)).prop_map(|(key, of)| Step::Write(key, of)),
            3 => Just(Step::BeginFlush),
            3 => Just(Step::EndFlush),
            2 => Just(Step::BeginSettle),
            2 => Just(Step::RunSettle),
            2 => Just(Step::EndSettle),
            1 => Just(Step::Crash),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_crash_leaves_what_was_flushed_whatever_was_under_way(
            steps in prop::collection::vec(step(), 1..60),
        ) {
            let mut folder = tempfile::tempdir().unwrap();
            let mut disk = Disk::open(&folder.path().join("data")).unwrap();
            disk.leave_flushing();
            let (mut seen, mut flushed) = (BTreeMap::new(), BTreeMap::new());
            let (mut flush, mut settle, mut settled) = (None, None, None);
            for step in steps {
                match step {
                    Step::Write(number, version) => {
                        disk.write(written(number, version), Durability::Soft).unwrap();
                        match version {
                            Some(version) => seen.insert(number, version),
                            None => seen.remove(&number),
                        };
                    }
                    Step::BeginFlush if flush.is_none() => {
                        if let Some(begun) = disk.begin_flush().unwrap() {
                            flush = Some(begun.run());
                            flushed = seen.clone();
                        }
                    }
                    Step::EndFlush => {
                        if let Some(run) = flush.take() {
                            disk.end_flush(run).unwrap();
                        }
                    }
                    Step::BeginSettle if flush.is_none() => {
                        if let Some(begun) = disk.settle() {
                            settle = Some(begun);
                        }
                    }
                    Step::RunSettle => settled = settle.take().map(Settle::run).or(settled),
                    Step::EndSettle => {
                        if let Some(mut run) = settled.take() {
                            disk.end_settle(&mut run).unwrap();
                        }
                    }
                    Step::Crash => {
                        let (copy, crashed) = after_a_crash(folder.path());
                        prop_assert_eq!(versions(&crashed), flushed.clone());
                        (flush, settle, settled) = (None, None, None);
                        disk = crashed;
                        disk.leave_flushing();
                        folder = copy;
                        seen = flushed.clone();
                    }
                    Step::BeginFlush | Step::BeginSettle => {}
                }
                prop_assert_eq!(versions(&disk), seen.clone());
            }
            let (_copy, crashed) = after_a_crash(folder.path());
            prop_assert_eq!(versions(&crashed), flushed);
        }
    }

    /// A disk on which each of these was flushed by itself.
    fn flushed(folder: &Path, versions: impl IntoIterator<Item = u8>) -> Disk {
        let mut disk = Disk::open(&folder.join("data")).unwrap();
        for version in versions {
            disk.write(written(version, Some(version)), Durability::Hard).unwrap();
        }
        disk
    }

    #[test]
    fn a_record_that_is_cut_off_or_torn_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = flushed(folder.path(), 1..=2);
        let before = fs::metadata(folder.path().join("data.log-1")).unwrap().len();
        disk.write(written(3, Some(3)), Durability::Hard).unwrap();
        let whole = fs::read(folder.path().join("data.log-1")).unwrap();
        let before = usize::try_from(before).unwrap();
        let mut torn: Vec<_> = (before..whole.len()).map(|end| whole[..end].to_vec()).collect();
        torn.extend((before..whole.len()).map(|at| {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            torn
        }));
        torn.push([&whole[..before], &[0; 100]].concat());
        for torn in torn {
            let (copy, crashed) = after_a_crash(folder.path());
            drop(crashed);
            fs::copy(folder.path().join("data"), copy.path().join("data")).unwrap();
            fs::write(copy.path().join("data.log-1"), torn).unwrap();
            let mut crashed = Disk::open(&copy.path().join("data")).unwrap();
            assert_eq!(versions(&crashed), [(1, 1), (2, 2)].into());
            // And what is written behind it is there the next time.
            crashed.write(written(5, Some(5)), Durability::Hard).unwrap();
            let (_copy, again) = after_a_crash(copy.path());
            assert_eq!(versions(&again), [(1, 1), (2, 2), (5, 5)].into());
        }
    }

    #[test]
    fn a_log_that_is_damaged_before_its_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = flushed(folder.path(), 1..=2);
        let (copy, mut second) = after_a_crash(folder.path());
        second.write(written(3, Some(3)), Durability::Hard).unwrap();
        drop(first);
        let (again, third) = after_a_crash(copy.path());
        assert_eq!(versions(&third), [(1, 1), (2, 2), (3, 3)].into());
        drop(third);
        fs::copy(copy.path().join("data"), again.path().join("data")).unwrap();
        let log = fs::read(copy.path().join("data.log-1")).unwrap();
        fs::write(again.path().join("data.log-1"), &log[..log.len() - 1]).unwrap();
        fs::copy(copy.path().join("data.log-2"), again.path().join("data.log-2")).unwrap();
        let refused = Disk::open(&again.path().join("data")).err().unwrap().to_string();
        assert!(refused.contains("data.log-1` is damaged at byte "), "{refused}");
    }

    #[test]
    fn a_log_that_the_tree_has_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("data"), folder.path().join("data.log-1"));
        let mut disk = flushed(folder.path(), 1..=1);
        let old = fs::read(&log).unwrap();
        for version in [None, Some(2)] {
            let mut settled = disk.settle().unwrap().run();
            disk.end_settle(&mut settled).unwrap();
            disk.write(written(1, version), Durability::Hard).unwrap();
        }
        drop(disk);
        // As if a crash had come before it was taken away.
        fs::write(&log, old).unwrap();
        assert_eq!(versions(&Disk::open(&path).unwrap()), [(1, 2)].into());
        assert!(!log.exists());
    }

    #[test]
    fn one_that_is_closed_is_one_file_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        drop(flushed(folder.path(), 1..=3));
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let disk = Disk::open(&folder.path().join("data")).unwrap();
        assert_eq!(versions(&disk), [(1, 1), (2, 2), (3, 3)].into());
    }

    #[test]
    fn a_file_of_before_there_was_a_log_is_read_and_one_of_another_layout_is_not() {
        for (layout, is_read) in [(LAYOUT_WITHOUT_LOG, true), ("format 2", false)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data");
            drop(flushed(folder.path(), 1..=2));
            let file = Database::create(&path).unwrap();
            let transaction = file.begin_write().unwrap();
            transaction.open_table(MAP).unwrap().insert(LAYOUT_KEY, layout.as_bytes()).unwrap();
            transaction.commit().unwrap();
            drop(file);
            let opened = Disk::open(&path);
            if is_read {
                assert_eq!(versions(&opened.unwrap()), [(1, 1), (2, 2)].into());
            } else {
                assert!(matches!(opened, Err(OpenError::Layout { .. })));
            }
        }
    }
}
