//! The checkers, on histories written by hand, lawful and not, and on recordings of the original.

mod history;
mod invariants;
mod recordings;
mod store;
mod verdicts;

pub(crate) use history::history;
