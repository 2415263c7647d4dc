//! L6: queues are bounded, and empty again in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::stages::Levels;

use super::reference::Reference;
use super::{Checker, Findings, Moment};
use crate::observe::{Gauge, Record};

/// A level may be so much higher at rest than it was before, whatever it was.
const SMALL: usize = 5;

/// Compares how full nodes are with how full they may be.
pub(super) struct Queues {
    findings: Findings,
    within_us: u64,
    /// How high any level may rise.
    max: u32,
    /// Each node's first and last gauge.
    first: BTreeMap<Arc<str>, Levels>,
    last: BTreeMap<Arc<str>, (u64, Levels)>,
}

impl Queues {
    pub(super) fn new(within_us: u64, max: u32) -> Self {
        Self {
            findings: Findings::default(),
            within_us,
            max,
            first: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }
}

impl Checker for Queues {
    fn invariant(&self) -> &'static str {
        "L6"
    }

    fn statement(&self) -> &'static str {
        "No queue of a node grows beyond its bound, and at rest all are back to within 10 % of what \
         they held before, or hold 5 things at most."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Record::Gauge(Gauge { node, levels, .. }) = &moment.observed.record else { return };
        let at_us = moment.observed.at_us;
        self.findings.looked();
        if let Some((name, level)) = named(levels).find(|(_, level)| *level > self.max as usize) {
            let what = format!("queue `{name}` of {node} holds {level}, its bound is {}", self.max);
            self.findings.violated(at_us, what, None, &[]);
        }
        // What was there before anything was posted is what it may come back to.
        let fresh = moment.reference.surroundings().sent() == 0;
        let first = if fresh { *levels } else { Levels::default() };
        self.first.entry(Arc::clone(node)).or_insert(first);
        self.last.insert(Arc::clone(node), (at_us, *levels));
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let surroundings = reference.surroundings();
        for (node, (at_us, levels)) in &self.last {
            let runs = surroundings.lives().of(node).is_some_and(|life| life.runs);
            if !runs || reference.is_byzantine_name(node) {
                continue;
            }
            let before: Vec<_> = named(&self.first[node]).collect();
            for ((name, level), (_, before)) in named(levels).zip(before) {
                if level <= (before + before / 10).max(SMALL) {
                    continue;
                }
                if surroundings.at_rest(0, self.within_us) {
                    let what = format!(
                        "queue `{name}` of {node} holds {level} at rest, before it held {before}"
                    );
                    self.findings.violated(*at_us, what, None, &[]);
                } else {
                    self.findings.doubted(format!(
                        "queue `{name}` of {node} is not empty, and the log ends before all is at rest"
                    ));
                }
            }
        }
        std::mem::take(&mut self.findings)
    }
}

/// The levels by name.
fn named(levels: &Levels) -> impl Iterator<Item = (&'static str, usize)> {
    let Levels { undecided, backlog, mine, oldest: _, api, block, vote, election, stale } = *levels;
    [
        ("undecided", undecided),
        ("backlog", backlog),
        ("mine", mine),
        ("api", api),
        ("block", block),
        ("vote", vote),
        ("election", election),
        ("stale", stale),
    ]
    .into_iter()
}
