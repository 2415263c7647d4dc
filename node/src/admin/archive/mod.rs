//! An archive: the tables of a federation in one file.
//!
//! ```text
//! <sum> {"head": …}     format, the archive's id, the database's name, rules, members
//! <sum> {"chunk": …}    number, table, first and last id, how many documents, sizes, the body's sum
//! <body>                the documents, one a line, compressed by Zstandard
//!    …
//! <sum> {"end": …}      how many chunks, documents and sum of each table, sum of all that went before
//! ```
//!
//! Every sum is a SHA-256 in hex; the one at the start of a line is that of the rest of it. So every
//! byte is under a sum that says where it stands: a chunk holds about a megabyte, and one that is
//! damaged is named by its table and the ids between which it lies. Written and read from front to
//! end, a chunk at a time. Not here: which documents go in (`backup`), where they go (`restore`).

mod reader;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use reader::{Chunk, Reader, check};
pub use writer::Writer;

/// The version of the format that is written and read here.
pub const FORMAT: u32 = 1;

/// A body is closed once it holds so much, before it is compressed.
const CHUNK_BYTES: usize = 1 << 20;

/// The longest line: a head with the keys of a thousand members.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// The largest body, compressed or not. The database gives no larger document.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// What an archive says about itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// What makes it different from every other archive.
    pub id: String,
    /// When it was begun: Unix seconds.
    pub created: u64,
    /// The name of the database.
    pub database: String,
    /// The name of the federation's rules.
    pub consensus_plugin: String,
    /// The public keys of the federation.
    pub members: Vec<String>,
}

/// What stands before a chunk's body.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
struct ChunkHead {
    number: u64,
    table: String,
    first: serde_json::Value,
    last: serde_json::Value,
    documents: u64,
    /// Sizes of the body, as it is and when it is not compressed.
    bytes: u64,
    plain_bytes: u64,
    sha256: String,
}

/// What stands at the end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct End {
    /// How many chunks there are.
    pub chunks: u64,
    /// What each table holds.
    pub tables: BTreeMap<String, Total>,
    /// The sum of everything before this line.
    sha256: String,
}

/// What a table holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Total {
    /// How many documents.
    pub documents: u64,
    /// The sum of their lines: equal for equal tables.
    pub sha256: String,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} documents, sha256 {}", self.documents, self.sha256)
    }
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Line {
    Head(Head),
    Chunk(ChunkHead),
    End(End),
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Nothing in it looks like one.
    #[error("this is no archive of a BigchainDB database, or its first line is damaged")]
    NotAnArchive,
    /// It is of a later program.
    #[error("the archive has format {0}; this program reads format {FORMAT}")]
    Format(u32),
    /// The file cannot be read.
    #[error("the archive cannot be read")]
    Read(#[from] io::Error),
    /// Bytes are not what they were.
    #[error("the archive is damaged at byte {byte}, {place}: {what}")]
    Damaged {
        /// Where the damaged part begins.
        byte: u64,
        /// Which part that is.
        place: Part,
        /// In which way.
        what: &'static str,
    },
}

/// A part of an archive.
#[derive(Clone, PartialEq, Debug)]
pub enum Part {
    /// The body of a chunk.
    Body {
        /// The chunk's number, from 0.
        chunk: u64,
        /// Its table.
        table: String,
        /// The first and the last id in it.
        ids: [serde_json::Value; 2],
    },
    /// The line before the body of the chunk with this number, or the end behind all chunks.
    Line {
        /// The number that the chunk would have, from 0.
        chunk: u64,
        /// The table and the last id of the chunk before.
        behind: Option<(String, serde_json::Value)>,
    },
    /// What comes after the end.
    Rest,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body { chunk, table, ids: [first, last] } => {
                write!(f, "in chunk {chunk} (table `{table}`, ids {first} to {last})")
            }
            Self::Line { chunk, behind: None } => write!(f, "in the line of chunk {chunk}"),
            Self::Line { chunk, behind: Some((table, id)) } => {
                write!(f, "in the line of chunk {chunk} (behind table `{table}`, id {id})")
            }
            Self::Rest => f.write_str("behind its end"),
        }
    }
}

/// A sum, as it is written.
fn hex(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}
