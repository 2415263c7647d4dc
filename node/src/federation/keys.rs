//! The keys of a local federation, kept in a file that only its owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bigchaindb_core::model::{Json, KeyError, Keypair, ParseJsonError};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file can be neither read nor made.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON")]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParseJsonError,
    },
    /// The file is JSON, but no list of private keys.
    #[error("{path} is no list of private keys")]
    NotKeys {
        /// The file.
        path: PathBuf,
        /// Why, where it is one key that is wrong.
        source: Option<KeyError>,
    },
    /// The federation that was started here before has another number of members.
    #[error("{path} holds the keys of {found} nodes, not of {wanted}")]
    OtherNumber {
        /// The file.
        path: PathBuf,
        /// How many keys it holds.
        found: usize,
        /// How many were asked for.
        wanted: usize,
    },
}

/// The keys in the file; if there is no such file, new ones, which it then holds.
///
/// The file is a JSON list of private keys in base58, a member each, in order.
///
/// # Errors
/// [`KeysError`].
pub fn load_or_make(path: &Path, nodes: usize) -> Result<Vec<Keypair>, KeysError> {
    let keypairs = match fs::read(path) {
        Ok(text) => parse(path, &text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, nodes)?,
        Err(source) => return Err(KeysError::Io { path: path.into(), source }),
    };
    if keypairs.len() != nodes {
        let (found, wanted) = (keypairs.len(), nodes);
        return Err(KeysError::OtherNumber { path: path.into(), found, wanted });
    }
    Ok(keypairs)
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Keypair>, KeysError> {
    let not_keys = |source| KeysError::NotKeys { path: path.into(), source };
    let list =
        Json::parse(text).map_err(|source| KeysError::NotJson { path: path.into(), source })?;
    let keys = list.as_array().ok_or_else(|| not_keys(None))?;
    let key = |key: &Json| {
        let text = key.as_str().ok_or_else(|| not_keys(None))?;
        Keypair::from_private(text).map_err(|source| not_keys(Some(source)))
    };
    keys.iter().map(key).collect()
}

/// Writes the file beside its place and moves it there, so that it is whole or not there at all.
fn make(path: &Path, nodes: usize) -> Result<Vec<Keypair>, KeysError> {
    let keypairs: Vec<_> = (0..nodes).map(|_| Keypair::from_seed(crate::entropy())).collect();
    let list: Vec<Json> = keypairs.iter().map(|pair| Json::from(pair.private())).collect();
    let draft = path.with_extension("draft");
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(Json::from(list).to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| KeysError::Io { path: path.into(), source })?;
    Ok(keypairs)
}
