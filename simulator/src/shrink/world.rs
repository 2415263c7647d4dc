//! Makes the world plain: usual delays and costs, small payloads, no expectation but the checkers'.

use super::Shrinker;
use crate::checkers::QUEUE_MAX;
use crate::plan::{BOUNDS, Bound, Costs, Links, Operation, Plan};
use crate::scenario::usual_store;

/// No run is to be decided in less time than this: several blocks, one after the other.
const SOON_US: u64 = 3_000_000;

pub(super) fn make_plain(shrinker: &mut Shrinker<'_>) {
    attempt(shrinker, |plan| {
        plan.links = Links::default();
        plan.store.timing = usual_store(&plan.links).timing;
    });
    attempt(shrinker, |plan| plan.costs = Costs::default());
    attempt(shrinker, |plan| plan.store.shuffle = false);
    attempt(shrinker, |plan| plan.store.timing = usual_store(&plan.links).timing);
    attempt(shrinker, |plan| plan.expect.finality.clear());
    attempt(shrinker, |plan| plan.operations.iter_mut().for_each(unload));
    make_narrow(shrinker);
    // Without quirks there is no sound run that would tell impatience from failure.
    while !shrinker.plan.quirks.is_empty()
        && shrinker.plan.expect.decided_after_heal_us > SOON_US
        && attempt(shrinker, |plan| {
            let us = &mut plan.expect.decided_after_heal_us;
            *us = (*us / 2).next_multiple_of(1_000_000).max(SOON_US);
        })
    {}
}

/// What is small already needs no more: half of each bound, and of what a queue may hold, while the
/// failure stays. The rules have to keep to them as well.
fn make_narrow(shrinker: &mut Shrinker<'_>) {
    let is_count = |name: &str| {
        BOUNDS.iter().any(|(other, bound)| *other == name && matches!(bound, Bound::Count(_)))
    };
    if shrinker.plan.expect.queue_max != QUEUE_MAX {
        while attempt(shrinker, |plan| {
            let half = |bound: &mut u64| *bound = (*bound / 2).max(1);
            let counts = plan.bounds.0.iter_mut().filter(|(name, _)| is_count(name));
            counts.for_each(|(_, bound)| half(bound));
            plan.expect.queue_max = (plan.expect.queue_max / 2).max(1);
        }) {}
        while attempt(shrinker, |plan| {
            plan.expect.queue_max = (plan.expect.queue_max - 1).max(1);
        }) {}
    }
    let names: Vec<_> =
        shrinker.plan.bounds.0.keys().filter(|name| is_count(name)).cloned().collect();
    for name in names {
        while attempt(shrinker, |plan| {
            let bound = plan.bounds.0.get_mut(&name).expect("it is there");
            *bound = (*bound / 2).max(1);
        }) {}
    }
}

fn attempt(shrinker: &mut Shrinker<'_>, change: impl Fn(&mut Plan)) -> bool {
    let mut plan = shrinker.plan.clone();
    change(&mut plan);
    shrinker.attempt(plan)
}

/// An operation with the least payload, whatever its action.
fn unload(operation: &mut Operation) {
    let mut fields = serde_json::to_value(&*operation).expect("an operation has a JSON form");
    if let Some(bytes) = fields.get_mut("payload_bytes") {
        *bytes = 0.into();
        if let Ok(lighter) = serde_json::from_value(fields) {
            *operation = lighter;
        }
    }
}
