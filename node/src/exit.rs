//! How a command ends, as its exit code says it.

use std::process::ExitCode;

/// The exit codes of every command of every program of this project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done. The verdict is `pass`, a comparison says `same` or `better`, a plan would change nothing.
    Done = 0,
    /// The answer is no. The verdict is `fail`, a comparison says `worse`, something would change or is left.
    No = 1,
    /// Wrong usage, or a configuration, scenario or wish that cannot be carried out. clap uses the same code.
    Wrong = 2,
    /// Nobody knows. The verdict is `unknown`, a comparison says `unclear`, a machine does not say how it is.
    Unknown = 3,
    /// The surroundings failed: the database, the network, the disk, a program that is missing. The verdict is `void`.
    Surroundings = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
