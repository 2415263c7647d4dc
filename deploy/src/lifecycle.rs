//! The life of a run, whoever makes its machines: up, and down.

use std::path::Path;
use std::time::Duration;

use crate::error::{DeployError, Result};
use crate::inventory::Inventory;
use crate::provider::{Provider, Resource};
use crate::run::{Run, Step};
use crate::{configs, keys, playbook, reach};

/// From wherever a run is to a federation that stands: keys, machines, configs, a way in, playbooks.
///
/// Each step finds what is done and goes on from there. Without a playbook, the machines are made and reached,
/// and that is all. `tell` hears what begins.
///
/// # Errors
/// A step fails. Calling it again goes on; [`down`] takes away what there is.
pub fn up(
    provider: &dyn Provider,
    run: &mut Run,
    playbook: Option<&Path>,
    pause: Duration,
    mut tell: impl FnMut(&str),
) -> Result<Inventory> {
    if matches!(run.state.step, Step::Ending | Step::Gone) {
        let message = format!("run `{}` is over", run.state.id);
        return Err(DeployError::wrong(message, "begin another: `deploy up` with the wish's file"));
    }
    tell("keys");
    keys::make(run)?;
    tell("machines");
    let inventory = provider.up(run, &mut tell)?;
    run.save_inventory(&inventory)?;
    configs::write_all(run, &inventory)?;
    tell("a way in");
    reach::wait(&inventory, pause)?;
    if let Some(playbook) = playbook {
        tell("playbooks");
        run.begin(Step::Configuring)?;
        playbook::carry_out(run, playbook, &[])?;
        run.begin(Step::Ready)?;
    }
    Ok(inventory)
}

/// Takes away all that a run has made, and looks whether that is so. Gives what is left: nothing, if all is well.
/// `tell` hears what goes.
///
/// # Errors
/// Something cannot be taken away, or nobody can look. Calling it again goes on.
pub fn down(
    provider: &dyn Provider,
    run: &mut Run,
    mut tell: impl FnMut(&str),
) -> Result<Vec<Resource>> {
    provider.down(run, &mut tell)?;
    let leaks = provider.leaks(run)?;
    if leaks.is_empty() {
        run.begin(Step::Gone)?;
    }
    Ok(leaks)
}
