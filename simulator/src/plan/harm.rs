//! What goes wrong: when, for how long, and whom it meets.
//!
//! What the file says outright comes first and is refused if a correct federation could not survive
//! it. What happens by chance (`every`, `[swarm]`) is fitted around that: a draw that does not fit is
//! drawn again a few times, then left out. Here: faults that the file names, and what goes together. Not
//! here: a swarm (`plan::swarm`), how a fault goes (`plan::particulars`), what it does (`faults`, `backends`).

use std::collections::BTreeMap;

use super::{Fault, FaultKind, Form, How, Store, particulars};
use crate::chance::{Domain, Draw, draw};
use crate::faults::Whom;
use crate::scenario::{
    Course, FAULTS_MAX, FaultEntry, Scenario, ScenarioError, Target, When, Wish, minority,
};

/// A draw that does not fit is drawn again so often.
pub(super) const TRIES: u64 = 8;
/// Questions about how one occurrence goes.
const QUESTIONS: u64 = 16;

/// Every fault of the plan, by number. Byzantine members are as good as lost, all the time.
pub(super) fn choose(
    scenario: &Scenario,
    seed: u64,
    byzantine: &[usize],
) -> Result<Vec<Fault>, ScenarioError> {
    let mut chosen =
        Chosen { scenario, seed, byzantine, faults: Vec::new(), ends: BTreeMap::new() };
    let (again, once): (Vec<_>, Vec<_>) = (0..)
        .zip(&scenario.faults)
        .partition(|(_, entry)| matches!(entry.when, When::Every { .. }));
    for (number, entry) in once {
        chosen.once(number, entry)?;
    }
    for (number, entry) in again {
        chosen.again(number, entry)?;
    }
    if let Some(swarm) = &scenario.swarm {
        chosen.swarm(swarm);
    }
    Ok(chosen.faults)
}

pub(super) struct Chosen<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) seed: u64,
    byzantine: &'a [usize],
    pub(super) faults: Vec<Fault>,
    /// When each entry of the file that happened once was over.
    ends: BTreeMap<u64, u64>,
}

/// Why a fault does not go together with those before it.
pub(super) enum Misfit {
    TooMany,
    Same(String),
    /// It would not be over in time.
    Late,
}

/// What is to happen; the draws for it have its entry and turn as their keys.
pub(super) struct Wanted<'a> {
    pub(super) kind: FaultKind,
    pub(super) course: Course,
    pub(super) wish: &'a Wish,
    pub(super) target: &'a Target,
    pub(super) entry: u64,
    pub(super) turn: u64,
    pub(super) at_us: u64,
    pub(super) lasts_us: u64,
    /// All has to be over by then.
    pub(super) by_us: u64,
}

impl<'a> Wanted<'a> {
    fn told(told: &'a FaultEntry, entry: u64, turn: u64, at_us: u64) -> Self {
        let FaultEntry { kind, course, ref wish, ref target, lasts_us, .. } = *told;
        // A node may die in the last moment, and is away for a while after that.
        let lasts_us = lasts_us + wish.restart_after_us.unwrap_or(0);
        Self { kind, course, wish, target, entry, turn, at_us, lasts_us, by_us: u64::MAX }
    }
}

