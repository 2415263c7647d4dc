//! Which databases, tables and indexes there are.
//!
//! Here: a [`Catalog`], which never changes: whoever holds one looks up names in it, and a change
//! makes another. Names are RethinkDB's, and so is every error. Not here: how a change is made
//! durable and what it does to rows (`engine`), the tables that a node asks natively (`schema`),
//! the entries' text on disk (`stored`).

mod change;
mod error;
mod schema;
mod stored;
mod uuid;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub(crate) use change::Chore;
pub use change::{IndexDefinition, TableConfig, TableOptions};
pub use error::CatalogError;
pub(crate) use schema::{
    BACKLOG, BACKLOG_BY_ASSIGNEE, BACKLOG_BY_TIMESTAMP, BIGCHAIN, BIGCHAIN_BY_PAYLOAD,
    BIGCHAIN_BY_SPENT_OUTPUT, BIGCHAIN_BY_TIMESTAMP, BIGCHAIN_BY_TRANSACTION, POSITIONS,
    POSITIONS_BY_BLOCK, VOTES, VOTES_BY_BLOCK,
};
pub use schema::{BIGCHAINDB, NativeTable, Schema};
pub(crate) use stored::Entries;
pub use stored::UnreadableCatalog;
pub use uuid::{NotAUuid, Uuid};

pub use crate::reql::IndexFunction;
use crate::storage::Durability;

/// The database that every fresh server has.
pub const TEST: &str = "test";

/// The database of the system's own tables: its name is taken, and it is not in the catalog.
pub const SYSTEM: &str = "rethinkdb";

/// A table, by the number that its keys start with.
///
/// Numbers are used again, so an id also says which life of the number is meant: one that was kept
/// from a dropped table names no later one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TableId {
    pub(crate) number: u16,
    /// 0: whichever table has the number.
    life: u32,
}

impl TableId {
    /// Whichever table has this number.
    pub(crate) const fn any(number: u16) -> Self {
        Self { number, life: 0 }
    }

    fn of(number: u16, uuid: Uuid) -> Self {
        let [a, b, c, d, ..] = uuid.bytes();
        Self { number, life: u32::from_be_bytes([a, b, c, d]).max(1) }
    }
}

/// An index, by its table and its number there. A number is not used again as long as others are
/// left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct IndexId {
    pub(crate) table: TableId,
    pub(crate) number: u16,
    /// How many numbers stand at the end of an entry's key.
    pub(crate) tag_length: u8,
}

/// Makes a function of its JSON text, with `multi` or without.
///
/// # Errors
/// In words, if it is no function that an index could have.
pub type Compile = fn(text: &str, multi: bool) -> Result<IndexFunction, String>;

/// How many replicas have to have a write before it is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteAcks {
    /// One.
    Single,
    /// More than half.
    Majority,
}

/// All databases with their tables and indexes.
#[derive(Clone)]
pub struct Catalog {
    dbs: BTreeMap<Arc<str>, Arc<Db>>,
    /// The same tables, by number.
    numbers: BTreeMap<u16, Arc<Table>>,
    /// The tables that are also asked natively, and in which database they are.
    native: &'static Schema,
    native_db: Arc<str>,
    compile: Compile,
    /// What was dropped and still lies in the storage: a table, or one of its indexes.
    dropped: BTreeSet<(u16, Option<u16>)>,
    /// Where the search for a free number starts.
    next_number: u16,
}

/// A database.
#[derive(Clone, Debug)]
pub struct Db {
    /// Its name.
    pub name: Arc<str>,
    /// Its identity.
    pub uuid: Uuid,
    tables: BTreeMap<Arc<str>, Arc<Table>>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where its rows are.
    pub id: TableId,
    /// Its identity.
    pub uuid: Uuid,
    /// The name of its database.
    pub db: Arc<str>,
    /// What can be changed.
    pub config: TableConfig,
    /// The field that holds a document's primary key.
    pub primary_key: Arc<str>,
    indexes: BTreeMap<Arc<str>, Arc<Index>>,
    next_index: u16,
    pub(crate) native: Option<&'static NativeTable>,
}

