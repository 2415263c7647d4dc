//! Where SSH keeps the sockets by which its connections are shared: a folder of the run, with a short path.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use super::super::apart::RunId;

/// The folder of a run, which goes with it.
pub(super) struct Sockets(pub(super) PathBuf);

impl Sockets {
    /// Makes it, for this user alone.
    pub(super) fn make(run: &RunId) -> io::Result<Self> {
        // One of an earlier run of this very process.
        remove(run.as_str())?;
        let folder = folder(run.as_str());
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // What stays, whoever watches over the run takes away.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(name)
}

/// The names of all there are: those of their runs.
pub(in super::super) fn all() -> Vec<String> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| RunId::of_name(name).is_some_and(|run| run.as_str() == name)).collect()
}

/// Takes away the one of a run.
///
/// # Errors
/// If it stays.
pub(in super::super) fn remove(name: &str) -> io::Result<()> {
    match fs::remove_dir_all(folder(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