impl Chosen<'_> {
    fn once(&mut self, entry: u64, told: &FaultEntry) -> Result<(), ScenarioError> {
        let at_us = match told.when {
            When::At(at_us) => at_us,
            // Without the earlier one, there is nothing to come after.
            When::After { entry, wait_us } => match self.ends.get(&entry) {
                Some(end_us) => end_us + wait_us,
                None => return Ok(()),
            },
            When::Every { .. } => return Ok(()),
        };
        if !draw(self.seed, Domain::FaultHappens, entry, 0).happens(told.probability) {
            return Ok(());
        }
        // Who is not named may be another one if the first that comes to mind does not fit.
        let mut misfit = None;
        for attempt in 0..TRIES {
            match self.add(&Wanted::told(told, entry, attempt, at_us)) {
                Ok(end_us) => {
                    self.ends.insert(entry, end_us);
                    return Ok(());
                }
                Err(reason) => misfit = Some(reason),
            }
        }
        match misfit {
            Some(reason) => Err(self.refuse(told, &reason)),
            None => Ok(()),
        }
    }

    fn again(&mut self, entry: u64, told: &FaultEntry) -> Result<(), ScenarioError> {
        let When::Every { gap_us, from_us } = told.when else { return Ok(()) };
        let until_us = self.scenario.loads.iter().map(|load| load.until_us).max().unwrap_or(0);
        let times = until_us.saturating_sub(from_us).div_ceil(gap_us);
        if times > u64::from(FAULTS_MAX) {
            let message = format!("`every` makes {times} faults of this");
            let hint = format!("make it rarer: a plan has at most {FAULTS_MAX}");
            return Err(self.scenario.error(told.line, message, hint));
        }
        for time in 0..times {
            if !draw(self.seed, Domain::FaultHappens, entry, time).happens(told.probability) {
                continue;
            }
            let at_us = from_us + time * gap_us;
            for attempt in 0..TRIES {
                let turn = time * TRIES + attempt;
                if self.add(&Wanted::told(told, entry, turn, at_us)).is_ok() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Plans what is wanted, all of it or nothing; when it is over.
    pub(super) fn add(&mut self, wanted: &Wanted<'_>) -> Result<u64, Misfit> {
        let Wanted { kind, course, wish, target, entry, turn, at_us, lasts_us, by_us } = *wanted;
        let about = |question| {
            draw(self.seed, Domain::FaultParticulars, entry, QUESTIONS * turn + question)
        };
        let how = particulars::choose(kind, wish, self.scenario, lasts_us, about);
        let mut members = self.members(kind, &how, target, entry, turn);
        let mut times = Vec::new();
        match course {
            Course::Single => {
                let in_order = matches!(how, How::Apart { form: Form::Ring | Form::Bridge, .. });
                if !in_order {
                    members.sort_unstable();
                }
                times.push((members, at_us, at_us + lasts_us));
            }
            Course::Rolling { gap_us } => {
                for (number, member) in (0..).zip(members) {
                    let begins_us = at_us + number * (lasts_us + gap_us);
                    times.push((vec![member], begins_us, begins_us + lasts_us));
                }
            }
            Course::Swizzle { gap_us } => {
                let count = members.len() as u64;
                let ends_us = at_us + (count - 1) * gap_us + lasts_us;
                // The members themselves were drawn with lower numbers.
                let order = another_order(members.len(), |place| {
                    draw(self.seed, Domain::FaultTarget, entry, turn << 8 | 128 | place)
                });
                for (number, (member, place)) in (0..).zip(members.into_iter().zip(order)) {
                    let (begins_us, ends_us) = (at_us + number * gap_us, ends_us + place * gap_us);
                    times.push((vec![member], begins_us, ends_us));
                }
            }
        }
        let before = self.faults.len();
        let mut end_us = at_us;
        for (whom, at_us, until_us) in times {
            end_us = end_us.max(until_us);
            if let Err(misfit) = self.add_one(kind, how, whom, at_us, until_us, by_us) {
                self.faults.truncate(before);
                return Err(misfit);
            }
        }
        Ok(end_us)
    }

    /// The nodes or servers that are met, in an order of chance.
    fn members(
        &self,
        kind: FaultKind,
        how: &How,
        target: &Target,
        entry: u64,
        turn: u64,
    ) -> Vec<usize> {
        let whom = kind.nature().whom;
        if whom == Whom::Store {
            return Vec::new();
        }
        let all = whom.count(&self.scenario.federation);
        let count = match (how, target) {
            (How::Apart { form: Form::Halves, .. }, _) => all / 2,
            (How::Apart { form: Form::Bridge, .. }, _) => 1 + (all - 1) / 2,
            (How::Apart { form: Form::Ring, .. }, _) => all,
            (_, Target::Named(members)) => return members.clone(),
            (_, Target::One) => 1,
            (_, Target::Minority) => minority(all),
            (_, Target::All) => all,
        };
        let mut left = self.scenario.federation.able(kind);
        let mut members = Vec::new();
        let count = u64::from(count).min(left.len() as u64);
        for n in 0..count {
            let drawn = draw(self.seed, Domain::FaultTarget, entry, turn << 8 | n);
            let index = drawn.below(left.len() as u64);
            members.push(left.remove(usize::try_from(index).expect("an index into them")));
        }
        members
    }

    fn add_one(
        &mut self,
        kind: FaultKind,
        how: How,
        whom: Vec<usize>,
        at_us: u64,
        until_us: u64,
        by_us: u64,
    ) -> Result<(), Misfit> {
        if until_us > by_us {
            return Err(Misfit::Late);
        }
        let number = u32::try_from(self.faults.len()).expect("faults are bounded");
        let (nodes, servers) = match kind.nature().whom {
            Whom::Nodes => (whom, Vec::new()),
            Whom::Servers | Whom::Store => (Vec::new(), whom),
        };
        let fault = Fault { number, kind, nodes, servers, how, at_us, until_us };
        self.fits(&fault)?;
        self.faults.push(fault);
        Ok(())
    }

    fn fits(&self, fault: &Fault) -> Result<(), Misfit> {
        let together = |other: &&Fault| {
            other.at_us <= fault.holds_until_us() && fault.at_us <= other.holds_until_us()
        };
        for other in self.faults.iter().filter(together) {
            if !excludes(fault.kind, other.kind) {
                continue;
            }
            if let Some(node) = fault.nodes.iter().find(|node| other.nodes.contains(node)) {
                return Err(Misfit::Same(self.scenario.federation.node_names().swap_remove(*node)));
            }
            if let Some(server) = fault.servers.iter().find(|one| other.servers.contains(one)) {
                return Err(Misfit::Same(Store::server_name(*server)));
            }
        }
        if self.scenario.expect.violations.is_empty() && self.most_lost(fault) > self.budget() {
            return Err(Misfit::TooMany);
        }
        Ok(())
    }

    /// The most nodes that are lost at one moment of this fault, itself included.
    fn most_lost(&self, fault: &Fault) -> usize {
        if !fault.takes_nodes() {
            return 0;
        }
        let others: Vec<_> = self.faults.iter().filter(|other| other.takes_nodes()).collect();
        // The number only grows where a fault begins.
        let moments = others.iter().map(|other| other.at_us).chain([fault.at_us]);
        let lost = |moment: u64| {
            let holds = |one: &&Fault| (one.at_us..=one.holds_until_us()).contains(&moment);
            let holding = others.iter().copied().chain([fault]).filter(holds);
            let mut nodes: Vec<_> =
                holding.flat_map(|one| &one.nodes).chain(self.byzantine).collect();
            nodes.sort_unstable();
            nodes.dedup();
            nodes.len()
        };
        let during = |moment: &u64| (fault.at_us..=fault.holds_until_us()).contains(moment);
        moments.filter(during).map(lost).max().unwrap_or(0)
    }

    fn budget(&self) -> usize {
        self.scenario.federation.budget() as usize
    }

    fn refuse(&self, told: &FaultEntry, misfit: &Misfit) -> ScenarioError {
        let name = told.kind.nature().name;
        match misfit {
            Misfit::TooMany | Misfit::Late => {
                let (nodes, budget) = (self.scenario.federation.members(), self.budget());
                let message = format!(
                    "with the fault `{name}`, more than {budget} of {nodes} nodes are lost at once"
                );
                let hint = "more than half have to stay; or say in `expect.violations` what breaks";
                self.scenario.error(told.line, message, hint)
            }
            Misfit::Same(member) => {
                let message =
                    format!("the fault `{name}` meets {member} while another one already has it");
                let hint = match told.kind.nature().whom {
                    Whom::Nodes => "let one end before the other begins, or choose another node",
                    _ => "let one end before the other begins, or choose another server",
                };
                self.scenario.error(told.line, message, hint)
            }
        }
    }
}

/// An order in which so many are mended, other than that in which they were met; a draw per place.
fn another_order(count: usize, about: impl Fn(u64) -> Draw) -> Vec<u64> {
    let mut order: Vec<u64> = (0..count as u64).collect();
    for place in (1..count).rev() {
        let drawn = about(place as u64).below(place as u64 + 1);
        order.swap(place, usize::try_from(drawn).expect("one of the places"));
    }
    if order.is_sorted() {
        order.rotate_left(1);
    }
    order
}

/// Whether two faults cannot be on the same node or server at the same time: one kind excludes
/// itself, what is dead cannot stand still, what is lost is lost to all, a node has one clock.
fn excludes(one: FaultKind, other: FaultKind) -> bool {
    let process = |kind| {
        matches!(
            kind,
            FaultKind::Kill
                | FaultKind::Pause
                | FaultKind::Crash
                | FaultKind::StoreKill
                | FaultKind::StoreRestart
                | FaultKind::StorePause
                | FaultKind::PowerLoss
                | FaultKind::OutOfMemory
        )
    };
    let clock = |kind| {
        matches!(
            kind,
            FaultKind::ClockSkew
                | FaultKind::ClockDrift
                | FaultKind::ClockJump
                | FaultKind::ClockStop
        )
    };
    let lost = |kind| kind == FaultKind::Lose;
    one == other
        || lost(one)
        || lost(other)
        || process(one) && process(other)
        || clock(one) && clock(other)
}
