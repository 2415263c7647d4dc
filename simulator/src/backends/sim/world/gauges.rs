//! Looking at the nodes from time to time: how full they are, how much they ask.

use std::time::Duration;

use bigchaindb_core::stages::Levels;

use super::{Event, PROBE_US, World};
use crate::observe::{Gauge, Record};

/// How often nodes are looked at. A queue that grows while load lasts is seen many times over, and a
/// run's log grows by a few lines a minute. Where nothing changes nothing is written, so that a year of
/// silence costs nothing.
const EVERY_US: u64 = 5_000_000;

impl World<'_> {
    /// All nodes are looked at again in a while.
    pub(super) fn gauge_later(&mut self) {
        self.kernel.after(EVERY_US, Event::Gauge);
    }

    /// Writes down the levels that have changed.
    pub(super) fn gauge(&mut self) {
        let now = self.now();
        if now >= self.plan.end_us - PROBE_US {
            return;
        }
        for node in 0..self.plan.nodes.len() {
            let Some(levels) = self.nodes[node].levels(now) else { continue };
            if still(levels) != still(self.nodes[node].gauged) {
                self.tell_gauge(node, levels);
            }
        }
        self.gauge_later();
    }

    /// Writes down the levels of all nodes that are up, before the harness asks its own questions.
    pub(super) fn gauge_last(&mut self) {
        let now = self.now();
        for node in 0..self.plan.nodes.len() {
            if let Some(levels) = self.nodes[node].levels(now) {
                self.tell_gauge(node, levels);
            }
        }
    }

    fn tell_gauge(&mut self, node: usize, levels: Levels) {
        let sim = &mut self.nodes[node];
        sim.gauged = levels;
        let (node, questions) = (sim.name.clone(), sim.questions);
        self.tell(Record::Gauge(Gauge { node, levels, questions }));
    }
}

/// What changes only if something happens.
fn still(levels: Levels) -> Levels {
    Levels { oldest: levels.oldest.map(|_| Duration::ZERO), ..levels }
}
