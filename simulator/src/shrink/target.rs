//! What counts as the same failure: the invariant's checker fires, and for the same cause.

use std::sync::Arc;

use crate::campaign::{Came, Undone, carry_out};
use crate::checkers::{Outcome, Verdict};
use crate::plan::Plan;
use crate::record::Results;

/// A failure that is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The invariant that is violated, by id.
    pub invariant: String,
    /// Whether the plan passes once its quirks are off, so that they are to blame.
    pub blames_quirks: bool,
    /// Whether every other checker could tell.
    clear: bool,
}

/// Why there is nothing to look for.
#[derive(Debug, thiserror::Error)]
pub enum NotFailing {
    /// No checker fires.
    #[error("no checker fires")]
    Nothing,
    /// Others fire.
    #[error("{wanted} is not violated; violated: {}", violated.join(", "))]
    Others {
        /// What was to be violated.
        wanted: String,
        /// What is.
        violated: Vec<String>,
    },
    /// The plan cannot be carried out.
    #[error("it cannot be carried out")]
    Undone(#[from] Undone),
}

impl Target {
    /// Runs a plan and says what about it fails: what is `wanted`, or the weightiest.
    ///
    /// # Errors
    /// [`NotFailing`], if there is no such failure.
    pub fn find(plan: &Plan, wanted: Option<&str>) -> Result<Self, NotFailing> {
        let results = run(plan)?;
        let violated = violated(&results);
        let invariant = match wanted {
            Some(wanted) if violated.iter().any(|id| id == wanted) => wanted.to_owned(),
            Some(wanted) => {
                return Err(NotFailing::Others { wanted: wanted.to_owned(), violated });
            }
            None => violated.into_iter().next().ok_or(NotFailing::Nothing)?,
        };
        let blames_quirks = !plan.quirks.is_empty() && passes(&without_quirks(plan));
        Ok(Self { invariant, blames_quirks, clear: is_clear(&results) })
    }

    /// Whether a plan fails like this.
    pub fn is_met_by(&self, plan: &Plan) -> bool {
        let Ok(results) = run(plan) else { return false };
        violated(&results).contains(&self.invariant)
            && (!self.clear || is_clear(&results))
            && (!self.blames_quirks || passes(&without_quirks(plan)))
    }
}

/// The ids of the invariants that a run violated.
pub fn violated(results: &Results) -> Vec<String> {
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    let failed = results.invariants.iter().filter(|judged| fails(&judged.outcome));
    failed.map(|judged| judged.invariant.clone()).collect()
}

/// The plan with every safeguard in place, and held to every invariant.
pub fn without_quirks(plan: &Plan) -> Plan {
    let mut sound = Plan { quirks: Vec::new(), ..plan.clone() };
    sound.expect.violations.clear();
    sound
}

/// Whether nothing but failures stands between the run and a pass.
fn is_clear(results: &Results) -> bool {
    let told = |outcome: &Outcome| !matches!(outcome, Outcome::Unknown { .. });
    results.invariants.iter().all(|judged| told(&judged.outcome))
        && !matches!(results.verdict, Verdict::Unknown | Verdict::Void)
}

fn passes(plan: &Plan) -> bool {
    run(plan).is_ok_and(|results| results.verdict == Verdict::Pass)
}

fn run(plan: &Plan) -> Result<Results, Undone> {
    match carry_out(&Arc::new(plan.clone())) {
        Came::To(results, _) => Ok(*results),
        Came::Undone(undone) => Err(undone),
    }
}
