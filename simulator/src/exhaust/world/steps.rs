//! Which steps can be taken in a state.
//!
//! Here: all single ones, and those that are left if whose turn it is matters (`turns`). Not here: what they
//! lead to (`taking`), a node's turn as a whole (`ahead`). Start at [`World::steps`].

use std::time::Duration;

use bigchaindb_core::rules::Quirk;
use bigchaindb_core::stages::Now;

use super::{DOWN_MS, Message, OVERTAKEN_MAX, QUIET_MS, Slot, State, World};
use crate::exhaust::laws::Violation;
use crate::exhaust::reduction;
use crate::plan::EPOCH_UNIX_MS;

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::exhaust) enum Step {
    Deliver {
        node: usize,
        message: u32,
    },
    /// A question is asked that writes; of the questions under way whose answers this changes, those
    /// of this set were asked before.
    Write {
        node: usize,
        message: u32,
        before: u32,
    },
    /// A node reads, and waits for the next write.
    Wait(usize),
    /// A node crashes; the requests of this set, by number, had reached it and are lost with it.
    Stop {
        node: usize,
        lost: u32,
    },
    Start(usize),
    /// Nothing is under way: time passes until somebody wants to be woken.
    Pass,
}

/// What can happen next.
pub(in crate::exhaust) enum Next {
    /// One of these; if there is none, another way was taken that comes to the same.
    Steps(Vec<Step>),
    /// Nothing is under way, and nothing is left to do.
    End,
}

impl World {
    /// All that can happen next.
    ///
    /// # Errors
    /// If nothing can happen that would finish what has been begun.
    pub(in crate::exhaust) fn steps(&mut self, state: &State) -> Result<Next, Violation> {
        let nodes = 0..self.len();
        let is_empty = |node: usize| {
            let slot = self.slot_of(state, node);
            slot.core.is_none() || slot.flight.is_empty()
        };
        let at_rest = nodes.clone().all(is_empty);
        let down: Vec<_> =
            nodes.clone().filter(|&node| self.slot_of(state, node).core.is_none()).collect();
        let clients = self.clients.get(state.clients).clone();
        if at_rest && down.is_empty() {
            let judged = self.judged(state.tables);
            match judged.unfinished(self.tables.get(state.tables), &clients.accepted) {
                None => return Ok(Next::End),
                Some(violation) if state.now_ms >= state.changed_ms + QUIET_MS => {
                    return Err(violation);
                }
                Some(_) => {}
            }
            let gone = judged.gone(self.tables.get(state.tables), &clients.accepted);
            if let Some(gone) = gone.filter(|_| !self.remembers(state)) {
                return Err(gone);
            }
        }
        let mut steps = Vec::new();
        for node in nodes {
            if !down.contains(&node) && (!self.reduced || state.turn.is_open_to(node)) {
                self.steps_of(state, node, &mut steps);
            }
        }
        if clients.crashes > 0 {
            let running = (0..self.len()).filter(|node| !down.contains(node));
            let can_crash = |node: &usize| !self.reduced || state.turn.can_crash(*node);
            for node in running.filter(can_crash) {
                self.crashes_of(state, node, &mut steps);
            }
        }
        if !self.reduced || state.turn.is_between() {
            steps.extend(down.iter().copied().map(Step::Start));
        }
        let is_due = |&node: &usize| {
            let slot = self.slot_of(state, node);
            state.now_ms >= slot.since_ms + DOWN_MS || slot.starts == 0
        };
        if at_rest && !down.iter().any(is_due) && self.next_alarm(state).is_some() {
            steps.push(Step::Pass);
        }
        Ok(Next::Steps(steps))
    }

    /// A node's crash undoes what was delivered to it since its last write, but for requests: what had
    /// reached it does not come again. So with the reduction, which has it crash before that, some of
    /// them may be lost in the crash.
    fn crashes_of(&self, state: &State, node: usize, steps: &mut Vec<Step>) {
        let mut lost = vec![0];
        for message in &self.slot_of(state, node).flight {
            if let (Message::Post { number }, true) = (&**self.messages.get(*message), self.reduced)
            {
                lost.extend(lost.clone().into_iter().map(|lost| lost | 1 << number));
            }
        }
        steps.extend(lost.into_iter().map(|lost| Step::Stop { node, lost }));
    }

