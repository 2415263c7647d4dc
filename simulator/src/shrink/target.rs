//! What counts as the same failure: the invariant's checker fires, and for the same cause.

use std::sync::Arc;

use bigchaindb_core::rules::Quirk;

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
    /// The quirk without which this checker has to be silent, if one is hunted.
    quirk: Option<Quirk>,
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
        Ok(Self { invariant, blames_quirks, quirk: None, clear: is_clear(&results) })
    }

    /// A failure that was seen in a run, and is to be the fault of this quirk.
    pub fn blaming(results: &Results, invariant: &str, quirk: Quirk) -> Self {
        let (invariant, clear) = (invariant.to_owned(), is_clear(results));
        Self { invariant, blames_quirks: true, quirk: Some(quirk), clear }
    }

    /// Whether every other checker could tell.
    pub fn is_clear(&self) -> bool {
        self.clear
    }

    /// Whether the checker is silent without the quirk, and the plan passes without any.
    pub fn is_blamed_rightly(&self, plan: &Plan) -> bool {
        if !self.blames_quirks {
            return true;
        }
        if let Some(quirk) = self.quirk {
            let mut armed = plan.clone();
            armed.quirks.retain(|name| name != quirk.name());
            let silent = |results: Results| !violated(&results).contains(&self.invariant);
            if armed.quirks.len() == plan.quirks.len() {
                return false;
            }
            // Without others that arm it, the plan without it is the plan without any.
            if !armed.quirks.is_empty() && !run(&armed).is_ok_and(silent) {
                return false;
            }
        }
        passes(&without_quirks(plan))
    }

    /// Whether a plan fails like this.
    pub fn is_met_by(&self, plan: &Plan) -> bool {
        let Ok(results) = run(plan) else { return false };
        violated(&results).contains(&self.invariant)
            && (!self.clear || is_clear(&results))
            && self.is_blamed_rightly(plan)
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

/// Carries a plan out, and keeps nothing but its results.
pub(crate) fn run(plan: &Plan) -> Result<Results, Undone> {
    match carry_out(&Arc::new(plan.clone())) {
        Came::To(results, _) => Ok(*results),
        Came::Undone(undone) => Err(undone),
    }
}
