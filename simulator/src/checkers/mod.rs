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
mod api_verdicts;
mod assignments;
mod bounded_retries;
mod bounded_work;
mod client_views;
mod conflicts;
mod correct_nodes;
mod counters;
mod decided_blocks;
mod decided_transactions;
mod decisions_stand;
mod documents_sound;
mod immutable;
mod linearizable;
mod no_crash;
mod no_double_spend;
mod one_genesis;
mod one_order;
mod one_valid_block;
mod one_vote;
mod ownership;
mod queues;
mod statuses_agree;
mod throughput;
mod valid_history;
mod vote_path;
mod vote_times;
mod votes_in_time;

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::SignatureCheck;

use crate::observe::{Observed, Record};
use crate::plan::Expect;

pub use findings::Findings;
pub use life::life_line;
use reference::{News, Reference, Rules};
pub use verdict::{Judgement, LifeEvent, Outcome, Verdict, Violation};

/// What watches over one invariant.
pub trait Checker: Send {
    /// Its id: `S1`, `L2`, …
    fn invariant(&self) -> &'static str;

    /// What has to hold, in a sentence.
    fn statement(&self) -> &'static str;

    /// Looks at a record. Bounded work: this runs beside the federation.
    fn observe(&mut self, moment: &Moment<'_>);

    /// How often it was seen not to hold so far. What only the end can show is not among them.
    fn violations(&self) -> u64 {
        0
    }

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
    /// How much any queue of a node may hold.
    pub queue_max: u32,
}

/// What any queue of a node may hold, if nobody says less: the backlog that a node watches is the
/// largest there is.
pub const QUEUE_MAX: u32 = 100_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            decided_after_heal_us: 30_000_000,
            invariants: None,
            violations: Vec::new(),
            queue_max: QUEUE_MAX,
        }
    }
}

impl From<&Expect> for Settings {
    fn from(expect: &Expect) -> Self {
        Self {
            decided_after_heal_us: expect.decided_after_heal_us,
            invariants: expect.invariants.clone(),
            violations: expect.violations.clone(),
            queue_max: expect.queue_max,
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
        Box::new(valid_history::ValidHistory::default()),
        Box::new(one_vote::OneVote::default()),
        Box::new(vote_path::VotePath::default()),
        Box::new(one_order::OneOrder::default()),
        Box::new(decisions_stand::DecisionsStand::new(within_us)),
        Box::new(statuses_agree::StatusesAgree::default()),
        Box::new(immutable::Immutable::new(within_us)),
        Box::new(accounted_for::AccountedFor::new(within_us)),
        Box::new(client_views::ClientViews::default()),
        Box::new(ownership::Ownership::default()),
        Box::new(assignments::Assignments::default()),
        Box::new(correct_nodes::CorrectNodes::new(within_us)),
        Box::new(vote_times::VoteTimes::new(within_us)),
        Box::new(no_crash::NoCrash::default()),
        Box::new(one_genesis::OneGenesis::default()),
        Box::new(counters::Counters::default()),
        Box::new(linearizable::Linearizable::default()),
        Box::new(api_verdicts::ApiVerdicts::default()),
        Box::new(decided_transactions::DecidedTransactions::new(within_us)),
        Box::new(decided_blocks::DecidedBlocks::new(within_us)),
        Box::new(conflicts::Conflicts::new(within_us)),
        Box::new(bounded_retries::BoundedRetries::default()),
        Box::new(votes_in_time::VotesInTime::new(within_us)),
        Box::new(queues::Queues::new(within_us, settings.queue_max)),
        Box::new(throughput::Throughput::default()),
        Box::new(bounded_work::BoundedWork::default()),
    ]
}

/// The invariants that a run under `mixed` also has to keep if votes are added up as the original did:
/// its members act upon that. What else they see is another matter: an election that the original
/// takes back is decided once only by the others' rules. What a member says is held against what it can
/// see itself (S9), so what an original says is looked at here, and what the others say is not.
const UNDER_BOTH: [&str; 6] = ["S1", "S2", "S3", "S4", "S9", "S18"];

/// Shows records to checkers.
pub struct Judge {
    bench: Bench,
    /// The same for the original's way to add votes up, in a run under `mixed`.
    originals: Option<Bench>,
    signatures: Arc<dyn SignatureCheck>,
    settings: Settings,
}

/// Checkers, and the state that they share.
struct Bench {
    reference: Reference,
    checkers: Vec<Box<dyn Checker>>,
}

impl Bench {
    fn new(reference: Reference, settings: &Settings) -> Self {
        let mut checkers = standard(settings);
        if let Some(wanted) = &settings.invariants {
            checkers.retain(|checker| wanted.iter().any(|id| id == checker.invariant()));
        }
        Self { reference, checkers }
    }

