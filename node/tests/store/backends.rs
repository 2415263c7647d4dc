//! The databases that the suite runs on: the embedded store, the client on the embedded server in
//! memory and on disk, and the client on a real RethinkDB.
//!
//! That one is named by the environment variable `RETHINKDB_URL`; each test makes a database of its
//! own there and drops it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bigchaindb::store::rethinkdb::{Client, Limits, RethinkStore, Server, Term, schema, term};
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::Settings;
use bigchaindb_rethinkdb::server::{Server as EmbeddedServer, ServerOptions};
use tempfile::TempDir;
use term::{Durability, ReadMode};

/// Longer than a server needs to make a database.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An empty database.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    /// The way to write rows as they are; none to the embedded store.
    pub(crate) raw: Option<Client>,
    /// The embedded server and its folder.
    served: Option<(EmbeddedServer, Option<TempDir>)>,
}

/// One of each kind.
pub(crate) async fn databases() -> Vec<Database> {
    let embedded = Arc::new(EmbeddedStore::in_memory());
    let mut all =
        vec![Database { name: "the embedded store", store: embedded, raw: None, served: None }];
    all.extend(servers().await);
    all
}

/// Those that are on servers.
pub(crate) async fn servers() -> Vec<Database> {
    let databases = empty_servers().await;
    for database in &databases {
        schema::init(database.raw.as_ref().unwrap(), PATIENCE).await.unwrap();
    }
    databases
}

/// Those that are on servers, before they are made.
pub(crate) async fn empty_servers() -> Vec<Database> {
    let mut all = vec![serve(None).await, serve(Some(tempfile::tempdir().unwrap())).await];
    if let Ok(url) = std::env::var("RETHINKDB_URL") {
        let mut server: Server = url.parse().unwrap();
        server.options.database = unique_name();
        all.push(over("a real server", server));
    }
    all
}

/// The embedded server, in memory or in a folder.
async fn serve(folder: Option<TempDir>) -> Database {
    let (name, database) = match &folder {
        None => ("the embedded server", bigchaindb_rethinkdb::Database::in_memory()),
        Some(folder) => {
            let file = folder.path().join("data.redb");
            let database = bigchaindb_rethinkdb::Database::open(&file, &Settings::default());
            ("the embedded server on disk", database.unwrap())
        }
    };
    let bind = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ServerOptions { bind, ..ServerOptions::default() };
    let served = EmbeddedServer::bind(database, options).await.unwrap();
    let server: Server = format!("rethinkdb://{}", served.local_addr()).parse().unwrap();
    Database { served: Some((served, folder)), ..over(name, server) }
}

fn over(name: &'static str, server: Server) -> Database {
    let client = server.client(Limits::default());
    let store = Arc::new(RethinkStore::new(client.clone()));
    Database { name, store, raw: Some(client), served: None }
}

/// A name that no other test has.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("suite_{}_{count}", std::process::id())
}

impl Database {
    /// Writes a row as it is.
    pub(crate) async fn write(&self, table: &str, document: &Json) {
        let raw = self.raw.as_ref().unwrap();
        let table = Term::table(table, ReadMode::Single);
        let stats = raw.value(&table.insert(Term::value(document), Durability::Soft)).await;
        assert_eq!(stats.unwrap().get("inserted"), Some(&Json::from(1_i64)), "{document}");
    }

    /// Takes all rows away. An embedded store is replaced.
    pub(crate) async fn clear(&mut self) {
        match &self.raw {
            None => self.store = Arc::new(EmbeddedStore::in_memory()),
            Some(_) => {
                for table in schema::TABLES {
                    self.delete_all(table).await;
                }
            }
        }
    }

    /// Takes all rows of a table away, on a server.
    pub(crate) async fn delete_all(&self, table: &str) {
        let all = Term::table(table, ReadMode::Single);
        self.raw.as_ref().unwrap().value(&all.delete(Durability::Soft)).await.unwrap();
    }

    /// The test is done.
    pub(crate) async fn finish(self) {
        if let Some(client) = self.raw {
            schema::drop_database(&client).await.unwrap();
        }
        drop(self.served);
    }
}
