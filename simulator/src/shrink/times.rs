//! Makes times round and short: a reader sees what matters, and the run is over sooner.

use super::Shrinker;
use crate::plan::Plan;

/// Times are tried in multiples of these first.
const GRIDS_US: [u64; 4] = [1_000_000, 100_000, 10_000, 1_000];
/// A wait that nobody needs is halved until it is this short.
const SHORT_US: u64 = 500_000;

pub(super) fn make_short(shrinker: &mut Shrinker<'_>) {
    close_gaps(shrinker);
    shorten_faults(shrinker);
    round(shrinker);
}

/// The moments of a plan, in the order of operations, faults and Byzantine members.
fn moments(plan: &mut Plan) -> Vec<&mut u64> {
    let operations = plan.operations.iter_mut().map(|operation| &mut operation.at_us);
    let faults = plan.faults.iter_mut().flat_map(|fault| [&mut fault.at_us, &mut fault.until_us]);
    let members = plan.byzantine.iter_mut().flat_map(|one| [&mut one.at_us, &mut one.until_us]);
    operations.chain(faults).chain(members).collect()
}

/// Lets everything after a long wait happen sooner, by half of the wait, again and again.
fn close_gaps(shrinker: &mut Shrinker<'_>) {
    let mut from_us = 0;
    loop {
        let mut times: Vec<u64> =
            moments(&mut shrinker.plan.clone()).iter().map(|us| **us).collect();
        times.sort_unstable();
        let Some(next_us) = times.into_iter().find(|at_us| *at_us > from_us) else { return };
        let sooner_us = (next_us - from_us) / 2;
        let mut plan = shrinker.plan.clone();
        for at_us in moments(&mut plan) {
            if *at_us >= next_us {
                *at_us -= sooner_us;
            }
        }
        if sooner_us < SHORT_US || !shrinker.attempt(plan) {
            from_us = next_us;
        }
    }
}

fn shorten_faults(shrinker: &mut Shrinker<'_>) {
    for index in 0..shrinker.plan.faults.len() {
        loop {
            let mut plan = shrinker.plan.clone();
            let fault = &mut plan.faults[index];
            let lasts_us = (fault.until_us - fault.at_us) / 2;
            fault.until_us = fault.at_us + lasts_us;
            if lasts_us < SHORT_US || !shrinker.attempt(plan) {
                break;
            }
        }
    }
}

/// All moments on one grid, the coarsest that will do; then each by itself.
fn round(shrinker: &mut Shrinker<'_>) {
    let on_grid = |us: u64, grid_us: u64| (us + grid_us / 2) / grid_us * grid_us;
    for grid_us in GRIDS_US {
        let mut plan = shrinker.plan.clone();
        for at_us in moments(&mut plan) {
            *at_us = on_grid(*at_us, grid_us);
        }
        if shrinker.attempt(plan) {
            break;
        }
    }
    for index in 0..moments(&mut shrinker.plan.clone()).len() {
        for grid_us in GRIDS_US {
            let mut plan = shrinker.plan.clone();
            let mut moments = moments(&mut plan);
            let at_us = &mut *moments[index];
            if at_us.is_multiple_of(grid_us) {
                break;
            }
            *at_us = on_grid(*at_us, grid_us);
            let orderly = plan.faults.iter().all(|fault| fault.at_us <= fault.until_us)
                && plan.byzantine.iter().all(|member| member.at_us <= member.until_us);
            if orderly && shrinker.attempt(plan) {
                break;
            }
        }
    }
}
