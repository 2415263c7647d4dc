//! The log: records in memory, their lines in a file, and a digest of every byte.
//!
//! A log can be thinned: then somebody sees every record as it is made, and only what is rare is kept.
//! Its digest is that of the whole log all the same.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Kind, LineError, Observed, Record};

/// An observation log being written.
#[derive(Debug, Default)]
pub struct Log {
    records: Vec<Observed>,
    digest: Sha256,
    line: String,
    sink: Option<Sink>,
    /// The first thing that went wrong with the file; told when the log is closed.
    failure: Option<io::Error>,
    /// Who sees what is not kept.
    thinned: Option<Told>,
    /// Who looks on.
    onlooker: Option<Told>,
}

/// Sees every record of a log as it is made.
pub type Witness = Box<dyn FnMut(&Observed) + Send>;

struct Told(Witness);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

/// The file, and whole lines that are not in it yet.
#[derive(Debug)]
struct Sink {
    file: File,
    lines: Vec<u8>,
}

/// So many bytes of lines are written at once.
const AT_ONCE: usize = 64 * 1024;

impl Sink {
    /// Lines go out whole: whoever is killed leaves at most one that is torn.
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.lines.extend_from_slice(line);
        if self.lines.len() < AT_ONCE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

impl Log {
    /// A log that is kept in memory alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// A log that is also written to a new file.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let sink = Sink { file: File::create(path)?, lines: Vec::with_capacity(AT_ONCE) };
        Ok(Self { sink: Some(sink), ..Self::default() })
    }

    /// Keeps only what is rare from now on: what befalls nodes, faults, acts against the rules, and
    /// calls of clients that came to nothing. All else is shown to the witness and forgotten.
    pub fn thin(&mut self, witness: Witness) {
        self.thinned = Some(Told(witness));
    }

    /// Shows every record to somebody who looks on, and changes nothing.
    pub fn show(&mut self, onlooker: Witness) {
        self.onlooker = Some(Told(onlooker));
    }

    /// Adds a record. A file that cannot be written does not stop a run; [`Log::close`] tells.
    pub fn append(&mut self, at_us: u64, record: Record) {
        let mut observed = Observed { at_us, record };
        self.line.clear();
        observed.write_line(&mut self.line);
        self.digest.update(self.line.as_bytes());
        if let Some(Told(onlooker)) = &mut self.onlooker {
            onlooker(&observed);
        }
        if let Some(Told(witness)) = &mut self.thinned {
            if let Record::Run(run) = &mut observed.record {
                run.thinned = true;
                self.line.clear();
                observed.write_line(&mut self.line);
            }
            witness(&observed);
            if !is_rare(&observed.record) {
                return;
            }
        }
        if let Some(sink) = &mut self.sink
            && let Err(error) = sink.put(self.line.as_bytes())
        {
            self.failure = Some(error);
            self.sink = None;
        }
        self.records.push(observed);
    }

    /// All records so far; of a thinned log those that are kept.
    pub fn records(&self) -> &[Observed] {
        &self.records
    }

    /// SHA-256 over the bytes of all lines so far, in hex. Same seed, same digest, be it thinned or not.
    pub fn digest(&self) -> String {
        use std::fmt::Write;
        self.digest.clone().finalize().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
            hex
        })
    }

    /// Brings the file to its end, and lets go of the witness; the log can still be read.
    ///
    /// # Errors
    /// The first error of any write to the file.
    pub fn close(&mut self) -> io::Result<()> {
        (self.thinned, self.onlooker) = (None, None);
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        self.sink.take().map_or(Ok(()), |mut sink| sink.flush())
    }
}

/// Whether a thinned log keeps it.
fn is_rare(record: &Record) -> bool {
    match record {
        Record::Run(_)
        | Record::Fault(_)
        | Record::Node(_)
        | Record::Act(_)
        | Record::Counter(_)
        | Record::End(_) => true,
        Record::Operation(operation) => {
            operation.what.is_load() && matches!(operation.kind, Kind::Fail | Kind::Info)
        }
        Record::Change(_)
        | Record::Decided(_)
        | Record::Gauge(_)
        | Record::Owned(_)
        | Record::Stored(_)
        | Record::Final(_) => false,
    }
}

/// Why a stored log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log was thinned, so it cannot be judged once more.
    #[error(
        "{path} is thinned: checkers have seen what is not in it; what they said is in `results.json`"
    )]
    Thinned {
        /// The file.
        path: PathBuf,
    },
    /// A line is no record.
    #[error("{path}:{line}: not a record")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: LineError,
    },
}

/// Reads a stored log, or a recording in the same form.
///
/// # Errors
/// [`ReadLogError`], with the file and the line.
pub fn read(path: &Path) -> Result<Vec<Observed>, ReadLogError> {
    let failed = |source| ReadLogError::Io { path: path.to_path_buf(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut records = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if file.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        let record = Observed::parse_line(&line).map_err(|source| ReadLogError::Line {
            path: path.to_path_buf(),
            line: number,
            source,
        })?;
        records.push(record);
    }
    Ok(records)
}
