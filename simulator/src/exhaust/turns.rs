//! Whose turn it is: of interleavings that come to the same, one is walked through.
//!
//! What reaches a node changes that node alone, and what a node asks reaches the store at another
//! time; so a delivery commutes with everything but other deliveries to the same node. It can be put
//! off until it matters: until a question that it makes its node ask is about to write, or about to be
//! overtaken by another's write. So every run comes to the same as one of this form. A node's turn is
//! some deliveries to it, the last of which makes it ask something, and then this is written at once;
//! or, if it reads, the next write overtakes it (the node waits for that). What was asked earlier and
//! not written is written between turns. When nobody writes any more, all that is left is delivered,
//! node after node (the closing), and time passes.
//!
//! A crash commutes with everything that others do, and undoes what was delivered since its node's last
//! write: it comes right after that, or when time has just passed. Requests that it had received since are
//! lost, though, so some of them may be lost in the crash. A start comes between turns.

use super::world::NODES_MAX;

/// Some questions, by the number under which they are kept; 0 is none.
pub(super) type Questions = u32;

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Turn {
    /// The node whose turn has begun, and what it asks since the last delivery.
    active: Option<(usize, Questions)>,
    /// Nodes that wait for the next write: it has to overtake one of these questions.
    waits: [Questions; NODES_MAX],
    /// Nobody writes any more until time passes; up to this node all has been delivered.
    closing: Option<usize>,
    /// Who wrote just now.
    wrote: Option<usize>,
    /// Something has happened since time passed.
    begun: bool,
}

impl Turn {
    /// Whether this node can act.
    pub(super) fn is_open_to(self, node: usize) -> bool {
        match self.active {
            Some((active, _)) => node == active,
            None => self.waits[node] == 0 && self.closing.is_none_or(|last| node > last),
        }
    }

    /// Whether anybody can write.
    pub(super) fn can_write(self) -> bool {
        self.closing.is_none()
    }

    /// What the node whose turn it is can write: what it asks just now. Between turns, anything.
    pub(super) fn asks(self) -> Option<Questions> {
        self.active.map(|(_, asks)| asks)
    }

    /// Whether a node that reads can wait for the next write. They begin to wait in their order.
    pub(super) fn can_wait(self, node: usize) -> bool {
        let others = self.waits[node..].iter().all(|waits| *waits == 0);
        self.active.is_some_and(|(active, _)| active == node) && self.closing.is_none() && others
    }

    /// Whether this node can crash.
    pub(super) fn can_crash(self, node: usize) -> bool {
        self.is_between() && (self.wrote == Some(node) || !self.begun)
    }

    /// Whether nodes can be started.
    pub(super) fn is_between(self) -> bool {
        self.active.is_none() && self.waits == [0; NODES_MAX] && self.closing.is_none()
    }

    /// Of each of these the next write has to overtake one.
    pub(super) fn waiting(self) -> impl Iterator<Item = Questions> {
        self.waits.into_iter().filter(|waits| *waits != 0)
    }

    /// Something was delivered to a node, and made it ask something; `is_last` if nothing is under way
    /// to or from it any more.
    pub(super) fn delivered(self, node: usize, asks: Questions, is_last: bool) -> Self {
        let next = Self { active: Some((node, asks)), wrote: None, begun: true, ..self };
        match is_last {
            true => Self { active: None, closing: Some(node), ..next },
            false => next,
        }
    }

    /// A node waits for the next write.
    pub(super) fn waited(self, node: usize) -> Self {
        let Some((_, asks)) = self.active else { return self };
        let mut waits = self.waits;
        waits[node] = asks;
        Self { active: None, waits, ..self }
    }

    /// A node has written. Who wrote, and that somebody did, matters as long as nodes may crash.
    pub(super) fn wrote(node: usize, may_crash: bool) -> Self {
        Self { wrote: may_crash.then_some(node), begun: may_crash, ..Self::default() }
    }

    /// A node's questions have other numbers now.
    pub(super) fn renumbered(
        self,
        node: usize,
        number: &mut impl FnMut(Questions) -> Questions,
    ) -> Self {
        let mut turn = self;
        turn.waits[node] = number(turn.waits[node]);
        if let Some((active, asks)) = &mut turn.active
            && *active == node
        {
            *asks = number(*asks);
        }
        turn
    }

    /// A node was started or stopped.
    pub(super) fn restarted() -> Self {
        Self { begun: true, ..Self::default() }
    }
}
