//! The link between a node and its store, with a switch: for fault injection.
//!
//! While a link is cut, questions and answers are held up, as TCP would hold them; the asker's
//! time-out decides what that means to it. Feeds break when a link is cut, and when they are told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bigchaindb_core::query::{Answer, Feed, Query, StoreError};
use tokio::sync::watch;

use super::{BoxFuture, FeedStream, Store};

/// What a link is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    cut: bool,
    /// How often feeds were broken.
    breaks: u64,
}

/// The switch of a link. Clones switch the same link.
#[derive(Clone, Debug)]
pub struct Link {
    switch: Arc<watch::Sender<State>>,
    questions: Arc<AtomicU64>,
}

impl Default for Link {
    fn default() -> Self {
        let switch = watch::Sender::new(State { cut: false, breaks: 0 });
        Self { switch: Arc::new(switch), questions: Arc::default() }
    }
}

impl Link {
    /// Nothing passes any more, in either direction; open feeds end.
    pub fn cut(&self) {
        self.switch.send_modify(|state| {
            state.cut = true;
            state.breaks += 1;
        });
    }

    /// All passes again, including what was held up and is still waited for.
    pub fn heal(&self) {
        self.switch.send_if_modified(|state| std::mem::take(&mut state.cut));
    }

    /// Ends the feeds that are open now; nothing else is harmed.
    pub fn break_feeds(&self) {
        self.switch.send_modify(|state| state.breaks += 1);
    }

    /// Whether nothing passes.
    pub fn is_cut(&self) -> bool {
        self.switch.borrow().cut
    }

    /// How many questions have been asked through it.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Waits until the link is whole.
    async fn whole(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.switch.subscribe().wait_for(|state| !state.cut).await;
    }
}

/// A store at the other end of a [`Link`].
#[derive(Debug)]
pub struct CuttableStore {
    store: Arc<dyn Store>,
    link: Link,
}

impl CuttableStore {
    /// `store`, as seen through `link`.
    pub fn new(store: Arc<dyn Store>, link: Link) -> Self {
        Self { store, link }
    }
}

impl Store for CuttableStore {
    fn reconnects(&self) -> usize {
        self.store.reconnects()
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        self.link.questions.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            self.link.whole().await;
            let answer = self.store.query(query).await;
            self.link.whole().await;
            answer
        })
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        Box::pin(async move {
            self.link.whole().await;
            let breaks = self.link.switch.subscribe();
            let mut stream = self.store.open(feed).await?;
            stream.breaks = Some(breaks);
            self.link.whole().await;
            Ok(stream)
        })
    }
}
