//! What the faults of runs have met: how often each was real, and in the middle of what.
//!
//! A campaign adds it up over its runs and sees what no seed has come to yet: a kind of fault that never
//! met a node that was writing its vote, a point at which no node ever died. It is no part of a run's
//! log, and nothing is judged by it. Here: the counts. Not here: when they are taken (`backends`).
//! Start at [`Coverage`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backends::Backend;
use crate::faults;
use crate::observe::{Observed, Phase, Record};
use crate::plan::{FaultKind, Point, Step};

/// What faults have met.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Of each kind, how often a probe has seen it.
    pub verified: BTreeMap<FaultKind, u64>,
    /// Of each kind, how often it met a node that had a step under way; see [`Coverage::idle`].
    pub met: BTreeMap<FaultKind, BTreeMap<Step, u64>>,
    /// Of each kind, how often it met a node that had nothing under way.
    pub idle: BTreeMap<FaultKind, u64>,
    /// How often a node died at each point of its work.
    pub points: BTreeMap<Point, u64>,
}

impl Coverage {
    /// A fault meets a node that has these steps under way.
    pub(crate) fn meets(&mut self, kind: FaultKind, steps: impl Iterator<Item = Step>) {
        let mut idle = true;
        let met = self.met.entry(kind).or_default();
        let mut steps: Vec<_> = steps.collect();
        steps.sort_unstable();
        steps.dedup();
        for step in steps {
            *met.entry(step).or_default() += 1;
            idle = false;
        }
        if idle {
            *self.idle.entry(kind).or_default() += 1;
        }
    }

    /// A node dies at a point of its work.
    pub(crate) fn hits(&mut self, point: Point) {
        *self.points.entry(point).or_default() += 1;
    }

    /// Counts what a log says of faults.
    pub(crate) fn see(&mut self, records: &[Observed]) {
        for observed in records {
            let Record::Fault(fault) = &observed.record else { continue };
            let nature = faults::ALL.iter().find(|nature| *nature.name == *fault.kind);
            if let (Some(nature), Phase::Verified) = (nature, fault.phase) {
                *self.verified.entry(nature.kind).or_default() += 1;
            }
        }
    }

    /// Adds what other runs have met.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.verified, &other.verified);
        add(&mut self.idle, &other.idle);
        add(&mut self.points, &other.points);
        for (kind, met) in &other.met {
            add(self.met.entry(*kind).or_default(), met);
        }
    }

    /// How many different pairs of a kind of fault and a step it met there were.
    pub fn pairs(&self) -> usize {
        self.met.values().map(BTreeMap::len).sum()
    }

    /// The points of its work at which no node has died.
    pub fn points_missed(&self) -> impl Iterator<Item = Point> {
        Point::all().filter(|point| !self.points.contains_key(point))
    }

    /// The kinds of faults that no probe has seen, of those that there are in virtual time.
    pub fn kinds_missed(&self) -> impl Iterator<Item = FaultKind> {
        let known = faults::ALL.iter().filter(|nature| nature.backends.contains(&Backend::Sim));
        let kinds = known.map(|nature| nature.kind);
        kinds.filter(|kind| !self.verified.contains_key(kind))
    }
}

fn add<K: Ord + Copy>(counts: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (key, count) in others {
        *counts.entry(*key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_runs_met_is_added_up() {
        let mut one = Coverage::default();
        one.meets(FaultKind::Kill, [Step::Gather, Step::Gather, Step::Votes].into_iter());
        one.meets(FaultKind::Kill, [].into_iter());
        let mut other = Coverage::default();
        other.meets(FaultKind::Kill, [Step::Votes].into_iter());
        other.hits("after claim".parse().unwrap());
        one.merge(&other);
        assert_eq!(
            one.met[&FaultKind::Kill],
            BTreeMap::from([(Step::Gather, 1), (Step::Votes, 2)])
        );
        assert_eq!((one.idle[&FaultKind::Kill], one.pairs()), (1, 2));
        assert_eq!(one.points_missed().count(), Point::all().count() - 1);
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Coverage>(&json).unwrap(), one);
    }
}
