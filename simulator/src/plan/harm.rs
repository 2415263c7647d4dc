//! What goes wrong: when, for how long, and whom it meets.
//!
//! What the file says outright comes first and is refused if a correct federation could not survive
//! it. What happens by chance (`every`, `[swarm]`) is fitted around that: a draw that does not fit is
//! drawn again a few times, then left out. Not here: what a fault does (`faults`, `backends`).

use super::{Fault, FaultKind, Store};
use crate::chance::{Domain, draw};
use crate::faults::Whom;
use crate::scenario::{
    FAULTS_MAX, FaultEntry, Federation, Harm, Scenario, ScenarioError, Swarm, Target, When,
    minority,
};

/// A draw that does not fit is drawn again so often.
const TRIES: u64 = 8;
/// Faults by chance last at least and at most this long.
const SWARM_LASTS_US: (u64, u64) = (500_000, 10_000_000);
/// The swarm's draws are those of an entry that no file has.
const SWARM: u64 = u64::MAX;

/// Every fault of the plan, by number.
pub(super) fn choose(scenario: &Scenario, seed: u64) -> Result<Vec<Fault>, ScenarioError> {
    let mut chosen = Chosen { scenario, seed, faults: Vec::new() };
    let (once, again): (Vec<_>, Vec<_>) =
        (0..).zip(&scenario.faults).partition(|(_, entry)| matches!(entry.when, When::At(_)));
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

struct Chosen<'a> {
    scenario: &'a Scenario,
    seed: u64,
    faults: Vec<Fault>,
}

/// Why a fault does not go together with those before it.
enum Misfit {
    TooMany,
    Same(String),
}

