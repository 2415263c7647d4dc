//! What a node makes of an event: the core at work, which does its own work at once.
//!
//! Worked out once for each node as it is and each message. Not here: what follows from it for all
//! (`taking`). Start at [`World::made_of`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{BlockId, Transaction};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::{Call, Effect, Event, Now, Report, RequestId, Response};

use super::{Message, State, World};
use crate::exhaust::story;
use crate::plan::EPOCH_UNIX_MS;

/// What a node makes of an event.
pub(super) struct Handled {
    pub(super) core: u32,
    pub(super) alarm_ms: Option<u64>,
    pub(super) questions: Vec<u32>,
    pub(super) accepted: Vec<(usize, Arc<Transaction>)>,
    pub(super) decided: Vec<(BlockId, Election)>,
    pub(super) reports: Vec<String>,
}

/// Who does what: a node, as it is, in a life that began then, at this time.
pub(super) type Moment = (usize, u32, u64, u64);

impl World {
    /// What a running node makes of a message.
    pub(super) fn made_of(&mut self, state: &State, node: usize, message: u32) -> Arc<Handled> {
        let slot = self.slot_of(state, node);
        let core = slot.core.expect("only running nodes have messages delivered");
        let moment = (node, core, slot.since_ms, state.now_ms);
        if let Some(handled) = self.handled.get(&(moment, message)) {
            return handled.clone();
        }
        let event = self.event(&self.messages.get(message).clone());
        let handled = Arc::new(self.handle(moment, event));
        self.handled.insert((moment, message), handled.clone());
        handled
    }

    /// Whether a message, or the answer to a question that writes nothing, makes a running node ask or
    /// say anything.
    pub(in crate::exhaust) fn is_news(&mut self, state: &State, node: usize, message: u32) -> bool {
        let answered = self.answer(state.tables, node, message);
        let message = answered.map_or(message, |answered| answered.answer);
        let handled = self.made_of(state, node, message);
        !handled.questions.is_empty() || !handled.reports.is_empty() || handled.alarm_ms.is_some()
    }

    /// Whether a message leaves a running node as it is.
    pub(in crate::exhaust) fn is_idle(&mut self, state: &State, node: usize, message: u32) -> bool {
        let handled = self.made_of(state, node, message);
        let core = self.slot_of(state, node).core;
        Some(handled.core) == core && !self.is_news(state, node, message)
    }

    fn event(&self, message: &Message) -> Event {
        match message.clone() {
            Message::Post { number } => Event::Request {
                id: RequestId(number as u64),
                call: Call::Post(self.posts[number].document().clone()),
                entropy: self.entropy(number),
            },
            Message::Question { .. } => unreachable!("questions go to the store"),
            Message::Answer { ticket, answer, .. } => Event::Answer { ticket, answer },
            Message::Element { feed, change, .. } => Event::FeedChanged(feed, change),
            Message::Woken => Event::Woken,
        }
    }

    /// By this a node assigns what it is sent to itself: it comes last in its own list of voters.
    fn entropy(&self, number: usize) -> [u8; 16] {
        let members = self.len() as u128;
        (members * number as u128 + members - 1).to_le_bytes()
    }

    /// Lets a node handle an event, and do its own work at once.
    pub(super) fn handle(
        &mut self,
        (node, core, since_ms, now_ms): Moment,
        event: Event,
    ) -> Handled {
        let mut core = (**self.cores.get(core)).clone();
        let config = self.configs[node].clone();
        let now = Now {
            monotonic: Duration::from_millis(now_ms - since_ms),
            unix_ms: EPOCH_UNIX_MS + now_ms,
        };
        let (mut events, mut effects) = (VecDeque::from([event]), Vec::new());
        let mut handled = Handled {
            core: 0,
            alarm_ms: None,
            questions: Vec::new(),
            accepted: Vec::new(),
            decided: Vec::new(),
            reports: Vec::new(),
        };
        while let Some(event) = events.pop_front() {
            core.handle(now, event, &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Query { ticket, query } => {
                        let question = Message::Question { ticket, query };
                        handled.questions.push(self.messages.number(node, question));
                    }
                    Effect::Open(feed) => events.push_back(Event::FeedOpened(feed)),
                    Effect::Work { ticket, work } => {
                        let outcome = work.run(&config, &*self.rules);
                        events.push_back(Event::Worked { ticket, outcome });
                    }
                    Effect::Respond { id, response: Response::Accepted(transaction, _) } => {
                        let number = usize::try_from(id.0).expect("it was a usize");
                        handled.reports.push(format!("acknowledges {}", transaction.id()));
                        handled.accepted.push((number, transaction));
                    }
                    Effect::Respond { response, .. } => {
                        handled.reports.push(format!("answers the client: {response:?}"));
                    }
                    Effect::Wake { at } => {
                        let at_ms = at.as_nanos().div_ceil(1_000_000);
                        let at_ms = u64::try_from(at_ms).unwrap_or(u64::MAX);
                        handled.alarm_ms = Some(since_ms.saturating_add(at_ms));
                    }
                    Effect::Report(report) => {
                        handled.reports.extend(story::report(&report));
                        if let Report::Decided { block, election } = report {
                            handled.decided.push((block, election));
                        }
                    }
                }
            }
        }
        handled.core = self.cores.number(node, core);
        handled
    }
}
