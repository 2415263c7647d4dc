//! What a checker gathers on its way to a verdict.

use bigchaindb_core::model::{BlockId, TxId};

use super::reference::Reference;
use super::{Judgement, Outcome, Violation, life_line};
use crate::observe::Observed;

/// What a checker gathers on its way to a verdict.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    looked_at: u64,
    count: u64,
    violations: Vec<Violation>,
    doubt: Option<String>,
}

impl Findings {
    /// One thing more was looked at.
    pub fn looked(&mut self) {
        self.looked_at += 1;
    }

    /// The invariant does not hold.
    pub fn violated(
        &mut self,
        at_us: u64,
        what: String,
        transaction: Option<&TxId>,
        blocks: &[&BlockId],
    ) {
        self.count += 1;
        self.violations.push(Violation {
            at_us,
            what,
            transaction: transaction.map(ToString::to_string),
            blocks: blocks.iter().map(ToString::to_string).collect(),
            life_line: Vec::new(),
        });
        // Not cut to size at once: checkers may find at the end what happened early.
        if self.violations.len() > 2 * Violation::KEPT {
            self.keep_the_first();
        }
    }

    /// How often the invariant was seen not to hold.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Something could not be told; the first such thing is kept.
    pub fn doubted(&mut self, why: impl Into<String>) {
        self.doubt.get_or_insert_with(|| why.into());
    }

    fn keep_the_first(&mut self) {
        self.violations.sort_by_key(|violation| violation.at_us);
        self.violations.truncate(Violation::KEPT);
    }

    /// The verdict, but for the invariant's name.
    pub(super) fn judgement(mut self, records: &[Observed], reference: &Reference) -> Judgement {
        self.keep_the_first();
        if let Some(first) = self.violations.first_mut() {
            first.life_line = life_line(records, reference, first);
        }
        let outcome = if reference.run().is_none() {
            Outcome::Unknown { why: "the log does not say who the federation is".into() }
        } else if self.count > 0 {
            Outcome::Fail { count: self.count, violations: self.violations }
        } else if let Some(why) = self.doubt {
            Outcome::Unknown { why }
        } else if self.looked_at == 0 {
            Outcome::NotApplicable { why: "nothing of the kind happened".into() }
        } else {
            Outcome::Pass
        };
        Judgement {
            invariant: String::new(),
            statement: String::new(),
            looked_at: self.looked_at,
            meant_to_fail: false,
            outcome,
        }
    }
}
