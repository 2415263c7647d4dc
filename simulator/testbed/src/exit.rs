//! How a command ends, as its exit code says it.

use std::process::ExitCode;

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::compare::Answer;

/// The exit codes of every command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done; the verdict is `pass`, a comparison says `same` or `better`.
    Done = 0,
    /// The answer is no; the verdict is `fail`, a comparison says `worse`.
    No = 1,
    /// Wrong usage, or a scenario that cannot be carried out. clap uses the same code.
    Wrong = 2,
    /// The verdict is `unknown`, a comparison says `unclear`.
    Unknown = 3,
    /// The surroundings failed (disk, network, a machine too slow); the verdict is `void`.
    Surroundings = 4,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Done,
            Verdict::Fail => Self::No,
            Verdict::Unknown => Self::Unknown,
            Verdict::Void => Self::Surroundings,
        }
    }
}

impl From<Answer> for Exit {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Same | Answer::Better => Self::Done,
            Answer::Worse => Self::No,
            Answer::Unclear => Self::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
