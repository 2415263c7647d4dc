//! What holds for all documents, not only for the golden vectors (`tests/vectors`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod any;
mod conditions;
mod json;
mod keys;
mod limits;

mod hostile;
mod judgements;
mod refusals;
mod sample;
mod tally;
