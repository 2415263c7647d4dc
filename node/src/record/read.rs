//! A record read back, line by line.
//!
//! Whoever is killed may leave a line that is torn. It is the last one, or the node was started again
//! and a new life stands behind it; anywhere else it is a fault of the file. Not here: what the lines
//! mean (`begun`, `heard`, `said`).

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb_core::model::{Json, MalformedDocument, ParseJsonError};
use bigchaindb_core::stages::Now;

use super::begun::Begun;
use super::heard::{self, Heard};
use super::line::Met;
use super::said;

/// Why a line is none of a record.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum LineError {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    NotJson(#[source] ParseJsonError),
    /// A field is missing or cannot be that.
    #[error("`{0}` is missing or not what it should be")]
    Field(&'static str),
    /// An item is missing or cannot be that.
    #[error("expected {0}")]
    Item(&'static str),
    /// A word that records do not use.
    #[error("`{0}` means nothing in a record")]
    Word(Arc<str>),
    /// What should be a transaction, a block or a vote is none.
    #[error("a document is malformed: {0}")]
    Document(#[from] MalformedDocument),
    /// A record of another version of this program.
    #[error("the record has version {}, this program reads 1", .found.unwrap_or_default())]
    Version {
        /// Its version.
        found: Option<i64>,
    },
    /// An input before a life has begun, or two without what came of the first.
    #[error("it does not follow from the line before")]
    Order,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is none of a record.
    #[error("{path}:{line}: no line of a record")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        source: LineError,
    },
}

/// What a line tells.
#[derive(Debug)]
pub(super) enum Told {
    /// A life begins.
    Begun(Box<Begun>),
    /// An input.
    Heard(Now, Box<Heard>),
    /// What came of it.
    Said(Vec<String>),
    /// The line is torn: nothing more is known of this life.
    Torn,
}

/// A record being read.
pub(super) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    /// The number of the last line that was read, from 1.
    line: u64,
    /// The next line, if it was looked at already.
    ahead: Option<Vec<u8>>,
    /// The transactions of this life that were read whole.
    met: Met,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let path = path.to_path_buf();
        match File::open(&path) {
            Ok(file) => {
                let (file, met) = (BufReader::new(file), Met::default());
                Ok(Self { path, file, line: 0, ahead: None, met })
            }
            Err(source) => Err(ReadError::Io { path, source }),
        }
    }

    /// The number of the last line that was read, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// That the last line is none of a record.
    pub(super) fn wrong(&self, source: LineError) -> ReadError {
        ReadError::Line { path: self.path.clone(), line: self.line, source }
    }

    /// What the next line tells, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Told>, ReadError> {
        let line = match self.ahead.take() {
            Some(line) => line,
            None => self.next_line()?,
        };
        if line.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        match self.told(&line) {
            Ok(told) => Ok(Some(told)),
            Err(LineError::NotJson(_)) if self.is_end_of_life()? => Ok(Some(Told::Torn)),
            Err(source) => Err(self.wrong(source)),
        }
    }

    /// Whether nothing follows, or another life.
    fn is_end_of_life(&mut self) -> Result<bool, ReadError> {
        let next = self.next_line()?;
        let begins = || Json::parse(&next).is_ok_and(|line| line.get("node").is_some());
        let is_end = next.is_empty() || begins();
        self.ahead = Some(next);
        Ok(is_end)
    }

    /// Empty at the end of the file.
    fn next_line(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut line = Vec::new();
        match self.file.read_until(b'\n', &mut line) {
            Ok(_) => Ok(line),
            Err(source) => Err(ReadError::Io { path: self.path.clone(), source }),
        }
    }

    fn told(&mut self, line: &[u8]) -> Result<Told, LineError> {
        let line = Json::parse(line).map_err(LineError::NotJson)?;
        if line.as_array().is_some() {
            return said::read(line).map(Told::Said);
        }
        if line.get("at").is_some() {
            let (now, heard) = heard::read(line, &mut self.met)?;
            return Ok(Told::Heard(now, Box::new(heard)));
        }
        self.met = Met::default();
        Ok(Told::Begun(Box::new(Begun::read(&line)?)))
    }
}
