//! Where a cluster's tables are: shards, replicas, primaries, and whether they are ready.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::operation::{Interrupted, LOOK_INTERVAL};
use super::{Live, Member, State, clock, key};
use crate::cluster::{
    Effect, KeyRange, LayoutError, Readiness, ServerId, ShardLayout, TableSpec, TableStatus,
    lay_out, split_points_for,
};
use crate::database::{Database, DatabaseError, KeyRange as RowRange, PAGE_ROWS_MAX};
use crate::feeds::Change;
use crate::storage::Direction;
use crate::{Table, TableId};

impl Live {
    /// Brings the cluster in line with the catalog: new tables are laid out on these servers, dropped
    /// ones go, and acknowledgements are as configured.
    pub(super) fn follow_catalog(&self, servers: &[ServerId]) {
        let catalog = self.database.catalog();
        let tables: Vec<&Arc<Table>> = catalog.dbs().flat_map(|db| db.tables()).collect();
        let unknown: Vec<&Arc<Table>> = {
            let state = self.lock();
            let is_new = |table: &&Arc<Table>| !state.tables.contains_key(&table.id);
            tables.iter().copied().filter(is_new).collect()
        };
        // A table that was here before the cluster has keys.
        let points: Vec<_> = unknown
            .into_iter()
            .map(|table| {
                (table, split_points(&self.database, table, usize::from(table.config.shards)))
            })
            .collect();
        self.act(|state, now, effects| {
            let gone: Vec<_> = state
                .tables
                .iter()
                .filter(|(id, _)| catalog.table_of(**id).is_none())
                .map(|(id, number)| (*id, *number))
                .collect();
            for (id, number) in gone {
                state.tables.remove(&id);
                state.cluster.drop_table(now, number, effects);
            }
            for (table, points) in points {
                if !state.tables.contains_key(&table.id) {
                    state.create(now, table, &points, servers, effects);
                }
            }
            for table in tables {
                if let Some(number) = state.tables.get(&table.id) {
                    state.cluster.set_acks(*number, table.config.write_acks);
                }
            }
        });
    }
}

impl State {
    fn create(
        &mut self,
        now: u64,
        table: &Table,
        points: &[Vec<u8>],
        servers: &[ServerId],
        effects: &mut Vec<Effect<Change>>,
    ) {
        // Of a database that once had more servers.
        let replicas = usize::from(table.config.replicas).clamp(1, servers.len());
        let others = self.layouts(None);
        let layout = lay_out(points, replicas, servers, &[], &others)
            .expect("replicas are no more than servers, shards no more than the catalog allows");
        let number = u32::try_from(self.new_number()).expect("nobody makes so many tables");
        let (db, name) = (table.db.to_string(), table.name().to_string());
        let spec = TableSpec { db, name, acks: table.config.write_acks, layout };
        self.cluster.create_table(now, number, spec, effects);
        self.tables.insert(table.id, number);
    }

    /// How all tables lie but this one.
    fn layouts(&self, but: Option<TableId>) -> Vec<ShardLayout> {
        let others = self.tables.iter().filter(|(id, _)| Some(**id) != but);
        others.flat_map(|(_, number)| self.cluster.layout(*number)).flatten().cloned().collect()
    }
}

/// The points that cut a table into so many shards of about as many rows each.
fn split_points(database: &Database, table: &Table, shards: usize) -> Vec<Vec<u8>> {
    if shards <= 1 {
        return Vec::new();
    }
    // What cannot be read is cut as if it were empty.
    let keys = keys(database, table).unwrap_or_default();
    split_points_for(&keys, shards)
}

/// All primary keys of a table, in their order.
fn keys(database: &Database, table: &Table) -> Result<Vec<Vec<u8>>, DatabaseError> {
    let (mut keys, mut last) = (Vec::new(), None);
    loop {
        let direction = Direction::Ascending;
        let page = database.page(
            table.id,
            None,
            &RowRange::ALL,
            direction,
            last.as_ref(),
            PAGE_ROWS_MAX,
        )?;
        for found in &page.rows {
            keys.extend(found.row.datum().get(&table.primary_key).map(key));
        }
        last = page.rows.last().map(|found| found.place.clone());
        if !page.more {
            return Ok(keys);
        }
    }
}

