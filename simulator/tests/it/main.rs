//! The simulator's tests, one file per subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checkers;
mod observe;
mod plan;
mod scenario;
mod workload;
