//! Makes a failing plan small: what is left is what the failure needs.
//!
//! A plan is made smaller in every way there is, one after the other, and whatever still fails is
//! kept, until nothing more can go. All chance is keyed by numbers that stay, so what is left does not
//! change when something is taken away. Here: the ways (`parts`, `members`, `world`, `times`), and the
//! loop over them. Not here: what counts as failing ([`Target`]), writing the plan down
//! (`scenario::write`). Start at [`shrink`].

mod keep;
mod members;
mod parts;
mod target;
mod times;
mod world;

pub use keep::{KeepError, Kept, Size, keep};
pub(crate) use target::run;
pub use target::{NotFailing, Target, violated, without_quirks};

use crate::plan::Plan;

/// To try each of more operations than this takes long.
const MANY: usize = 300;

/// Makes smaller plans of a plan, and keeps those that still fail.
struct Shrinker<'a> {
    plan: Plan,
    fails: &'a mut dyn FnMut(&Plan) -> bool,
    /// How many more plans may be tried.
    left: u64,
}

impl Shrinker<'_> {
    /// Goes on with this plan if it is another one and fails; whether it does.
    fn attempt(&mut self, smaller: Plan) -> bool {
        let smaller = tidied(smaller);
        if smaller == self.plan || self.left == 0 {
            return false;
        }
        self.left -= 1;
        let fails = (self.fails)(&smaller);
        if fails {
            self.plan = smaller;
        }
        fails
    }
}

/// The smallest plan found that still `fails`, with at most so many `tries`, and how many it took. The
/// plan itself has to fail.
pub fn shrink(plan: Plan, tries: u64, fails: &mut dyn FnMut(&Plan) -> bool) -> (Plan, u64) {
    let (small, used) = in_order(plan.clone(), tries, &WORLD_FIRST, fails);
    if Size::of(&small).is_handy() || plan.operations.len() > MANY {
        return (small, used);
    }
    // What is left depends on what goes first.
    let (other, more) = in_order(plan, tries - used, &PARTS_FIRST, fails);
    let lighter = Size::of(&other).weight() < Size::of(&small).weight();
    (if lighter { other } else { small }, used + more)
}

type Way = fn(&mut Shrinker<'_>);
/// What takes much along and makes runs short comes first.
const WORLD_FIRST: [Way; 4] =
    [members::take_out, world::make_plain, parts::take_out, times::make_short];
const PARTS_FIRST: [Way; 4] =
    [parts::take_out, members::take_out, world::make_plain, times::make_short];

fn in_order(
    plan: Plan,
    tries: u64,
    ways: &[Way],
    fails: &mut dyn FnMut(&Plan) -> bool,
) -> (Plan, u64) {
    let mut shrinker = Shrinker { plan, fails, left: tries };
    // The run may end sooner than the plan was meant to, if it still fails then.
    let tidy = shrinker.plan.clone();
    shrinker.attempt(tidy);
    loop {
        let before = shrinker.plan.clone();
        ways.iter().for_each(|way| way(&mut shrinker));
        if shrinker.plan == before || shrinker.left == 0 {
            return (shrinker.plan, tries - shrinker.left);
        }
    }
}

/// The plan without the time at its end in which nothing is left to happen.
fn tidied(mut plan: Plan) -> Plan {
    plan.quiet_from_us = plan.last_moment_us();
    plan.end_us = plan.quiet_from_us + plan.expect.decided_after_heal_us;
    plan
}
