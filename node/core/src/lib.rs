//! Everything a BigchainDB node decides, and nothing it does.
//!
//! Here: the documents (`model`), what they are held to (`rules`), the steps a node takes
//! (`stages`), and the closed list of questions it asks its database (`query`). Not here: sockets,
//! clocks, chance, threads, `async`; those live in the shell (crate `bigchaindb`) and in the
//! simulator's kernel, which both drive [`stages::Node::handle`]. Start there, or at
//! [`model::Transaction`].

pub mod model;
pub mod query;
pub mod rules;
pub mod stages;