/// How shards are to be cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// As they are, if there are as many.
    AsIs,
    /// Anew, by the rows that are there.
    Anew,
}

impl Member {
    /// Tables were made, changed or dropped.
    pub(crate) fn follow_catalog(&self) {
        self.live.follow_catalog(&self.connected());
    }

    /// How a table lies, by key, the primary first; none if there is no such table any more.
    pub(crate) fn layout(&self, table: TableId) -> Option<Vec<ShardLayout>> {
        let state = self.live.lock();
        Some(state.cluster.layout(*state.tables.get(&table)?)?.to_vec())
    }

    /// What a table's replicas are about.
    pub(crate) fn status(&self, table: TableId) -> Option<TableStatus> {
        let state = self.live.lock();
        state.cluster.table_status(*state.tables.get(&table)?)
    }

    /// Whether a table can be changed.
    ///
    /// # Errors
    /// If most replicas of a shard are out of reach; says what is not done for that.
    pub(crate) fn check_reachable(
        &self,
        table: &Table,
        undone: &'static str,
    ) -> Result<(), LayoutError> {
        let state = self.live.lock();
        let number = state.tables.get(&table.id);
        if number.is_none_or(|number| state.cluster.is_reachable(*number)) {
            return Ok(());
        }
        let (db, table) = (table.db.to_string(), table.name().to_string());
        Err(LayoutError::Unreachable { db, table, undone })
    }

    /// Where a table's shards and replicas would be put: on servers that this one sees.
    ///
    /// # Errors
    /// As [`LayoutError`] says.
    pub(crate) fn plan(
        &self,
        table: &Table,
        shards: usize,
        replicas: usize,
        cut: Cut,
    ) -> Result<Vec<ShardLayout>, LayoutError> {
        let old = self.layout(table.id).unwrap_or_default();
        let points = if cut == Cut::AsIs && old.len() == shards {
            old.iter().skip(1).map(|shard| shard.range.from.clone()).collect()
        } else {
            split_points(&self.live.database, table, shards)
        };
        let others = self.live.lock().layouts(Some(table.id));
        lay_out(&points, replicas, &self.connected(), &old, &others)
    }

    /// The same shards, or as many new ones, on these servers, the primary first.
    pub(crate) fn placed(&self, table: &Table, servers: Vec<Vec<ServerId>>) -> Vec<ShardLayout> {
        let old = self.layout(table.id).unwrap_or_default();
        let ranges = if old.len() == servers.len() {
            old.into_iter().map(|shard| shard.range).collect()
        } else {
            KeyRange::between(&split_points(&self.live.database, table, servers.len()))
        };
        let shard = |(range, replicas)| ShardLayout { range, replicas };
        ranges.into_iter().zip(servers).map(shard).collect()
    }

    /// Puts a table's shards and replicas elsewhere.
    ///
    /// # Errors
    /// If most replicas of a shard are out of reach.
    pub(crate) fn reconfigure(
        &self,
        table: TableId,
        layout: Vec<ShardLayout>,
    ) -> Result<(), LayoutError> {
        self.live.act(|state, now, effects| match state.tables.get(&table) {
            Some(number) => state.cluster.reconfigure(now, *number, layout, effects),
            None => Ok(()),
        })
    }

    /// Waits until these tables are ready for something, those that are still there; false if they
    /// were not in time, or the query was stopped.
    pub(crate) fn wait_until_ready(
        &self,
        tables: &[TableId],
        readiness: Readiness,
        timeout: Option<Duration>,
        interrupted: Interrupted<'_>,
    ) -> bool {
        let until = timeout.and_then(|timeout| clock::now().checked_add(timeout));
        let mut state = self.live.lock();
        loop {
            let ready = tables.iter().filter_map(|id| state.tables.get(id)).all(|number| {
                let status = state.cluster.table_status(*number);
                status.is_none_or(|status| status.ready >= readiness)
            });
            if ready {
                return true;
            }
            let is_late = until.is_some_and(|until| clock::now() >= until);
            if is_late || interrupted.load(Ordering::Relaxed) {
                return false;
            }
            let waited = self.live.moved.wait_timeout(state, LOOK_INTERVAL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
