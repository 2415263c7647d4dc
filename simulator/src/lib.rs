//! Runs federations under load and faults, and judges what happened.
//!
//! A scenario file and a seed become a [`plan::Plan`] with nothing left to decide; a backend carries
//! it out and writes an observation log; checkers judge that log.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use bigchaindb_simulator::{checkers::Verdict, plan, run::run, scenario::Scenario};
//!
//! let text = "name = 'alone'\nfederation = { nodes = 1 }\n[[load]]\nfor = '1s'\narrivals = { kind = 'constant', rate = '5/s' }";
//! let scenario = Scenario::parse("alone.toml", text, None)?;
//! let plan = Arc::new(plan::make(&scenario, 1)?);
//! let results = run(&plan, None, String::new(), BTreeMap::new())?;
//! assert_eq!(results.verdict, Verdict::Pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backends;
pub mod calibration;
pub mod campaign;
pub mod chance;
pub mod checkers;
pub mod compare;
pub mod coverage;
pub mod defects;
pub mod exhaust;
pub mod faults;
mod follow;
pub mod live;
pub mod matrix;
pub mod measure;
pub mod monitor;
pub mod observe;
pub mod plan;
pub mod record;
pub mod replay;
pub mod repro;
pub mod run;
pub mod saturate;
pub mod scaling;
pub mod scenario;
pub mod shrink;
pub mod stored;
pub mod workload;
