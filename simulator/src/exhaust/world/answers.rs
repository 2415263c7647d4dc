//! What the store makes of a question, and what the tables then come to.

use std::sync::Arc;

use super::{Asked, Message, World};
use crate::exhaust::laws::{Judged, Violation};
use crate::exhaust::tables::Changed;

/// What the store makes of a question.
pub(super) struct Answered {
    pub(super) tables: u32,
    /// The message that brings the answer.
    pub(super) answer: u32,
    pub(super) changes: Vec<Changed>,
    pub(super) violation: Option<Violation>,
}

impl World {
    /// What the store makes of a message, if that is a question.
    pub(super) fn answer(
        &mut self,
        tables: u32,
        node: usize,
        number: u32,
    ) -> Option<Arc<Answered>> {
        let message = self.messages.get(number).clone();
        let Message::Question { ticket, query } = &*message else { return None };
        if let Some(answered) = self.answered.get(&(tables, number)) {
            return Some(answered.clone());
        }
        let mut after = (**self.tables.get(tables)).clone();
        let mut changes = Vec::new();
        let (answer, to) = (after.answer(query, &mut changes), Asked::by(query));
        let answer = self.messages.number(node, Message::Answer { ticket: *ticket, answer, to });
        let (mut then, mut violation) = (tables, None);
        if !changes.is_empty() {
            then = self.tables.number(0, after);
            let (earlier, later) = (self.judged(tables), self.judged(then));
            violation = later.violation.clone().or_else(|| later.changes(&earlier));
        }
        let answered = Arc::new(Answered { tables: then, answer, changes, violation });
        self.answered.insert((tables, number), answered.clone());
        Some(answered)
    }

    pub(in crate::exhaust) fn judged(&mut self, number: u32) -> Arc<Judged> {
        let Self { tables, members, signatures, judged, .. } = self;
        let judge = || Arc::new(Judged::of(tables.get(number), members, &**signatures));
        judged.entry(number).or_insert_with(judge).clone()
    }
}
