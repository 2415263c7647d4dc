//! What judges a run: one file per invariant, and all of them see the observation log alone.
//!
//! A [`Checker`] is shown every record together with what it changed ([`mod@reference`]), while the run
//! goes on or afterwards from a stored log: the verdicts are the same. One more invariant is a file
//! and a line in [`standard`]. Here: the list, and [`Judge`], who drives it. Not here: what is
//! merely measured (`measure`). Start at [`judge`].

mod findings;
mod life;
pub mod reference;
mod verdict;

mod accounted_for;
mod decided_blocks;
mod decided_transactions;
mod decisions_stand;
mod documents_sound;
mod no_double_spend;
mod one_genesis;
mod one_valid_block;
mod one_vote;
mod statuses_agree;
mod vote_path;

use std::sync::Arc;

use bigchaindb_core::model::SignatureCheck;

use crate::observe::Observed;
use crate::plan::Expect;

pub use findings::Findings;
pub use life::life_line;
use reference::{News, Reference};
pub use verdict::{Judgement, LifeEvent, Outcome, Verdict, Violation};

/// What watches over one invariant.
pub trait Checker: Send {
    /// Its id: `S1`, `L2`, …
    fn invariant(&self) -> &'static str;

    /// What has to hold, in a sentence.
    fn statement(&self) -> &'static str;

    /// Looks at a record. Bounded work: this runs beside the federation.
    fn observe(&mut self, moment: &Moment<'_>);

    /// Looks at the whole, once nothing more will come, and says what was found.
    fn finish(&mut self, reference: &Reference) -> Findings;
}

/// A record, and what it changed.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The record.
    pub observed: &'a Observed,
    /// What it changed, in order.
    pub news: &'a [News],
    /// How things stand after it.
    pub reference: &'a Reference,
}

/// What the scenario says about judging.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Within this time, counted from when faults are healed, everything accepted is decided.
    pub decided_after_heal_us: u64,
    /// Which invariants are checked, by id; `None` means all.
    pub invariants: Option<Vec<String>>,
    /// Which the run is meant to violate, by id.
    pub violations: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { decided_after_heal_us: 30_000_000, invariants: None, violations: Vec::new() }
    }
}

impl From<&Expect> for Settings {
    fn from(expect: &Expect) -> Self {
        Self {
            decided_after_heal_us: expect.decided_after_heal_us,
            invariants: expect.invariants.clone(),
            violations: expect.violations.clone(),
        }
    }
}

/// All checkers there are, in the order in which their verdicts are shown.
pub fn standard(settings: &Settings) -> Vec<Box<dyn Checker>> {
    let within_us = settings.decided_after_heal_us;
    vec![
        Box::new(no_double_spend::NoDoubleSpend::default()),
        Box::new(one_valid_block::OneValidBlock::new(within_us)),
        Box::new(documents_sound::DocumentsSound::default()),
        Box::new(one_vote::OneVote::default()),
        Box::new(vote_path::VotePath::default()),
        Box::new(decisions_stand::DecisionsStand::default()),
        Box::new(statuses_agree::StatusesAgree::default()),
        Box::new(accounted_for::AccountedFor::new(within_us)),
        Box::new(one_genesis::OneGenesis::default()),
        Box::new(decided_transactions::DecidedTransactions::new(within_us)),
        Box::new(decided_blocks::DecidedBlocks::new(within_us)),
    ]
}

/// Shows records to checkers.
pub struct Judge {
    reference: Reference,
    checkers: Vec<Box<dyn Checker>>,
    settings: Settings,
}

impl Judge {
    /// All checkers that the settings want. `signatures` may remember what the run has verified.
    pub fn new(settings: Settings, signatures: Arc<dyn SignatureCheck>) -> Self {
        let mut checkers = standard(&settings);
        if let Some(wanted) = &settings.invariants {
            checkers.retain(|checker| wanted.iter().any(|id| id == checker.invariant()));
        }
        Self { reference: Reference::new(signatures), checkers, settings }
    }

    /// Takes the next record.
    pub fn observe(&mut self, observed: &Observed) {
        let news = self.reference.observe(observed);
        let moment = Moment { observed, news: &news, reference: &self.reference };
        for checker in &mut self.checkers {
            checker.observe(&moment);
        }
    }

    /// How things stand.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Says what was found. `records` are all that were observed, for the life lines.
    pub fn finish(self, records: &[Observed]) -> Judged {
        let Self { reference, checkers, settings } = self;
        let judgement = |mut checker: Box<dyn Checker>| Judgement {
            invariant: checker.invariant().to_owned(),
            statement: checker.statement().to_owned(),
            meant_to_fail: settings.violations.iter().any(|id| id == checker.invariant()),
            ..checker.finish(&reference).judgement(records, &reference)
        };
        Judged { judgements: checkers.into_iter().map(judgement).collect(), reference }
    }
}

/// What was found, and what it follows from.
#[derive(Debug)]
pub struct Judged {
    /// What each checker says, in the order of [`standard`].
    pub judgements: Vec<Judgement>,
    /// How things stand at the end of the log.
    pub reference: Reference,
}

/// Judges a whole log.
pub fn judge(
    records: &[Observed],
    settings: &Settings,
    signatures: Arc<dyn SignatureCheck>,
) -> Judged {
    let mut judge = Judge::new(settings.clone(), signatures);
    for observed in records {
        judge.observe(observed);
    }
    judge.finish(records)
}