impl Chosen<'_> {
    fn once(&mut self, entry: u64, told: &FaultEntry) -> Result<(), ScenarioError> {
        let When::At(at_us) = told.when else { return Ok(()) };
        if !draw(self.seed, Domain::FaultHappens, entry, 0).happens(told.probability) {
            return Ok(());
        }
        // Who is not named may be another one if the first that comes to mind does not fit.
        let mut misfit = None;
        for attempt in 0..TRIES {
            let whom = self.whom(told.kind, &told.target, entry, attempt);
            match self.add(told.harm(), whom, at_us, at_us + told.lasts_us) {
                Ok(()) => return Ok(()),
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
                let whom = self.whom(told.kind, &told.target, entry, time * TRIES + attempt);
                if self.add(told.harm(), whom, at_us, at_us + told.lasts_us).is_ok() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn swarm(&mut self, swarm: &Swarm) {
        let question = |n| draw(self.seed, Domain::Swarm, SWARM, n);
        let backend = self.scenario.backend();
        let able = |kind: &FaultKind| kind.nature().backends.contains(&backend);
        let able: Vec<_> = swarm.kinds.iter().copied().filter(able).collect();
        if able.is_empty() {
            return;
        }
        // Runs that lack a kind of fault altogether find what runs with all kinds hide.
        let mut kinds = able.clone();
        kinds.retain(|kind| question(2 + *kind as u64).happens(500_000));
        if kinds.is_empty() {
            kinds.push(*question(1).pick(&able));
        }
        let count = question(0).between(u64::from(swarm.least), u64::from(swarm.most));
        for number in 0..count {
            for attempt in 0..TRIES {
                let turn = number * TRIES + attempt;
                let about = |n| draw(self.seed, Domain::FaultTime, SWARM, 4 * turn + n);
                let kind = *about(0).pick(&kinds);
                let at_us = about(1).between(swarm.from_us, swarm.until_us - 1);
                let lasts_us = match kind.nature().lasts {
                    Some(_) => about(2).between(SWARM_LASTS_US.0, SWARM_LASTS_US.1),
                    None => 0,
                };
                let until_us = (at_us + lasts_us).min(swarm.until_us);
                let whom = self.whom(kind, &Target::One, SWARM, turn);
                let harm = Harm { kind, direction: None, shape: None };
                if self.add(harm, whom, at_us, until_us).is_ok() {
                    break;
                }
            }
        }
    }

    /// The nodes or servers that are met.
    fn whom(&self, kind: FaultKind, target: &Target, entry: u64, counter: u64) -> Vec<usize> {
        let federation = &self.scenario.federation;
        let all = match kind.nature().whom {
            Whom::Nodes => federation.nodes,
            Whom::Servers => federation.store.servers,
            Whom::Store => return Vec::new(),
        };
        let count = match target {
            Target::Named(members) => return members.clone(),
            Target::One => 1,
            Target::Minority => minority(all),
            Target::All => all,
        };
        let mut left: Vec<usize> = (0..all as usize).collect();
        let mut nodes = Vec::new();
        for n in 0..u64::from(count) {
            let drawn = draw(self.seed, Domain::FaultTarget, entry, counter << 8 | n);
            let index = drawn.below(left.len() as u64);
            nodes.push(left.remove(usize::try_from(index).expect("an index into the nodes")));
        }
        nodes.sort_unstable();
        nodes
    }

    fn add(
        &mut self,
        harm: Harm,
        whom: Vec<usize>,
        at_us: u64,
        until_us: u64,
    ) -> Result<(), Misfit> {
        let number = u32::try_from(self.faults.len()).expect("faults are bounded");
        let Harm { kind, direction, shape } = harm;
        let (nodes, servers) = match kind.nature().whom {
            Whom::Nodes => (whom, Vec::new()),
            Whom::Servers | Whom::Store => (Vec::new(), whom),
        };
        let fault = Fault { number, kind, nodes, servers, direction, shape, at_us, until_us };
        self.fits(&fault)?;
        self.faults.push(fault);
        Ok(())
    }

    fn fits(&self, fault: &Fault) -> Result<(), Misfit> {
        let together =
            |other: &&Fault| other.at_us <= fault.until_us && fault.at_us <= other.until_us;
        for other in self.faults.iter().filter(together) {
            if !excludes(fault.kind, other.kind) {
                continue;
            }
            if let Some(node) = fault.nodes.iter().find(|node| other.nodes.contains(node)) {
                return Err(Misfit::Same(Federation::node_name(*node)));
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
        if !fault.kind.nature().takes_node {
            return 0;
        }
        let taking = |other: &&Fault| other.kind.nature().takes_node;
        let others: Vec<_> = self.faults.iter().filter(taking).collect();
        // The number only grows where a fault begins.
        let moments = others.iter().map(|other| other.at_us).chain([fault.at_us]);
        let lost = |moment: u64| {
            let holds = |one: &&Fault| (one.at_us..=one.until_us).contains(&moment);
            let holding = others.iter().copied().chain([fault]).filter(holds);
            let mut nodes: Vec<_> = holding.flat_map(|one| &one.nodes).collect();
            nodes.sort_unstable();
            nodes.dedup();
            nodes.len()
        };
        let during = |moment: &u64| (fault.at_us..=fault.until_us).contains(moment);
        moments.filter(during).map(lost).max().unwrap_or(0)
    }

    fn budget(&self) -> usize {
        self.scenario.federation.budget() as usize
    }

    fn refuse(&self, told: &FaultEntry, misfit: &Misfit) -> ScenarioError {
        let name = told.kind.nature().name;
        match misfit {
            Misfit::TooMany => {
                let (nodes, budget) = (self.scenario.federation.nodes, self.budget());
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

/// Whether two faults cannot be on the same node or server at the same time: one kind excludes
/// itself, and what is dead cannot stand still.
fn excludes(one: FaultKind, other: FaultKind) -> bool {
    let process = |kind| {
        matches!(
            kind,
            FaultKind::Kill
                | FaultKind::Pause
                | FaultKind::StoreKill
                | FaultKind::StoreRestart
                | FaultKind::StorePause
                | FaultKind::PowerLoss
        )
    };
    one == other || process(one) && process(other)
}
