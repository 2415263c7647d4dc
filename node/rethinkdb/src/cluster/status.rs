//! What a cluster says of itself: the documents of `table_status` and the links of `server_status`.

use super::Table;
use super::log::Copy;
use super::network::Network;
use super::shard::{Office, Shard, Stage};
use bigchaindb_core::model::Json;

/// What is to be known of a table's replicas. Source: RethinkDB's documentation, `status`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableStatus {
    /// The server that speaks for the table; none if it has no majority.
    pub raft_leader: Option<String>,
    /// Its shards, by key.
    pub shards: Vec<ShardStatus>,
    /// What it is ready for.
    pub ready: Readiness,
}

/// What is to be known of a shard's replicas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardStatus {
    /// Who claims to be primary: one, or none.
    pub primary_replicas: Vec<String>,
    /// Its replicas with their states.
    pub replicas: Vec<(String, &'static str)>,
}

/// What a table is ready for; each includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Readiness {
    /// Nothing.
    Unavailable,
    /// Reads from any replica.
    OutdatedReads,
    /// Reads.
    Reads,
    /// Reads and writes.
    Writes,
    /// All replicas are there.
    Finished,
}

impl TableStatus {
    /// The table's row in `table_status`, without `id`, `db` and `name`.
    pub fn document(&self) -> Json {
        let shards = self.shards.iter().map(|shard| {
            let primaries = shard.primary_replicas.iter().map(|name| Json::from(&**name));
            let replicas = shard.replicas.iter().map(|(server, state)| {
                Json::object([("server", Json::from(&**server)), ("state", Json::from(*state))])
            });
            Json::object([
                ("primary_replicas", Json::Array(primaries.collect())),
                ("replicas", Json::Array(replicas.collect())),
            ])
        });
        let at_least = |readiness| Json::from(self.ready >= readiness);
        let status = Json::object([
            ("all_replicas_ready", at_least(Readiness::Finished)),
            ("ready_for_outdated_reads", at_least(Readiness::OutdatedReads)),
            ("ready_for_reads", at_least(Readiness::Reads)),
            ("ready_for_writes", at_least(Readiness::Writes)),
        ]);
        Json::object([
            ("raft_leader", self.raft_leader.as_deref().map_or(Json::Null, Json::from)),
            ("shards", Json::Array(shards.collect())),
            ("status", status),
        ])
    }
}

pub(super) fn of_table<U: Clone>(table: &Table<U>, now: u64, network: &Network) -> TableStatus {
    let name = |server| network.server(server).name.clone();
    let leader = table
        .shards
        .iter()
        .find_map(|shard| shard.primary().filter(|_| shard.has_quorum(now, network)));
    let shards = table.shards.iter().map(|shard| of_shard(shard, now, network));
    let ready = table.shards.iter().map(|shard| readiness(shard, now, network));
    TableStatus {
        raft_leader: leader.map(name),
        shards: shards.collect(),
        ready: ready.min().unwrap_or(Readiness::Finished),
    }
}

fn of_shard<U: Clone>(shard: &Shard<U>, now: u64, network: &Network) -> ShardStatus {
    let name = |server| network.server(server).name.clone();
    let there = |server: &_| !network.is_down(*server);
    let quorum = shard.has_quorum(now, network);
    let state = |server| {
        if network.is_down(server) {
            return "disconnected";
        }
        let copy = shard.copies.iter().find(|copy| copy.server == server);
        let Some(copy) = copy else { return "backfilling" };
        match shard.primary() {
            None => "waiting_for_primary",
            Some(primary) if primary == server && !quorum => "waiting_for_quorum",
            Some(primary) if primary == server => "ready",
            Some(primary) if network.session(primary, server).is_none() => "disconnected",
            Some(_) if copy.follows.is_some_and(|(_, since)| since <= now) => "ready",
            Some(_) => "backfilling",
        }
    };
    ShardStatus {
        primary_replicas: shard.primary().filter(there).map(name).into_iter().collect(),
        replicas: shard.replicas.iter().map(|server| (name(*server), state(*server))).collect(),
    }
}

fn readiness<U: Clone>(shard: &Shard<U>, now: u64, network: &Network) -> Readiness {
    let serves = match shard.office {
        Office::Held { stage, .. } if shard.has_quorum(now, network) => Some(stage),
        _ => None,
    };
    match serves {
        Some(Stage::Serving) => {
            let ready = |copy: &Copy| copy.follows.is_some_and(|(_, at)| at <= now);
            let all = shard.copies.iter().all(ready) && !shard.is_moving();
            if all { Readiness::Finished } else { Readiness::Writes }
        }
        Some(Stage::HandingOver(_)) => Readiness::Reads,
        _ if shard.copies.iter().any(|copy| network.is_running(copy.server)) => {
            Readiness::OutdatedReads
        }
        _ => Readiness::Unavailable,
    }
}
