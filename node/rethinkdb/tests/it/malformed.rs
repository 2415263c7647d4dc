//! Rows that are not what their table is for: they stay where they are, and nothing breaks.

use bigchaindb_core::query::Query;
use bigchaindb_core::query::StoreError;
use bigchaindb_rethinkdb::{Durability, Engine, Row};
use proptest::prelude::*;

use crate::language::{json, query, words};

/// Table, and a document that is odd in it.
const ODD: &str = r#"
    backlog   | {"id":"a"}
    backlog   | {"id":"b","transaction":null,"assignee":"n1"}
    backlog   | {"id":"c","transaction":{"timestamp":"1"},"assignee":5}
    backlog   | {"id":"d","transaction":{"timestamp":"1"}}
    backlog   | {"id":5,"transaction":{"timestamp":"1"},"assignee":"n1"}
    backlog   | {"id":["a",1],"transaction":{"timestamp":"1"},"assignee":"n1"}
    bigchain  | {"id":"A"}
    bigchain  | {"id":"B","block":7}
    bigchain  | {"id":"C","block":{"timestamp":5,"transactions":[{"id":"a"}],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"D","block":{"transactions":{"id":"a"},"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"E","block":{"transactions":[null,5],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":true,"block":{"transactions":[],"voters":[],"node_pubkey":"n"}}
    votes     | {"id":"k1"}
    votes     | {"id":"k2","node_pubkey":"n1","vote":{"voting_for_block":"X"}}
    votes     | {"id":"k3","node_pubkey":5,"vote":{"voting_for_block":"X","previous_block":"p","is_block_valid":true}}
    votes     | {"id":7,"node_pubkey":"n1","vote":{"voting_for_block":"X","previous_block":"p","is_block_valid":true}}
    positions | {"id":2}
    positions | {"id":3,"block":["X"],"genesis":5}
    positions | {"id":1.5,"block":"X"}
    positions | {"id":-1,"block":"X"}
    positions | {"id":"1","block":"X"}
    positions | {"id":4.0,"block":"X"}
"#;

/// What the engine says then.
const SAID: &str = "
    backlog * 9             |
    backlog n1 9            |
    gather a b c d          |
    wait a n1               | unchanged
    reassign a n1 n2        | unchanged
    blocks A B C D E        |
    known A B C D E         |
    unlisted 9              |
    block B@1=a             | unchanged
    votes X                 |
    vote k2 X n1 yes        | k2:::no
    claim 2 Y               | 2=
    positions 0 9           | 2= 3= 4=X
    delete a b c d          | changed
    wait a n1               | inserted
    backlog * 9             | a~n1
    block Y@1=a             | inserted
    unlisted 9              | Y
";

fn write(engine: &mut Engine, table: &str, document: &str) {
    let schema = engine.schema();
    let table = schema.table(table).unwrap();
    let shape =
        schema.tables.iter().find(|other| schema.table(other.name) == Some(table)).unwrap().shape;
    let row = Row::new(shape, json(document));
    engine.transact(Durability::Hard, |batch| batch.replace(table, row)).unwrap();
}

fn odd() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = ODD.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.split_once('|').unwrap()).map(|(table, doc)| (table.trim(), doc.trim()))
}

#[test]
fn odd_rows_are_kept_and_not_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("data");
    for mut engine in [Engine::in_memory(), Engine::open(&disk).unwrap()] {
        for (table, document) in odd() {
            write(&mut engine, table, document);
            assert!(engine.tables().unwrap()[table].contains(&json(document)), "{document}");
        }
        for line in SAID.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (asked, said) = line.split_once('|').unwrap();
            let answer = engine.apply(&query(asked.trim()), Durability::Hard).unwrap();
            assert_eq!(words(&answer), said.trim(), "{asked}");
        }
    }
    let mut engine = Engine::open(&disk).unwrap();
    assert_eq!(engine.tables().unwrap()["votes"].len(), 4);
    assert_eq!(
        engine.apply(&query("positions 4 9"), Durability::Hard).map(|a| words(&a)).unwrap(),
        "4=X"
    );
}

#[test]
fn a_key_that_the_original_would_refuse_is_refused_alone() {
    let mut engine = Engine::in_memory();
    let long = "k".repeat(128);
    let queries = [
        query("wait a n1"),
        query(&format!("vote {long} X n1 yes")),
        query("vote k\0 X n1 yes"),
        Query::KnownBlocks { ids: vec![long.as_str().into(), "\0".into()] },
        Query::DeleteBacklog { transactions: vec![long.as_str().into(), "a".into()] },
    ];
    let answers = engine.apply_all(&queries, Durability::Hard);
    let answers: Vec<_> = answers.iter().map(|answer| answer.as_ref().map(words)).collect();
    assert!(matches!(answers[1], Err(StoreError::Refused(_))), "{answers:?}");
    assert!(matches!(answers[2], Err(StoreError::Refused(_))), "{answers:?}");
    for (number, expected) in [(0, "inserted"), (3, ""), (4, "changed")] {
        assert_eq!(answers[number].as_deref(), Ok(expected));
    }
}

/// Documents with the fields that matter, and anything in them.
fn anything() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        Just("1e400".to_owned()),
        "[a-zX]{0,3}".prop_map(|text| format!("\"{text}\"")),
    ];
    let name = prop::sample::select(vec![
        "id",
        "block",
        "transactions",
        "transaction",
        "fulfillments",
        "input",
        "txid",
        "cid",
        "timestamp",
        "vote",
        "voting_for_block",
        "previous_block",
        "is_block_valid",
        "node_pubkey",
        "voters",
        "assignee",
        "data",
        "uuid",
        "genesis",
    ]);
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map(name.clone(), inner, 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_breaks_a_query(
        documents in prop::collection::vec((0..4_usize, anything(), anything(), anything()), 1..8)
    ) {
        let mut engine = Engine::in_memory();
        let tables = ["backlog", "bigchain", "votes", "positions"];
        for (table, block, transaction, vote) in documents {
            let document = format!(
                r#"{{"id":"a","block":{block},"transaction":{transaction},"vote":{vote},
                    "node_pubkey":"n1","assignee":"n1"}}"#
            );
            write(&mut engine, tables[table], &document);
            prop_assert!(engine.tables().unwrap()[tables[table]].contains(&json(&document)));
            for line in SAID.lines().filter_map(|line| line.split_once('|')) {
                engine.apply(&query(line.0.trim()), Durability::Soft).unwrap();
            }
        }
    }
}
