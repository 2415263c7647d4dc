//! What was asked of the server and what it acknowledged, and the laws that follow from it:
//!
//! 1. What a writer left is what its requests make up to one of them, and nothing of the later ones:
//!    no request is there by half, none is missing between others.
//! 2. A hard write that was acknowledged is there.
//! 3. If a request is there, or was acknowledged and is hard, then so is every write that had been
//!    acknowledged before it was sent, whoever asked for either.
//!
//! So what is lost are soft writes after the last flush, and which flush that is shows in what is
//! there. How old they are is reported and not judged, as nobody knows how long the disk takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::tables::{Key, State};
use crate::program::now;

/// The order of what all clients do.
#[derive(Default)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Something that one client asked for.
pub(crate) struct Request {
    /// What is to stand where.
    pub(crate) writes: Vec<(Key, Option<Value>)>,
    pub(crate) is_hard: bool,
    pub(crate) sent: u64,
    /// When by the order of things, and when by the clock.
    pub(crate) acknowledged: Option<(u64, Instant)>,
}

impl Request {
    pub(crate) fn acknowledge(&mut self, clock: &Clock) {
        self.acknowledged = Some((clock.tick(), now()));
    }

    fn is_promised(&self) -> bool {
        self.is_hard && self.acknowledged.is_some()
    }

    fn is_acknowledged_before(&self, moment: u64) -> bool {
        self.acknowledged.is_some_and(|(at, _)| at < moment)
    }
}

/// What one client asked for since the server was started, in its order.
#[derive(Default)]
pub(crate) struct History {
    /// Its documents before.
    before: State,
    pub(crate) requests: Vec<Request>,
}

/// What a kill has left of a history.
pub(crate) struct Survived {
    /// So many requests.
    requests: usize,
    pub(crate) state: State,
}

/// How many writes were acknowledged.
pub(crate) struct Tally {
    pub(crate) hard: usize,
    pub(crate) soft: usize,
    /// So many of the soft ones are not there.
    pub(crate) lost: usize,
    /// How long before the kill the first of those was acknowledged.
    pub(crate) oldest_lost: Duration,
}

impl History {
    /// Its documents if all of it is done.
    pub(crate) fn state(&self) -> State {
        let mut state = self.before.clone();
        self.requests.iter().for_each(|request| apply(&mut state, request));
        state
    }

    /// Law 1: the requests whose outcome is in what was found, which holds other writers' documents
    /// too.
    pub(crate) fn survived(&self, prefix: &str, found: &State) -> Survived {
        let of_mine = found.iter().filter(|((_, id), _)| id.starts_with(prefix));
        let found: State = of_mine.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut state = self.before.clone();
        // Those that write nothing leave no trace: the most that can be there.
        let mut survived = (state == found).then_some(0);
        for (number, request) in (1..).zip(&self.requests) {
            apply(&mut state, request);
            if state == found {
                survived = Some(number);
            }
        }
        let requests = survived.unwrap_or_else(|| panic!("{}", self.explain(prefix, &found)));
        Survived { requests, state: found }
    }

    /// In what the best explanation fails.
    fn explain(&self, prefix: &str, found: &State) -> String {
        let mut state = self.before.clone();
        let differ = |state: &State| -> Vec<Key> {
            let keys = state.keys().chain(found.keys());
            keys.filter(|key| state.get(key) != found.get(key)).cloned().collect()
        };
        let mut best = (0, differ(&state));
        for (number, request) in (1..).zip(&self.requests) {
            apply(&mut state, request);
            let differs = differ(&state);
            if differs.len() < best.1.len() {
                best = (number, differs);
            }
        }
        let (number, differs) = best;
        format!(
            "no beginning of the {} requests of {prefix} makes what was found; after {number} of \
             them these differ: {differs:?}",
            self.requests.len()
        )
    }

    pub(crate) fn tally(&self, survived: &Survived, killed: Instant) -> Tally {
        let acknowledged =
            |request: &&Request| request.acknowledged.is_some() && !request.writes.is_empty();
        let hard = self.requests.iter().filter(acknowledged).filter(|each| each.is_hard).count();
        let all = self.requests.iter().filter(acknowledged).count();
        let lost = self.requests[survived.requests..].iter().filter(acknowledged);
        let ages = lost.clone().filter_map(|lost| Some(killed - lost.acknowledged?.1));
        Tally {
            hard,
            soft: all - hard,
            lost: lost.count(),
            oldest_lost: ages.max().unwrap_or_default(),
        }
    }

    /// After the next start.
    pub(crate) fn begin_anew(&mut self, survived: Survived) {
        (self.before, self.requests) = (survived.state, Vec::new());
    }
}

fn apply(state: &mut State, request: &Request) {
    for (key, document) in &request.writes {
        match document {
            Some(document) => state.insert(key.clone(), document.clone()),
            None => state.remove(key),
        };
    }
}

/// Laws 2 and 3, for some writers and for others that wrote no documents.
pub(crate) fn check_order(writers: &[History], survived: &[Survived], others: &History) {
    let of_writers = || {
        writers.iter().zip(survived).flat_map(|(history, survived)| {
            let there = (0..).map(|number| number < survived.requests);
            history.requests.iter().zip(there)
        })
    };
    let written = |(request, there): &(&Request, bool)| *there && !request.writes.is_empty();
    let last = of_writers()
        .filter(|each| written(each) || each.0.is_promised())
        .map(|(request, _)| request)
        .chain(others.requests.iter().filter(|request| request.is_promised()))
        .map(|request| request.sent)
        .max()
        .unwrap_or(0);
    for (request, there) in of_writers().filter(|(request, _)| !request.writes.is_empty()) {
        assert!(there || !request.is_promised(), "an acknowledged hard write is lost: {request:?}");
        assert!(
            there || !request.is_acknowledged_before(last),
            "lost, though what was asked for later is there: {request:?}"
        );
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = self.writes.iter().map(|(key, _)| key).collect();
        let how = if self.is_hard { "hard" } else { "soft" };
        write!(f, "{how}, sent at {}, of {keys:?}", self.sent)
    }
}
