//! One run from its plan to its results: carry out, judge, conclude, keep.
//!
//! Not here: how a world carries out a plan (`backends`), what is found (`checkers`), what a run
//! directory holds (`record`), many runs (`campaign`). Start at [`run`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use bigchaindb_core::model::Memo;

use crate::backends::apart::Means;
use crate::backends::{self, Backend, BackendError, Carried};
use crate::calibration::Calibration;
use crate::checkers::{Judge, Judged, Settings, judge};
use crate::coverage::Coverage;
use crate::measure::{Measured, Measuring, RoundTrips, Voting, measure};
use crate::observe::{Log, Observed};
use crate::plan::{LogDetail, Plan};
use crate::record::{Met, RecordError, Results, RunDirectory};

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
    Ok(run_covered(plan, &Means::default(), directory, command, environment)?.0)
}

/// Runs a plan, by these means where nodes are processes; its results, and what its faults met.
/// `command` is the one that runs it again; all that is kept goes into `directory`, where data of nodes
/// in real time lies too. The plan is there before the run begins, so that a run that is killed can be
/// gone on with: [`resume`].
///
/// # Errors
/// [`RunError`], if the harness fails; a federation that fails is a result.
pub fn run_covered(
    plan: &Arc<Plan>,
    means: &Means,
    directory: Option<&RunDirectory>,
    command: String,
    environment: BTreeMap<String, String>,
) -> Result<(Results, Coverage), RunError> {
    let log = match directory {
        Some(directory) => {
            directory.write_plan(&**plan)?;
            directory.write_command(&command)?;
            Log::create(&directory.observations())?
        }
        None => Log::new(),
    };
    let (results, coverage) = carry_out(plan, means, directory, log, command, environment)?;
    if let Some(directory) = directory {
        directory.write_results(&results)?;
    }
    Ok((results, coverage))
}

fn carry_out(
    plan: &Arc<Plan>,
    means: &Means,
    directory: Option<&RunDirectory>,
    mut log: Log,
    command: String,
    mut environment: BTreeMap<String, String>,
) -> Result<(Results, Coverage), RunError> {
    // What was signed or verified once, in this process, need not be verified again, by the judge
    // neither: he asks about texts that he has written himself.
    let signatures = Arc::new(Memo::new(SIGNATURES));
    let settings = Settings::from(&plan.expect);
    let beside = (plan.log == LogDetail::Thinned)
        .then(|| Beside::watch(&mut log, Judge::new(settings.clone(), signatures.clone())));
    if let Some(live) = means.live.clone().filter(|_| plan.backend == Backend::Sim) {
        log.show(Box::new(move |observed| live.see(observed)));
    }
    // Before anything else is busy. What nobody keeps is compared with nothing.
    let calibration = directory
        .filter(|_| plan.backend != Backend::Sim)
        .map(|directory| Calibration::measure(directory.path()));
    let carried = backends::carry_out(plan, directory, means, &signatures, &mut log)
        .map_err(|source| RunError::Backend { backend: plan.backend.name(), source })?;
    log.close()?;
    let (judged, mut measured, voting) = match beside {
        Some(beside) => beside.finish(&log),
        None => {
            let judged = judge(log.records(), &settings, signatures);
            let measured = measure(log.records(), &judged.reference);
            let mut voting = Voting::default();
            log.records().iter().for_each(|observed| voting.observe(observed));
            (judged, measured, voting)
        }
    };
    let Carried { coverage, used, resources, generator, questions } = carried;
    environment.extend(used);
    if let Some(directory) = directory {
        directory.write_histogram(&mut measured.decided)?;
    }
    let votes = voting.finish(&measured.measures, &judged.reference);
    let mut results = Results::conclude(plan, &log, judged, measured, command, environment);
    results.votes = Some(votes);
    results.met = Met::of(&coverage);
    results.calibration = calibration;
    (results.resources, results.generator) = (resources, generator);
    if let Some(questions) = questions {
        let transactions = results.measures.counts.decided_valid;
        results.measures.round_trips = Some(RoundTrips::new(questions, transactions));
    }
    Ok((results, coverage))
}

/// Judge and measures beside a run whose log is thinned: they see each record as it is made.
struct Beside(Arc<Mutex<(Judge, Measuring, Voting)>>);

impl Beside {
    fn watch(log: &mut Log, judge: Judge) -> Self {
        let all = Arc::new(Mutex::new((judge, Measuring::default(), Voting::default())));
        let seen = all.clone();
        log.thin(Box::new(move |observed: &Observed| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let (judge, measuring, voting) = &mut *seen;
            judge.observe(observed);
            measuring.observe(observed);
            voting.observe(observed);
        }));
        Self(all)
    }

    /// What they say. The log has let go of them.
    fn finish(self, log: &Log) -> (Judged, Measured, Voting) {
        let all = Arc::into_inner(self.0).expect("a log that is closed has no witness");
        let (judge, measuring, voting) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        let judged = judge.finish(log.records());
        let measured = measuring.finish(&judged.reference);
        (judged, measured, voting)
    }
}

/// Why a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It cannot be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Only in virtual time is a run the same again.
    #[error("a run in {backend} is never the same again")]
    NotVirtual {
        /// Where it ran.
        backend: &'static str,
    },
    /// What is there of the log is not how the run goes.
    #[error("the log on disk is not how this run begins, from byte {at} on")]
    Differs {
        /// The first byte that is different.
        at: usize,
    },
}

/// Goes on with a run that was killed: from its plan, once more from the start. What is there of its log
/// has to be how the new one begins, which then takes its place.
///
/// # Errors
/// [`ResumeError`]; what was there stays as it was.
pub fn resume(
    directory: &RunDirectory,
    environment: BTreeMap<String, String>,
) -> Result<Results, ResumeError> {
    let plan = Arc::new(directory.plan().map_err(RunError::from)?);
    if plan.backend != Backend::Sim {
        return Err(ResumeError::NotVirtual { backend: plan.backend.name() });
    }
    let (path, again) = (directory.observations(), directory.path().join("observations.again"));
    let read = |path: &Path| match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(RunError::Log),
    };
    let before = read(&path)?;
    let command = directory.command().map_err(RunError::from)?;
    let log = Log::create(&again).map_err(RunError::Log)?;
    let (results, _) =
        carry_out(&plan, &Means::default(), Some(directory), log, command, environment)?;
    let whole = read(&again)?;
    if !whole.starts_with(&before) {
        let same = whole.iter().zip(&before).take_while(|(one, other)| one == other);
        return Err(ResumeError::Differs { at: same.count() });
    }
    fs::rename(&again, &path).map_err(RunError::Log)?;
    directory.write_results(&results).map_err(RunError::from)?;
    Ok(results)
}
