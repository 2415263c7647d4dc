//! ReQL, RethinkDB's query language: values, terms, and what they mean.
//!
//! Here: from a query's JSON text ([`parse`]) to a [`Cursor`] of values ([`run`]). Not here: where
//! documents are kept (`database`), sockets, tokens and batches of a connection (`server`). Everything is
//! synchronous; a feed that has nothing to tell says so and wakes its reader later.
//!
//! In the order of a query's life: `text` (JSON), `term` (its terms as sent), `compile` (checks), `eval`
//! (values), `query` (from the one end to the other).

mod batch;
mod compile;
mod datum;
mod env;
mod error;
mod eval;
mod failure;
mod index;
mod number;
mod op;
mod options;
mod query;
mod term;
mod text;

pub use datum::{Array, Datum, Object, Time, UnreadableDatum};
pub(crate) use datum::{deep, reconstructable};
pub use env::{Entropy, Env, Server};
pub use error::{ErrorKind, Frame, ReqlError};
pub use eval::Scratch;
pub use index::{IndexFunction, compile_index};
pub use query::{Cursor, Outcome, Query, Request, Step, parse, run};
pub use text::NESTING_MAX;
