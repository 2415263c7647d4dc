//! The hunt for a defect: random seeds until one of its checkers fires, and for this cause.
//!
//! A seed counts if a checker fires with the quirk and what arms it, if that checker is silent without
//! the quirk, and if the same plan passes with all of them off. Start at [`hunt()`].

use std::ops::ControlFlow;

use bigchaindb_core::rules::Quirks;

use super::Defect;
use crate::campaign::Undone;
use crate::plan::{self, Plan};
use crate::scenario::{Scenario, ScenarioError};
use crate::shrink::{Target, violated};

/// A seed that shows a defect.
#[derive(Clone, PartialEq, Debug)]
pub struct Find {
    /// The scenario, as an index into those that were hunted in.
    pub scenario: usize,
    /// The seed.
    pub seed: u64,
    /// What it came from, with the quirks.
    pub plan: Plan,
    /// The failure.
    pub target: Target,
}

/// What came of a hunt.
#[derive(Clone, PartialEq, Debug)]
pub struct Hunted {
    /// How many seeds were tried.
    pub seeds: u64,
    /// How many of them fired for another cause, so that they do not count.
    pub other_causes: u64,
    /// The first that counts.
    pub find: Option<Find>,
}

/// Tries seeds from 1 on, the scenarios in turn, until one shows the defect or `go_on` says that it is
/// enough; it is asked before each seed, with the number of seeds so far. The first `after` seeds were
/// tried before, and count.
///
/// # Errors
/// [`Undone`], if a seed cannot be run: that is a defect of the harness.
pub fn hunt(
    defect: &Defect,
    scenarios: &[Scenario],
    after: u64,
    mut go_on: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Hunted, Undone> {
    let mut hunted = Hunted { seeds: after, other_causes: 0, find: None };
    let mut unclear = None;
    while !scenarios.is_empty() && go_on(hunted.seeds).is_continue() {
        let turns = scenarios.len() as u64;
        let scenario = usize::try_from(hunted.seeds % turns).expect("an index into a list");
        let seed = 1 + hunted.seeds / turns;
        hunted.seeds += 1;
        let plan = with_quirks(defect, &scenarios[scenario], seed)?;
        let came = crate::shrink::run(&plan)?;
        let violated = violated(&came);
        let mut wanted = defect.found_by.iter().filter(|id| violated.iter().any(|one| one == *id));
        let Some(first) = wanted.next() else { continue };
        // Any of them will do, if it is silent without the quirk.
        let targets = [first].into_iter().chain(wanted);
        let targets = targets.map(|id| Target::blaming(&came, id, defect.quirk));
        match targets.into_iter().find(|target| target.is_blamed_rightly(&plan)) {
            Some(target) => {
                let find = Find { scenario, seed, plan, target };
                // What some checker cannot tell about would be kept as a story without an end.
                if find.target.is_clear() {
                    return Ok(Hunted { find: Some(find), ..hunted });
                }
                unclear.get_or_insert(find);
            }
            None => hunted.other_causes += 1,
        }
    }
    hunted.find = unclear;
    Ok(hunted)
}

fn with_quirks(defect: &Defect, scenario: &Scenario, seed: u64) -> Result<Plan, ScenarioError> {
    let mut quirks: Quirks = defect.armed_by.iter().copied().collect();
    quirks.insert(defect.quirk);
    let plan = plan::make(scenario, seed)?;
    Ok(Plan { quirks: quirks.iter().map(|quirk| quirk.name().to_owned()).collect(), ..plan })
}
