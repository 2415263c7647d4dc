//! Which tables there are, and by what their rows are found.
//!
//! Here: the tables of a BigchainDB database, those of the original with its six indexes and ours.
//! Not here: what an index takes out of a document (`index`).

use crate::index::{Index, Path, Value};
use crate::row::Shape;
use crate::unlisted;

/// A database's tables.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// At most 250.
    pub tables: &'static [Table],
    /// What is kept beside the tables, derived from them.
    pub(crate) views: &'static [unlisted::View],
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What its rows are taken for.
    pub shape: Shape,
    /// What its rows are found by, apart from `id`; at most 250.
    pub indexes: &'static [Index],
}

impl Schema {
    /// A database of these tables.
    pub const fn new(tables: &'static [Table]) -> Self {
        Self { tables, views: &[] }
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<TableId> {
        let number = (0..).zip(self.tables).find(|(_, table)| table.name == name)?.0;
        Some(TableId(number))
    }

    /// The index of that name of a table.
    pub fn index(&self, table: TableId, name: &str) -> Option<IndexId> {
        let indexes = self.of(table).indexes;
        let number = (0..).zip(indexes).find(|(_, index)| index.name == name)?.0;
        Some(IndexId { table, number })
    }

    pub(crate) fn index_of(&self, index: IndexId) -> &'static Index {
        &self.of(index.table).indexes[usize::from(index.number)]
    }

    pub(crate) fn of(&self, table: TableId) -> &'static Table {
        &self.tables[usize::from(table.0)]
    }
}

/// A table, by its number in its [`Schema`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TableId(pub(crate) u8);

/// An index, by its table and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexId {
    pub(crate) table: TableId,
    pub(crate) number: u8,
}

/// A BigchainDB database.
///
/// Source: BigchainDB 0.6.0, `db/utils.py`; `positions`, `spends` and `unlisted` are ours.
pub static BIGCHAINDB: Schema = Schema {
    tables: &[
        Table {
            name: "backlog",
            shape: Shape::Transaction,
            indexes: &[
                Index {
                    name: "transaction_timestamp",
                    value: Value::Simple(&["transaction", "timestamp"]),
                },
                Index {
                    name: "assignee__transaction_timestamp",
                    value: Value::Compound(&[&["assignee"], &["transaction", "timestamp"]]),
                },
            ],
        },
        Table {
            name: "bigchain",
            shape: Shape::Block,
            indexes: &[
                Index { name: "block_timestamp", value: Value::Simple(&["block", "timestamp"]) },
                Index {
                    name: "transaction_id",
                    value: Value::Multi(&["block", "transactions", "id"]),
                },
                Index {
                    name: "payload_uuid",
                    value: Value::Multi(&["block", "transactions", "transaction", "data", "uuid"]),
                },
                Index {
                    name: "spends",
                    value: Value::Each { arrays: FULFILLMENTS, parts: SPENT_OUTPUT },
                },
            ],
        },
        Table {
            name: "votes",
            shape: Shape::Vote,
            indexes: &[Index {
                name: "block_and_voter",
                value: Value::Compound(&[&["vote", "voting_for_block"], &["node_pubkey"]]),
            }],
        },
        Table {
            name: "positions",
            shape: Shape::Plain,
            indexes: &[Index { name: "block", value: Value::Simple(&["block"]) }],
        },
    ],
    views: &[unlisted::follow],
};

const FULFILLMENTS: &[Path] = &[&["block", "transactions"], &["transaction", "fulfillments"]];
const SPENT_OUTPUT: &[Path] = &[&["input", "txid"], &["input", "cid"]];

pub(crate) const BACKLOG: TableId = TableId(0);
pub(crate) const BIGCHAIN: TableId = TableId(1);
pub(crate) const VOTES: TableId = TableId(2);
pub(crate) const POSITIONS: TableId = TableId(3);

pub(crate) const BACKLOG_BY_TIMESTAMP: IndexId = IndexId { table: BACKLOG, number: 0 };
pub(crate) const BACKLOG_BY_ASSIGNEE: IndexId = IndexId { table: BACKLOG, number: 1 };
pub(crate) const BIGCHAIN_BY_TRANSACTION: IndexId = IndexId { table: BIGCHAIN, number: 1 };
pub(crate) const BIGCHAIN_BY_SPENT_OUTPUT: IndexId = IndexId { table: BIGCHAIN, number: 3 };
pub(crate) const VOTES_BY_BLOCK: IndexId = IndexId { table: VOTES, number: 0 };
pub(crate) const POSITIONS_BY_BLOCK: IndexId = IndexId { table: POSITIONS, number: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_names() {
        let named = [
            (BACKLOG_BY_TIMESTAMP, "backlog", "transaction_timestamp"),
            (BACKLOG_BY_ASSIGNEE, "backlog", "assignee__transaction_timestamp"),
            (BIGCHAIN_BY_TRANSACTION, "bigchain", "transaction_id"),
            (BIGCHAIN_BY_SPENT_OUTPUT, "bigchain", "spends"),
            (VOTES_BY_BLOCK, "votes", "block_and_voter"),
            (POSITIONS_BY_BLOCK, "positions", "block"),
        ];
        for (id, table, index) in named {
            let table = BIGCHAINDB.table(table).unwrap();
            assert_eq!(BIGCHAINDB.index(table, index), Some(id));
        }
    }
}
