//! Makes the world plain: usual delays and costs, small payloads, no expectation but the checkers'.

use super::Shrinker;
use crate::plan::{Costs, Links, Operation, Plan};
use crate::scenario::usual_store;

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
}

fn attempt(shrinker: &mut Shrinker<'_>, change: impl Fn(&mut Plan)) {
    let mut plan = shrinker.plan.clone();
    change(&mut plan);
    shrinker.attempt(plan);
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
