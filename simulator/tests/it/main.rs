//! The simulator's tests, one file per subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arrivals;
mod byzantine;
mod campaign;
mod checkers;
mod clients;
mod compare;
mod defects;
mod exhaust;
mod faults;
mod golden;
mod local;
mod measure;
mod observe;
mod plan;
mod quirks;
mod record;
mod saturate;
mod scenario;
mod shrink;
mod store;
mod stored;
mod thinned;
mod workload;
mod written;
