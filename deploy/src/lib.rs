//! Federations on machines of their own: from a wish to a federation that decides transactions, and back to
//! nothing.
//!
//! The walk: a file says what is wanted ([`wish`]); a run of it gets a folder, which holds all that has to be
//! known to go on with it or to end it ([`run`]); a provider makes the machines ([`provider`]) and says how to
//! reach them ([`inventory`]); playbooks make nodes of them (`deploy/ansible`, by way of [`playbook`]).
//!
//! Not here: what a node is (`bigchaindb`), what happens on a federation once it stands (`simulator`).
//!
//! Source: BigchainDB 0.6 docs, "Deploy a Testing Cluster on AWS", "Template: Node Deployment on AWS".

pub mod aws;
pub mod configs;
pub mod docker;
pub mod error;
pub mod inventory;
pub mod keys;
pub mod lifecycle;
pub mod playbook;
pub mod provider;
pub mod reach;
pub mod run;
pub mod wish;
