//! What a node needs of its database: answers to the closed list of queries, and feeds.
//!
//! Here: the trait [`Store`] and the stream of a feed. The embedded store is in [`embedded`], the
//! switch that cuts a node off from its store in [`link`]. Not here: time-outs and retries, which
//! are the shell's and the stages'.

pub mod embedded;
mod genesis;
pub mod link;
pub mod rethinkdb;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bigchaindb_core::query::{Answer, Change, Feed, Query, StoreError};
use tokio::sync::{mpsc, watch};

pub use embedded::{EmbeddedStore, Observation, Tables};
pub use genesis::{found, found_with, is_empty};
pub use link::{CuttableStore, Link};
pub use rethinkdb::RethinkStore;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers queries and opens feeds. Shared by everything that asks.
pub trait Store: Send + Sync + fmt::Debug {
    /// Asks. Dropping the future means that nobody waits any more, not that nothing was done.
    ///
    /// # Errors
    /// [`StoreError`]; its variants say whether a write may have been done.
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>>;

    /// Opens a feed; once it is there, every later write will be seen.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached.
    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>>;

    /// How many connections were made again after they were lost.
    fn reconnects(&self) -> usize {
        0
    }
}

/// An open feed. It may end at any time; then the reader opens another, and reads what it missed.
#[derive(Debug)]
pub struct FeedStream {
    changes: mpsc::Receiver<Change>,
    /// The feed ends as soon as this one changes, or closes.
    breaks: Option<watch::Receiver<link::State>>,
}

impl FeedStream {
    /// A feed of what the sender sends, until it is dropped.
    pub fn new(changes: mpsc::Receiver<Change>) -> Self {
        Self { changes, breaks: None }
    }

    /// The next change; `None` when the feed has ended.
    pub async fn next(&mut self) -> Option<Change> {
        let Some(breaks) = &mut self.breaks else { return self.changes.recv().await };
        tokio::select! {
            biased;
            _ = breaks.changed() => {
                self.changes.close();
                None
            }
            change = self.changes.recv() => change,
        }
    }
}