    fn observe(&mut self, observed: &Observed) {
        let news = self.reference.observe(observed);
        let moment = Moment { observed, news: &news, reference: &self.reference };
        for checker in &mut self.checkers {
            checker.observe(&moment);
        }
    }

    /// What each checker says.
    fn finish(self, records: &[Observed], settings: &Settings) -> Judged {
        let Self { reference, checkers } = self;
        let judgement = |mut checker: Box<dyn Checker>| Judgement {
            invariant: checker.invariant().to_owned(),
            statement: checker.statement().to_owned(),
            meant_to_fail: settings.violations.iter().any(|id| id == checker.invariant()),
            ..checker.finish(&reference).judgement(records, &reference)
        };
        Judged { judgements: checkers.into_iter().map(judgement).collect(), reference }
    }
}

impl Judge {
    /// All checkers that the settings want. `signatures` may remember what the run has verified.
    pub fn new(settings: Settings, signatures: Arc<dyn SignatureCheck>) -> Self {
        let bench = Bench::new(Reference::new(Arc::clone(&signatures)), &settings);
        Self { bench, originals: None, signatures, settings }
    }

    /// Takes the next record.
    pub fn observe(&mut self, observed: &Observed) {
        if let Record::Run(run) = &observed.record
            && Rules::of_profile(&run.rules) == Rules::Mixed
        {
            let reference = Reference::new(Arc::clone(&self.signatures)).by_rules(Rules::Original);
            let mut originals = Bench::new(reference, &self.settings);
            originals.checkers.retain(|checker| UNDER_BOTH.contains(&checker.invariant()));
            self.originals = Some(originals);
        }
        self.bench.observe(observed);
        if let Some(originals) = &mut self.originals {
            originals.observe(observed);
        }
    }

    /// The invariants that were seen not to hold so far, with how often; those that the run is meant to
    /// violate are left out.
    pub fn violations(&self) -> BTreeMap<&'static str, u64> {
        let is_meant = |id: &str| self.settings.violations.iter().any(|meant| meant == id);
        let seen =
            self.bench.checkers.iter().map(|checker| (checker.invariant(), checker.violations()));
        seen.filter(|(id, count)| *count > 0 && !is_meant(id)).collect()
    }

    /// How things stand.
    pub fn reference(&self) -> &Reference {
        &self.bench.reference
    }

    /// Says what was found. `records` are all that were observed, for the life lines.
    pub fn finish(self, records: &[Observed]) -> Judged {
        let Self { bench, originals, settings, .. } = self;
        let mut judged = bench.finish(records, &settings);
        let others = originals.map(|bench| bench.finish(records, &settings).judgements);
        for other in others.into_iter().flatten() {
            let ours = judged.judgements.iter_mut().find(|one| one.invariant == other.invariant);
            let Some(ours) = ours else { continue };
            match (&ours.outcome, other.outcome) {
                (Outcome::Fail { .. }, _) => {}
                (_, Outcome::Fail { count, mut violations }) => {
                    for violation in &mut violations {
                        violation.what += ", as the original adds votes up";
                    }
                    ours.outcome = Outcome::Fail { count, violations };
                }
                // Only originals have said anything.
                (Outcome::NotApplicable { .. }, Outcome::Pass) => {
                    ours.outcome = Outcome::Pass;
                    ours.looked_at = other.looked_at;
                }
                _ => {}
            }
        }
        judged
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
