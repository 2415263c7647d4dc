//! The store of a node on a RethinkDB server, or on an embedded one that speaks its protocol.
//!
//! Here: [`RethinkStore`], and below it, from the top: `queries` (the closed list, in ReQL),
//! `together` (questions that go as one), `feeds`, `schema` (databases, tables, indexes), `client` (a few connections that come back),
//! [`connection`] (many queries at once on one line), `transport` (TCP, TLS), and what they share:
//! `term`, `response`, `rows`, `error`. Not here: the protocol's bytes
//! (`bigchaindb_rethinkdb::wire`), what a node asks and when (the core's stages).
//!
//! No driver on crates.io would do: `reql` 0.11 and `unreql` 0.2 hold their socket while they wait
//! for an answer, know no time-out and no TLS, and leave a dropped query running on the server.

pub mod client;
pub mod connection;
mod error;
mod feeds;
mod queries;
mod response;
mod rows;
pub mod schema;
pub mod term;
mod together;
pub mod transport;
mod url;

use bigchaindb_core::query::{Answer, Feed, Query, StoreError};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{BoxFuture, FeedStream, Store};
use queries::Lines;

pub use client::{Client, Limits};
pub use connection::{Connection, Cursor, Options, Password};
pub use error::Error;
pub(crate) use queries::shape::is_block;
pub use response::Batch;
pub(crate) use rows::entry_document;
pub use term::Term;
pub use transport::{Dial, Stream, Tcp, Tls};
pub use url::{InvalidUrl, Server};

/// The tables of a node's database on a server; [`schema::init`] makes them.
#[derive(Clone, Debug)]
pub struct RethinkStore {
    client: Client,
    lines: Lines,
}

impl RethinkStore {
    /// The store that a client reaches. Nothing is connected yet.
    pub fn new(client: Client) -> Self {
        let lines = Lines::new(&client);
        Self { client, lines }
    }

    /// The client, for what is none of a node's questions.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Store for RethinkStore {
    fn reconnects(&self) -> usize {
        self.client.reconnects()
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        Box::pin(async move {
            let limit = self.client.query_timeout();
            // Some queries take several questions; the time is for all of them.
            let answer = timeout(limit, queries::answer(&self.client, &self.lines, &query)).await;
            let answer = answer.unwrap_or(Err(Error::TimedOut { ms: limit.as_millis() }));
            answer.map_err(StoreError::from)
        })
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        Box::pin(async move {
            let elements = self.client.feed(&feeds::term(feed)).await?;
            let (changes, stream) = mpsc::channel(feeds::QUEUE_MAX);
            tokio::spawn(feeds::tell(feed, elements, changes));
            Ok(FeedStream::new(stream))
        })
    }
}
