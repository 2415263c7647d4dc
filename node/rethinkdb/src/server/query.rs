//! A query's life: it runs, and then gives a batch for each request, until it is over or stopped.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

use super::connection::{Connection, NoreplyQuery};
use super::evaluation::{Evaluated, Work, evaluate};
use super::outgoing::Slot;
use super::tokens::Request;
use crate::jobs::{Interrupt, Place};
use crate::reql::{Cursor, Env, ErrorKind, Query, Step};
use crate::wire::handshake::Version;
use crate::wire::{Response, frame};

/// How long a feed's request is held for a client of V0_3, which is then told that there is nothing.
///
/// Source: RethinkDB's `max_batch_seconds`.
const V0_3_HELD: Duration = Duration::from_millis(500);

/// A query that was started.
pub(super) struct Running {
    pub(super) connection: Arc<Connection>,
    pub(super) token: u64,
    pub(super) env: Env,
    pub(super) interrupt: Arc<Interrupt>,
    /// Called when a feed has news, and when the query is to be broken off.
    pub(super) wake: Arc<Notify>,
    /// After which time a feed wants to be asked again, news or not.
    pub(super) within: Arc<Mutex<Option<Duration>>>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// Held until the query is over, if its client wants no answer.
    pub(super) noreply: Option<NoreplyQuery>,
    /// Whether each answer carries a profile.
    pub(super) profile: bool,
    /// Held until the query is over.
    pub(super) place: Place,
}

/// An answer as it goes out.
struct Answer {
    frame: Vec<u8>,
    /// Where to go on, if there may be more.
    cursor: Option<Box<Cursor>>,
    slot: Slot,
}

/// The connection is over: nobody waits for an answer.
struct Over;

impl Running {
    /// Runs the query and answers all requests for its token.
    pub(super) async fn run(mut self, query: Query, slot: Slot) {
        let Ok(mut answer) = self.answer(Work::Start(Box::new(query)), slot).await else { return };
        loop {
            let is_over = answer.cursor.is_none()
                || self.interrupt.reason().is_some()
                || self.noreply.is_some();
            if is_over {
                return self.end(answer);
            }
            self.connection.outgoing.send(answer.frame, answer.slot);
            let (request, cursor) = (self.requests.recv().await, answer.cursor);
            answer = match (request, cursor) {
                (Some(Request::Continue(slot)), Some(cursor)) => {
                    match self.answer(Work::Next(cursor), slot).await {
                        Ok(answer) => answer,
                        Err(Over) => return,
                    }
                }
                (Some(Request::Stop(slot)), _) => {
                    let frame = Response::stopped().frame(self.token);
                    return self.end(Answer { frame, cursor: None, slot });
                }
                _ => return,
            };
        }
    }

    /// The last answer; and what is said to requests that were made before the client could know.
    fn end(mut self, last: Answer) {
        // The client may use the token again as soon as it has the answer.
        self.connection.tokens.end(self.token);
        drop(self.place);
        match self.noreply {
            Some(noreply) => drop(noreply),
            None => self.connection.outgoing.send(last.frame, last.slot),
        }
        while let Ok(request) = self.requests.try_recv() {
            let (answer, slot) = match request {
                Request::Continue(slot) => {
                    let words = frame::duplicate_token(self.token);
                    (Response::failure(ErrorKind::Client, words), slot)
                }
                Request::Stop(slot) => (Response::stopped(), slot),
            };
            self.connection.outgoing.send(answer.frame(self.token), slot);
        }
    }

    /// The answer to one request. A feed's is held until there is something to tell.
    async fn answer(&mut self, work: Work, mut slot: Slot) -> Result<Answer, Over> {
        let mut work = work;
        loop {
            let (frame, cursor) = match self.step(work).await? {
                Stepped::Answer(frame, cursor) => (frame, cursor),
                Stepped::Pending(cursor) => {
                    // Whoever waits for news is in nobody's way.
                    drop(slot);
                    let held = self.news().await;
                    slot = self.connection.slots.clone().acquire_owned().await.map_err(|_| Over)?;
                    if held {
                        work = Work::Next(cursor);
                        continue;
                    }
                    let nothing = Response::step(Step::Batch(Vec::new()), cursor.notes())
                        .expect("a batch is an answer");
                    (nothing.profiled(self.profile).frame(self.token), Some(cursor))
                }
            };
            return Ok(Answer { frame, cursor, slot });
        }
    }

    /// Waits for news of a feed; false if the client does not want to wait any longer.
    async fn news(&self) -> bool {
        let within = self.within.lock().expect("nobody panics while holding it").take();
        let news = async {
            let news = self.wake.notified();
            match within {
                // Either way the feed is asked again.
                Some(time) => drop(tokio::time::timeout(time, news).await),
                None => news.await,
            }
        };
        if self.connection.version == Version::V0_3 {
            tokio::time::timeout(V0_3_HELD, news).await.is_ok()
        } else {
            news.await;
            true
        }
    }

    /// One step, on a thread unless it is short, as soon as one is free and the client reads its
    /// answers.
    async fn step(&self, work: Work) -> Result<Stepped, Over> {
        let turn = Turn::take(&self.connection).await?;
        let (env, interrupt) = (self.env.clone(), self.interrupt.clone());
        let (token, noreply, profile) = (self.token, self.noreply.is_some(), self.profile);
        let is_short = matches!(&work, Work::Start(query) if self.connection.is_short(query));
        let step = move || {
            let _turn = turn;
            match evaluate(&env, work, &interrupt) {
                Evaluated::Answer(..) if noreply => Stepped::Answer(Vec::new(), None),
                Evaluated::Answer(answer, cursor) => {
                    Stepped::Answer(answer.profiled(profile).frame(token), cursor)
                }
                Evaluated::Pending(cursor) => Stepped::Pending(cursor),
            }
        };
        let stepped = if is_short {
            panic::catch_unwind(AssertUnwindSafe(step)).ok()
        } else {
            match tokio::task::spawn_blocking(step).await {
                Err(failed) if !failed.is_panic() => return Err(Over),
                stepped => stepped.ok(),
            }
        };
        Ok(stepped.unwrap_or_else(|| {
            let words = "The server failed at this query. Others are not affected.";
            let answer = Response::failure(ErrorKind::Internal, words);
            Stepped::Answer(answer.frame(token), None)
        }))
    }
}

/// What came of a step.
enum Stepped {
    Answer(Vec<u8>, Option<Box<Cursor>>),
    Pending(Box<Cursor>),
}

/// The right to use a thread. Whoever has it may compute an answer.
struct Turn {
    _of_connection: OwnedSemaphorePermit,
    _of_server: OwnedSemaphorePermit,
}

impl Turn {
    async fn take(connection: &Connection) -> Result<Turn, Over> {
        let of_connection = connection.turns.clone().acquire_owned().await.map_err(|_| Over)?;
        connection.outgoing.room().await;
        let of_server =
            connection.shared.threads.clone().acquire_owned().await.map_err(|_| Over)?;
        Ok(Turn { _of_connection: of_connection, _of_server: of_server })
    }
}
