//! A failure that was kept: does it still happen, to the byte?
//!
//! The scenario says which invariants its run violates and which digest the run has. Start at [`repro`].

use crate::campaign::Undone;
use crate::checkers::Verdict;
use crate::plan;
use crate::record::Results;
use crate::scenario::Scenario;
use crate::shrink::{run, violated, without_quirks};

/// What two runs of a scenario's own seed came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Repro {
    /// What the first came to.
    pub results: Results,
    /// The digest of the second.
    pub second_digest: String,
    /// The digest that the scenario asks for.
    pub expected_digest: Option<String>,
    /// The ids of the invariants that were violated.
    pub violated: Vec<String>,
    /// What the same plan comes to with all safeguards in place, if some are taken away.
    pub without_quirks: Option<Verdict>,
}

impl Repro {
    /// Both runs are the same, and the one that the scenario tells of.
    pub fn is_exact(&self) -> bool {
        let Self { results, second_digest, expected_digest, .. } = self;
        results.digest == *second_digest
            && expected_digest.as_ref().is_none_or(|expected| *expected == results.digest)
    }

    /// And it came to what the scenario expects.
    pub fn holds(&self) -> bool {
        self.is_exact() && self.results.verdict == Verdict::Pass
    }
}

/// The scenario's text with what its run comes to now: digest and violations. `None` if that is another
/// failure altogether: none of the invariants is violated that were to be, or both runs differ, or what
/// is left of it without its quirks does not pass.
pub fn accepted(scenario: &Scenario, came: &Repro) -> Option<String> {
    let Repro { results, second_digest, violated, without_quirks, .. } = came;
    let same = scenario.expect.violations.iter().any(|id| violated.contains(id));
    let sound = without_quirks.is_none_or(|verdict| verdict == Verdict::Pass);
    if !same || !sound || results.digest != *second_digest {
        return None;
    }
    let names: Vec<_> = violated.iter().map(|id| format!("\"{id}\"")).collect();
    let line = |line: &str| match line.split_once(" = ") {
        Some(("digest", _)) => format!("digest = \"{}\"\n", results.digest),
        Some(("violations", _)) => format!("violations = [{}]\n", names.join(", ")),
        _ => format!("{line}\n"),
    };
    Some(scenario.text.lines().map(line).collect())
}

/// Runs a scenario's own seed twice, and once without its quirks if it has any.
///
/// # Errors
/// [`Undone`], if it cannot be run.
pub fn repro(scenario: &Scenario) -> Result<Repro, Undone> {
    let plan = plan::make(scenario, scenario.seed)?;
    let results = run(&plan)?;
    let second_digest = run(&plan)?.digest;
    let sound = (!plan.quirks.is_empty()).then(|| run(&without_quirks(&plan))).transpose()?;
    Ok(Repro {
        violated: violated(&results),
        results,
        second_digest,
        expected_digest: scenario.digest.clone(),
        without_quirks: sound.map(|results| results.verdict),
    })
}
