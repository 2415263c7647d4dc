//! The databases that operators have: embedded ones, and on a real RethinkDB the one that
//! `RETHINKDB_URL` names.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use bigchaindb::store::rethinkdb::{Client, Limits, Server, schema};
use bigchaindb_rethinkdb::Database;
use bigchaindb_rethinkdb::server::{Server as EmbeddedServer, ServerOptions};

/// A database that is not made yet.
pub(crate) struct Empty {
    pub(crate) client: Client,
    served: Option<EmbeddedServer>,
}

/// One in memory; one on a real server, if there is one.
pub(crate) async fn all() -> Vec<Empty> {
    let mut all = vec![embedded().await];
    if let Ok(url) = std::env::var("RETHINKDB_URL") {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut server: Server = url.parse().unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        server.options.database = format!("admin_{}_{count}", std::process::id());
        all.push(Empty { client: server.client(Limits::default()), served: None });
    }
    all
}

/// One in memory.
pub(crate) async fn embedded() -> Empty {
    let bind = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ServerOptions { bind, ..ServerOptions::default() };
    let served = EmbeddedServer::bind(Database::in_memory(), options).await.unwrap();
    let server: Server = format!("rethinkdb://{}", served.local_addr()).parse().unwrap();
    Empty { client: server.client(Limits::default()), served: Some(served) }
}

impl Empty {
    /// The test is done.
    pub(crate) async fn finish(self) {
        schema::drop_database(&self.client).await.unwrap();
        drop(self.served);
    }
}
