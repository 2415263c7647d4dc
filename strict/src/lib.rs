//! TOML files of people, read strictly: an unknown key or an impossible value is refused, with its line and a
//! hint at what was meant.
//!
//! Here: reading ([`Section`], [`Entry`]), numbers with units ([`units`]), what is said of a bad file
//! ([`Refusal`]). Not here: which keys there are; each kind of file has that where it is at home (a scenario,
//! a cluster).

mod error;
mod reader;
pub mod units;

pub use error::{Refusal, Source};
pub use reader::{Entry, Section, closest};
