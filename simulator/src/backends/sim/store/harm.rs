//! What befalls the servers of the store, and where its tables move.

use bigchaindb_core::query::Query;
use bigchaindb_rethinkdb::cluster::{
    AccessKind, Harm, Keys, LayoutError, Process, ServerId, ShardLayout, lay_out, split_points_for,
};

use super::{SimStore, TABLES, Told, reach};
use crate::observe::Table;
use crate::plan::Shape;

impl SimStore {
    /// Something befalls servers.
    pub(in crate::backends::sim) fn harm(&mut self, now: u64, harm: Harm) -> Vec<Told> {
        match harm {
            Harm::Cut(from, to) => *self.cuts.entry((from, to)).or_default() += 1,
            Harm::Heal(from, to) => {
                let cuts = self.cuts.entry((from, to)).or_default();
                *cuts = cuts.saturating_sub(1);
                if *cuts > 0 {
                    return Vec::new();
                }
            }
            _ => {}
        }
        let mut effects = Vec::new();
        self.cluster.harm(now, harm, &mut effects);
        self.carry_out(now, effects)
    }

    /// All servers of the store.
    pub(in crate::backends::sim) fn servers(&self) -> Vec<ServerId> {
        self.cluster.servers().collect()
    }

    /// What a server's process does.
    pub(in crate::backends::sim) fn process(&self, server: ServerId) -> Process {
        self.cluster.process(server)
    }

    /// Whether nothing that one server sends reaches the other.
    pub(in crate::backends::sim) fn is_cut(&self, from: ServerId, to: ServerId) -> bool {
        self.cluster.is_cut(from, to)
    }

    /// Whether a fault that is not over cuts what one server sends to the other.
    pub(in crate::backends::sim) fn is_held_cut(&self, from: ServerId, to: ServerId) -> bool {
        self.cuts.get(&(from, to)).is_some_and(|cuts| *cuts > 0)
    }

    /// A server has no room for more, because of this fault of the plan, or has again.
    pub(in crate::backends::sim) fn set_full(&mut self, server: ServerId, fault: Option<usize>) {
        match fault {
            Some(fault) => self.full.insert(server, fault),
            None => self.full.remove(&server),
        };
    }

    /// Whether a server has no room for more.
    pub(in crate::backends::sim) fn is_full(&self, server: ServerId) -> bool {
        self.full.contains_key(&server)
    }

    /// If a question wants to write where there is no room: because of which fault, and where.
    pub(in crate::backends::sim) fn without_room(&self, query: &Query) -> Option<(usize, usize)> {
        if self.full.is_empty() {
            return None;
        }
        let accesses = reach::accesses(query, self.manner);
        let writes = accesses.iter().filter(|one| matches!(one.kind, AccessKind::Write(_)));
        let rows = writes.flat_map(|access| match &access.keys {
            Keys::These(keys) => keys.iter().map(|key| (access.table, key)).collect(),
            Keys::All | Keys::Between(_) => Vec::new(),
        });
        let mut primaries = rows.filter_map(|(table, key)| {
            self.cluster.primary(table, self.cluster.shard_of(table, key)?)
        });
        primaries.find_map(|server| Some((*self.full.get(&server)?, usize::from(server.0))))
    }

    /// A server takes so many times as long to answer; 1 is as usual.
    pub(in crate::backends::sim) fn set_slow(&mut self, server: ServerId, factor: u32) {
        match factor {
            0 | 1 => self.slow.remove(&server),
            _ => self.slow.insert(server, factor),
        };
    }

    /// How many times as long a server takes to answer.
    pub(in crate::backends::sim) fn slowness(&self, server: ServerId) -> u32 {
        self.slow.get(&server).copied().unwrap_or(1)
    }

    /// How many times as long replication to and from a server takes.
    pub(in crate::backends::sim) fn link_slowness(&self, server: ServerId) -> u32 {
        self.cluster.slowness(server)
    }

    /// All tables get other shards and replicas, or, if nothing is said, other primaries; what follows.
    /// A table that cannot be moved now stays as it is.
    pub(in crate::backends::sim) fn reconfigure(
        &mut self,
        now: u64,
        shape: Option<Shape>,
    ) -> Vec<Told> {
        let mut effects = Vec::new();
        let mut told = Vec::new();
        for (_, table) in TABLES {
            let Ok(layout) = self.layout(table, shape) else { continue };
            let number = reach::number(table);
            // Refused without a majority, as a client would be.
            let _refused = self.cluster.reconfigure(now, number, layout, &mut effects);
            told.extend(self.carry_out(now, std::mem::take(&mut effects)));
        }
        told
    }

    /// How all tables lie.
    pub(in crate::backends::sim) fn layouts(&self) -> Vec<Vec<ShardLayout>> {
        TABLES.iter().map(|(_, table)| self.lies(*table)).collect()
    }

    fn lies(&self, table: Table) -> Vec<ShardLayout> {
        self.cluster.layout(reach::number(table)).unwrap_or_default().to_vec()
    }

    fn layout(&self, table: Table, shape: Option<Shape>) -> Result<Vec<ShardLayout>, LayoutError> {
        let mut old = self.lies(table);
        let Some(Shape { shards, replicas }) = shape else {
            old.iter_mut().for_each(|shard| shard.replicas.rotate_left(1));
            return Ok(old);
        };
        let (shards, replicas) = (shards as usize, replicas as usize);
        let points = if shards == old.len() {
            old[1..].iter().map(|shard| shard.range.from.clone()).collect()
        } else {
            let rows = self.engine.tables().expect("a store in memory can be read");
            let rows = rows.get(table.as_str()).map_or(&[][..], Vec::as_slice);
            let mut keys: Vec<_> = rows.iter().map(reach::key).collect();
            keys.sort();
            split_points_for(&keys, shards)
        };
        let others = TABLES.iter().filter(|(_, other)| *other != table);
        let others: Vec<_> = others.flat_map(|(_, other)| self.lies(*other)).collect();
        lay_out(&points, replicas, &self.servers(), &old, &others)
    }
}
