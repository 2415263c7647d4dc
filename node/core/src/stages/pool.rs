//! The transactions that wait for this node, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Transaction, TxId};

/// The transactions that wait for this node.
#[derive(Clone, Default, Debug)]
pub(super) struct Pool {
    waiting: BTreeMap<TxId, Waiting>,
    /// Whose turn it is, in order of arrival.
    ready: BTreeSet<(u64, TxId)>,
    /// Whose turn comes at a time.
    later: BTreeSet<(Duration, TxId)>,
    arrivals: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    transaction: Arc<Transaction>,
    arrival: u64,
    since: Duration,
    state: State,
    /// How often it was put off.
    setbacks: u32,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Ready,
    Later(Duration),
    /// In the block that is being made, in an undecided one, or leaving.
    Taken,
}

impl Pool {
    /// How many wait, whatever for.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many could go into a block now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// When the first of them came.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.waiting.values().map(|waiting| waiting.since).min()
    }

    /// The next time at which somebody's turn comes.
    pub(super) fn due(&self) -> Option<Duration> {
        self.later.first().map(|(at, _)| *at)
    }

    /// Takes in a transaction, ready; nothing happens if it waits already.
    pub(super) fn admit(&mut self, transaction: Arc<Transaction>, since: Duration) {
        let id = transaction.id().clone();
        if self.waiting.contains_key(&id) {
            return;
        }
        self.arrivals += 1;
        let (arrival, state) = (self.arrivals, State::Ready);
        self.waiting
            .insert(id.clone(), Waiting { transaction, arrival, since, state, setbacks: 0 });
        self.ready.insert((arrival, id));
    }

    /// Does it wait here?
    pub(super) fn contains(&self, id: &TxId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Was it put off before?
    pub(super) fn was_put_off(&self, id: &TxId) -> bool {
        self.waiting.get(id).is_some_and(|waiting| waiting.setbacks > 0)
    }

    /// Forgets a transaction: it left the backlog, or waits for another node now.
    pub(super) fn remove(&mut self, id: &TxId) {
        self.set(id, State::Taken);
        self.waiting.remove(id);
    }

    /// The first so many whose turn it is; they are taken until further notice.
    pub(super) fn take(&mut self, most: usize) -> Vec<Arc<Transaction>> {
        let ids: Vec<_> = self.ready.iter().take(most).map(|(_, id)| id.clone()).collect();
        ids.iter()
            .filter_map(|id| {
                self.set(id, State::Taken);
                Some(self.waiting.get(id)?.transaction.clone())
            })
            .collect()
    }

    /// It is its turn again.
    pub(super) fn make_ready(&mut self, id: &TxId) {
        self.set(id, State::Ready);
    }

    /// Its turn comes after a delay that doubles with each time it is put off, up to `most`.
    pub(super) fn postpone(&mut self, id: &TxId, now: Duration, first: Duration, most: Duration) {
        let Some(waiting) = self.waiting.get_mut(id) else { return };
        let delay = first.saturating_mul(1 << waiting.setbacks.min(16)).min(most);
        waiting.setbacks += 1;
        self.set(id, State::Later(now + delay));
    }

    /// Those whose time has come are ready.
    pub(super) fn wake(&mut self, now: Duration) {
        while let Some((at, id)) = self.later.first().cloned()
            && at <= now
        {
            self.make_ready(&id);
        }
    }

    fn set(&mut self, id: &TxId, state: State) {
        let Some(waiting) = self.waiting.get_mut(id) else { return };
        match std::mem::replace(&mut waiting.state, state) {
            State::Ready => drop(self.ready.remove(&(waiting.arrival, id.clone()))),
            State::Later(at) => drop(self.later.remove(&(at, id.clone()))),
            State::Taken => {}
        }
        match state {
            State::Ready => drop(self.ready.insert((waiting.arrival, id.clone()))),
            State::Later(at) => drop(self.later.insert((at, id.clone()))),
            State::Taken => {}
        }
    }
}
