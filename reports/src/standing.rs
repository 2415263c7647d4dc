//! How verdicts are shown: a word, a sign and a colour for each, so that no state is said by colour
//! alone.
//!
//! Here: what a reader is told of an outcome, for the page, the summary and junit alike. Not here:
//! reaching a verdict (`bigchaindb_simulator::checkers`).

use bigchaindb_simulator::checkers::{Judgement, Outcome, Verdict};
use bigchaindb_simulator::record::{Results, Threshold};

use crate::words;

/// What a reader is told of something that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Nobody can tell.
    Unknown,
    /// The harness fell short.
    Void,
    /// Not asked of this run.
    Skipped,
}

impl Standing {
    /// A sign that differs in shape from the others.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail => "✗",
            Self::Unknown => "?",
            Self::Void => "∅",
            Self::Skipped => "–",
        }
    }

    /// The class under which the style sheet has its colour.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Void => "void",
            Self::Skipped => "skipped",
        }
    }
}

impl From<Verdict> for Standing {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
            Verdict::Void => Self::Void,
        }
    }
}

/// How an invariant stands, and that in words. A violation that the scenario asked for is as it
/// should be; its absence is not.
pub(crate) fn of_invariant(judgement: &Judgement) -> (Standing, String) {
    let (standing, words) = match (&judgement.outcome, judgement.meant_to_fail) {
        (Outcome::Pass, false) => (Standing::Pass, "pass"),
        (Outcome::Pass, true) => (Standing::Fail, "held, but was meant to be violated"),
        (Outcome::Fail { .. }, false) => (Standing::Fail, "fail"),
        (Outcome::Fail { .. }, true) => (Standing::Pass, "violated, as it was meant to be"),
        (Outcome::Unknown { .. }, _) => (Standing::Unknown, "unknown"),
        (Outcome::NotApplicable { .. }, _) => (Standing::Skipped, "does not apply"),
    };
    (standing, words.to_owned())
}

/// How an expectation of the scenario stands, and that in words.
pub(crate) fn of_threshold(threshold: &Threshold) -> (Standing, String) {
    let limit = words::duration(threshold.limit_us);
    match (threshold.met, threshold.measured_us) {
        (true, Some(measured)) => {
            (Standing::Pass, format!("{}, within {limit}", words::duration(measured)))
        }
        (true, None) => (Standing::Pass, format!("within {limit}")),
        (false, Some(measured)) => {
            (Standing::Fail, format!("{}, over {limit}", words::duration(measured)))
        }
        (false, None) => (Standing::Fail, format!("nothing measured to hold to {limit}")),
    }
}

/// The verdict's reasons, or for a pass, which gives none, what it rests on.
pub(crate) fn reasons(results: &Results) -> Vec<String> {
    if !results.reasons.is_empty() {
        return results.reasons.iter().map(|reason| words::short_ids(reason)).collect();
    }
    let holds = |judgement: &&Judgement| of_invariant(judgement).0 == Standing::Pass;
    let held = results.invariants.iter().filter(holds).count() as u64;
    let met = results.thresholds.iter().filter(|threshold| threshold.met).count() as u64;
    let mut parts =
        vec![format!("{} as expected", words::counted(held, "invariant", "invariants"))];
    if met > 0 {
        parts.push(format!("{} kept", words::counted(met, "threshold", "thresholds")));
    }
    parts.push(decided(results));
    vec![format!("{}.", parts.join("; "))]
}

fn decided(results: &Results) -> String {
    let counts = &results.measures.counts;
    if counts.transactions == 0 {
        return "no transaction was accepted".to_owned();
    }
    let accepted =
        words::counted(counts.transactions, "accepted transaction", "accepted transactions");
    match counts.never_decided {
        0 => format!("every one of {accepted} was decided"),
        left => format!("{} of {accepted} never decided", words::count(left)),
    }
}
