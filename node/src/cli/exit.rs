//! How a command ends, as its exit code says it.

use std::process::ExitCode;

/// The exit codes of every command. clap ends with 2 too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The answer is no.
    No = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// The surroundings failed: database, network, disk.
    Surroundings = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
