//! Why the catalog is not changed, or has no such name: RethinkDB's own words.

use std::sync::Arc;

use crate::reql::ErrorKind;
use crate::storage::StorageError;

/// A name that is missing, taken or no name, or a change that cannot be made.
///
/// Source: RethinkDB 2.4.4, as observed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No database has this name.
    #[error("Database `{0}` does not exist.")]
    NoDatabase(Arc<str>),
    /// A database has this name.
    #[error("Database `{0}` already exists.")]
    DatabaseExists(Arc<str>),
    /// The system's database stays.
    #[error("Database `{0}` is special; you can't delete it.")]
    SpecialDatabase(Arc<str>),
    /// No table of the database has this name.
    #[error("Table `{database}.{table}` does not exist.")]
    NoTable {
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// A table of the database has this name.
    #[error("Table `{database}.{table}` already exists.")]
    TableExists {
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// A query names an index that the table does not have.
    #[error("Index `{index}` was not found on table `{database}.{table}`.")]
    IndexNotFound {
        /// The index's name.
        index: Arc<str>,
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// The index that is to be dropped or renamed over is not there.
    #[error("Index `{index}` does not exist on table `{database}.{table}`.")]
    NoIndex {
        /// The index's name.
        index: Arc<str>,
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// An index of the table has this name.
    #[error("Index `{index}` already exists on table `{database}.{table}`.")]
    IndexExists {
        /// The index's name.
        index: Arc<str>,
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// An index cannot be renamed: it is not there, or another has the new name.
    #[error(
        "Index `{index}` does not exist or index `{wanted}` already exists on table \
        `{database}.{table}`."
    )]
    IndexNotRenamed {
        /// The index's name.
        index: Arc<str>,
        /// The name it was to have.
        wanted: Arc<str>,
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// Rows that were there before the index are not in it yet.
    #[error(
        "Index `{index}` on table `{database}.{table}` was accessed before its construction was \
        finished."
    )]
    IndexNotReady {
        /// The index's name.
        index: Arc<str>,
        /// The database's name.
        database: Arc<str>,
        /// The table's name.
        table: Arc<str>,
    },
    /// The index that was meant was dropped.
    #[error("The index was dropped.")]
    IndexGone,
    /// An index would be named like the primary key.
    #[error("Index name conflict: `{0}` is the name of the primary key.")]
    IndexIsPrimaryKey(Arc<str>),
    /// Something else than letters, digits, `_` and `-` in a name, or nothing at all.
    #[error("{kind} name `{name}` invalid (Use A-Z, a-z, 0-9, _ and - only).")]
    BadName {
        /// `Database` or `Table`.
        kind: &'static str,
        /// The name.
        name: Arc<str>,
    },
    /// An index function that cannot be compiled, in the words of whoever did not.
    #[error("{0}")]
    BadFunction(String),
    /// The table that was meant was dropped.
    #[error("The table was dropped.")]
    TableGone,
    /// Every number for tables, or for a table's indexes, is taken.
    #[error("There are too many {0}.")]
    Full(&'static str),
    /// The storage does not work: the change may have been made or not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CatalogError {
    /// The kind of failure that a ReQL client is told of.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::IndexIsPrimaryKey(_) | Self::BadName { .. } | Self::BadFunction(_) => {
                ErrorKind::QueryLogic
            }
            Self::Storage(_) => ErrorKind::OpIndeterminate,
            _ => ErrorKind::OpFailed,
        }
    }
}
