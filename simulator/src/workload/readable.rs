//! When an accepted transaction can be read as valid through another node than the one it was posted to.
//!
//! That is what a client waits for who has handed an asset to somebody else. Another node is asked again and
//! again, so a latency is known to within the time between two questions, which grows while the answer
//! does not come. A node that gives none is followed by the next one.

use bigchaindb_core::model::TxId;

use super::driver::{Doing, Request, Timer, Turn, UnderWay};
use crate::chance::{Domain, draw};

/// After so many questions the time between two doubles,
const PATIENCE: u32 = 50;
/// as often as this.
const DOUBLINGS: u32 = 6;
/// Nobody asks more often than this.
const QUESTIONS: u32 = PATIENCE * (DOUBLINGS + 1);

/// An accepted transaction of which another node is asked.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    tx: TxId,
    every_us: u64,
    /// The node that it was posted to, which is not asked if there is another one.
    posted_to: usize,
    /// The node that is asked next.
    node: usize,
}

impl Turn<'_> {
    /// A POST was accepted.
    pub(super) fn look_elsewhere(&mut self, under_way: &UnderWay) {
        let (number, posted_to) = (under_way.number, under_way.node);
        let every_us = self.driver.operation(number).readable_us;
        let (Some(every_us), Some(tx)) = (every_us, under_way.tx.clone()) else { return };
        let nodes = self.driver.plan.nodes.len() as u64;
        let drawn = draw(self.driver.plan.seed, Domain::Readable, number.into(), 1);
        let step = 1 + drawn.below((nodes - 1).max(1));
        let node = usize::try_from((posted_to as u64 + step) % nodes).expect("an index of a node");
        self.driver.readings.insert(number, Reading { tx, every_us, posted_to, node });
        self.later(every_us, Timer::Readable(number, 0));
    }

    /// Asks whether it is valid by now.
    pub(super) fn read_elsewhere(&mut self, number: u32, question: u32) {
        let Some(Reading { tx, node, .. }) = self.driver.readings.get(&number).cloned() else {
            return;
        };
        let (doing, asked) = (Doing::Readable(question), Some(tx.clone()));
        let under_way = UnderWay { number, node, doing, tx: asked, document: None };
        self.send(under_way, Request::Status(tx));
    }

    /// The answer is there, or will not come.
    pub(super) fn was_read(&mut self, number: u32, question: u32, status: Option<&str>) {
        let plan = &self.driver.plan;
        let nodes = plan.nodes.len();
        let last_us = plan.quiet_from_us + plan.expect.decided_after_heal_us;
        let Some(reading) = self.driver.readings.get_mut(&number) else { return };
        let gap_us = reading.every_us << ((question + 1) / PATIENCE).min(DOUBLINGS);
        let is_last = question + 1 == QUESTIONS || self.now_us + gap_us >= last_us;
        if status == Some("valid") || is_last {
            self.driver.readings.remove(&number);
            return;
        }
        if status.is_none() {
            let next = (reading.node + 1) % nodes;
            reading.node = if next == reading.posted_to { (next + 1) % nodes } else { next };
        }
        self.later(gap_us, Timer::Readable(number, question + 1));
    }
}
