//! A campaign: many seeds of some scenarios, several at once.
//!
//! A run is a function of scenario and seed, so it does not matter which thread it is on, nor what
//! runs beside it. Not here: what one run is (`run`), how a campaign is told (the command line).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::plan;
use crate::record::Results;
use crate::run::{RunError, run};
use crate::scenario::{Scenario, ScenarioError};

/// One run of a campaign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Job {
    /// Which scenario, as an index into the campaign's list.
    pub scenario: usize,
    /// The seed.
    pub seed: u64,
}

/// What came of a run.
#[derive(Debug)]
pub enum Came {
    /// Results, whatever they say.
    To(Box<Results>),
    /// No results: the harness failed.
    Undone(Undone),
}

/// Why a run of a campaign has no results.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// This seed makes no plan of the scenario.
    #[error(transparent)]
    Plan(#[from] ScenarioError),
    /// The world failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A promise of our own was broken.
    #[error("panicked: {0}")]
    Panicked(String),
}

/// The runs of a campaign: `total` of them, the seeds from `first` on, the scenarios in turn.
pub fn jobs(scenarios: usize, first: u64, total: u64) -> impl Iterator<Item = Job> {
    let turns = scenarios as u64;
    (0..total).map(move |number| Job {
        scenario: usize::try_from(number % turns).expect("an index into a list"),
        seed: first.wrapping_add(number / turns),
    })
}

/// Runs them all, so many `at_once`. `on_done` hears of each as it ends, in no particular order.
pub fn campaign(
    scenarios: &[Scenario],
    first: u64,
    total: u64,
    at_once: usize,
    mut on_done: impl FnMut(Job, Came),
) {
    if scenarios.is_empty() {
        return;
    }
    let next = AtomicU64::new(0);
    let (done, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            let (next, done) = (&next, done.clone());
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let nth = usize::try_from(number).unwrap_or(usize::MAX);
                    let Some(job) = jobs(scenarios.len(), first, total).nth(nth) else { return };
                    // Nobody listens any more only if the campaign itself is being given up.
                    let _ = done.send((job, carry_out(&scenarios[job.scenario], job.seed)));
                }
            });
        }
        drop(done);
        for (job, came) in outcomes {
            on_done(job, came);
        }
    });
}

fn carry_out(scenario: &Scenario, seed: u64) -> Came {
    // Nothing of a run outlives it, so nothing broken can be seen afterwards.
    let attempt = catch_unwind(AssertUnwindSafe(|| attempt(scenario, seed)));
    match attempt {
        Ok(Ok(results)) => Came::To(Box::new(results)),
        Ok(Err(undone)) => Came::Undone(undone),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Came::Undone(Undone::Panicked(text.unwrap_or("without a word").to_owned()))
        }
    }
}

fn attempt(scenario: &Scenario, seed: u64) -> Result<Results, Undone> {
    let plan = Arc::new(plan::make(scenario, seed)?);
    Ok(run(&plan, None, String::new(), BTreeMap::new())?)
}
