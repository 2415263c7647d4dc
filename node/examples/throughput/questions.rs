//! What the nodes ask of their store: how often, and how long an answer takes.

use std::collections::BTreeMap;
use std::ops::Sub;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bigchaindb::metrics::labels::Question;
use bigchaindb::store::{BoxFuture, FeedStream, Store};
use bigchaindb_core::query::{Answer, Feed, Query, StoreError};

/// How often something was asked, and how long the answers took together.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Asked {
    pub(crate) times: u32,
    pub(crate) took: Duration,
}

impl Sub for Asked {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { times: self.times - other.times, took: self.took - other.took }
    }
}

/// A store that counts.
#[derive(Debug)]
pub(crate) struct Questioned {
    store: Arc<dyn Store>,
    asked: Mutex<BTreeMap<&'static str, Asked>>,
}

impl Questioned {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, asked: Mutex::default() }
    }

    /// What was asked and answered so far, by the names that metrics give it.
    pub(crate) fn so_far(&self) -> BTreeMap<&'static str, Asked> {
        self.asked.lock().expect("nobody panics here").clone()
    }
}

impl Store for Questioned {
    #[expect(clippy::disallowed_methods, reason = "measuring is all that this program does")]
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        Box::pin(async move {
            let (name, began) =
                (Question::of(&query).map_or("other", Question::word), Instant::now());
            let answer = self.store.query(query).await;
            let mut asked = self.asked.lock().expect("nobody panics here");
            let asked = asked.entry(name).or_default();
            asked.times += 1;
            asked.took += began.elapsed();
            answer
        })
    }

    fn reconnects(&self) -> usize {
        self.store.reconnects()
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        self.store.open(feed)
    }
}
