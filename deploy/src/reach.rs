//! Reaching a run's machines by SSH, with the run's own keys and its own `known_hosts`.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::error::{DeployError, Result};
use crate::inventory::{Host, Inventory};

/// How often a machine is tried that does not answer yet: with ten seconds for a connection and the pause
/// between tries, a quarter of an hour at most.
const TRIES: u32 = 60;

/// OpenSSH's exit code when it is not the command that failed.
const NOT_CONNECTED: i32 = 255;

/// `ssh` to a machine; whatever is to be done there is to be added.
pub fn ssh(inventory: &Inventory, host: &Host) -> Command {
    let mut command = Command::new("ssh");
    command.args(inventory.ssh_options(host)).arg(format!("{}@{}", host.user, host.public));
    command
}

/// Waits until every machine lets us in and has done what it was told at its start.
///
/// # Errors
/// A machine is not who it should be, lets nobody in, or does not answer for too long.
pub fn wait(inventory: &Inventory, pause: Duration) -> Result<()> {
    for host in &inventory.hosts {
        let mut tries = 1;
        loop {
            // `cloud-init status --wait` fails where it is not installed, and on recoverable trouble of the image's
            // own; what counts here is that it is over.
            let output =
                carry_out(inventory, host, "cloud-init status --wait >/dev/null 2>&1; true")?;
            if output.status.success() {
                break;
            }
            let told = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
            if told.contains("Host key verification failed") {
                let message =
                    format!("{} at {} is not who it should be: {told}", host.name, host.public);
                let hint = "somebody else has its address, or it was made anew: `deploy down`, then `deploy up`";
                return Err(DeployError::surroundings(message, hint));
            }
            if tries >= TRIES || output.status.code() != Some(NOT_CONNECTED) {
                let message = format!("{} at {} lets nobody in: {told}", host.name, host.public);
                return Err(DeployError::surroundings(
                    message,
                    "is SSH open for the address you come from (`--operator`)?",
                ));
            }
            tries += 1;
            std::thread::sleep(pause);
        }
    }
    Ok(())
}

/// Carries out a command on a machine, without a terminal.
///
/// # Errors
/// There is no `ssh`. Whether the command failed is in its output.
pub fn carry_out(inventory: &Inventory, host: &Host, command: &str) -> Result<Output> {
    let mut ssh = ssh(inventory, host);
    ssh.args(["-o", "BatchMode=yes"]);
    // Options come before the address for OpenSSH's own parser as well as after it.
    ssh.arg(command).stdin(Stdio::null());
    ssh.output().map_err(not_there)
}

/// For `map_err` of whatever starts `ssh`.
pub fn not_there(error: std::io::Error) -> DeployError {
    DeployError::Program {
        program: "ssh".to_owned(),
        hint: "it comes with OpenSSH's client".to_owned(),
        error,
    }
}
