//! Open feeds: each is bound to the primaries that it was opened with.
//!
//! A feed ends when one of them leaves its office, or is out of sight for so long that it counts as
//! lost. As long as nobody knows that, it is open and silent. What is told in a feed is its owner's
//! business; here is only whether it gets through.

use super::network::{Network, ServerId, Session};
use super::operation::TableNumber;
use super::{Tables, Timing};

/// An open feed.
pub(super) struct Follow {
    pub(super) server: ServerId,
    life: u32,
    bonds: Vec<Bond>,
    /// It is broken, and its client hears of it then.
    pub(super) ends_us: Option<u64>,
    /// Whether all that its primaries tell gets through.
    flows: bool,
}

/// What a feed hangs on, for one shard.
pub(super) struct Bond {
    pub(super) table: TableNumber,
    pub(super) cut: u32,
    pub(super) shard: usize,
    pub(super) primary: ServerId,
    pub(super) life: u32,
    pub(super) session: Session,
}

/// What becomes of a feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// As before.
    Stays,
    /// What was held up gets through now.
    FlowsAgain,
    /// Its client is told that it ended.
    Ends,
    /// Its client's server is gone.
    Lost,
}

impl Follow {
    pub(super) fn new(server: ServerId, bonds: Vec<Bond>, network: &Network) -> Self {
        let life = network.server(server).life;
        Self { server, life, bonds, ends_us: None, flows: true }
    }

    pub(super) fn review<U: Clone>(
        &mut self,
        now: u64,
        network: &Network,
        timing: &Timing,
        tables: &Tables<U>,
    ) -> Fate {
        if network.is_down(self.server) || network.server(self.server).life != self.life {
            return Fate::Lost;
        }
        if self.bonds.iter().any(|bond| bond.is_broken(self.server, network, tables)) {
            self.ends_us.get_or_insert(now + timing.abort_us);
        }
        if self.ends_us.is_some_and(|at| at <= now) && network.is_running(self.server) {
            return Fate::Ends;
        }
        let flows = self.bonds.iter().all(|bond| network.flows(bond.primary, self.server));
        let again = flows && !self.flows;
        self.flows = flows;
        if again && self.ends_us.is_none() { Fate::FlowsAgain } else { Fate::Stays }
    }

    /// Whether a change in a shard gets through now.
    pub(super) fn hears(&self, table: TableNumber, shard: usize, network: &Network) -> bool {
        let bond = self.bonds.iter().find(|bond| (bond.table, bond.shard) == (table, shard));
        self.ends_us.is_none() && bond.is_some_and(|bond| network.flows(bond.primary, self.server))
    }
}

impl Bond {
    fn is_broken<U: Clone>(&self, server: ServerId, network: &Network, tables: &Tables<U>) -> bool {
        let table = tables.get(&self.table).filter(|table| table.cut == self.cut);
        let shard = table.and_then(|table| table.shards.get(self.shard));
        let in_office = shard.is_some_and(|shard| shard.is_in_office(self.primary, self.life));
        !in_office || network.session(server, self.primary) != Some(self.session)
    }
}
