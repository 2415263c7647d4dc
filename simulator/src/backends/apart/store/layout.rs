//! Tables that move: to as many shards and replicas as a fault says, or to other primaries where they are.
//!
//! As in the model, a table that cannot be moved now stays as it is; if none could be moved the fault has
//! not come about.

use std::net::SocketAddr;

use bigchaindb::store::rethinkdb::schema::TABLES;
use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};
use bigchaindb::store::rethinkdb::{Error, Term};
use bigchaindb_core::model::Json;

use super::super::super::real::reql;
use super::{ANSWER_WITHIN, Sign, Store};
use crate::plan::{Fault, How, Shape};

/// Tables that moved, and how the cluster is to know them from then on.
#[derive(Clone, Debug)]
pub(in super::super) struct Moved {
    /// Those that may be asked.
    servers: Vec<SocketAddr>,
    /// The shards of each table.
    tables: Vec<(&'static str, Json)>,
}

impl Store {
    /// Has tables move; by which sign it is known.
    pub(super) async fn reconfigure(&self, fault: &Fault) -> Sign {
        let shape = match fault.how {
            How::Tables(shape) => Some(shape),
            _ => None,
        };
        let mut servers = self.well();
        let mut tables = Vec::new();
        for table in TABLES {
            for server in &servers {
                match reconfigure(*server, table, shape).await {
                    Ok(Some(shards)) => tables.push((table, shards)),
                    // It lies so already.
                    Ok(None) => {}
                    // Another server may know more.
                    Err(_) => continue,
                }
                break;
            }
        }
        // That it is so is for others to say, if there are others.
        servers.reverse();
        if tables.is_empty() { Sign::Refused } else { Sign::Lies(Moved { servers, tables }) }
    }
}

/// Whether the cluster knows it.
pub(in super::super) async fn has_moved(moved: &Moved) -> bool {
    for (table, expected) in &moved.tables {
        let mut is_so = false;
        for server in &moved.servers {
            if let Ok(shards) = shards(*server, table).await {
                is_so = shards == *expected;
                break;
            }
        }
        if !is_so {
            return false;
        }
    }
    true
}

/// Moves one table; its shards from then on, if they are others than before.
async fn reconfigure(
    server: SocketAddr,
    table: &str,
    shape: Option<Shape>,
) -> Result<Option<Json>, Error> {
    let before = shards(server, table).await?;
    let moved = match shape {
        Some(Shape { shards, replicas }) => {
            Term::table(table, ReadMode::Single).reconfigure(shards.into(), replicas.into())
        }
        None => {
            let shards = before.as_array().unwrap_or_default().iter().map(with_next_primary);
            let shards = Term::value(&Json::Array(shards.collect()));
            let change = Term::function([1], |_| Term::object([("shards", shards)]));
            let is_it = |row: Term| {
                let database = row.clone().at("db").eq("bigchain");
                Term::all([database, row.at("name").eq(table)])
            };
            let configurations = Term::database("rethinkdb").table_of("table_config");
            let of_table = configurations.filter(Term::function([2], |[row]| is_it(row)));
            of_table.update(change, Durability::Hard)
        }
    };
    // What a refusal is, and what only looks like one, shows in the table.
    let _ = reql(server, ANSWER_WITHIN).value(&moved).await;
    let after = shards(server, table).await?;
    Ok((after != before).then_some(after))
}

/// How a table's shards are meant to lie.
async fn shards(server: SocketAddr, table: &str) -> Result<Json, Error> {
    let config = Term::table(table, ReadMode::Single).config().at("shards");
    reql(server, ANSWER_WITHIN).read_value(&config).await
}

/// The same shard, the next of its replicas the primary.
fn with_next_primary(shard: &Json) -> Json {
    let mut shard = shard.clone();
    let replicas = shard.get("replicas").and_then(Json::as_array).unwrap_or_default();
    let primary = shard.get("primary_replica");
    let place = replicas.iter().position(|replica| Some(replica) == primary);
    let next = place.and_then(|place| replicas.get((place + 1) % replicas.len())).cloned();
    if let (Some(next), Some(primary)) = (next, shard.get_mut("primary_replica")) {
        *primary = next;
    }
    shard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replica_behind_the_primary_is_the_next_one() {
        for (before, after) in [
            (r#"{"primary_replica":"s1","replicas":["s1","s2"]}"#, "s2"),
            (r#"{"primary_replica":"s3","replicas":["s1","s2","s3"]}"#, "s1"),
            (r#"{"primary_replica":"s1","replicas":["s1"]}"#, "s1"),
            (r#"{"primary_replica":"s1","replicas":[]}"#, "s1"),
        ] {
            let shard = with_next_primary(&Json::parse(before.as_bytes()).unwrap());
            assert_eq!(shard.get("primary_replica").and_then(Json::as_str), Some(after));
        }
        assert_eq!(with_next_primary(&Json::Null), Json::Null);
    }
}
