//! The tables that a node also asks natively, and by what their rows are found.
//!
//! Here: the tables of a BigchainDB database, those of the original with its six indexes and ours,
//! and when an index that a client makes is one of them. Not here: what an index takes out of a
//! document (`index`), the tables that clients make (`catalog`).

use bigchaindb_core::model::Json;

use super::{IndexId, TableId};
use crate::index::{NativeIndex, Path, Value};
use crate::row::Shape;
use crate::unlisted;

/// The tables that are asked natively. Each has the number it has here, whoever makes it.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The tables.
    pub tables: &'static [NativeTable],
    /// What is kept beside the tables, derived from them.
    pub(crate) views: &'static [unlisted::View],
}

/// A table that is asked natively.
#[derive(Clone, Copy, Debug)]
pub struct NativeTable {
    /// Its name.
    pub name: &'static str,
    /// What its rows are taken for.
    pub shape: Shape,
    /// What its rows are found by, apart from `id`; at most 16. All of them are kept for as long as
    /// there is the table, whether a client declares them or not.
    pub indexes: &'static [NativeIndex],
}

/// How many native indexes a table has at most; clients' indexes have their numbers from here on.
pub(super) const NATIVE_INDEXES_MAX: u16 = 16;

impl Schema {
    /// A database of these tables.
    pub const fn new(tables: &'static [NativeTable]) -> Self {
        Self { tables, views: &[] }
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<TableId> {
        let number = (0..).zip(self.tables).find(|(_, table)| table.name == name)?.0;
        Some(TableId::any(number))
    }

    /// The index of that name of a table.
    pub fn index(&self, table: TableId, name: &str) -> Option<IndexId> {
        let indexes = self.tables.get(usize::from(table.number))?.indexes;
        let (number, index) = (0..).zip(indexes).find(|(_, index)| index.name == name)?;
        Some(IndexId { table, number, tag_length: index.value.tag_length() })
    }
}

/// Whether two functions do the same, but for the numbers of their variables: `r.row` is the
/// parameter of its function.
pub(super) fn same_function(one: &str, other: &str) -> bool {
    let parse = |text: &str| Json::parse(text.as_bytes()).ok().and_then(|term| renumbered(&term));
    one == other || parse(one).is_some_and(|one| parse(other) == Some(one))
}

/// The terms of a function and of its parameters.
const FUNC: i64 = 69;
const VAR: i64 = 10;
const IMPLICIT_VAR: i64 = 13;
const MAKE_ARRAY: i64 = 2;

/// How deep a function may be that is compared: far beyond that of every native index.
const TERMS_DEEP_MAX: usize = 100;

fn renumbered(function: &Json) -> Option<Json> {
    renumber(function, &mut Vec::new(), TERMS_DEEP_MAX)
}

/// A term with variables numbered from 0, outermost first; none if it is deeper than is looked at.
fn renumber(term: &Json, variables: &mut Vec<i64>, deep: usize) -> Option<Json> {
    let deep = deep.checked_sub(1)?;
    let Json::Array(parts) = term else { return Some(term.clone()) };
    let number = parts.first().and_then(Json::as_i64);
    let arguments = parts.get(1).and_then(Json::as_array);
    match (number, arguments) {
        (Some(FUNC), Some([parameters, body])) => {
            let names = parameters.as_array()?.get(1)?.as_array()?;
            let outer = variables.len();
            variables.extend(names.iter().filter_map(Json::as_i64));
            let numbers = (outer..variables.len()).map(numeral).collect::<Vec<_>>();
            let body = renumber(body, variables, deep);
            variables.truncate(outer);
            let parameters = vec![Json::from(MAKE_ARRAY), Json::from(numbers)];
            let arguments = vec![Json::from(parameters), body?];
            Some(vec![Json::from(FUNC), Json::from(arguments)].into())
        }
        (Some(VAR), Some([name])) => {
            let name = name.as_i64()?;
            let at = variables.iter().rposition(|variable| *variable == name)?;
            Some(vec![Json::from(VAR), vec![numeral(at)].into()].into())
        }
        (Some(IMPLICIT_VAR), _) => {
            let at = variables.len().checked_sub(1)?;
            Some(vec![Json::from(VAR), vec![numeral(at)].into()].into())
        }
        _ => {
            let parts = parts.iter().map(|part| renumber(part, variables, deep));
            Some(parts.collect::<Option<Vec<_>>>()?.into())
        }
    }
}

fn numeral(number: usize) -> Json {
    Json::Int(number as i128)
}

/// The tables of a BigchainDB database.
///
/// Source: BigchainDB 0.6.0, `db/utils.py`; `positions`, `spends` and `unlisted` are ours.
pub static BIGCHAINDB: Schema = Schema {
    tables: &[
        NativeTable {
            name: "backlog",
            shape: Shape::Transaction,
            indexes: &[
                NativeIndex {
                    name: "transaction_timestamp",
                    value: Value::Simple(&["transaction", "timestamp"]),
                    function: "[69,[[2,[0]],[170,[[170,[[10,[0]],\"transaction\"]],\"timestamp\"]]]]",
                },
                NativeIndex {
                    name: "assignee__transaction_timestamp",
                    value: Value::Compound(&[&["assignee"], &["transaction", "timestamp"]]),
                    function: "[69,[[2,[0]],[2,[[170,[[10,[0]],\"assignee\"]],\
                        [170,[[170,[[10,[0]],\"transaction\"]],\"timestamp\"]]]]]]",
                },
            ],
        },
        NativeTable {
            name: "bigchain",
            shape: Shape::Block,
            indexes: &[
                NativeIndex {
                    name: "block_timestamp",
                    value: Value::Simple(&["block", "timestamp"]),
                    function: "[69,[[2,[0]],[170,[[170,[[10,[0]],\"block\"]],\"timestamp\"]]]]",
                },
                NativeIndex {
                    name: "transaction_id",
                    value: Value::Multi(&["block", "transactions", "id"]),
                    function: "[69,[[2,[0]],[170,[[170,[[170,[[10,[0]],\"block\"]],\
                        \"transactions\"]],\"id\"]]]]",
                },
                NativeIndex {
                    name: "payload_uuid",
                    value: Value::Multi(&["block", "transactions", "transaction", "data", "uuid"]),
                    function: "[69,[[2,[0]],[170,[[170,[[170,[[170,[[170,[[10,[0]],\"block\"]],\
                        \"transactions\"]],\"transaction\"]],\"data\"]],\"uuid\"]]]]",
                },
                NativeIndex {
                    name: "spends",
                    value: Value::Each { arrays: FULFILLMENTS, parts: SPENT_OUTPUT },
                    // For each transaction, for each fulfillment: [input.txid, input.cid].
                    function: "[69,[[2,[0]],[40,[[170,[[170,[[10,[0]],\"block\"]],\
                        \"transactions\"]],[69,[[2,[1]],[38,[[170,[[170,[[10,[1]],\
                        \"transaction\"]],\"fulfillments\"]],[69,[[2,[2]],[2,[\
                        [170,[[170,[[10,[2]],\"input\"]],\"txid\"]],\
                        [170,[[170,[[10,[2]],\"input\"]],\"cid\"]]]]]]]]]]]]]]",
                },
            ],
        },
        NativeTable {
            name: "votes",
            shape: Shape::Vote,
            indexes: &[NativeIndex {
                name: "block_and_voter",
                value: Value::Compound(&[&["vote", "voting_for_block"], &["node_pubkey"]]),
                function: "[69,[[2,[0]],[2,[[170,[[170,[[10,[0]],\"vote\"]],\"voting_for_block\"]],\
                    [170,[[10,[0]],\"node_pubkey\"]]]]]]",
            }],
        },
        NativeTable {
            name: "positions",
            shape: Shape::Plain,
            indexes: &[NativeIndex {
                name: "block",
                value: Value::Simple(&["block"]),
                function: "[69,[[2,[0]],[170,[[10,[0]],\"block\"]]]]",
            }],
        },
    ],
    views: &[unlisted::follow],
};

const FULFILLMENTS: &[Path] = &[&["block", "transactions"], &["transaction", "fulfillments"]];
const SPENT_OUTPUT: &[Path] = &[&["input", "txid"], &["input", "cid"]];

pub(crate) const BACKLOG: TableId = TableId::any(0);
pub(crate) const BIGCHAIN: TableId = TableId::any(1);
pub(crate) const VOTES: TableId = TableId::any(2);
pub(crate) const POSITIONS: TableId = TableId::any(3);

pub(crate) const BACKLOG_BY_TIMESTAMP: IndexId = index(BACKLOG, 0);
pub(crate) const BACKLOG_BY_ASSIGNEE: IndexId = index(BACKLOG, 1);
pub(crate) const BIGCHAIN_BY_TIMESTAMP: IndexId = index(BIGCHAIN, 0);
pub(crate) const BIGCHAIN_BY_TRANSACTION: IndexId = index(BIGCHAIN, 1);
pub(crate) const BIGCHAIN_BY_PAYLOAD: IndexId = index(BIGCHAIN, 2);
pub(crate) const BIGCHAIN_BY_SPENT_OUTPUT: IndexId = index(BIGCHAIN, 3);
pub(crate) const VOTES_BY_BLOCK: IndexId = index(VOTES, 0);
pub(crate) const POSITIONS_BY_BLOCK: IndexId = index(POSITIONS, 0);

const fn index(table: TableId, number: u16) -> IndexId {
    let value = &BIGCHAINDB.tables[table.number as usize].indexes[number as usize].value;
    IndexId { table, number, tag_length: value.tag_length() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_names() {
        let named = [
            (BACKLOG_BY_TIMESTAMP, "backlog", "transaction_timestamp"),
            (BACKLOG_BY_ASSIGNEE, "backlog", "assignee__transaction_timestamp"),
            (BIGCHAIN_BY_TIMESTAMP, "bigchain", "block_timestamp"),
            (BIGCHAIN_BY_TRANSACTION, "bigchain", "transaction_id"),
            (BIGCHAIN_BY_PAYLOAD, "bigchain", "payload_uuid"),
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
