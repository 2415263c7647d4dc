//! The tables, what their documents look like, and how all of them are read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Client;

/// Where a document is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Table {
    /// Plain documents.
    Rows,
    /// Blocks, which the storage keeps in parts: a frame and one for each transaction.
    Blocks,
}

/// A table, and a primary key in it.
pub(crate) type Key = (Table, String);

/// All documents.
pub(crate) type State = BTreeMap<Key, Value>;

/// Transactions in a block.
const TRANSACTIONS: u64 = 30;

/// Ends of a range: all there is.
const ALL: [fn() -> Value; 2] = [|| json!([180, []]), || json!([181, []])];

impl Table {
    pub(crate) fn term(self) -> Value {
        match self {
            Self::Rows => json!([15, [[14, ["test"]], "rows"]]),
            Self::Blocks => json!([15, [[14, ["bigchain"]], "bigchain"]]),
        }
    }

    /// The document under a key as its writer's step `stamp` makes it. Every part of it says so.
    pub(crate) fn document(self, id: &str, stamp: u64) -> Value {
        match self {
            Self::Rows => {
                let tags: Vec<_> = (0..stamp % 4).map(|tag| stamp % 7 + tag).collect();
                let text = format!("{stamp} ").repeat(20 + (stamp % 50) as usize);
                json!({"id": id, "stamp": stamp, "group": stamp % 5, "tags": tags, "text": text})
            }
            Self::Blocks => {
                let transaction = |number| {
                    let id = format!("{id}-{stamp}-{number}");
                    json!({"id": id, "transaction": {"stamp": stamp, "text": "x".repeat(200)}})
                };
                let transactions: Vec<_> = (0..TRANSACTIONS).map(transaction).collect();
                json!({"id": id, "block": {
                    "node_pubkey": "n", "timestamp": stamp.to_string(), "transactions": transactions,
                    "voters": [],
                }})
            }
        }
    }

    /// The steps that a document's parts are of: one, unless it is there by half.
    pub(crate) fn stamps(self, document: &Value) -> Vec<u64> {
        match self {
            Self::Rows => {
                let text = document["text"].as_str().unwrap().split_whitespace();
                text.map(|stamp| stamp.parse().unwrap()).chain(document["stamp"].as_u64()).collect()
            }
            Self::Blocks => {
                let transactions = document["block"]["transactions"].as_array().unwrap();
                assert_eq!(transactions.len() as u64, TRANSACTIONS, "{document}");
                let stamps = transactions.iter().map(|each| each["transaction"]["stamp"].as_u64());
                stamps.map(Option::unwrap).collect()
            }
        }
    }
}

/// An index: its name, its function of the document, whether it is multi.
struct Index {
    table: Table,
    name: &'static str,
    path: &'static [&'static str],
    multi: bool,
}

const INDEXES: [Index; 3] = [
    Index { table: Table::Rows, name: "group", path: &["group"], multi: false },
    Index { table: Table::Rows, name: "tags", path: &["tags"], multi: true },
    Index {
        table: Table::Blocks,
        name: "transaction_id",
        path: &["block", "transactions", "id"],
        multi: true,
    },
];

pub(crate) fn make(client: &mut Client) {
    let mut ask = |term: Value| client.ask(&term).unwrap();
    ask(json!([57, ["bigchain"]]));
    ask(json!([60, [[14, ["bigchain"]], "bigchain"]]));
    ask(json!([60, [[14, ["test"]], "rows"]]));
    for Index { table, name, path, multi } in &INDEXES {
        let field = |term, name: &&str| json!([170, [term, name]]);
        let value = path.iter().fold(json!([10, [1]]), field);
        let function = json!([69, [[2, [1]], value]]);
        ask(json!([75, [table.term(), name, function], {"multi": multi}]));
        ask(json!([140, [table.term(), name]]));
    }
}

/// All documents; their indexes and numbers say the same.
pub(crate) fn read(client: &mut Client) -> State {
    let mut state = State::new();
    for table in [Table::Rows, Table::Blocks] {
        let Value::Array(documents) = client.ask(&table.term()).unwrap() else { panic!() };
        let info = client.ask(&json!([79, [table.term()]])).unwrap();
        assert_eq!(info["doc_count_estimates"], json!([documents.len()]));
        for document in documents {
            let stamps = table.stamps(&document);
            assert!(stamps.iter().all(|stamp| *stamp == stamps[0]), "by half: {document}");
            state.insert((table, document["id"].as_str().unwrap().to_owned()), document);
        }
    }
    for Index { table, name, path, multi } in &INDEXES {
        check_index(client, &state, *table, name, path, *multi);
    }
    state
}

/// Whether an index has the entries that follow from the documents, and no other.
pub(crate) fn check_index(
    client: &mut Client,
    state: &State,
    table: Table,
    name: &str,
    path: &[&str],
    multi: bool,
) {
    let mut expected = Vec::new();
    for ((_, id), document) in state.iter().filter(|((of, _), _)| *of == table) {
        let mut values = vec![document];
        for field in path {
            let inner = values.into_iter().map(|value| &value[field]);
            values = match *field {
                "transactions" => inner.flat_map(|list| list.as_array().unwrap()).collect(),
                _ => inner.collect(),
            };
        }
        if multi && path.len() == 1 {
            values = values[0].as_array().unwrap().iter().collect();
        }
        expected.extend(values.into_iter().map(|value| (order(value), id.clone())));
    }
    expected.sort();
    let range = json!([182, [table.term(), ALL[0](), ALL[1]()], {"index": name}]);
    let Value::Array(found) = client.ask(&json!([41, [range], {"index": name}])).unwrap() else {
        panic!()
    };
    let found: Vec<_> = found.iter().map(|document| document["id"].as_str().unwrap()).collect();
    let expected: Vec<_> = expected.iter().map(|(_, id)| &**id).collect();
    assert!(found == expected, "index {name}: {found:?} instead of {expected:?}");
}

/// Something that is ordered as the value is.
fn order(value: &Value) -> (Option<u64>, Option<String>) {
    (value.as_u64(), value.as_str().map(str::to_owned))
}
