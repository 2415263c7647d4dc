//! Slots that differ only in the numbers of their questions are one.
//!
//! Here: putting one in place of another, whose questions then have other numbers too. Not here: why that
//! changes nothing, and how it is seen (`canonical`). Start at [`World::settle_numbers`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Slot, State, World};
use crate::exhaust::canonical;

/// The slot that stands for one, and its messages by those of the other.
pub(super) struct Like {
    pub(super) slot: u32,
    pub(super) messages: BTreeMap<u32, u32>,
}

impl World {
    /// Puts in place of each slot the first one that differs from it in nothing but tickets.
    pub(super) fn settle_numbers(&mut self, state: &mut State) {
        for node in 0..self.len() {
            let number = state.nodes[node];
            let like = match self.alike.get(&(node, number)) {
                Some(like) => like.clone(),
                None => {
                    let like = Arc::new(self.like(node, number));
                    self.alike.insert((node, number), like.clone());
                    like
                }
            };
            if like.slot == number {
                continue;
            }
            state.nodes[node] = like.slot;
            let mut questions = |number| {
                let old = self.questions.get(number).clone();
                let new = old.iter().filter_map(|message| like.messages.get(message).copied());
                let mut new: Vec<_> = new.collect();
                new.sort_unstable();
                self.questions.number(0, new)
            };
            state.turn = state.turn.renumbered(node, &mut questions);
        }
    }

    /// The slot that stands for all that are like this one, and which message is which.
    fn like(&mut self, node: usize, number: u32) -> Like {
        let slot = self.slots[number as usize].clone();
        let core = slot.core.map_or_else(String::new, |core| format!("{:?}", self.cores.get(core)));
        let Slot { starts, since_ms, alarm_ms, flight, .. } = &*slot;
        let core = format!("{node} {starts} {since_ms} {alarm_ms:?} {core}");
        let texts: Vec<_> =
            flight.iter().map(|message| format!("{:?}", self.messages.get(*message))).collect();
        let (key, order) = canonical::key(&core, &texts);
        let ordered: Vec<_> = order.into_iter().map(|at| flight[at]).collect();
        let (slot, first) =
            self.first_alike.entry(key).or_insert_with(|| (number, ordered.clone()));
        Like { slot: *slot, messages: ordered.into_iter().zip(first.iter().copied()).collect() }
    }
}
