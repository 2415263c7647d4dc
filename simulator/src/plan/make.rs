//! A scenario and a seed become a plan: the few lines that put the choices together.
//!
//! Not here: what clients do (`plan::operations`), what goes wrong (`plan::harm`).

use super::{Node, Plan, byzantine, harm, operations};
use crate::scenario::{Scenario, ScenarioError};

/// Makes every choice that the scenario leaves open.
///
/// # Errors
/// If the faults take more nodes at once than the federation can do without, or two of them do not
/// go together, and the scenario does not say that it wants to see invariants violated; or if members
/// do not understand each other.
pub fn make(scenario: &Scenario, seed: u64) -> Result<Plan, ScenarioError> {
    scenario.check_rules()?;
    let planned = &scenario.planned;
    let operations = planned.operations.clone();
    let operations = operations.unwrap_or_else(|| operations::choose(scenario, seed));
    let byzantine = match &planned.byzantine {
        Some(byzantine) => byzantine.clone(),
        None => byzantine::choose(scenario, seed)?,
    };
    let faults = match &planned.faults {
        Some(faults) => faults.clone(),
        None => harm::choose(scenario, seed, &byzantine::nodes(&byzantine))?,
    };
    let loads = scenario.loads.iter().map(|load| load.until_us);
    let last = operations.iter().map(|operation| operation.at_us);
    let healed = faults.iter().map(|fault| fault.until_us);
    let honest = byzantine.iter().map(|member| member.until_us);
    let quiet_from_us = loads.chain(last).chain(healed).chain(honest).max().unwrap_or(0);
    let quiet_from_us = quiet_from_us.max(scenario.quiet_from_us);
    let settled = quiet_from_us + scenario.expect.decided_after_heal_us;
    let names = scenario.federation.node_names().into_iter();
    let external = |index: usize| scenario.federation.external(index).cloned();
    let node = |(index, name)| Node { name, key: None, external: external(index) };
    Ok(Plan {
        scenario: scenario.name.clone(),
        seed,
        backend: scenario.backend(),
        rules: scenario.federation.rules.clone(),
        quirks: scenario.federation.quirks.iter().map(|quirk| quirk.name().to_owned()).collect(),
        bounds: scenario.federation.bounds.clone(),
        start_gap_us: scenario.federation.start_gap_us,
        nodes: names.enumerate().map(node).collect(),
        store: scenario.federation.store.clone(),
        links: scenario.links,
        costs: scenario.costs,
        operations,
        faults,
        byzantine,
        quiet_from_us,
        end_us: scenario.duration_us.unwrap_or(settled).max(settled),
        expect: scenario.expect.clone(),
        log: scenario.log,
    })
}
