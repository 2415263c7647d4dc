//! The keys of a run: one that logs in, and a host key for every machine, made here beforehand.
//!
//! So the first connection to a machine is checked like any other: `known_hosts` is written before the machine
//! is there. A host key travels to its machine by user-data, which whoever is on the machine can read: these
//! keys are thrown away with the run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{DeployError, Result};
use crate::run::{Run, write};

/// Makes what is missing of the run's keys, and `known_hosts`.
///
/// # Errors
/// There is no `ssh-keygen`, or the files cannot be written.
pub fn make(run: &Run) -> Result<()> {
    keypair(&run.ssh_key(), &run.state.id)?;
    let mut known = String::new();
    for machine in run.wish.machines() {
        let path = run.host_key(&machine.name);
        let alias = alias(&machine.name, &run.state.id);
        keypair(&path, &alias)?;
        let public = public(&path)?;
        let (kind, key) = public.split_once(' ').unwrap_or((&public, ""));
        let key = key.split(' ').next().unwrap_or_default();
        known.push_str(&format!("{alias} {kind} {key}\n"));
    }
    write(&run.known_hosts(), known.as_bytes())
}

/// The name under which a machine's host key stands in `known_hosts`.
pub fn alias(machine: &str, run: &str) -> String {
    format!("{machine}.{run}")
}

/// The public half of a key, one line.
///
/// # Errors
/// It cannot be read.
pub fn public(private: &Path) -> Result<String> {
    let path = private.with_extension("pub");
    let text = fs::read_to_string(&path).map_err(DeployError::file(&path))?;
    Ok(text.trim_end().to_owned())
}

/// An ed25519 keypair, unless it is there. `ssh-keygen` writes the private half last, mode 600.
fn keypair(path: &Path, comment: &str) -> Result<()> {
    if path.is_file() && path.with_extension("pub").is_file() {
        return Ok(());
    }
    // Half a pair of a try that was killed: `ssh-keygen` would ask what to do with it.
    for half in [path.to_owned(), path.with_extension("pub")] {
        let _ = fs::remove_file(half);
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path);
    let output = command.stdin(Stdio::null()).output().map_err(|error| DeployError::Program {
        program: "ssh-keygen".to_owned(),
        hint: "it comes with OpenSSH's client".to_owned(),
        error,
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(DeployError::Failed {
        program: "ssh-keygen".to_owned(),
        status: output.status.to_string(),
        tail: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        hint: "is there room in the run's folder?".to_owned(),
    })
}
