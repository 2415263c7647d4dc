//! Takes nodes and servers out, the last ones first: the keys of the others stay as they are.

use std::collections::BTreeSet;

use super::Shrinker;
use crate::plan::{Plan, Store};

pub(super) fn take_out(shrinker: &mut Shrinker<'_>) {
    let most = shrinker.plan.nodes.len();
    // The fewest first: what was kept is the answer.
    let fewest = fewest(&shrinker.plan);
    let _ = (fewest..most).any(|nodes| with_nodes(shrinker, nodes));
    let most = shrinker.plan.store.servers;
    let _ = (1..most).any(|servers| with_servers(shrinker, servers));
    let Store { shards, replicas, .. } = shrinker.plan.store;
    let _ = (1..shards).any(|shards| with_store(shrinker, |store| store.shards = shards));
    let _ = (1..replicas).any(|replicas| with_store(shrinker, |store| store.replicas = replicas));
}

/// How many nodes there have to be: where most are honest and there to the end, most stay so.
fn fewest(plan: &Plan) -> usize {
    let liars = plan.byzantine.iter().map(|member| member.node);
    let lost = (0..plan.nodes.len()).filter(|node| plan.is_lost(*node));
    let bad: BTreeSet<_> = liars.chain(lost).collect();
    let fewest = 2 * bad.len() + 1;
    if fewest <= plan.nodes.len() { fewest } else { 1 }
}

/// Tries the federation's first so many nodes. What was sent to others, befell them or was done by them
/// falls to these; if that does not do, what befell others is left out.
fn with_nodes(shrinker: &mut Shrinker<'_>, nodes: usize) -> bool {
    let mut plan = shrinker.plan.clone();
    plan.nodes.truncate(nodes);
    for operation in &mut plan.operations {
        operation.node %= nodes;
    }
    let mut moved = plan.clone();
    for fault in &mut moved.faults {
        fault.nodes.iter_mut().for_each(|node| *node %= nodes);
        fault.nodes.sort_unstable();
        fault.nodes.dedup();
    }
    moved.byzantine.iter_mut().for_each(|member| member.node %= nodes);
    if shrinker.attempt(moved) {
        return true;
    }
    plan.faults.retain_mut(|fault| {
        let met_somebody = !fault.nodes.is_empty();
        fault.nodes.retain(|node| *node < nodes);
        !met_somebody || !fault.nodes.is_empty()
    });
    plan.byzantine.retain(|member| member.node < nodes);
    shrinker.attempt(plan)
}

/// Tries the store's first so many servers.
fn with_servers(shrinker: &mut Shrinker<'_>, servers: u32) -> bool {
    let mut plan = shrinker.plan.clone();
    plan.store.servers = servers;
    plan.store.replicas = plan.store.replicas.min(servers);
    plan.faults.retain_mut(|fault| {
        let met_somebody = !fault.servers.is_empty();
        fault.servers.retain(|server| *server < servers as usize);
        !met_somebody || !fault.servers.is_empty()
    });
    shrinker.attempt(plan)
}

fn with_store(shrinker: &mut Shrinker<'_>, change: impl Fn(&mut Store)) -> bool {
    let mut plan: Plan = shrinker.plan.clone();
    change(&mut plan.store);
    shrinker.attempt(plan)
}
