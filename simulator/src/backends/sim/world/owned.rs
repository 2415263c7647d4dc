//! Which outputs a key owns, as a node's library says when all is over.
//!
//! The library itself is asked, over what stands in the store.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bigchaindb::bigchain::Bigchain;
use bigchaindb::store::{BoxFuture, FeedStream, Store};
use bigchaindb_core::model::Output;
use bigchaindb_core::query::{Answer, Feed, Query, StoreError};
use bigchaindb_rethinkdb::{Durability, Engine};

use super::World;
use crate::chance::{Domain, draw};
use crate::observe::{Owned, OwnedOutput, Record};
use crate::plan::EPOCH_UNIX_MS;

impl World<'_> {
    /// Asks a node for every key that the clients look after. Nobody else can ask the store anything
    /// any more.
    pub(super) fn tell_owned(&mut self) {
        let owners = self.clients.owners();
        if owners.is_empty() {
            return;
        }
        let shelf: Arc<dyn Store> = Arc::new(Shelf(Mutex::new(self.store.give_up_engine())));
        let unix_s = (EPOCH_UNIX_MS + self.now() / 1_000) / 1_000;
        for (which, (number, owner)) in (0..).zip(owners) {
            let drawn = draw(self.plan.seed, Domain::Owned, number.into(), which);
            let node = drawn.below(self.plan.nodes.len() as u64);
            let node = usize::try_from(node).expect("an index into the nodes");
            let sim = &self.nodes[node];
            let keyring = sim.config.federation.others().to_vec();
            let keypair = sim.config.keypair.clone();
            let library = Bigchain::new(shelf.clone(), keypair, keyring, self.rules.clone());
            let library = library.with_clock(move || unix_s);
            let outputs = at_once(library.get_owned_ids(&owner));
            let outputs = outputs.map_err(|error| error.to_string().into());
            let outputs = outputs.map(|outputs| outputs.iter().map(named).collect());
            let node = sim.name.clone();
            self.tell(Record::Owned(Owned { node, owner, outputs }));
        }
    }
}

fn named(output: &Output) -> OwnedOutput {
    OwnedOutput { txid: output.txid.clone(), cid: u64::try_from(output.cid).unwrap_or(u64::MAX) }
}

/// The outcome of what waits for nobody.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => unreachable!("a store in memory answers at once"),
    }
}

/// A store that answers at once, and has no feeds.
struct Shelf(Mutex<Engine>);

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

impl Store for Shelf {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        let mut engine = self.0.lock().expect("nobody panics while asking");
        let answer = engine.apply(&query, Durability::Soft);
        Box::pin(std::future::ready(answer))
    }

    fn open(&self, _feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        let refused = StoreError::Refused("all is over".into());
        Box::pin(std::future::ready(Err(refused)))
    }
}
