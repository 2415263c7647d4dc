//! One step of a query, from a term or a cursor to the frame that answers it.
//!
//! This is what a thread of its own is needed for: it may take long, and touches no socket.

use crate::jobs::{Interrupt, Interruption};
use crate::reql::{self, Cursor, Env, ErrorKind, Outcome, Query, Step};
use crate::wire::Response;

/// A step to be taken.
pub(super) enum Work {
    /// Run a query, up to its first batch.
    Start(Box<Query>),
    /// Read the next batch.
    Next(Box<Cursor>),
}

/// What became of it.
pub(super) enum Evaluated {
    /// An answer; and where to go on, if there may be more.
    Answer(Response, Option<Box<Cursor>>),
    /// A feed has nothing to tell yet.
    Pending(Box<Cursor>),
}

/// Takes a step.
pub(super) fn evaluate(env: &Env, work: Work, interrupt: &Interrupt) -> Evaluated {
    if let Some(reason) = interrupt.reason() {
        return Evaluated::Answer(interrupted(reason), None);
    }
    let stepped = match work {
        Work::Start(query) => start(env, *query),
        Work::Next(cursor) => next(cursor),
    };
    stepped.unwrap_or_else(|error| {
        // What an evaluation says when it is broken off is not for the client.
        let answer = interrupt.reason().map_or(Response::error(&error), interrupted);
        Evaluated::Answer(answer, None)
    })
}

fn start(env: &Env, query: Query) -> Result<Evaluated, reql::ReqlError> {
    match reql::run(env, query)? {
        Outcome::Atom(value) => Ok(Evaluated::Answer(Response::atom(value), None)),
        Outcome::Cursor(cursor) => next(cursor),
    }
}

fn next(mut cursor: Box<Cursor>) -> Result<Evaluated, reql::ReqlError> {
    loop {
        let step = cursor.next_batch()?;
        let may_have_more = match &step {
            // Only a feed may say nothing: an empty batch is how any other sequence ends.
            Step::Batch(values) if values.is_empty() && !cursor.is_feed() => continue,
            Step::Batch(_) => true,
            Step::Last(_) | Step::Pending => false,
        };
        return Ok(match Response::step(step, cursor.notes()) {
            Some(answer) => Evaluated::Answer(answer, may_have_more.then_some(cursor)),
            None => Evaluated::Pending(cursor),
        });
    }
}

/// What the client is told of a query that was broken off.
pub(super) fn interrupted(reason: Interruption) -> Response {
    let words = match reason {
        Interruption::Stopped => return Response::stopped(),
        Interruption::Killed => "Query terminated by the `rethinkdb.jobs` table.",
        Interruption::Left => "Client closed the connection.",
        Interruption::ShuttingDown => "Server is shutting down.",
    };
    Response::failure(ErrorKind::OpIndeterminate, words)
}
