//! A small plan as a file: its story, its violations, its digest.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Target, violated};
use crate::campaign::{Came, Undone, carry_out};
use crate::checkers::Outcome;
use crate::plan::Plan;
use crate::scenario::write::{self, WriteError};

/// How much is in a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Size {
    /// How many nodes.
    pub nodes: usize,
    /// How many operations.
    pub operations: usize,
    /// How many faults.
    pub faults: usize,
    /// How long it takes on its own clock, microseconds.
    pub lasts_us: u64,
}

impl Size {
    /// The size of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self {
            nodes: plan.nodes.len(),
            operations: plan.operations.len(),
            faults: plan.faults.len(),
            lasts_us: plan.quiet_from_us,
        }
    }

    /// Whether somebody who reads it has all of it in mind: 3 nodes, 5 operations and 2 faults at most.
    pub fn is_handy(&self) -> bool {
        self.nodes <= 3 && self.operations <= 5 && self.faults <= 2
    }

    /// What there is to read, as a number.
    pub fn weight(&self) -> usize {
        self.nodes + self.operations + self.faults
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, operations, faults, lasts_us } = self;
        let seconds = lasts_us.div_ceil(1_000_000);
        write!(f, "{nodes} nodes, {operations} operations, {faults} faults, {seconds} s")
    }
}

/// A small plan that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The scenario's text.
    pub text: String,
    /// The ids of all invariants that its run violates.
    pub violations: Vec<String>,
    /// The digest of its run.
    pub digest: String,
}

/// Why a plan is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It has no file.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It cannot be run.
    #[error(transparent)]
    Undone(#[from] Undone),
}

/// Writes a plan that fails as a scenario which expects just that. `story` opens it, and after it
/// stands what is violated.
///
/// # Errors
/// [`KeepError`], if it cannot be written or run.
pub fn keep(plan: &Plan, target: &Target, story: &str) -> Result<Kept, KeepError> {
    let mut plan = plan.clone();
    plan.expect.violations.clear();
    let results = match carry_out(&Arc::new(plan.clone())) {
        Came::To(results, _) => *results,
        Came::Undone(undone) => return Err(undone.into()),
    };
    let violations = violated(&results);
    let judged = results.invariants.iter().find(|judged| judged.invariant == target.invariant);
    let what = match judged.map(|judged| (&judged.statement, &judged.outcome)) {
        Some((statement, Outcome::Fail { violations, .. })) => {
            let what = violations.first().map_or("", |violation| &violation.what);
            format!("Violated is {}: {statement}\nFirst seen: {what}", target.invariant)
        }
        _ => String::new(),
    };
    plan.expect.violations.clone_from(&violations);
    let story = format!("{}\n\n{what}", story.trim_end());
    let text = write::scenario(&plan, story.trim_end(), Some(&results.digest))?;
    Ok(Kept { text, violations, digest: results.digest })
}
