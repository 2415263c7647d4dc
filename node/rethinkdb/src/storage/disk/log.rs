//! The log: what was written and is not in the tree yet.
//!
//! Beside the tree's file lie files with `.log-` and a number behind its name. A record is one flush, all or
//! nothing: its length and a checksum in front of it, and in it, for each key, what is to stand there. The tree says
//! up to which number it has all that is in them: those files are of no use any more.
//!
//! A record begins when the one before it is on disk. So one that is not whole and is the last was never told of
//! as done, and is forgotten; with anything whole behind it, it was, and the log is refused: the disk, or
//! somebody, changed it. That the last record of all was whole once cannot be known.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::Key;
use crate::row::{self, Row, UnreadableRow};
use crate::storage::{Slot, Stands, Writes};

/// Between the name of the tree's file and the log's number.
const INFIX: &str = ".log-";

/// How many bytes of length and checksum stand in front of a record.
const HEAD: usize = 8 + 4;

/// What a key stands for, in a record.
const EMPTY: u8 = b'-';
const ENTRY: u8 = b'e';
const TEXT: u8 = b't';
const ROW: u8 = b'r';

/// What is appended to.
pub(super) struct Log {
    /// The tree's file.
    tree: PathBuf,
    number: u64,
    /// None before the first record.
    file: Option<File>,
}

/// The texts of a row, as the tree keeps them: its own, and those of its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) row: Vec<u8>,
    pub(super) parts: Vec<Vec<u8>>,
}

impl Texts {
    pub(super) fn of(row: &Row) -> Self {
        let block = row.block();
        let transactions = block.map_or(&[][..], |block| block.transactions());
        let part = |transaction: &Arc<_>| row::write_part(transaction).into_bytes();
        Self { row: row::write(row), parts: transactions.iter().map(part).collect() }
    }

    /// How many bytes that is.
    pub(super) fn len(&self) -> usize {
        self.row.len() + self.parts.iter().map(Vec::len).sum::<usize>()
    }
}

/// What is in the log under a key.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) slot: Slot,
    /// A row's.
    pub(super) texts: Texts,
}

impl Logged {
    pub(super) fn new(slot: Slot) -> Self {
        let texts = if let Slot::Row(row) = &slot { Texts::of(row) } else { Texts::default() };
        Self { slot, texts }
    }
}

impl Stands for Logged {
    fn is_there(&self) -> bool {
        self.slot.is_there()
    }
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(
        "`{}` is damaged at byte {at}: {found}; restore a backup of the database",
        path.display()
    )]
    Damaged { path: PathBuf, at: usize, found: Damage },
}

/// How it is known that a log is not what was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("a whole record stands behind it")]
    RecordBehind,
    #[error("another log follows this one")]
    LogBehind,
    #[error(transparent)]
    Unreadable(UnreadableRow),
}

impl Log {
    /// Reads what is in the logs of a tree beyond the number up to which it has all, oldest first, and takes away
    /// those of no use.
    pub(super) fn open(
        tree: &Path,
        settled: u64,
        mut each: impl FnMut(Key, Logged),
    ) -> Result<Self, LogError> {
        let (mut last, mut found) = (settled, all(tree)?);
        found.sort();
        let numbers: Vec<_> = found.iter().map(|(number, _)| *number).collect();
        for (number, path) in found {
            if number <= settled {
                fs::remove_file(path)?;
                continue;
            }
            let good = read(&path, &mut each)?;
            if (good as u64) < fs::metadata(&path)?.len() {
                if numbers.last() != Some(&number) {
                    return Err(LogError::Damaged { path, at: good, found: Damage::LogBehind });
                }
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(good as u64)?;
                file.sync_all()?;
            }
            last = number;
        }
        Ok(Self { tree: tree.to_owned(), number: last + 1, file: None })
    }

    /// Writes a record behind the others, and waits until it is on disk; what was written of each key.
    pub(super) fn append(&mut self, writes: &Writes) -> io::Result<Vec<Logged>> {
        let mut record = vec![0; HEAD];
        let logged: Vec<_> = writes.values().cloned().map(Logged::new).collect();
        for (key, logged) in writes.keys().zip(&logged) {
            write(key, logged, &mut record);
        }
        let (length, sum) = (record.len() - HEAD, crc32fast::hash(&record[HEAD..]));
        record[..8].copy_from_slice(&(length as u64).to_be_bytes());
        record[8..HEAD].copy_from_slice(&sum.to_be_bytes());
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = path_of(&self.tree, self.number);
                let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
                sync_folder_of(&path)?;
                none.insert(file)
            }
        };
        file.write_all(&record)?;
        file.sync_data()?;
        Ok(logged)
    }

    /// Ends this log, if there is anything in it, and begins the next: the number up to which all are complete.
    pub(super) fn turn(&mut self) -> u64 {
        if self.file.take().is_some() {
            self.number += 1;
        }
        self.number - 1
    }
}

