//! A campaign: many seeds of some scenarios, several at once.
//!
//! A run is a function of scenario and seed, so it does not matter which thread it is on, nor what
//! runs beside it. One in twenty runs twice, and both have to come to the same, to the byte. Nothing
//! is kept of a run but what it adds to the [`Tally`], so a campaign can be as long as one likes. Not
//! here: what one run is (`run`), how a campaign is told (the command line). Start at [`campaign`].

mod state;
mod tally;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::backends::apart::Means;
use crate::coverage::Coverage;
use crate::plan::{self, Plan};
use crate::record::Results;
use crate::run::{RunError, run_covered};
use crate::scenario::{Scenario, ScenarioError};

pub use state::{Asked, State, StateError};
pub use tally::{Found, OfScenario, Tally};

/// One run of so many is done twice.
const TWICE_EVERY: u64 = 20;

/// One run of a campaign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Which scenario, as an index into the campaign's list.
    pub scenario: usize,
    /// The seed.
    pub seed: u64,
    /// Its number in the campaign, from 0 on.
    pub number: u64,
}

/// What came of a run.
#[derive(Debug)]
pub enum Came {
    /// Results, whatever they say, and what the faults met.
    To(Box<Results>, Box<Coverage>),
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
    /// The same plan came to two different ends.
    #[error("the same seed gave two digests: {first} and {second}")]
    Differs {
        /// The digest of the first run.
        first: String,
        /// Of the second.
        second: String,
    },
}

/// What a campaign is to run.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The scenarios, which take turns.
    pub scenarios: &'a [Scenario],
    /// The first seed.
    pub first: u64,
    /// How many runs, all scenarios together.
    pub total: u64,
    /// How many at once.
    pub at_once: usize,
}

impl Order<'_> {
    /// The run of this number.
    fn job(&self, number: u64) -> Job {
        let turns = self.scenarios.len() as u64;
        Job {
            scenario: usize::try_from(number % turns).expect("an index into a list"),
            seed: self.first.wrapping_add(number / turns),
            number,
        }
    }
}

/// Runs all but those that are `done` already. `on_done` hears of each as it ends, in no particular
/// order, and whether it was run twice; it may break off: then those that have begun are the last.
pub fn campaign(
    order: Order<'_>,
    done: impl Fn(u64) -> bool + Sync,
    mut on_done: impl FnMut(Job, bool, Came) -> ControlFlow<()>,
) {
    if order.scenarios.is_empty() {
        return;
    }
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    // Bounded: whoever counts is waited for, and what is not counted yet takes memory.
    let (tell, outcomes) = mpsc::sync_channel(order.at_once.max(1));
    thread::scope(|scope| {
        for _ in 0..order.at_once.max(1) {
            let (next, over, done, tell) = (&next, &over, &done, tell.clone());
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= order.total {
                        return;
                    }
                    if done(number) {
                        continue;
                    }
                    let job = order.job(number);
                    let twice = number.is_multiple_of(TWICE_EVERY);
                    let came = of_job(&order.scenarios[job.scenario], job.seed, twice);
                    // Nobody listens any more only if the campaign itself is being given up.
                    let _ = tell.send((job, twice, came));
                }
            });
        }
        drop(tell);
        for (job, twice, came) in outcomes {
            if on_done(job, twice, came).is_break() {
                over.store(true, Ordering::Relaxed);
            }
        }
    });
}

fn of_job(scenario: &Scenario, seed: u64, twice: bool) -> Came {
    let plan = match plan::make(scenario, seed) {
        Ok(plan) => Arc::new(plan),
        Err(error) => return Came::Undone(error.into()),
    };
    let came = carry_out(&plan);
    match came {
        Came::To(results, coverage) if twice => same_again(&plan, results, coverage),
        came => came,
    }
}

/// The same plan once more: nothing may be different.
fn same_again(plan: &Arc<Plan>, first: Box<Results>, coverage: Box<Coverage>) -> Came {
    match carry_out(plan) {
        Came::To(second, _) if second == first => Came::To(first, coverage),
        Came::To(second, _) => {
            let (first, second) = (first.digest, second.digest);
            Came::Undone(Undone::Differs { first, second })
        }
        undone @ Came::Undone(_) => undone,
    }
}

/// Carries out a plan, keeping nothing but its results. A panic is caught and told.
pub fn carry_out(plan: &Arc<Plan>) -> Came {
    // Nothing of a run outlives it, so nothing broken can be seen afterwards.
    let attempt = || run_covered(plan, &Means::default(), None, String::new(), BTreeMap::new());
    match catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(Ok((results, coverage))) => Came::To(Box::new(results), Box::new(coverage)),
        Ok(Err(error)) => Came::Undone(error.into()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Came::Undone(Undone::Panicked(text.unwrap_or("without a word").to_owned()))
        }
    }
}
