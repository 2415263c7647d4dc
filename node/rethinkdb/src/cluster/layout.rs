//! Where a table's replicas are put.
//!
//! Primaries on different servers where possible, replicas evenly, what is there already where it is.
//! Source: RethinkDB's documentation, "Sharding and replication"; the refusals as observed on 2.4.4.

use super::network::ServerId;
use super::range::{KeyRange, SHARDS_MAX};

/// A shard of a table, as it is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardLayout {
    /// Its keys.
    pub range: KeyRange,
    /// The servers that have a copy of it, the primary first.
    pub replicas: Vec<ServerId>,
}

impl ShardLayout {
    /// The server that is to be primary.
    pub fn primary(&self) -> ServerId {
        self.replicas[0]
    }
}

/// Why replicas cannot be put anywhere. Class OP_FAILED.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// No shard.
    #[error("Every table must have at least one shard.")]
    NoShards,
    /// More than 64 shards.
    #[error("Maximum number of shards is {SHARDS_MAX}.")]
    TooManyShards,
    /// No replica.
    #[error(
        "You must set `replicas` to at least one. `replicas` includes the primary replica; if there \
        are zero replicas, there is nowhere to put the data."
    )]
    NoReplicas,
    /// More replicas than servers.
    #[error(
        "Can't put {replicas} replicas on servers with the tag `default` because there are only \
        {servers} servers with the tag `default`. It's impossible to have more replicas of the data \
        than there are servers."
    )]
    TooFewServers {
        /// So many were wanted.
        replicas: usize,
        /// So many there are.
        servers: usize,
    },
    /// The table has no majority of its replicas.
    #[error(
        "The server(s) hosting table `{db}.{table}` are currently unreachable. {undone} If you do not expect the server(s) to recover, you can use `emergency_repair` \
        to restore availability of the table. \
        <http://rethinkdb.com/api/javascript/reconfigure/#emergency-repair-mode>"
    )]
    Unreachable {
        /// The database's name.
        db: String,
        /// The table's name.
        table: String,
        /// What was not done for that.
        undone: &'static str,
    },
}

/// Being primary costs a server a little more than being a replica.
const PRIMARY_COST: u32 = 10;
const REPLICA_COST: u32 = 8;

/// Puts a table's replicas on servers.
///
/// `old` is how the table lies now, if it exists; `others` how all other tables do.
///
/// # Errors
/// If there are not as many servers as replicas, or the numbers make no sense.
pub fn lay_out(
    split_points: &[Vec<u8>],
    replicas: usize,
    servers: &[ServerId],
    old: &[ShardLayout],
    others: &[ShardLayout],
) -> Result<Vec<ShardLayout>, LayoutError> {
    if split_points.len() >= SHARDS_MAX {
        return Err(LayoutError::TooManyShards);
    }
    if replicas == 0 {
        return Err(LayoutError::NoReplicas);
    }
    if replicas > servers.len() {
        return Err(LayoutError::TooFewServers { replicas, servers: servers.len() });
    }
    let ranges = KeyRange::between(split_points);
    let mut layout: Vec<ShardLayout> = ranges
        .into_iter()
        .map(|range| ShardLayout { range, replicas: Vec::with_capacity(replicas) })
        .collect();
    for copy in 0..replicas {
        for shard in 0..layout.len() {
            let range = &layout[shard].range;
            let free = servers.iter().filter(|server| !layout[shard].replicas.contains(server));
            let cost = |server: &&ServerId| {
                let moved = moved(range, **server, old, copy == 0);
                (usage(&layout, **server), moved, usage(others, **server), **server)
            };
            let best = *free.min_by_key(cost).expect("there are enough servers");
            layout[shard].replicas.push(best);
        }
    }
    Ok(layout)
}

fn usage(layout: &[ShardLayout], server: ServerId) -> u32 {
    let cost = |shard: &ShardLayout| match shard.replicas.iter().position(|one| *one == server) {
        Some(0) => PRIMARY_COST,
        Some(_) => REPLICA_COST,
        None => 0,
    };
    layout.iter().map(cost).sum()
}

/// How much a server lacks of a range: nothing if it is primary for it and is to be.
fn moved(range: &KeyRange, server: ServerId, old: &[ShardLayout], primary: bool) -> u32 {
    let overlapping = old.iter().filter(|shard| shard.range.overlaps(range));
    let lacks = |shard: &ShardLayout| match shard.replicas.iter().position(|one| *one == server) {
        Some(0) if primary => 0,
        Some(_) => 1,
        None => 3,
    };
    overlapping.map(lacks).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::range::split_points_for_uuids;

    fn servers(count: u16) -> Vec<ServerId> {
        (0..count).map(ServerId).collect()
    }

    #[test]
    fn primaries_and_replicas_are_spread_evenly() {
        for (count, shards, replicas) in [(1, 1, 1), (3, 1, 3), (4, 2, 3), (3, 3, 2), (5, 8, 3)] {
            let servers = servers(count);
            let points = split_points_for_uuids(shards);
            let layout = lay_out(&points, replicas, &servers, &[], &[]).unwrap();
            let primaries = |server| layout.iter().filter(|one| one.primary() == server).count();
            let most = servers.iter().map(|server| primaries(*server)).max();
            assert_eq!(most, Some(shards.div_ceil(usize::from(count))), "{layout:?}");
            for shard in &layout {
                let mut distinct = shard.replicas.clone();
                distinct.sort();
                distinct.dedup();
                assert_eq!(distinct.len(), replicas);
            }
        }
    }

    #[test]
    fn what_is_there_stays_where_it_is() {
        let servers = servers(4);
        let old = ShardLayout {
            range: KeyRange::between(&[]).remove(0),
            replicas: vec![ServerId(2), ServerId(3)],
        };
        let new = lay_out(&[], 3, &servers, std::slice::from_ref(&old), &[]).unwrap();
        assert_eq!(new[0].replicas[..2], old.replicas);
    }

    #[test]
    fn refusals_are_those_of_rethinkdb() {
        let refused = |shards, replicas| {
            let points = split_points_for_uuids(shards);
            lay_out(&points, replicas, &servers(1), &[], &[]).unwrap_err().to_string()
        };
        assert_eq!(
            refused(1, 3),
            "Can't put 3 replicas on servers with the tag `default` because there are only 1 \
             servers with the tag `default`. It's impossible to have more replicas of the data \
             than there are servers."
        );
        assert_eq!(refused(65, 1), "Maximum number of shards is 64.");
        assert!(refused(1, 0).starts_with("You must set `replicas` to at least one."));
    }
}
