//! Members in containers: a Docker engine on this machine keeps them.
//!
//! A member has two containers. One is its machine: it does nothing, and its network, with the member's
//! address and the packet filter's rules, lasts as long as the run. The other runs the member's program
//! in that network; a kill takes only this one, and it alone is limited. Here: the engine (`engine`), what is in its store
//! (`images`), machines and their network (`machines`), a program in a container (`container`). Not here: what befalls a member (`hands`), that
//! all of it goes (`reaper`).
//!
//! We speak to the engine by bollard alone. Testcontainers speaks one version of its API and no other,
//! which the engines of stable distributions do not know; bollard agrees on a version with the engine.

mod container;
mod engine;
mod images;
mod machines;

pub(super) use container::{Container, Meter, Program};
pub(super) use engine::{Engine, Thing};
pub use images::Images;
pub(super) use machines::Machines;

/// The label that tells of a container or network to which run it belongs.
const RUN: &str = "testbed.run";