/// Takes away the logs up to a number.
pub(super) fn forget(tree: &Path, settled: u64) -> io::Result<()> {
    let found = all(tree)?.into_iter().filter(|(number, _)| *number <= settled);
    found.map(|(_, path)| path).try_for_each(fs::remove_file)
}

fn path_of(tree: &Path, number: u64) -> PathBuf {
    let mut path = OsString::from(tree);
    path.push(format!("{INFIX}{number}"));
    path.into()
}

/// The logs of a tree.
fn all(tree: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let Some(name) = tree.file_name().map(OsString::from) else { return Ok(vec![]) };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder_of(tree))? {
        let entry = entry?;
        let is_log = |file: &[u8]| {
            let number = file.strip_prefix(name.as_encoded_bytes())?;
            std::str::from_utf8(number.strip_prefix(INFIX.as_bytes())?).ok()?.parse().ok()
        };
        found.extend(is_log(entry.file_name().as_encoded_bytes()).zip(Some(entry.path())));
    }
    Ok(found)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that was made is there after a crash, too.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn write(key: &[u8], logged: &Logged, record: &mut Vec<u8>) {
    let mut bytes = |bytes: &[u8]| {
        record.extend((bytes.len() as u64).to_be_bytes());
        record.extend(bytes);
    };
    bytes(key);
    match &logged.slot {
        Slot::Empty => bytes(&[EMPTY]),
        Slot::Entry => bytes(&[ENTRY]),
        Slot::Text(text) => {
            bytes(&[TEXT]);
            bytes(text.as_bytes());
        }
        Slot::Row(_) => {
            bytes(&[ROW]);
            bytes(&logged.texts.row);
            bytes(&(logged.texts.parts.len() as u64).to_be_bytes());
            logged.texts.parts.iter().for_each(|part| bytes(part));
        }
    }
}

/// Reads the records of a log; up to which byte they are whole.
fn read(path: &Path, each: &mut impl FnMut(Key, Logged)) -> Result<usize, LogError> {
    let bytes = fs::read(path)?;
    let mut at = 0;
    let damaged = |at, found| LogError::Damaged { path: path.to_owned(), at, found };
    while let Some(record) = record_at(&bytes[at..]) {
        let items = items(record).map_err(|why| damaged(at, Damage::Unreadable(why)))?;
        items.into_iter().for_each(|(key, logged)| each(key, logged));
        at += HEAD + record.len();
    }
    // Its length may be what is damaged: the next one may begin anywhere.
    if (at + 1..bytes.len()).any(|behind| begins_with_a_record(&bytes[behind..])) {
        return Err(damaged(at, Damage::RecordBehind));
    }
    Ok(at)
}

/// Whether a record that is whole stands here. Few places look so at first sight: the others take no checksum.
fn begins_with_a_record(bytes: &[u8]) -> bool {
    let has_an_item = bytes.get(HEAD..).is_some_and(|mut rest| item(&mut rest).is_ok());
    has_an_item && record_at(bytes).is_some_and(|record| items(record).is_ok())
}

/// The record that `bytes` begin with, if it is whole.
fn record_at(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let record = rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    let is_whole = !record.is_empty() && crc32fast::hash(record) == u32::from_be_bytes(*sum);
    is_whole.then_some(record)
}

/// What a record says.
fn items(mut record: &[u8]) -> Result<Vec<(Key, Logged)>, UnreadableRow> {
    let mut items = Vec::new();
    while !record.is_empty() {
        items.push(item(&mut record)?);
    }
    Ok(items)
}

/// Takes a key and what stands there off the start of a record.
fn item(record: &mut &[u8]) -> Result<(Key, Logged), UnreadableRow> {
    let cut_off = || UnreadableRow::cut_off();
    let mut bytes = || {
        let (length, rest) = record.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        *record = rest;
        Some(bytes)
    };
    let key = bytes().ok_or_else(cut_off)?;
    let mut texts = Texts::default();
    let slot = match bytes().ok_or_else(cut_off)? {
        [EMPTY] => Slot::Empty,
        [ENTRY] => Slot::Entry,
        [TEXT] => Slot::Text(String::from_utf8_lossy(bytes().ok_or_else(cut_off)?).into()),
        [ROW] => {
            texts.row = bytes().ok_or_else(cut_off)?.to_vec();
            let count = bytes().and_then(|count| count.try_into().ok()).ok_or_else(cut_off)?;
            let mut parts = Vec::new();
            for _ in 0..u64::from_be_bytes(count) {
                let text = bytes().ok_or_else(cut_off)?;
                parts.push(row::read_part(text)?);
                texts.parts.push(text.to_vec());
            }
            Slot::Row(Arc::new(row::read(&texts.row, parts)?))
        }
        _ => return Err(cut_off()),
    };
    Ok((key.into(), Logged { slot, texts }))
}
