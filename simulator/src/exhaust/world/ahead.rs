//! What comes next, a node's turn taken as a whole.
//!
//! A turn is some deliveries to one node, the last of which makes it ask something (`turns`). Nobody else is
//! part of it but the store, which does not change meanwhile. So where a turn can end follows from the
//! node, what is under way to it, the tables and the time, and is worked out once, whatever the other nodes are
//! just then; and the states within a turn, of which no step leads anywhere but on in it, need not be
//! kept. Laws are looked at in each of them all the same. Start at [`World::after`].

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Next, State, Step, World};
use crate::exhaust::laws::Violation;
use crate::exhaust::turns::{Questions, Turn};

/// What a turn follows from: a node, its slot, the tables, what is known outside, and the time.
pub(super) type Begins = (usize, u32, u32, u32, u64);

/// How a turn can end: what its node is then and asks; nothing is left to deliver if it asks nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct End {
    pub(super) slot: u32,
    pub(super) clients: u32,
    pub(super) asks: Option<Questions>,
}

impl World {
    /// All states that come next, a node's turn taken as a whole.
    ///
    /// # Errors
    /// If a law is broken on the way to one, or nothing can happen that would finish what has been begun.
    pub(in crate::exhaust) fn after(
        &mut self,
        state: &State,
    ) -> Result<Option<Vec<State>>, Violation> {
        let Next::Steps(steps) = self.steps(state)? else { return Ok(None) };
        let mut after = Vec::new();
        for step in &steps {
            if !self.reduced || !matches!(step, Step::Deliver { .. }) {
                after.push(self.take(*state, *step)?);
            }
        }
        for node in 0..self.len() {
            let is_his =
                |step: &Step| matches!(step, Step::Deliver { node: of, .. } if *of == node);
            if !self.reduced || !steps.iter().any(is_his) {
                continue;
            }
            for End { slot, clients, asks } in &*self.turns(state, node)? {
                let mut then = State { clients: *clients, ..*state };
                then.nodes[node] = *slot;
                then.turn = state.turn.delivered(node, asks.unwrap_or(0), asks.is_none());
                if asks.is_none() {
                    after.push(then);
                    continue;
                }
                let mut steps = Vec::new();
                self.steps_of(&then, node, &mut steps);
                for step in steps {
                    if !matches!(step, Step::Deliver { .. }) {
                        after.push(self.take(then, step)?);
                    }
                }
            }
        }
        Ok(Some(after))
    }

    /// What the next turn of a node can come to: some deliveries to it, up to one that makes it ask
    /// something, or up to the last. Nobody else is part of that, so it is worked out once.
    ///
    /// # Errors
    /// If a delivery breaks a law.
    fn turns(&mut self, state: &State, node: usize) -> Result<Arc<Vec<End>>, Violation> {
        let key = (node, state.nodes[node], state.tables, state.clients, state.now_ms);
        if let Some(ends) = self.turns.get(&key) {
            return Ok(ends.clone());
        }
        let mut ends = BTreeSet::new();
        let mut seen = BTreeSet::from([(state.nodes[node], state.clients)]);
        let mut open = vec![State { turn: Turn::default(), ..*state }];
        while let Some(state) = open.pop() {
            let mut steps = Vec::new();
            self.steps_of(&state, node, &mut steps);
            for step in steps {
                let Step::Deliver { .. } = step else { continue };
                let after = self.take(state, step)?;
                let (slot, clients) = (after.nodes[node], after.clients);
                let asks = after.turn.asks();
                if asks != Some(0) {
                    ends.insert(End { slot, clients, asks });
                }
                if asks.is_some() && seen.insert((slot, clients)) {
                    open.push(after);
                }
            }
        }
        let ends = Arc::new(ends.into_iter().collect::<Vec<_>>());
        self.turns.insert(key, ends.clone());
        Ok(ends)
    }
}
