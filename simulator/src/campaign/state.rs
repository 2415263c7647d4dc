//! How far a campaign has come, in a file: who is killed can go on from there.
//!
//! The counts and the runs that they are made of are written together and at once, so a campaign that
//! goes on comes to what an undisturbed one comes to. Start at [`State::load`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Tally;
use crate::record::write_at_once;
use crate::scenario::Scenario;

/// What a campaign was asked to do. Whoever asks something else cannot go on with its state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// Each scenario's file, rules, quirks, and SHA-256 over its text.
    pub scenarios: Vec<String>,
    /// The first seed.
    pub first: u64,
}

impl Asked {
    /// What is asked, of these scenarios.
    pub fn new(scenarios: &[Scenario], first: u64) -> Self {
        let of = |scenario: &Scenario| {
            let Scenario { file, text, federation, .. } = scenario;
            let digest = Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let quirks = federation.quirks.iter().map(|quirk| format!(" {}", quirk.name()));
            format!("{file} {}{} {hex}", federation.rules, quirks.collect::<String>())
        };
        Self { scenarios: scenarios.iter().map(of).collect(), first }
    }
}

/// How far a campaign has come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    version: u32,
    asked: Asked,
    /// All runs below this number are done.
    below: u64,
    /// And these.
    beyond: BTreeSet<u64>,
    /// What they came to.
    pub tally: Tally,
    /// How long it has taken so far.
    pub seconds: f64,
    /// How long processors have worked for it, as far as that is known.
    pub processor_seconds: f64,
}

/// Why there is no state to go on with.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path} is no state of a campaign")]
    Form {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The file is another campaign's, or of another version.
    #[error("{path} is the state of another campaign")]
    Another {
        /// The file.
        path: PathBuf,
    },
}

const VERSION: u32 = 1;

impl State {
    /// Before the first run.
    pub fn new(asked: Asked, scenarios: &[Scenario]) -> Self {
        Self {
            version: VERSION,
            asked,
            below: 0,
            beyond: BTreeSet::new(),
            tally: Tally::new(scenarios),
            seconds: 0.0,
            processor_seconds: 0.0,
        }
    }

    /// The state in a file; `None` if there is no file yet.
    ///
    /// # Errors
    /// [`StateError`], if there is one that this campaign cannot go on with.
    pub fn load(path: &Path, asked: &Asked) -> Result<Option<Self>, StateError> {
        let path = || path.to_path_buf();
        let text = match fs::read(path()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path: path(), source }),
        };
        let state: Self = serde_json::from_slice(&text)
            .map_err(|source| StateError::Form { path: path(), source })?;
        if state.version != VERSION || state.asked != *asked {
            return Err(StateError::Another { path: path() });
        }
        Ok(Some(state))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// [`StateError::Io`], if that cannot be.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let text = serde_json::to_vec(self).expect("a state has a JSON form");
        write_at_once(path, &text)
            .map_err(|source| StateError::Io { path: path.to_path_buf(), source })
    }

    /// Whether a run is done.
    pub fn is_done(&self, number: u64) -> bool {
        number < self.below || self.beyond.contains(&number)
    }

    /// A run is done.
    pub fn done(&mut self, number: u64) {
        self.beyond.insert(number);
        while self.beyond.remove(&self.below) {
            self.below += 1;
        }
    }
}
