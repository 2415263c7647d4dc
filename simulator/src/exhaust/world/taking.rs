//! What a step leads to.
//!
//! Here: a message is delivered, a node stops or starts, time passes; what that does to the tables, to what is
//! under way and to whose turn it is. Not here: which steps there are (`steps`). Start at [`World::take`].

use bigchaindb_core::model::keccak256_hex;
use bigchaindb_core::query::Feed;
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::{Event, Node};

use super::nodes::Handled;
use super::{Message, Slot, State, Step, World};
use crate::exhaust::laws::Violation;
use crate::exhaust::reduction;
use crate::exhaust::tables::Changed;
use crate::exhaust::turns::Turn;
use crate::observe::election_word;

impl World {
    /// What a step leads to.
    ///
    /// # Errors
    /// If it breaks a law.
    pub(in crate::exhaust) fn take(
        &mut self,
        mut state: State,
        step: Step,
    ) -> Result<State, Violation> {
        let earlier = state;
        match step {
            Step::Deliver { node, message } => self.deliver(&mut state, node, message)?,
            Step::Write { node, message, before } => {
                self.overtake(&mut state, node, message, before);
                self.deliver(&mut state, node, message)?;
            }
            Step::Wait(_) => {}
            Step::Stop { node, lost } => self.stop(&mut state, node, lost),
            Step::Start(node) => self.start(&mut state, node)?,
            Step::Pass => self.pass(&mut state),
        }
        if self.reduced {
            while let Some((node, message)) = reduction::forced(self, &state) {
                self.deliver(&mut state, node, message)?;
            }
            state.turn = match step {
                Step::Deliver { node, .. } => {
                    let before = self.slot_of(&earlier, node);
                    let flight = &self.slot_of(&state, node).flight;
                    let is_new = |message: &u32| {
                        let is_question = |each| matches!(each, &Message::Question { .. });
                        is_question(self.messages.get(*message)) && !before.flight.contains(message)
                    };
                    let asks: Vec<_> = flight.iter().copied().filter(is_new).collect();
                    let is_last = flight.is_empty();
                    state.turn.delivered(node, self.questions.number(0, asks), is_last)
                }
                Step::Write { node, .. } => {
                    let may_crash = self.clients.get(state.clients).crashes > 0;
                    Turn::wrote(node, may_crash)
                }
                Step::Wait(node) => state.turn.waited(node),
                Step::Stop { .. } | Step::Start(_) => Turn::restarted(),
                Step::Pass => Turn::default(),
            };
            self.settle_numbers(&mut state);
        }
        Ok(state)
    }

    /// A message reaches whom it is for. A question that writes nothing has its answer at once.
    fn deliver(&mut self, state: &mut State, node: usize, number: u32) -> Result<(), Violation> {
        let mut slot = self.slot(state, node);
        let at = slot.flight.binary_search(&number).expect("only what is under way is delivered");
        slot.flight.remove(at);
        self.put(state, node, slot);
        let Some(answered) = self.answer(state.tables, node, number) else {
            if let Some(story) = &mut self.story {
                story.delivered(node, self.messages.get(number));
            }
            return self.react(state, node, number);
        };
        self.tell_asked(node, number, answered.answer);
        if answered.tables == state.tables {
            return self.react(state, node, answered.answer);
        }
        (state.tables, state.changed_ms) = (answered.tables, state.now_ms);
        let mut slot = self.slot(state, node);
        insert(&mut slot.flight, answered.answer);
        self.put(state, node, slot);
        for Changed { feed, key, change } in &answered.changes {
            for node in 0..self.len() {
                let mut slot = self.slot(state, node);
                if slot.core.is_some() {
                    let turn = self.turn(&slot, *feed, key);
                    let (feed, key, change) = (*feed, key.clone(), change.clone());
                    self.add(&mut slot, node, Message::Element { feed, key, turn, change });
                    self.put(state, node, slot);
                }
            }
        }
        answered.violation.clone().map_or(Ok(()), Err)
    }

    /// Asks these of the questions that a write is about to overtake.
    fn overtake(&mut self, state: &mut State, node: usize, message: u32, before: u32) {
        let Some(tables) = self.writes(state, node, message) else { return };
        let overtaken = self.overtaken(state, tables);
        for (at, (node, message)) in overtaken.into_iter().enumerate() {
            if before & (1 << at) != 0
                && let Some(answered) = self.answer(state.tables, node, message)
            {
                self.tell_asked(node, message, answered.answer);
                let mut slot = self.slot(state, node);
                slot.flight.retain(|other| *other != message);
                insert(&mut slot.flight, answered.answer);
                self.put(state, node, slot);
            }
        }
    }

    fn tell_asked(&mut self, node: usize, question: u32, answer: u32) {
        let Self { messages, story: Some(story), .. } = self else { return };
        if let (Message::Question { query, .. }, Message::Answer { answer, .. }) =
            (&**messages.get(question), &**messages.get(answer))
        {
            story.asked(node, query, answer);
        }
    }

