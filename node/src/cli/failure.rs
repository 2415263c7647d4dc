//! Why a command cannot do what it was asked, and what to do about it.

use std::error::Error;
use std::fmt::Write;

use crate::exit::Exit;

/// What is printed instead of a result.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) exit: Exit,
}

/// What a command comes to.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Something in the surroundings that this program has no say in.
    pub(crate) fn surroundings(error: &dyn Error, hint: impl Into<String>) -> Self {
        Self { message: with_causes(error), hint: hint.into(), exit: Exit::Surroundings }
    }

    /// The answer is no.
    pub(crate) fn no(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), exit: Exit::No }
    }

    /// The answer is no, for this reason.
    pub(crate) fn with_no(error: &dyn Error, hint: impl Into<String>) -> Self {
        Self::no(with_causes(error), hint)
    }

    /// What was asked for cannot be meant.
    pub(crate) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), exit: Exit::Wrong }
    }

    /// What was asked for, or configured, cannot be meant.
    pub(crate) fn usage(error: &dyn Error, hint: impl Into<String>) -> Self {
        Self { message: with_causes(error), hint: hint.into(), exit: Exit::Wrong }
    }

    /// The same, but the arguments are to blame.
    pub(crate) fn of_usage(self) -> Self {
        Self { exit: Exit::Wrong, ..self }
    }

    /// Tells it on stderr.
    pub(crate) fn tell(&self) {
        eprintln!("error: {}\n hint: {}", self.message, self.hint);
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        write!(text, ": {inner}").expect("writing into a String cannot fail");
        cause = inner.source();
    }
    text
}
