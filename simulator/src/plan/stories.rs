//! Arrivals that are several operations: each a short story of clients who want something unusual.
//!
//! Whatever a story is about is spent within it only: somebody may get away with it. Not here: arrivals of
//! the plain kinds, and which kind one is (`operations`).

use std::collections::VecDeque;

use super::operations::Story;
use super::{Action, Guard, Oddity, Shapeless, Way};

/// What was made this long ago is decided valid in most cases.
const SETTLED_US: u64 = 5_000_000;
/// A lock with a time is over at the earliest and at the latest this long after it was made: time to be
/// decided valid, to be opened, and to be over before a load of usual length is.
const LASTS_US: (u64, u64) = (8_000_000, 12_000_000);
/// Somebody who comes before a lock's time is over comes this much earlier, and as much later if after.
const MARGIN_US: (u64, u64) = (2_500_000, 4_000_000);
const SECOND_US: u64 = 1_000_000;
/// A node waits about this long for company of a transaction before it makes a block.
const BLOCK_US: u64 = 1_000_000;

/// Outputs of two owners, in the order of time.
#[derive(Default)]
pub(super) struct Shared {
    /// Operations that made one output for both.
    joint: VecDeque<(u64, u32)>,
    /// Operations that made an output for each.
    pairs: VecDeque<(u64, u32)>,
}

impl Shared {
    /// Takes out the first so many, if they are old enough.
    fn take(list: &mut VecDeque<(u64, u32)>, count: usize, now_us: u64) -> Option<Vec<u32>> {
        let (made_us, _) = list.get(count - 1)?;
        (made_us + SETTLED_US <= now_us)
            .then(|| list.drain(..count).map(|(_, number)| number).collect())
    }
}

impl Story<'_> {
    /// A TRANSFER is posted at every node in the same moment.
    pub(super) fn everywhere(&mut self) -> u32 {
        let of = self.transfer();
        let (first, nodes) = (self.node(), self.nodes());
        for step in 1..nodes {
            self.push(self.arrival.at_us, (first + step) % nodes, Action::Duplicate { of });
        }
        of
    }

    /// Somebody posts a TRANSFER again that was decided long ago.
    pub(super) fn replay(&mut self) -> u32 {
        let of = self.transfer();
        let delay = self.draw(0).between(SETTLED_US, 3 * SETTLED_US);
        self.elsewhere(delay, Action::Replay { of });
        of
    }

    /// Somebody passes on what is not decided yet.
    pub(super) fn eager(&mut self) {
        let payload_bytes = self.load.payload_bytes;
        let of = self.first(Action::Create { payload_bytes });
        // At any time before it is in a block, and about when it is in one that is not decided.
        for (question, least_us) in [(0, 0), (1, BLOCK_US - SECOND_US / 10)] {
            let delay = self.draw(question).between(least_us, BLOCK_US + SECOND_US / 5);
            self.elsewhere(delay, Action::Eager { of, payload_bytes });
        }
    }

    /// Two owners: they get an asset together, part with two of them at once, and join what they got.
    pub(super) fn multi_owner(&mut self) {
        let (now_us, payload_bytes) = (self.arrival.at_us, self.load.payload_bytes);
        let shared = &mut self.chosen.shared;
        if let Some(two) = Shared::take(&mut shared.joint, 2, now_us) {
            let number = self.first(Action::Move { of: two[0], and: two[1], payload_bytes });
            self.chosen.shared.pairs.push_back((now_us, number));
        } else if let Some(one) = Shared::take(&mut shared.pairs, 1, now_us) {
            let number = self.first(Action::Move { of: one[0], and: one[0], payload_bytes });
            self.chosen.shared.pairs.push_back((now_us, number));
        } else {
            let number = self.first(Action::CreateJoint { payload_bytes });
            self.chosen.shared.joint.push_back((now_us, number));
        }
    }

    /// Several keys open it; too few have tried before.
    pub(super) fn threshold(&mut self) {
        let guards = [Guard::Weights, Guard::TwoOfThree];
        let guard = *self.draw(0).pick(&guards);
        self.lock_and_open(guard);
    }

    /// A secret opens it; another one was tried before.
    pub(super) fn hashlock(&mut self) {
        self.lock_and_open(Guard::Hash);
    }

    fn lock_and_open(&mut self, guard: Guard) {
        let of = self.lock(guard);
        let delay = self.draw(1).between(SETTLED_US, 2 * SETTLED_US);
        if self.draw(2).happens(500_000) {
            self.elsewhere(delay, Action::Open { of, way: Way::TooLittle });
        }
        self.elsewhere(delay + SECOND_US, Action::Open { of, way: Way::Whole });
    }

    /// Somebody comes in time, or too late.
    pub(super) fn timeout(&mut self) {
        let until_us = self.until_us();
        let of = self.lock(Guard::Timeout { until_us });
        let moment = if self.draw(2).happens(500_000) {
            self.before(until_us)
        } else {
            self.after(until_us)
        };
        self.open(moment, of, Way::Whole);
    }

    /// One may take it in time, another one has it back afterwards: they do so, or try to cheat.
    pub(super) fn escrow(&mut self) {
        let until_us = self.until_us();
        let of = self.lock(Guard::Escrow { until_us });
        let (before, after) = (self.before(until_us), self.after(until_us));
        match self.draw(2).below(4) {
            0 => {
                self.open(before, of, Way::Whole);
                self.open(after, of, Way::Abort);
            }
            1 => {
                self.open(before, of, Way::Abort);
                self.open(after, of, Way::Abort);
            }
            2 => {
                self.open(before, of, Way::AbortByOmission);
                self.open(before + SECOND_US / 2, of, Way::Whole);
            }
            _ => {
                self.open(after, of, Way::Whole);
                self.open(after + SECOND_US, of, Way::Abort);
            }
        }
    }

    fn lock(&mut self, guard: Guard) -> u32 {
        let of = self.input();
        self.first(Action::Lock { of, guard })
    }

    fn open(&mut self, at_us: u64, of: u32, way: Way) {
        self.elsewhere(at_us - self.arrival.at_us, Action::Open { of, way });
    }

    /// When a lock's time is over.
    fn until_us(&self) -> u64 {
        self.arrival.at_us + self.draw(1).between(LASTS_US.0, LASTS_US.1)
    }

    fn before(&self, until_us: u64) -> u64 {
        until_us - self.draw(3).between(MARGIN_US.0, MARGIN_US.1)
    }

    fn after(&self, until_us: u64) -> u64 {
        until_us + self.draw(4).between(MARGIN_US.0, MARGIN_US.1)
    }

    /// Somebody looks for a loophole.
    pub(super) fn odd(&mut self) {
        let oddity = *self.draw(0).pick(&self.load.odd);
        if oddity == Oddity::Genesis {
            self.first(Action::Odd { of: None, oddity });
        } else if oddity.spends_again() {
            let of = Some(self.transfer());
            let delay = self.draw(1).between(SETTLED_US, 2 * SETTLED_US);
            self.elsewhere(delay, Action::Odd { of, oddity });
        } else {
            let of = Some(self.input());
            self.first(Action::Odd { of, oddity });
        }
    }

    pub(super) fn malformed(&mut self) {
        let shape = *self.draw(0).pick(&Shapeless::ALL);
        self.first(Action::Malformed { shape });
    }
}
