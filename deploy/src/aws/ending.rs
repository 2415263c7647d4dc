//! Takes away what is of a run in a region, in the order in which it can go.
//!
//! Spot requests and instances first, until they are terminated: before that, nothing of theirs is free. Then
//! addresses, volumes, the groups' rules about each other, the groups, the key pair. What is there is found by
//! tag each time, never from memory, so that it makes no difference where an earlier try has died. Lists lag
//! behind what is done: only several looks in a row that find nothing mean that nothing is there.

use super::client::ApiError;
use super::ec2::{Ec2, Found, Kind};

/// So many looks in a row have to find nothing.
const EMPTY_LOOKS: u32 = 3;

/// So many looks without anything going, and nobody waits any longer.
const IDLE_LOOKS_MAX: u32 = 120;

/// Why not everything is gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndingError<E> {
    /// EC2 refuses.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It has been left as it is for too long.
    #[error("{} of {} stay in {region}, the first of them {}", left.len(), found, left[0].id)]
    Stuck {
        /// Where.
        region: String,
        /// What.
        left: Vec<Found>,
        /// Of how many that were there.
        found: usize,
    },
    /// It could not be written down what was to be done: then it is not done.
    #[error("it cannot be written down")]
    Journal(E),
}

/// Takes away all that `look` finds in one region, everything of a run or a part of it, until it finds nothing any
/// more. Before each call, `journal` is told what is taken away.
///
/// # Errors
/// See [`EndingError`]; calling it again goes on.
pub(super) fn end<E>(
    ec2: Ec2<'_>,
    look: impl Fn() -> Result<Vec<Found>, ApiError>,
    mut journal: impl FnMut(&Found) -> Result<(), E>,
) -> Result<(), EndingError<E>> {
    let mut empty_looks = 0;
    let mut idle_looks = 0;
    let mut most = 0;
    let mut before = usize::MAX;
    loop {
        let left = look()?;
        most = most.max(left.len());
        if left.is_empty() {
            empty_looks += 1;
            if empty_looks >= EMPTY_LOOKS {
                return Ok(());
            }
        } else {
            empty_looks = 0;
            idle_looks = if left.len() < before { 0 } else { idle_looks + 1 };
            before = left.len();
            if idle_looks >= IDLE_LOOKS_MAX {
                return Err(EndingError::Stuck {
                    region: ec2.region.to_owned(),
                    left,
                    found: most,
                });
            }
            step(ec2, &left, &mut journal)?;
        }
        ec2.client.pause();
    }
}

/// What bears the run's tag and is not over.
///
/// # Errors
/// EC2 cannot be asked.
pub(super) fn left(ec2: Ec2<'_>, run: &str) -> Result<Vec<Found>, ApiError> {
    let mut left = Vec::new();
    for kind in Kind::ALL {
        left.extend(ec2.of_run(kind, run)?.into_iter().filter(|found| !found.is_over()));
    }
    Ok(left)
}

/// Takes away what can go now: nothing else while there are machines.
fn step<E>(
    ec2: Ec2<'_>,
    left: &[Found],
    journal: &mut impl FnMut(&Found) -> Result<(), E>,
) -> Result<(), EndingError<E>> {
    let machines = |found: &&Found| matches!(found.kind, Kind::SpotRequest | Kind::Instance);
    let begun = |found: &Found| {
        found.state == "shutting-down" || (found.kind == Kind::Volume && found.state == "deleting")
    };
    let mut now: Vec<_> = left.iter().filter(machines).collect();
    if now.is_empty() {
        now = left.iter().collect();
        for group in left.iter().filter(|found| found.kind == Kind::Group) {
            journal(group).map_err(EndingError::Journal)?;
            allowed(ec2.take_away_rules(&group.id))?;
        }
    }
    for found in now.into_iter().filter(|found| !begun(found)) {
        journal(found).map_err(EndingError::Journal)?;
        allowed(ec2.take_away(found))?;
    }
    Ok(())
}

/// What is gone already is as good as taken away; what is in use comes later.
fn allowed(outcome: Result<(), ApiError>) -> Result<(), ApiError> {
    match outcome {
        Err(error) if error.is_not_found() || error.is_in_use() => Ok(()),
        outcome => outcome,
    }
}
