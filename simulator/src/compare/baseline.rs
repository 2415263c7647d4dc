//! A baseline in a file: the samples of some runs, without the runs.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Sample;
use crate::record::write_at_once;

/// What later runs are held against.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// The runs.
    pub samples: Vec<Sample>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path} is no baseline")]
    Form {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// It is of another version of this program.
    #[error("{path} has version {found}, this program reads {VERSION}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

const VERSION: u32 = 1;

impl Baseline {
    /// Of these runs.
    pub fn new(samples: Vec<Sample>) -> Self {
        Self { version: VERSION, samples }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BaselineError`], if there is none in this file, or it is of another version.
    pub fn load(path: &Path) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let path = path.to_path_buf();
        let text = std::fs::read(&path)
            .map_err(|source| BaselineError::Io { path: path.clone(), source })?;
        let form = |source| BaselineError::Form { path: path.clone(), source };
        let Versioned { version } = serde_json::from_slice(&text).map_err(form)?;
        if version != VERSION {
            return Err(BaselineError::Version { path, found: version });
        }
        serde_json::from_slice(&text).map_err(form)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// [`BaselineError::Io`], if it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), BaselineError> {
        let mut text = serde_json::to_vec(self).expect("it has a JSON form");
        text.push(b'\n');
        write_at_once(path, &text)
            .map_err(|source| BaselineError::Io { path: path.to_path_buf(), source })
    }
}
