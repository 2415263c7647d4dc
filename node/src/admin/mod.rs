//! What an operator does to a federation's database as a whole.
//!
//! [`mod@backup`] writes it into an [`archive`], [`mod@restore`] brings it back, [`mod@verify`]
//! judges the whole chain again, [`mod@repair`] makes one fit that came back torn,
//! [`doctor`] looks whether a node has what it needs. All of it asks a
//! RethinkDB server through the node's client, be it a real one or the embedded one. Not here: what
//! is printed (`cli`), what a node itself asks (`store`).

pub mod archive;
pub mod backup;
mod chain;
pub mod doctor;
mod error;
mod finding;
mod progress;
pub mod repair;
pub mod restore;
mod tables;
pub mod verify;

pub use backup::{Backup, backup};
pub use error::AdminError;
pub use finding::Finding;
pub use progress::{Progress, Silent};
pub use repair::{Plan, plan, repair};
pub use restore::{Restored, restore};
pub use verify::{Verified, verify};
