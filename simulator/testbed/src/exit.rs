//! What a verdict or the answer of a comparison means for a command's end.

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::compare::Answer;

pub(crate) use bigchaindb::exit::Exit;

/// How a command ends that came to this verdict.
pub(crate) fn of_verdict(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass => Exit::Done,
        Verdict::Fail => Exit::No,
        Verdict::Unknown => Exit::Unknown,
        Verdict::Void => Exit::Surroundings,
    }
}

/// How a command ends that came to this answer.
pub(crate) fn of_answer(answer: Answer) -> Exit {
    match answer {
        Answer::Same | Answer::Better => Exit::Done,
        Answer::Worse => Exit::No,
        Answer::Unclear => Exit::Unknown,
    }
}
