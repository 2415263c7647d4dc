//! The tokens of a connection that are in use, and the requests for each.
//!
//! A token is in use from its query's start until its query's last answer is ready to be sent. The
//! requests for it wait in a queue of its own, so that they are answered one after another.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;

use super::options::REQUESTS_MAX;
use super::outgoing::Slot;
use crate::jobs::{Interrupt, Interruption};

/// What a client may want of a query that was started.
pub(super) enum Request {
    /// More.
    Continue(Slot),
    /// No more.
    Stop(Slot),
}

/// The tokens of a connection that are in use.
#[derive(Default)]
pub(super) struct Tokens(Mutex<BTreeMap<u64, InUse>>);

struct InUse {
    requests: mpsc::Sender<Request>,
    interrupt: Arc<Interrupt>,
}

/// Why a token cannot be used for a new query.
pub(super) enum Unusable {
    /// It is in use.
    Duplicate,
    /// Too many are.
    TooMany,
}

impl Tokens {
    /// Starts to use a token, and gives the queue of its requests.
    pub(super) fn start(
        &self,
        token: u64,
        interrupt: Arc<Interrupt>,
        max: usize,
    ) -> Result<mpsc::Receiver<Request>, Unusable> {
        let mut in_use = self.lock();
        let count = in_use.len();
        match in_use.entry(token) {
            Entry::Occupied(_) => Err(Unusable::Duplicate),
            Entry::Vacant(_) if count >= max => Err(Unusable::TooMany),
            Entry::Vacant(place) => {
                // Every request that waits has a slot, so the queue never holds more than there are.
                let (requests, queue) = mpsc::channel(REQUESTS_MAX);
                place.insert(InUse { requests, interrupt });
                Ok(queue)
            }
        }
    }

    /// Whether a token is in use.
    pub(super) fn contains(&self, token: u64) -> bool {
        self.lock().contains_key(&token)
    }

    /// Asks for more of a token; gives the slot back if it is not in use.
    pub(super) fn proceed(&self, token: u64, slot: Slot) -> Result<(), Slot> {
        match self.lock().get(&token) {
            Some(in_use) => in_use.pass(Request::Continue(slot)),
            None => Err(slot),
        }
    }

    /// Asks for an end of a token; gives the slot back if it is not in use. Whatever is being
    /// computed or waited for is broken off, so that this request is answered soon.
    pub(super) fn stop(&self, token: u64, slot: Slot) -> Result<(), Slot> {
        match self.lock().get(&token) {
            Some(in_use) => {
                in_use.pass(Request::Stop(slot))?;
                in_use.interrupt.throw(Interruption::Stopped);
                Ok(())
            }
            None => Err(slot),
        }
    }

    /// A token is not in use any more: nobody adds to its queue.
    pub(super) fn end(&self, token: u64) {
        self.lock().remove(&token);
    }

    /// Breaks off all queries. Their queues end.
    pub(super) fn interrupt_all(&self, reason: Interruption) {
        let in_use = std::mem::take(&mut *self.lock());
        for in_use in in_use.values() {
            in_use.interrupt.throw(reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, InUse>> {
        self.0.lock().expect("nobody panics while holding the tokens")
    }
}

impl InUse {
    fn pass(&self, request: Request) -> Result<(), Slot> {
        self.requests.try_send(request).map_err(|refused| match refused.into_inner() {
            Request::Continue(slot) | Request::Stop(slot) => slot,
        })
    }
}

/// Whatever ends a connection ends its queries.
impl Drop for Tokens {
    fn drop(&mut self) {
        self.interrupt_all(Interruption::Left);
    }
}
