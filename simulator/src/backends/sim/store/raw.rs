//! The raw door of the store: rows as a member with full access may write them, whatever they are.
//!
//! Nodes have no such question; Byzantine members and the harness do. A raw write goes through the
//! cluster like any other. Here too: reading without the cluster, for whoever sees everything.

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Query, StoreError, Write};
use bigchaindb_core::stages::Ticket;
use bigchaindb_rethinkdb::cluster::{Access, AccessKind, Keys};
use bigchaindb_rethinkdb::{BatchError, Durability, Engine, Row, Shape, TableId, table_of};

use super::{Asker, Question, SimStore, TABLES, Told, reach};
use crate::observe::{FinalRow, Table};

/// A row is written over whatever has its key, or deleted.
#[derive(Clone, Debug)]
pub(in crate::backends::sim) struct RawWrite {
    pub(in crate::backends::sim) table: Table,
    pub(in crate::backends::sim) what: What,
}

#[derive(Clone, Debug)]
pub(in crate::backends::sim) enum What {
    /// Unless its key is taken.
    Insert(Json),
    /// Over whatever has its key.
    Put(Json),
    /// The row with this primary key.
    Delete(Json),
}

impl RawWrite {
    /// The row's primary key.
    fn key(&self) -> Vec<u8> {
        match &self.what {
            What::Insert(row) | What::Put(row) => reach::key(row),
            What::Delete(id) => reach::key_of(Some(id)),
        }
    }

    pub(super) fn accesses(&self, manner: reach::Manner) -> Vec<Access> {
        let kind = AccessKind::Write(manner.durability);
        vec![Access { table: reach::number(self.table), keys: Keys::These(vec![self.key()]), kind }]
    }

    pub(super) fn carry_out(&self, engine: &mut Engine) -> Result<Answer, StoreError> {
        let (table, shape) = (table(self.table), shape(self.table));
        let changed =
            engine.transact::<_, BatchError>(Durability::Hard, |batch| match &self.what {
                What::Insert(row) => batch.insert(table, Row::new(shape, row.clone())),
                What::Put(row) => batch.replace(table, Row::new(shape, row.clone())),
                What::Delete(id) => batch.delete(table, id),
            });
        let changed = changed.map_err(|error| StoreError::Refused(error.to_string()))?;
        Ok(Answer::Written(if changed { Write::Changed } else { Write::Unchanged }))
    }
}

fn table(table: Table) -> TableId {
    let (feed, _) = TABLES.iter().find(|(_, one)| *one == table).expect("every table has a feed");
    table_of(*feed)
}

fn shape(table: Table) -> Shape {
    match table {
        Table::Backlog => Shape::Transaction,
        Table::Bigchain => Shape::Block,
        Table::Votes => Shape::Vote,
        Table::Positions => Shape::Plain,
    }
}

impl SimStore {
    /// A raw write reaches the store.
    pub(in crate::backends::sim) fn write(
        &mut self,
        now: u64,
        asker: Asker,
        ticket: Ticket,
        write: RawWrite,
    ) -> Vec<Told> {
        self.question(now, asker, ticket, Question::Raw(write), now)
    }

    /// What a raw write takes.
    pub(in crate::backends::sim) fn raw_cost_us(&self) -> u64 {
        self.costs.query_us + self.costs.row_us + self.costs.sync_us
    }

    /// Reads what stands in the tables, past the cluster.
    ///
    /// # Panics
    /// If the question is none that a store in memory can answer without writing.
    pub(in crate::backends::sim) fn peek(&mut self, query: &Query) -> Answer {
        let answer = self.engine.apply(query, Durability::Soft);
        answer.expect("a store in memory can be read")
    }

    /// Hands over all that stands in the tables; the store is empty then.
    pub(in crate::backends::sim) fn give_up_engine(&mut self) -> Engine {
        std::mem::replace(&mut self.engine, Engine::in_memory())
    }

    /// Every row of one table.
    pub(in crate::backends::sim) fn rows_of(&self, wanted: Table) -> Vec<FinalRow> {
        self.rows().filter(|row| row.table == wanted).collect()
    }
}
