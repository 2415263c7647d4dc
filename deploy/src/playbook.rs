//! Playbooks: what makes nodes of machines, by `ansible-playbook`.
//!
//! Here: calling it on a run's inventory. Not here: the playbooks, which are in `deploy/ansible`; the one that
//! makes everything is `site.yml`.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{DeployError, Result};
use crate::run::Run;

/// What is shown of a program that failed: enough for the error, not all its talk.
const TAIL_LINES: usize = 20;

/// Carries out a playbook on the machines of a run; what it says goes to the run's `logs/ansible.log`.
///
/// `playbook` is a file in `deploy/ansible`; `arguments` are Ansible's own, such as `--limit node2`.
///
/// # Errors
/// There is no `ansible-playbook`, or a machine is not as the playbook wants it.
pub fn carry_out(run: &Run, playbook: &Path, arguments: &[&str]) -> Result<()> {
    let log = run.log("ansible");
    let file = OpenOptions::new().create(true).append(true).open(&log);
    let file = file.map_err(DeployError::file(&log))?;
    let begins = file.metadata().map_or(0, |metadata| metadata.len());
    let errors = file.try_clone().map_err(DeployError::file(&log))?;
    let mut command = Command::new("ansible-playbook");
    command.arg("--inventory").arg(run.hosts()).args(arguments).arg(playbook);
    // Its own settings are beside the playbook; nothing of the user's home counts.
    if let Some(folder) = playbook.parent() {
        command.env("ANSIBLE_CONFIG", folder.join("ansible.cfg"));
    }
    command.env("ANSIBLE_NOCOLOR", "1").stdin(Stdio::null()).stdout(file).stderr(errors);
    let status = command.status().map_err(|error| DeployError::Program {
        program: "ansible-playbook".to_owned(),
        hint: "`pip install ansible-core`, or Debian's package `ansible-core`".to_owned(),
        error,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(DeployError::Failed {
        program: format!("ansible-playbook {}", playbook.display()),
        status: status.to_string(),
        tail: tail(&log, begins).map_err(DeployError::file(&log))?,
        hint: format!("all it said is in {}; `deploy up` goes on from here", log.display()),
    })
}

/// The last lines of a log that came after so many bytes.
fn tail(log: &Path, begins: u64) -> io::Result<String> {
    let text = std::fs::read(log)?;
    let text = text.get(usize::try_from(begins).unwrap_or(0)..).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.trim_end().lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}
