//! An embedded RethinkDB: tables, indexes, feeds and durability, in memory or on disk.
//!
//! Here: [`Engine`], which answers a node's closed list of queries
//! ([`Query`](bigchaindb_core::query::Query)) natively; below it [`Batch`], rows of any table by
//! primary key and by index. Not here: which questions a node asks and what it makes of the answers
//! (crate `bigchaindb-core`). But for the [`server`](server::Server) and what is `live`, nothing here
//! asks a clock, draws chance or has threads: the same calls have the same answers, in memory and on
//! disk.
//!
//! From the top: `server` (sockets and threads), `wire` (what goes over the line), `jobs` (the queries
//! that run), `reql` (the language that any driver speaks), [`Database`] (what many clients share),
//! `engine` (queries in, answers out), `answer` (each query in terms of tables), `unlisted` (the one
//! question that no index answers), `batch` (rows and index entries read and written together),
//! `feeds`, `catalog` and `index` (tables as data), `row` (documents in memory and as text), `key`
//! (the order of values), `storage` (the ordered map below it all). [`cluster`] is a model of several
//! servers as one, and of what goes wrong between them; `live` lets servers be like that in real time.

mod answer;
mod batch;
mod catalog;
pub mod cluster;
mod database;
mod engine;
mod feeds;
mod index;
pub mod jobs;
mod key;
mod live;
pub mod reql;
mod row;
pub mod server;
mod storage;
mod unlisted;
pub mod wire;

pub use answer::{list_entry, nobodys_vote};
pub use batch::{Batch, BatchError};
pub use catalog::{
    BIGCHAINDB, Catalog, CatalogError, Compile, Db, Index, IndexDefinition, IndexFunction, IndexId,
    NativeTable, NotAUuid, SYSTEM, Schema, TEST, Table, TableConfig, TableId, TableOptions,
    UnreadableCatalog, Uuid, WriteAcks,
};
pub use database::{
    Database, DatabaseError, FLUSH_INTERVAL, Found, KeyRange, PAGE_ROWS_MAX, Page, Place, Settings,
    Swap, Swapped,
};
pub use engine::{BIGCHAIN_DB, Engine};
pub use feeds::{Change, Element, QUEUE_MAX, Subscription, Wake, table_of};
pub use index::{NativeIndex, Path, Value};
pub use key::{KeyError, check_primary_key, check_secondary_key};
pub use live::{Ending, Member, NoTrouble, Trouble};
pub use row::{Row, Shape, UnreadableRow};
pub use storage::{Direction, Durability, OpenError, SOFT_WRITES_MAX, StorageError};