    /// Whether a node has transactions of its own in mind.
    fn remembers(&self, state: &State) -> bool {
        (0..self.len()).any(|node| {
            let slot = self.slot_of(state, node);
            let now = Now { monotonic: Duration::ZERO, unix_ms: EPOCH_UNIX_MS };
            let core = slot.core.map(|core| (**self.cores.get(core)).clone());
            core.is_some_and(|mut core| core.levels(now).mine > 0)
        })
    }

    /// All that can happen next at a running node.
    pub(super) fn steps_of(&mut self, state: &State, node: usize, steps: &mut Vec<Step>) {
        let slot = self.slot(state, node);
        let asks = state.turn.asks().map(|asks| self.questions.get(asks).clone());
        let mut reads = false;
        for (at, &message) in slot.flight.iter().enumerate() {
            let earlier = &slot.flight[..at];
            let repeats = self.reduced && reduction::repeats(self, earlier, message);
            if repeats || !self.is_next(&slot, message) {
                continue;
            }
            let asked_now = asks.as_ref().is_none_or(|asks| asks.contains(&message));
            let Some(tables) = self.writes(state, node, message) else {
                reads |= asked_now && self.can_change(state, message);
                steps.push(Step::Deliver { node, message });
                continue;
            };
            if self.reduced && !(asked_now && state.turn.can_write()) {
                continue;
            }
            let overtaken = self.overtaken(state, tables);
            for before in 0..1 << overtaken.len().min(OVERTAKEN_MAX) {
                let are_asked = |waits| {
                    let waits = self.questions.get(waits);
                    let mut each = overtaken.iter().enumerate();
                    each.any(|(at, (_, read))| waits.contains(read) && before & (1 << at) != 0)
                };
                if !self.reduced || state.turn.waiting().all(are_asked) {
                    steps.push(Step::Write { node, message, before });
                }
            }
        }
        if self.reduced && reads && state.turn.can_wait(node) {
            steps.push(Step::Wait(node));
        }
    }

    /// Whether a message is a question whose answer can still change.
    fn can_change(&self, state: &State, message: u32) -> bool {
        let Message::Question { query, .. } = &**self.messages.get(message) else { return false };
        let again = self.rules.quirks().contains(&Quirk::VotesAgain);
        again || self.tables.get(state.tables).can_change(query, self.len())
    }

    /// Whether a message comes before all others of its row.
    pub(in crate::exhaust) fn is_next(&self, slot: &Slot, message: u32) -> bool {
        let Message::Element { feed, key, turn, .. } = &**self.messages.get(message) else {
            return true;
        };
        slot.flight.iter().all(|other| match &**self.messages.get(*other) {
            Message::Element { feed: of, key: row, turn: earlier, .. } => {
                of != feed || row != key || earlier >= turn
            }
            _ => true,
        })
    }

    /// What a message makes of the tables, if it is a question that writes.
    pub(super) fn writes(&mut self, state: &State, node: usize, message: u32) -> Option<u32> {
        let answered = self.answer(state.tables, node, message)?;
        (answered.tables != state.tables).then_some(answered.tables)
    }

    /// Questions under way that write nothing now, and have another answer by the tables to come.
    ///
    /// A question that only reads can be asked at any time between its sending and its answer's
    /// arrival. What it is answered changes only with such a write, so it is asked right before one, or
    /// right before the answer arrives; all other moments come to the same. So an answer to a question
    /// that only reads is under way only if it is out of date.
    pub(super) fn overtaken(&mut self, state: &State, tables: u32) -> Vec<(usize, u32)> {
        let mut overtaken = Vec::new();
        for node in 0..self.len() {
            for message in self.slot_of(state, node).flight.clone() {
                let Some(now) = self.answer(state.tables, node, message) else { continue };
                let later = self.answer(tables, node, message);
                let reads = now.tables == state.tables;
                if reads && later.is_some_and(|later| later.answer != now.answer) {
                    overtaken.push((node, message));
                }
            }
        }
        overtaken
    }
}
