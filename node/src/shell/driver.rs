//! The loop that owns a node's core: takes an input, hands it in, carries out what comes out.
//!
//! All that waits (for the store, for a feed, for another thread) waits in tasks of its own, which
//! bring an event when they are done. The loop itself only ever waits for inputs, so they can wait
//! for the loop without a circle.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Feed, Query, StoreError};
use bigchaindb_core::stages::{
    Effect, Event, Node, Outcome, Report, RequestId, Response, Ticket, Work,
};
use rayon::prelude::*;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Setup;
use super::inbox::{Inbox, Input, Request, Waiting};
use super::meter::{self, Meter};
use crate::clock;
use crate::control::{Side, Step};
use crate::metrics::labels::Question;

/// Inputs taken out of the inbox at once.
const INPUTS_AT_ONCE: usize = 64;

/// Light work has no more fulfillments than these,
const LIGHT_FULFILLMENTS: usize = 2;

/// and none is longer: the plain ones, of one key, have some 140 bytes.
const LIGHT_FULFILLMENT_BYTES: usize = 256;

/// Documents that one thread checks before it looks for other work: a millisecond's worth, so that
/// a block is shared between all cores and a single client does not wait behind it.
const PIECE: usize = 16;

/// A core, and all that it has under way. Dropping it ends everything.
pub(super) struct Driver {
    core: Node,
    setup: Setup,
    inbox: Inbox,
    meter: Meter,
    paused: watch::Receiver<bool>,
    /// The requests that the core has not answered.
    requests: BTreeMap<RequestId, Waiting>,
    /// The number of the next one.
    next_request: u64,
    /// The monotonic time at which the core wants to be woken.
    wake: Option<Duration>,
    /// What waits for the store, feeds and threads.
    tasks: JoinSet<()>,
    effects: Vec<Effect>,
}

impl Driver {
    pub(super) fn new(setup: Setup, inbox: Inbox, paused: watch::Receiver<bool>) -> Self {
        setup.record.begun(&setup.config, &*setup.rules);
        Self {
            core: Node::new(setup.config.clone(), setup.rules.clone()),
            meter: Meter::new(setup.metrics.clone()),
            setup,
            inbox,
            paused,
            requests: BTreeMap::new(),
            next_request: 0,
            wake: None,
            tasks: JoinSet::new(),
            effects: Vec::new(),
        }
    }

    /// Runs until it is dropped.
    ///
    /// # Panics
    /// If anything that was under way panicked.
    pub(super) async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        self.handle(Event::Start { entropy: self.setup.source.draw() });
        let mut batch = Vec::with_capacity(INPUTS_AT_ONCE);
        loop {
            let alarm = self.wake.into_iter().chain(self.meter.due()).min();
            let alarm = alarm.map(|at| at.saturating_sub(self.setup.source.now().monotonic));
            let is_due = alarm == Some(Duration::ZERO);
            // Inputs may come faster than a timer ticks; so an alarm that is due does not go
            // through one.
            tokio::select! {
                biased;
                _ = inputs.recv_many(&mut batch, INPUTS_AT_ONCE) => {}
                () = std::future::ready(()), if is_due => {}
                () = tokio::time::sleep(alarm.unwrap_or_default()), if alarm.is_some() => {}
            }
            while let Some(ended) = self.tasks.try_join_next() {
                if let Err(error) = ended
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
            // An error means that the handle is gone, and with it, soon, this task.
            let _ = self.paused.wait_for(|paused| !paused).await;
            if self.wake.is_some_and(|at| at <= self.setup.source.now().monotonic) {
                self.wake = None;
                self.handle(Event::Woken);
            }
            self.meter.measure(self.setup.source.now(), &mut self.core, &*self.setup.store);
            for input in batch.drain(..) {
                match input {
                    Input::Event(event) => self.handle(event),
                    Input::Request(request) => self.request(request),
                    // Whether it still wants to know is its own affair.
                    Input::Look(tell) => {
                        let _ = tell.send(self.core.levels(self.setup.source.now()));
                    }
                }
            }
        }
    }

    fn request(&mut self, Request { call, waiting }: Request) {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.requests.insert(id, waiting);
        self.handle(Event::Request { id, call, entropy: self.setup.source.draw() });
    }

