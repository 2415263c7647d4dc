//! How a shard without a primary, or with one that has lost its majority, gets another.

use super::{Deposed, Office, Shard, Stage};
use crate::cluster::log::{Copy, majority};
use crate::cluster::network::{Network, ServerId};
use crate::cluster::{Timing, Undone};

/// Who will be primary, and when.
#[derive(Clone, Copy)]
pub(super) struct Election {
    pub(super) candidate: ServerId,
    pub(super) done_us: u64,
    pub(super) joining_us: u64,
}

/// Somebody is missed.
#[derive(Clone, Copy)]
pub(super) struct Missing {
    pub(super) since_us: u64,
    pub(super) cause: Cause,
}

/// How an office was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// The primary died, and everybody heard of it.
    Death,
    /// Nobody hears of it.
    Silence,
}

impl<U: Clone> Shard<U> {
    /// Whether one server could be primary: most replicas talk with it, and none of these knows more.
    pub(super) fn is_eligible(&self, candidate: ServerId, network: &Network) -> bool {
        let Some(own) = self.copies.iter().find(|copy| copy.server == candidate) else {
            return false;
        };
        let talks = |copy: &&Copy| network.open_session(candidate, copy.server).is_some();
        let quorum: Vec<_> = self.copies.iter().filter(talks).collect();
        let known = quorum.iter().map(|copy| copy.received).max();
        network.is_running(candidate)
            && quorum.len() >= majority(self.copies.len())
            && known <= Some(own.received)
    }

    pub(super) fn candidate(&self, network: &Network) -> Option<ServerId> {
        let others = self.copies.iter().map(|copy| copy.server);
        let mut order = std::iter::once(self.configured).chain(others);
        order.find(|one| self.primary() != Some(*one) && self.is_eligible(*one, network))
    }

    /// An election begins as soon as somebody can win it, and begins anew if that one cannot any more.
    pub(super) fn hold_election(&mut self, now: u64, network: &Network, timing: &Timing) {
        if let Office::Held { primary, life, .. } = self.office {
            self.office = Office::Held { primary, life, stage: Stage::Serving };
        }
        let silence = Missing { since_us: now, cause: Cause::Silence };
        let missing = match self.election {
            Some(election) if self.is_eligible(election.candidate, network) => return,
            Some(_) => Missing { since_us: now, cause: Cause::Death },
            None => self.missing.unwrap_or(silence),
        };
        self.missing = Some(missing);
        self.election = self.candidate(network).map(|candidate| {
            let takes_us = match missing.cause {
                // Whoever was waited for has come.
                _ if missing.since_us < now => timing.restart_us.saturating_sub(timing.joining_us),
                Cause::Death => timing.election_us,
                Cause::Silence => timing.election_after_silence_us,
            };
            Election { candidate, done_us: now + takes_us, joining_us: timing.joining_us }
        });
    }

    pub(super) fn conclude_election(
        &mut self,
        now: u64,
        network: &Network,
        timing: &Timing,
    ) -> Vec<Undone<U>> {
        let Some(Election { candidate, done_us, joining_us }) = self.election else {
            return Vec::new();
        };
        if done_us > now {
            return Vec::new();
        }
        if let Office::Held { primary, life, .. } = self.office {
            self.deposed = Some(Deposed { primary, life, until_us: None });
        }
        self.blip_until_us = now + timing.blip_us;
        self.election = None;
        let stage = match joining_us {
            0 => Stage::Serving,
            _ => Stage::Joining(now + joining_us),
        };
        self.take_office(candidate, stage, now, network)
    }

    /// A new primary: what it does not have is lost, and whoever talks with it gets what it has.
    pub(super) fn take_office(
        &mut self,
        primary: ServerId,
        stage: Stage,
        now: u64,
        network: &Network,
    ) -> Vec<Undone<U>> {
        let own = self.copies.iter().find(|copy| copy.server == primary);
        let received = own.expect("a primary is a replica").received;
        let lost = self.log.truncate(received, &mut self.copies);
        for copy in &mut self.copies {
            let session = network.open_session(primary, copy.server);
            copy.follows = session.map(|session| (session, now));
            if copy.follows.is_some() {
                copy.received = received;
            }
        }
        self.term += 1;
        self.missing = None;
        self.office = Office::Held { primary, life: network.server(primary).life, stage };
        lost
    }
}
