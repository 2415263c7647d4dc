//! ReQL, RethinkDB's query language: values, terms, and what they mean.
//!
//! Here: from a query's JSON text to a [`Cursor`] of values. Not here: where documents are kept
//! (`database`), sockets, tokens and batches of a connection (`server`). Everything is synchronous;
//! a feed that has nothing to tell says so and wakes its reader later.

mod datum;
mod error;

pub use datum::{Datum, Time};
pub use error::{ErrorKind, Frame, ReqlError};