/// A secondary index that a client made.
#[derive(Clone)]
pub struct Index {
    /// Where its entries are.
    pub id: IndexId,
    /// Its name, unique in its table.
    pub name: Arc<str>,
    /// Whether an array is found under each of its elements.
    pub multi: bool,
    /// The function, as JSON text.
    pub function: Arc<str>,
    /// Whether every row is in it that should be.
    pub ready: bool,
    /// None if the index is kept natively.
    pub(crate) evaluate: Option<IndexFunction>,
}

impl Catalog {
    /// A catalog without a database.
    pub(crate) fn empty(native: &'static Schema, native_db: Arc<str>, compile: Compile) -> Self {
        Self {
            dbs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            native,
            native_db,
            compile,
            dropped: BTreeSet::new(),
            next_number: 0,
        }
    }

    /// All databases by name, the system's own not among them.
    pub fn dbs(&self) -> impl Iterator<Item = &Arc<Db>> {
        self.dbs.values()
    }

    /// The database of that name.
    ///
    /// # Errors
    /// [`CatalogError::NoDatabase`].
    pub fn db(&self, name: &str) -> Result<&Arc<Db>, CatalogError> {
        self.dbs.get(name).ok_or_else(|| CatalogError::NoDatabase(name.into()))
    }

    /// The table of that name in that database.
    ///
    /// # Errors
    /// If there is no such database, or no such table in it.
    pub fn table(&self, db: &str, name: &str) -> Result<&Arc<Table>, CatalogError> {
        let missing = || CatalogError::NoTable { database: db.into(), table: name.into() };
        self.db(db)?.tables.get(name).ok_or_else(missing)
    }

    /// The table with this id, while it is there.
    pub fn table_of(&self, id: TableId) -> Option<&Arc<Table>> {
        let table = self.numbers.get(&id.number)?;
        (id.life == 0 || id == table.id).then_some(table)
    }

    /// The table that native queries, or a node's feed, mean by this one of theirs.
    ///
    /// # Errors
    /// [`CatalogError::NoTable`] until somebody makes it.
    pub fn native(&self, id: TableId) -> Result<&Arc<Table>, CatalogError> {
        self.numbers.get(&id.number).ok_or_else(|| CatalogError::NoTable {
            database: self.native_db.clone(),
            table: self.native.tables.get(usize::from(id.number)).map_or("", |it| it.name).into(),
        })
    }

    /// In which database they are.
    pub(crate) fn native_db(&self) -> &Arc<str> {
        &self.native_db
    }

    /// Which tables are asked natively.
    pub(crate) fn schema(&self) -> &'static Schema {
        self.native
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("dbs", &self.dbs).finish_non_exhaustive()
    }
}

impl Db {
    /// All its tables by name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }
}

impl Table {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    /// All its indexes by name, those that are still being built among them.
    pub fn indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.values()
    }

    /// The index of that name.
    ///
    /// # Errors
    /// [`CatalogError::IndexNotFound`].
    pub fn index(&self, name: &str) -> Result<&Arc<Index>, CatalogError> {
        self.indexes.get(name).ok_or_else(|| CatalogError::IndexNotFound {
            index: name.into(),
            database: self.db.clone(),
            table: self.name().clone(),
        })
    }

    /// The index with this id, while it is there.
    pub fn index_of(&self, id: IndexId) -> Option<&Arc<Index>> {
        self.indexes.values().find(|index| index.id == id)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, multi, function, ready, .. } = self;
        let mut shown = f.debug_struct("Index");
        shown.field("id", id).field("name", name).field("multi", multi);
        shown.field("function", function).field("ready", ready).finish_non_exhaustive()
    }
}

/// What a table has unless its maker says otherwise: one shard, one replica, hard durability.
impl Default for TableConfig {
    fn default() -> Self {
        Self {
            name: "".into(),
            durability: Durability::Hard,
            write_acks: WriteAcks::Majority,
            shards: 1,
            replicas: 1,
            write_hook: None,
        }
    }
}
