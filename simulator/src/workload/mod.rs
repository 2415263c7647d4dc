//! What clients do with a plan's operations: the same pure driver in every world.
//!
//! Here: the driver, which is told what happened and says what to send; the documents that clients
//! sign are in `documents`. Not here: which operations there are (`plan`), how a request travels
//! (`backends`). Start at [`Driver::handle`].

mod documents;
mod driver;

pub use driver::{Answer, CallId, ClientEffect, ClientEvent, Driver, Request};
