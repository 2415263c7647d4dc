//! The backend `sim`: a federation in virtual time, one event after the other, in one thread.
//!
//! Same plan, same bytes of the observation log. From the top: [`carry_out`], then `world` (what can
//! happen, and what follows from it), `node`, `byzantine`, `store`, `kernel`.

mod byzantine;
mod clock;
mod kernel;
mod link;
mod node;
mod store;
mod world;

use std::sync::Arc;

use bigchaindb_core::model::Memo;
use bigchaindb_core::rules::{self, UnknownRules};

use crate::coverage::Coverage;
use crate::observe::{self, Log, Record};
use crate::plan::{self, EPOCH_UNIX_MS, Plan};

/// Carries out a plan in virtual time; what its faults met.
///
/// # Errors
/// If no rules have the name that the plan gives.
pub fn carry_out(
    plan: &Arc<Plan>,
    signatures: &Arc<Memo>,
    log: &mut Log,
) -> Result<Coverage, UnknownRules> {
    // N voters cost one, and what was signed here costs nothing.
    let rules = rules::without(&plan.rules, &plan.quirks(), signatures.clone())?;
    log.append(0, Record::Run(first_record(plan)));
    let mut world = world::World::new(plan, rules, signatures, log);
    world.run();
    Ok(world.collect())
}

fn first_record(plan: &Plan) -> observe::Run {
    let member = |(index, node): (usize, &crate::plan::Node)| {
        observe::Member::ours(&*node.name, plan.node_key(index))
    };
    let byzantine = plan::byzantine::nodes(&plan.byzantine).into_iter();
    observe::Run {
        scenario: plan.scenario.as_str().into(),
        seed: plan.seed,
        backend: plan.backend.name().into(),
        rules: plan.rules.as_str().into(),
        quirks: plan.quirks.iter().map(|name| name.as_str().into()).collect(),
        byzantine: byzantine.map(|node| plan.nodes[node].name.as_str().into()).collect(),
        nodes: plan.nodes.iter().enumerate().map(member).collect(),
        started_unix_ms: EPOCH_UNIX_MS,
        thinned: false,
    }
}
