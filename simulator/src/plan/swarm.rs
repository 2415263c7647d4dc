//! Faults by chance: which kinds a seed has, how many, when, for how long.
//!
//! Not here: what goes together (`plan::harm`), how a fault goes (`plan::particulars`).

use super::FaultKind;
use super::harm::{Chosen, Misfit, TRIES, Wanted};
use crate::chance::{Domain, Draw, draw};
use crate::faults::Whom;
use crate::scenario::{Course, Row, Swarm, Target, Wish, usual_target};

/// Faults by chance last at least and at most this long.
const LASTS_US: (u64, u64) = (500_000, 10_000_000);
/// Each of those that come in a row lasts this long, and this lies between two of them.
const ROW_LASTS_US: (u64, u64) = (500_000, 3_000_000);
const ROW_GAP_US: (u64, u64) = (100_000, 2_000_000);
/// A node is killed so long after another fault was mended.
const AFTER_HEAL_US: u64 = 1_000_000;
/// The swarm's draws are those of an entry that no file has.
const SWARM: u64 = u64::MAX;
/// The questions whether a seed has rows stand behind those about kinds.
const ROWS_FROM: u64 = 1_000;

/// What a swarm can draw.
#[derive(Clone, Copy)]
enum Sort {
    Kind(FaultKind),
    Row(Row),
}

impl Chosen<'_> {
    /// Plans what a swarm draws, as far as it fits.
    pub(super) fn swarm(&mut self, swarm: &Swarm) {
        let seed = self.seed;
        let question = |n| draw(seed, Domain::Swarm, SWARM, n);
        let able = |kind: &FaultKind| self.is_within_reach(*kind);
        let kinds = swarm.kinds.iter().copied().filter(able).map(Sort::Kind);
        let able: Vec<_> = kinds.chain(swarm.rows.iter().copied().map(Sort::Row)).collect();
        if able.is_empty() {
            return;
        }
        // Runs that lack a kind of fault altogether find what runs with all kinds hide.
        let mut sorts = able.clone();
        sorts.retain(|sort| {
            let number = match *sort {
                Sort::Kind(kind) => 2 + kind as u64,
                Sort::Row(row) => ROWS_FROM + row as u64,
            };
            question(number).happens(500_000)
        });
        if sorts.is_empty() {
            sorts.push(*question(1).pick(&able));
        }
        let count = question(0).between(u64::from(swarm.least), u64::from(swarm.most));
        for number in 0..count {
            for attempt in 0..TRIES {
                let turn = number * TRIES + attempt;
                let about = |n| draw(seed, Domain::FaultTime, SWARM, 4 * turn + n);
                let added = match *about(0).pick(&sorts) {
                    Sort::Kind(kind) => self.single(swarm, kind, turn, about),
                    Sort::Row(row) => self.row(swarm, row, turn, about),
                };
                if added.is_ok() {
                    break;
                }
            }
        }
    }

    fn is_within_reach(&self, kind: FaultKind) -> bool {
        kind.nature().is_within_reach(self.scenario.backend(), &self.scenario.federation.store)
    }

    fn single(
        &mut self,
        swarm: &Swarm,
        kind: FaultKind,
        turn: u64,
        about: impl Fn(u64) -> Draw,
    ) -> Result<u64, Misfit> {
        let at_us = about(1).between(swarm.from_us, swarm.until_us - 1);
        let lasts_us = match kind.nature().lasts {
            Some(_) => about(2).between(LASTS_US.0, LASTS_US.1),
            None => 0,
        };
        self.add(&Wanted {
            kind,
            course: Course::Single,
            wish: &Wish::default(),
            target: &Target::One,
            entry: SWARM,
            turn,
            at_us,
            lasts_us: lasts_us.min(swarm.until_us - at_us),
            by_us: swarm.until_us,
        })
    }

    fn row(
        &mut self,
        swarm: &Swarm,
        row: Row,
        turn: u64,
        about: impl Fn(u64) -> Draw,
    ) -> Result<u64, Misfit> {
        let more = |n| draw(self.seed, Domain::Swarm, turn, ROWS_FROM + n);
        let nodes = [FaultKind::Kill, FaultKind::Pause, FaultKind::Partition];
        let servers = [FaultKind::StoreKill, FaultKind::StorePause, FaultKind::StorePartition];
        let enough = self.scenario.federation.store.servers >= 3;
        let mut kinds: Vec<_> =
            nodes.into_iter().chain(servers.into_iter().filter(|_| enough)).collect();
        kinds.retain(|kind| self.is_within_reach(*kind));
        let mut kind = *more(0).pick(&kinds);
        let gap_us = more(1).between(ROW_GAP_US.0, ROW_GAP_US.1);
        let mut at_us = about(1).between(swarm.from_us, swarm.until_us - 1);
        let course = match row {
            Row::Swizzle => Course::Swizzle { gap_us },
            Row::Rolling => Course::Rolling { gap_us },
            Row::KillAfterHeal => {
                kind = FaultKind::Kill;
                if self.faults.is_empty() {
                    return Err(Misfit::Late);
                }
                at_us = more(2).pick(&self.faults).until_us + more(3).below(AFTER_HEAL_US);
                Course::Single
            }
        };
        // A partition of a row is the plain one: each member alone, from all others.
        let wish = match kind.nature().whom {
            Whom::Servers => Wish { form: Some(super::Form::Isolated), ..Wish::default() },
            _ => Wish::default(),
        };
        self.add(&Wanted {
            kind,
            course,
            wish: &wish,
            target: &usual_target(kind.nature(), course),
            entry: SWARM,
            turn,
            at_us,
            lasts_us: about(2).between(ROW_LASTS_US.0, ROW_LASTS_US.1),
            by_us: swarm.until_us,
        })
    }
}
