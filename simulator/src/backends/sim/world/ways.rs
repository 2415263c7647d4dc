//! How long messages take, by the ends of the link that they pass.

use super::World;
use crate::backends::segments;
use crate::backends::sim::link::Slow;
use crate::chance::{Domain, draw, pair};

/// An end of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Node(usize),
    Clients,
    Store,
}

impl End {
    /// Its number in the keys by which delays are drawn.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Node(node) => u32::try_from(node).expect("a federation has some hundred nodes"),
            Self::Clients => u32::MAX - 1,
            Self::Store => u32::MAX,
        }
    }
}

impl World<'_> {
    /// How long the next message on a link takes.
    pub(super) fn delay(&mut self, from: End, to: End) -> u64 {
        *self.messages.entry((from, to)).or_default() += 1;
        let message = self.message(from, to);
        self.message_us(from, to, message) + self.lost_us(from, to, message)
    }

    /// The number of the last message on a link.
    pub(super) fn message(&self, from: End, to: End) -> u64 {
        self.messages.get(&(from, to)).copied().unwrap_or(0)
    }

    /// How much later a message arrives because it had to be sent again. Messages are one segment each.
    fn lost_us(&mut self, from: End, to: End, message: u64) -> u64 {
        let ((End::Node(node), End::Store) | (End::Store, End::Node(node))) = (from, to) else {
            return 0;
        };
        let Some((fault, share)) = self.nodes[node].link.leaky else { return 0 };
        let ends = (from.number(), to.number());
        let late_us = segments::late_us(self.plan.seed, ends, message, 1, share);
        if late_us > 0 {
            self.shows(fault);
        }
        late_us
    }

    /// How long a message on a link takes, if it is not lost on the way.
    pub(super) fn message_us(&self, from: End, to: End, message: u64) -> u64 {
        let (seed, ends) = (self.plan.seed, (from.number(), to.number()));
        let usual_us = self.plan.links.delay_us(seed, ends.0, ends.1, message);
        let slow = match (from, to) {
            (End::Node(node), End::Store) | (End::Store, End::Node(node)) => {
                self.nodes[node].link.slow
            }
            _ => None,
        };
        slow.map_or(usual_us, |Slow { factor, jitter_us }| {
            let drawn = draw(seed, Domain::SlowLink, pair(ends.0, ends.1), message);
            usual_us * u64::from(factor) + drawn.between(0, jitter_us)
        })
    }
}
