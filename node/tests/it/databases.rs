//! Databases to try the library on: the embedded store and, if `RETHINKDB_URL` names one, a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bigchaindb::store::rethinkdb::{Client, Limits, RethinkStore, Server, schema};
use bigchaindb::store::{EmbeddedStore, Store};

use crate::support::PATIENCE;

/// An empty database.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    server: Option<Client>,
}

/// One of each kind that there is.
pub(crate) async fn databases() -> Vec<Database> {
    let store = Arc::new(EmbeddedStore::in_memory());
    let mut all = vec![Database { name: "the embedded store", store, server: None }];
    if let Ok(url) = std::env::var("RETHINKDB_URL") {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut server: Server = url.parse().unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        server.options.database = format!("library_{}_{count}", std::process::id());
        let client = server.client(Limits::default());
        schema::init(&client, PATIENCE).await.unwrap();
        let store = Arc::new(RethinkStore::new(client.clone()));
        all.push(Database { name: "a server", store, server: Some(client) });
    }
    all
}

impl Database {
    /// The test is done.
    pub(crate) async fn finish(self) {
        if let Some(client) = self.server {
            schema::drop_database(&client).await.unwrap();
        }
    }
}
