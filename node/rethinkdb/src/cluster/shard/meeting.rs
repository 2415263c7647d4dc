//! What an operation meets on its way: whom it is sent to, and what that one says.

use super::{Office, Shard, Stage};
use crate::cluster::failure::Failure;
use crate::cluster::log::Copy;
use crate::cluster::network::{Network, ServerId};
use crate::cluster::operation::{AccessKind, ReadMode};

/// Whom an operation goes to, or why to nobody.
pub(in crate::cluster) type Route = Result<ServerId, Failure>;

impl<U: Clone> Shard<U> {
    /// Whether a server holds the office, or believes so.
    pub(in crate::cluster) fn is_in_office(&self, server: ServerId, life: u32) -> bool {
        let held = matches!(self.office, Office::Held { primary, life: term, .. }
            if (primary, term) == (server, life));
        held || self.deposed.is_some_and(|one| (one.primary, one.life) == (server, life))
    }

    /// Whom a server takes for primary.
    pub(in crate::cluster) fn route(&self, from: ServerId, network: &Network) -> Route {
        let deposed = self.deposed.map(|deposed| deposed.primary);
        let claims = self.primary().into_iter().chain(deposed);
        let mut seen = claims.filter(|one| network.session(from, *one).is_some());
        match (seen.next(), seen.next()) {
            (Some(primary), None) => Ok(primary),
            (None, _) => Err(Failure::NoPrimary(self.range.clone())),
            (Some(_), Some(_)) => Err(Failure::TwoPrimaries),
        }
    }

    /// What an operation meets at whom it was sent to.
    pub(in crate::cluster) fn meet(
        &self,
        at: ServerId,
        kind: AccessKind,
        now: u64,
        network: &Network,
    ) -> Result<(), Failure> {
        let Office::Held { primary, stage, .. } = self.office else {
            return Err(Failure::NoQuorum);
        };
        if at != primary || !self.has_quorum(now, network) {
            return Err(Failure::NoQuorum);
        }
        match (stage, kind) {
            (Stage::Joining(_), _) => Err(Failure::NoQuorum),
            (
                Stage::HandingOver(_),
                AccessKind::Write(_) | AccessKind::Read(ReadMode::Majority),
            ) => Err(Failure::HandingOver),
            _ => Ok(()),
        }
    }

    /// The replica that answers an outdated read: the client's own server if it is one.
    pub(in crate::cluster) fn outdated(
        &self,
        from: ServerId,
        entropy: u64,
        now: u64,
        network: &Network,
    ) -> Result<&Copy, Failure> {
        let near = self.copies.iter().find(|copy| copy.server == from);
        let sees = |copy: &&Copy| network.session(from, copy.server).is_some();
        let far: Vec<_> = self.copies.iter().filter(sees).collect();
        if far.is_empty() || now < self.blip_until_us {
            return Err(Failure::NoReplica);
        }
        let drawn = usize::try_from(entropy % far.len() as u64).expect("replicas are few");
        Ok(near.unwrap_or(far[drawn]))
    }
}