    /// Hands an event in and carries out what comes out.
    fn handle(&mut self, event: Event) {
        let mut effects = std::mem::take(&mut self.effects);
        let now = self.setup.source.now();
        self.setup.record.heard(now, &event);
        self.core.handle(now, event, &mut effects);
        self.setup.record.said(&effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Query { ticket, query } => self.query(ticket, query),
                Effect::Open(feed) => self.open(feed),
                Effect::Work { ticket, work } => self.work(ticket, work),
                Effect::Respond { id, response } => self.respond(id, response),
                Effect::Wake { at } => self.wake = Some(at),
                Effect::Report(report) => {
                    self.meter.hear(clock::monotonic(), &report);
                    (self.setup.on_report)(report);
                }
            }
        }
        self.effects = effects;
    }

    fn query(&mut self, ticket: Ticket, query: Query) {
        let (inbox, store) = (self.inbox.clone(), self.setup.store.clone());
        let patience = self.setup.query_timeout;
        let (metrics, control) = (self.setup.metrics.clone(), self.setup.control.clone());
        let step = Step::of_query(&query);
        control.asks();
        control.comes_to(Side::Before, step);
        self.tasks.spawn(async move {
            let (question, asked) = (Question::of(&query), clock::monotonic());
            let answer = timeout(patience, store.query(query)).await.unwrap_or_else(|_| {
                Err(StoreError::Indeterminate(format!("none within {} ms", patience.as_millis())))
            });
            if let Some(question) = question {
                meter::answered(&metrics, question, clock::monotonic() - asked, &answer);
            }
            control.comes_to(Side::After, step);
            inbox.bring(Event::Answer { ticket, answer }).await;
        });
    }

    fn open(&mut self, feed: Feed) {
        let (inbox, store) = (self.inbox.clone(), self.setup.store.clone());
        let patience = self.setup.query_timeout;
        let on_report = self.setup.on_report.clone();
        self.meter.opened(feed);
        self.tasks.spawn(async move {
            if let Ok(Ok(mut changes)) = timeout(patience, store.open(feed)).await {
                inbox.bring(Event::FeedOpened(feed)).await;
                while let Some(change) = changes.next().await {
                    inbox.bring(Event::FeedChanged(feed, change)).await;
                }
                let ended = format!("the {feed:?} feed ended; it is opened again");
                on_report(Report::Trouble(ended));
            }
            inbox.bring(Event::FeedClosed(feed)).await;
        });
    }

    /// Gives work to the thread pool that all nodes of the process share; light work, which is done by the time
    /// that another thread is awake, to a task.
    fn work(&mut self, ticket: Ticket, work: Work) {
        let (config, rules) = (self.setup.config.clone(), self.setup.rules.clone());
        let (step, control) = (Some(Step::of_work(&work)), self.setup.control.clone());
        control.comes_to(Side::Before, step);
        let metrics = self.setup.metrics.clone();
        if is_light(&work) {
            let inbox = self.inbox.clone();
            self.tasks.spawn(async move {
                let outcome = meter::timed(&metrics, work, &config, &*rules);
                control.comes_to(Side::After, step);
                inbox.bring(Event::Worked { ticket, outcome }).await;
            });
            return;
        }
        let (done, outcome) = oneshot::channel();
        rayon::spawn(move || {
            let run = || -> Vec<Outcome> {
                let pieces = work.split(PIECE).into_par_iter();
                pieces.map(|piece| meter::timed(&metrics, piece, &config, &*rules)).collect()
            };
            // A panic must not take the pool's thread along; it is the node's.
            if let Ok(outcomes) = catch_unwind(AssertUnwindSafe(run)) {
                let _ = done.send(Outcome::join(outcomes));
            }
        });
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            let outcome = outcome.await.expect("work does not panic");
            control.comes_to(Side::After, step);
            inbox.bring(Event::Worked { ticket, outcome }).await;
        });
    }

    fn respond(&mut self, id: RequestId, response: Response) {
        let (step, control) = (Some(Step::Respond), &self.setup.control);
        control.comes_to(Side::Before, step);
        if let Some(waiting) = self.requests.remove(&id) {
            waiting.answer(response);
        }
        control.comes_to(Side::After, step);
    }
}

/// Whether it is what most clients post: one or two signatures to make or to check, some hundred microseconds.
fn is_light(work: &Work) -> bool {
    let Work::Prepare { posted, .. } = work else { return false };
    let fulfillments =
        posted.get("transaction").and_then(|body| body.get("fulfillments")?.as_array());
    let is_light = |one: &Json| {
        let text = one.get("fulfillment").and_then(Json::as_str).unwrap_or_default();
        text.len() <= LIGHT_FULFILLMENT_BYTES
    };
    fulfillments.is_some_and(|all| all.len() <= LIGHT_FULFILLMENTS && all.iter().all(is_light))
}
