//! Takes operations, faults, acts of Byzantine members and quirks out: many at once, then fewer, at
//! last each by itself.
//!
//! Not here: making what stays simpler (`times`, `world`).

use std::collections::BTreeSet;

use super::Shrinker;
use crate::plan::Plan;

pub(super) fn take_out(shrinker: &mut Shrinker<'_>) {
    let faults = |plan: &Plan| plan.faults.iter().map(|fault| fault.number).collect();
    some(shrinker, faults, |plan, gone| plan.without(&BTreeSet::new(), gone));
    let operations = |plan: &Plan| plan.operations.iter().map(|one| one.number).collect();
    some(shrinker, operations, |plan, gone| plan.without(gone, &BTreeSet::new()));
    let acts = |plan: &Plan| {
        let acts = plan
            .byzantine
            .iter()
            .flat_map(|member| member.acts.iter().map(|act| (member.number, *act)));
        acts.collect()
    };
    some(shrinker, acts, Plan::without_acts);
    let quirks = |plan: &Plan| (0..plan.quirks.len()).collect();
    some(shrinker, quirks, |plan, gone| {
        let kept = (0..).zip(&plan.quirks).filter(|(index, _)| !gone.contains(index));
        let quirks = kept.map(|(_, quirk)| quirk.clone()).collect();
        Plan { quirks, ..plan.clone() }
    });
}

/// Takes parts out of the plan, the last ones first: what comes later rarely matters.
fn some<T: Copy + Ord>(
    shrinker: &mut Shrinker<'_>,
    parts: impl Fn(&Plan) -> Vec<T>,
    without: impl Fn(&Plan, &BTreeSet<T>) -> Plan,
) {
    let mut size = parts(&shrinker.plan).len();
    while size > 0 {
        // Whoever builds on what is taken out goes with it, so the list is looked up each time.
        let mut end = parts(&shrinker.plan).len();
        while end > 0 {
            let there = parts(&shrinker.plan);
            end = end.min(there.len());
            let begin = end.saturating_sub(size);
            let gone: BTreeSet<T> = there[begin..end].iter().copied().collect();
            if gone.is_empty() {
                break;
            }
            let smaller = without(&shrinker.plan, &gone);
            shrinker.attempt(smaller);
            end = begin;
        }
        size /= 2;
    }
}
