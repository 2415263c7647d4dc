//! Whether a node has what it needs: its machine, its settings, its database.
//!
//! A check asks one thing and says on one line what it found and what to do. Nothing is changed.
//! Settings are in `settings`, the machine in `machine`, the database in `database`.

mod database;
mod machine;
mod settings;

use std::fmt;

use serde::Serialize;

pub use database::check_database;
pub use machine::check_machine;
pub use settings::check_settings;

/// What came of a check.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Check {
    /// What was asked.
    pub name: &'static str,
    /// How good that is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it; empty if nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// How good something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but should be looked at.
    Warning,
    /// It does not work, or will do harm.
    Problem,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: String::new() }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Warning, found: found.into(), advice: advice.into() }
    }

    fn problem(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Problem, found: found.into(), advice: advice.into() }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "problem",
        };
        write!(f, "{state:8}{}: {}", self.name, self.found)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}
