//! Runs federations under load and faults, and judges what happened.
//!
//! A scenario file and a seed become a [`plan::Plan`] with nothing left to decide; a backend carries
//! it out and writes an observation log; checkers judge that log.

pub mod backends;
pub mod campaign;
pub mod chance;
pub mod checkers;
pub mod faults;
pub mod measure;
pub mod observe;
pub mod plan;
pub mod record;
pub mod run;
pub mod scenario;
pub mod workload;
