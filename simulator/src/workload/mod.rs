//! What clients do with a plan's operations: the same pure driver in every world.
//!
//! Here: the driver, which is told what happened and says what to send; looking after what was
//! accepted is in `watch`, finding out when it can be read elsewhere in `readable`; the documents that clients
//! sign are in `documents`. Not here: which operations there are (`plan`), how a request travels
//! (`backends`). Start at [`Driver::handle`].

mod driver;
mod prepared;
mod readable;
mod watch;

mod by_hand;
pub(crate) mod documents;
mod guards;
pub(crate) mod odd;
mod shapeless;

pub use driver::{Answer, CallId, ClientEffect, ClientEvent, Driver, Request};
pub use prepared::Prepared;