    /// The turn of a row's next element.
    fn turn(&self, slot: &Slot, feed: Feed, key: &str) -> usize {
        let turns = slot.flight.iter().filter_map(|number| match &**self.messages.get(*number) {
            Message::Element { feed: of, key: row, turn, .. } if *of == feed && **row == *key => {
                Some(*turn + 1)
            }
            _ => None,
        });
        turns.max().unwrap_or(0)
    }

    /// A node makes something of a message.
    fn react(&mut self, state: &mut State, node: usize, message: u32) -> Result<(), Violation> {
        let handled = self.made_of(state, node, message);
        self.follow(state, node, &handled)
    }

    /// What a node has made of an event has its consequences.
    fn follow(
        &mut self,
        state: &mut State,
        node: usize,
        handled: &Handled,
    ) -> Result<(), Violation> {
        if let Some(story) = &mut self.story {
            story.reported(node, &handled.reports);
            for (number, transaction) in &handled.accepted {
                story.name(transaction.id(), format!("T{}", number + 1));
            }
        }
        let mut slot = self.slot(state, node);
        slot.core = Some(handled.core);
        slot.alarm_ms = handled.alarm_ms.or(slot.alarm_ms);
        slot.flight.extend(&handled.questions);
        slot.flight.sort_unstable();
        self.put(state, node, slot);
        if !handled.accepted.is_empty() {
            let mut clients = (**self.clients.get(state.clients)).clone();
            clients.accepted.extend(handled.accepted.iter().cloned());
            state.clients = self.clients.number(0, clients);
        }
        let judged = self.judged(state.tables);
        for (block, says) in &handled.decided {
            let is = judged.elections.get(block).copied().unwrap_or(Election::Undecided);
            if is != *says {
                let (says, is) = (election_word(*says), election_word(is));
                let who = self.key(node);
                let what = format!("{who} says block {block} is {says}; by the votes it is {is}");
                return Err(Violation { invariant: "S8", what });
            }
        }
        Ok(())
    }

    /// A node stops at once: what it knows is lost, and what is under way, except requests that are
    /// not of the set `lost`.
    fn stop(&mut self, state: &mut State, node: usize, lost: u32) {
        let mut clients = (**self.clients.get(state.clients)).clone();
        clients.crashes -= 1;
        state.clients = self.clients.number(0, clients);
        let Slot { starts, mut flight, .. } = self.slot(state, node);
        flight.retain(|message| {
            let message = self.messages.get(*message);
            let Message::Post { number } = **message else { return false };
            let is_lost = lost & (1 << number) != 0;
            if let Some(story) = self.story.as_mut().filter(|_| is_lost) {
                story.delivered(node, message);
            }
            !is_lost
        });
        let slot = Slot { core: None, starts, since_ms: state.now_ms, alarm_ms: None, flight };
        self.put(state, node, slot);
        if let Some(story) = &mut self.story {
            story.stopped(node);
        }
    }

    /// A node starts with nothing but its configuration. Its feeds are open at once.
    fn start(&mut self, state: &mut State, node: usize) -> Result<(), Violation> {
        if let Some(story) = &mut self.story {
            story.started(node);
        }
        let mut slot = self.slot(state, node);
        let fresh = Node::new(self.configs[node].clone(), self.rules.clone());
        let core = self.cores.number(node, fresh);
        slot.core = Some(core);
        state.changed_ms = state.now_ms;
        slot.starts += 1;
        slot.since_ms = state.now_ms;
        let drawn = keccak256_hex(format!("start {} of node {node}", slot.starts).as_bytes());
        self.put(state, node, slot);
        let entropy = std::array::from_fn(|i| drawn.as_bytes()[i]);
        let handled =
            self.handle((node, core, state.now_ms, state.now_ms), Event::Start { entropy });
        self.follow(state, node, &handled)
    }

    pub(super) fn next_alarm(&self, state: &State) -> Option<u64> {
        (0..self.len()).filter_map(|node| self.slot_of(state, node).alarm_ms).min()
    }

    fn pass(&mut self, state: &mut State) {
        let at_ms = self.next_alarm(state).expect("time passes only if somebody waits");
        state.now_ms = state.now_ms.max(at_ms);
        for node in 0..self.len() {
            let mut slot = self.slot(state, node);
            if slot.alarm_ms.is_some_and(|alarm_ms| alarm_ms <= state.now_ms) {
                slot.alarm_ms = None;
                self.add(&mut slot, node, Message::Woken);
                self.put(state, node, slot);
            }
        }
        if let Some(story) = &mut self.story {
            story.passed(state.now_ms - self.began_ms);
        }
    }
}

pub(super) fn insert(flight: &mut Vec<u32>, message: u32) {
    let at = flight.partition_point(|other| *other < message);
    flight.insert(at, message);
}
