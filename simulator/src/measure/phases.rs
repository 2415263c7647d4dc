//! Before, during and after faults: the figures of a run, apart.
//!
//! What a client meant to send before the first fault was applied belongs to `before`; from then on until
//! the last one was over, to `during`; later, to `after`. The moment that counts is the intended one,
//! whatever comes of the operation and when: so each operation belongs to one phase. A fault that was
//! never over lasts until the log's end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gather::Load;
use super::{CdfPoint, Distribution, FaultWindow, Latency};

/// A part of a run, by whether something was wrong on purpose.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// Which.
    pub name: PhaseName,
    /// When it began, in microseconds of the run.
    pub from_us: u64,
    /// When the next one began, or the log ended.
    pub until_us: u64,
    /// Operations that the plan intended in it.
    pub requested: u64,
    /// Of those, sent.
    pub sent: u64,
    /// Of those, acknowledged.
    pub accepted: u64,
    /// How long each hop of them took.
    pub latency: Latency,
    /// The distribution of their time from intended to decided, ascending.
    pub decided_cdf: Vec<CdfPoint>,
}

/// A phase's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PhaseName {
    /// Before the first fault was applied.
    Before,
    /// From then on until the last one was over.
    During,
    /// When all was well again.
    After,
}

/// How long something took.
#[derive(Clone, Copy, Debug)]
pub(super) enum Took {
    /// This long.
    Us(u64),
    /// At least so long; it was not over when the log ended.
    AtLeast(u64),
}

/// How long an operation took until each hop; none of a hop that it is not measured by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) sent: Option<Took>,
    pub(super) accepted: Option<Took>,
    pub(super) in_block: Option<Took>,
    pub(super) decided: Option<Took>,
    pub(super) readable: Option<Took>,
}

/// Those of many operations.
#[derive(Debug, Default)]
pub(super) struct Timings {
    sent: Distribution,
    accepted: Distribution,
    in_block: Distribution,
    pub(super) decided: Distribution,
    readable: Distribution,
}

/// The phases of a run.
pub(super) struct Phases(Vec<(Phase, Timings)>);

impl Timings {
    pub(super) fn add(&mut self, times: &Times) {
        let Times { sent, accepted, in_block, decided, readable } = *times;
        let hops = [
            (&mut self.sent, sent),
            (&mut self.accepted, accepted),
            (&mut self.in_block, in_block),
            (&mut self.decided, decided),
            (&mut self.readable, readable),
        ];
        for (distribution, took) in hops {
            match took {
                Some(Took::Us(us)) => distribution.add(us),
                Some(Took::AtLeast(us)) => distribution.add_censored(us),
                None => {}
            }
        }
    }

    pub(super) fn latency(&mut self) -> Latency {
        let readable = self.readable.percentiles();
        Latency {
            sent: self.sent.percentiles(),
            accepted: self.accepted.percentiles(),
            in_block: self.in_block.percentiles(),
            decided: self.decided.percentiles(),
            readable: (readable.count > 0).then_some(readable),
        }
    }
}

impl Phases {
    /// The phases between these moments; none if no fault was applied.
    pub(super) fn of<'a>(
        faults: impl Iterator<Item = &'a FaultWindow> + Clone,
        began_us: u64,
        ended_us: u64,
    ) -> Self {
        let applied = faults.filter(|fault| fault.applied_us.is_some());
        let first_us = applied.clone().filter_map(|fault| fault.applied_us).min();
        let last_us = applied.map(|fault| fault.healed_us.unwrap_or(ended_us)).max();
        let (Some(first_us), Some(last_us)) = (first_us, last_us) else {
            return Self(Vec::new());
        };
        let phases = [
            (PhaseName::Before, began_us, first_us),
            (PhaseName::During, first_us, last_us),
            (PhaseName::After, last_us, ended_us),
        ];
        let phase = |(name, from_us, until_us)| {
            let (latency, decided_cdf) = (Latency::default(), Vec::new());
            let (requested, sent, accepted) = (0, 0, 0);
            Phase { name, from_us, until_us, requested, sent, accepted, latency, decided_cdf }
        };
        Self(phases.map(|bounds| (phase(bounds), Timings::default())).into())
    }

    /// An operation, in the phase in which it was intended.
    pub(super) fn add(&mut self, load: &Load, times: &Times) {
        let last = self.0.iter().rposition(|(phase, _)| phase.from_us <= load.intended_us);
        // What was intended before the first record was written is from before.
        let Some((phase, timings)) = self.0.get_mut(last.unwrap_or(0)) else { return };
        phase.requested += 1;
        phase.sent += u64::from(load.sent_us.is_some());
        phase.accepted += u64::from(load.sent_us.and(load.accepted_us).is_some());
        timings.add(times);
    }

    pub(super) fn finish(self) -> Vec<Phase> {
        let finish = |(phase, mut timings): (Phase, Timings)| {
            let latency = timings.latency();
            Phase { latency, decided_cdf: timings.decided.cdf(), ..phase }
        };
        self.0.into_iter().map(finish).collect()
    }
}
