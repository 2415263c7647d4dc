//! Why a task on a whole database ends before it is done.

use std::io;

use super::archive::ArchiveError;
use crate::store::rethinkdb;

/// Why a task on a whole database ends before it is done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The database does not answer, or says no.
    #[error("the database does not do what it is asked")]
    Store(#[from] rethinkdb::Error),
    /// A row has no primary key that could be read.
    #[error("table `{table}` has a row without a readable `id`")]
    Unreadable {
        /// Which table.
        table: String,
    },
    /// The archive is no good.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file cannot be written.
    #[error("the archive cannot be written")]
    Write(#[source] io::Error),
    /// There is no room for a temporary file.
    #[error("a temporary file does not work")]
    Temporary(#[source] io::Error),
    /// There is something in the database already.
    #[error("the database is not empty: `{table}` has rows")]
    NotEmpty {
        /// Which table, for one.
        table: String,
    },
    /// The restore of another archive was begun and not finished.
    #[error("the restore of another archive, {id}, was begun here and not finished")]
    OtherRestore {
        /// That archive's id.
        id: String,
    },
    /// Nothing can be repaired without knowing where the chain begins.
    #[error("there is no genesis block of this federation")]
    NoGenesis,
    /// The server did not take a row.
    #[error("table `{table}` does not take row {id}: {reason}")]
    Refused {
        /// Which table.
        table: String,
        /// Which row.
        id: String,
        /// In the server's words.
        reason: String,
    },
}
