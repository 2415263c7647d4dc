//! One run from its plan to its results: carry out, judge, conclude, keep.
//!
//! Not here: how a world carries out a plan (`backends`), what is found (`checkers`), what a run
//! directory holds (`record`), many runs (`campaign`). Start at [`run`].

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bigchaindb_core::model::Memo;

use crate::backends::{self, BackendError};
use crate::checkers::{Settings, judge};
use crate::coverage::Coverage;
use crate::observe::Log;
use crate::plan::Plan;
use crate::record::{RecordError, Results, RunDirectory};

/// Signatures remembered; a seed of the standard size makes some hundreds.
const SIGNATURES: usize = 10_000;

/// Why there are no results.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The world could not be set up.
    #[error("the backend {backend} cannot carry it out")]
    Backend {
        /// Which.
        backend: &'static str,
        /// Why.
        source: BackendError,
    },
    /// The log cannot be written.
    #[error("cannot write the observation log")]
    Log(#[from] io::Error),
    /// The run directory cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Runs a plan, as [`run_covered`] does, for those who do not ask what its faults met.
///
/// # Errors
/// [`RunError`], if the harness fails; a federation that fails is a result.
pub fn run(
    plan: &Arc<Plan>,
    directory: Option<&RunDirectory>,
    command: String,
    environment: BTreeMap<String, String>,
) -> Result<Results, RunError> {
    Ok(run_covered(plan, directory, command, environment)?.0)
}

/// Runs a plan; its results, and what its faults met. `command` is the one that runs it again; all that is kept goes into `directory`,
/// where data of `local` nodes lies too.
///
/// # Errors
/// [`RunError`], if the harness fails; a federation that fails is a result.
pub fn run_covered(
    plan: &Arc<Plan>,
    directory: Option<&RunDirectory>,
    command: String,
    environment: BTreeMap<String, String>,
) -> Result<(Results, Coverage), RunError> {
    let mut log = match directory {
        Some(directory) => Log::create(&directory.observations())?,
        None => Log::new(),
    };
    let data = directory.map(|directory| directory.path().join("data"));
    // What was signed or verified once, in this process, need not be verified again, by the judge
    // neither: he asks about texts that he has written himself.
    let signatures = Arc::new(Memo::new(SIGNATURES));
    let coverage = backends::carry_out(plan, data.as_deref(), &signatures, &mut log)
        .map_err(|source| RunError::Backend { backend: plan.backend.name(), source })?;
    log.close()?;
    let judged = judge(log.records(), &Settings::from(&plan.expect), signatures);
    let results = Results::conclude(plan, &log, judged, command, environment);
    if let Some(directory) = directory {
        directory.write_plan(&**plan)?;
        directory.write_results(&results)?;
    }
    Ok((results, coverage))
}
