//! Why a command cannot do what it was asked, and what to do about it.

use std::error::Error;
use std::fmt::Write;

use bigchaindb_simulator::scenario::ScenarioError;

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

    /// Something the user asked for that cannot be.
    pub(crate) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), exit: Exit::Wrong }
    }

    /// A promise of our own.
    pub(crate) fn broken(message: String) -> Self {
        let hint = "this is a defect of the testbed: please report it".to_owned();
        Self { message, hint, exit: Exit::No }
    }

    /// Tells it on stderr.
    pub(crate) fn tell(&self) {
        eprintln!("error: {}\n hint: {}", self.message, self.hint);
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self { message: error.to_string(), hint: error.hint, exit: Exit::Wrong }
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
