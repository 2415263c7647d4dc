//! What came of looking at a document alone.
//!
//! A fulfillment is read and its signatures verified once, whatever it spends: the fulfillment itself
//! says which condition it opens. Judging then only compares that condition's URI with the one that
//! guards the input. Where a timeout is part of it, the fulfillment is kept and asked again for each
//! time it is judged at.

use std::collections::BTreeSet;

use crate::model::cryptoconditions::{Circumstances, Fulfillment};
use crate::model::{Profile, Raised, SignatureCheck, Thresholds};

use super::InvalidTransaction;

/// How many of the times at which a fulfillment may begin or cease to hold are tried. An escrow has
/// two; more than this many are there to keep the judge busy.
const MAX_TURNING_POINTS: usize = 16;

/// What came of looking at a document alone; [`ConsensusRules::judge`](super::ConsensusRules::judge)
/// of the same rules knows how to read it.
#[derive(Clone, Debug)]
pub struct Checked(pub(super) By);

/// By whose rules it was looked at.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// Profile `default`: which condition each fulfillment opens; or why the document is refused.
    Default(Result<Vec<Opening>, InvalidTransaction>),
    /// Profile `v0.6.0`. The original meets facts before, between and behind these steps, and the
    /// first exception counts: so each outcome is kept, good or bad, and `judge` walks through them in
    /// the original's order.
    Original {
        /// Whether the id is right; or what computing it raises.
        id: Result<bool, Raised>,
        /// What reading each fulfillment comes to; `None` where the original says `False` at once.
        openings: Result<Vec<Result<Option<Opening>, Raised>>, Raised>,
    },
}

/// A fulfillment that was read.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// Whether it is fulfilled.
    pub(super) holds: Holds,
    /// The URI of the condition that it opens.
    pub(super) uri: Result<String, Raised>,
}

/// Whether a fulfillment is fulfilled.
#[derive(Clone, Debug)]
pub(super) enum Holds {
    /// The same at all times.
    Ever(Result<bool, Raised>),
    /// It depends on the time: this is asked.
    Timed(Box<Timed>),
}

/// A fulfillment that contains a timeout, with its message.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    fulfillment: Fulfillment,
    message: String,
    manner: Manner,
}

/// How a fulfillment is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) profile: Profile,
    pub(super) thresholds: Thresholds,
}

impl From<Profile> for Manner {
    fn from(profile: Profile) -> Self {
        Self { profile, thresholds: profile.thresholds() }
    }
}

impl Opening {
    /// Verifies the signatures of a fulfillment that was read.
    pub(super) fn of(
        fulfillment: Fulfillment,
        message: String,
        manner: Manner,
        signatures: &dyn SignatureCheck,
    ) -> Self {
        let uri = fulfillment.condition_uri().map_err(Raised::from);
        let holds = if fulfillment.depends_on_time() {
            Holds::Timed(Box::new(Timed { fulfillment, message, manner }))
        } else {
            Holds::Ever(holds(&fulfillment, &message, None, manner, signatures))
        };
        Self { holds, uri }
    }

    /// Whether it is fulfilled at some time after `at`, in Unix seconds: of the times at which that
    /// may change, the next [`MAX_TURNING_POINTS`] are tried.
    pub(super) fn holds_after(&self, at: u64, signatures: &dyn SignatureCheck) -> bool {
        let Holds::Timed(timed) = &self.holds else { return false };
        let expiries = timed.fulfillment.expiries().into_iter();
        let times = expiries.flat_map(|until| [until, until.saturating_add(1)]);
        let times: BTreeSet<_> = times.filter(|time| *time > at).collect();
        let mut next = times.into_iter().take(MAX_TURNING_POINTS);
        next.any(|time| timed.holds_at(time, signatures) == Ok(true))
    }

    /// Whether it is fulfilled at a time, in Unix seconds.
    pub(super) fn holds_at(
        &self,
        at: u64,
        signatures: &dyn SignatureCheck,
    ) -> Result<bool, Raised> {
        match &self.holds {
            Holds::Ever(holds) => holds.clone(),
            Holds::Timed(timed) => timed.holds_at(at, signatures),
        }
    }
}

impl Timed {
    fn holds_at(&self, at: u64, signatures: &dyn SignatureCheck) -> Result<bool, Raised> {
        // Timeouts are compared with times of ten digits; the time before 2001 needs zeros.
        let now = format!("{at:010}");
        holds(&self.fulfillment, &self.message, Some(&now), self.manner, signatures)
    }
}

fn holds(
    fulfillment: &Fulfillment,
    message: &str,
    now: Option<&str>,
    Manner { profile, thresholds }: Manner,
    signatures: &dyn SignatureCheck,
) -> Result<bool, Raised> {
    let around = Circumstances { message, now, profile, thresholds, signatures };
    Ok(fulfillment.validate_in(&around)?)
}
