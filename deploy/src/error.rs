//! What can go wrong with a deployment, what to do about it, and the exit code that says so.

use std::io;
use std::path::{Path, PathBuf};

pub use bigchaindb::exit::Exit;
use bigchaindb_strict::Refusal;

/// What a step of a deployment comes to.
pub type Result<T> = std::result::Result<T, DeployError>;

/// Why a deployment cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The wish cannot be read, or asks for what cannot be.
    #[error(transparent)]
    Wish(#[from] Refusal),
    /// What was asked for cannot be meant.
    #[error("{message}")]
    Wrong {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A program that this takes is not there, or cannot be started.
    #[error("cannot start `{program}`: {error}")]
    Program {
        /// Its name.
        program: String,
        /// How to come by it.
        hint: String,
        /// Why.
        error: io::Error,
    },
    /// A program has failed.
    #[error("`{program}` failed ({status}): {tail}")]
    Failed {
        /// Its name, with what it was to do.
        program: String,
        /// Its exit status.
        status: String,
        /// The last it said.
        tail: String,
        /// What to do about it.
        hint: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The surroundings do not do what they should.
    #[error("{message}")]
    Surroundings {
        /// What happened.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl DeployError {
    /// Of something asked for that cannot be.
    pub fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Wrong { message: message.into(), hint: hint.into() }
    }

    /// Of surroundings that fail.
    pub fn surroundings(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Surroundings { message: message.into(), hint: hint.into() }
    }

    /// Of a file; for `map_err`.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::File { path, error }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Wish(refusal) => refusal.hint.clone(),
            Self::Wrong { hint, .. }
            | Self::Program { hint, .. }
            | Self::Failed { hint, .. }
            | Self::Surroundings { hint, .. } => hint.clone(),
            Self::File { .. } => "is there room, and may it be read and written?".to_owned(),
        }
    }

    /// The exit code that says so.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Wish(_) | Self::Wrong { .. } => Exit::Wrong,
            Self::Program { .. }
            | Self::Failed { .. }
            | Self::File { .. }
            | Self::Surroundings { .. } => Exit::Surroundings,
        }
    }
}
