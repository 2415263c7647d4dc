//! What is in an index, and in which order: RethinkDB's rules.

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::{
    Batch, BatchError, Durability, Engine, NativeIndex, NativeTable, Row, Schema, Shape, Value,
};

use crate::language::json;

static SCHEMA: Schema = Schema::new(&[NativeTable {
    name: "t",
    shape: Shape::Plain,
    indexes: &[
        NativeIndex { name: "simple", value: Value::Simple(&["a", "b"]), function: "" },
        NativeIndex {
            name: "compound",
            value: Value::Compound(&[&["a"], &["b", "c"]]),
            function: "",
        },
        NativeIndex { name: "multi", value: Value::Multi(&["a", "b"]), function: "" },
        NativeIndex {
            name: "each",
            value: Value::Each { arrays: &[&["a"], &["b"]], parts: &[&["c"], &["d"]] },
            function: "",
        },
    ],
}]);

/// A document, and what it is found under in that index; nothing if it is not in it.
const FOUND_UNDER: &str = r#"
    simple   | {"a":{"b":5}}                            | 5
    simple   | {"a":{"b":[1,"x"]}}                      | [1,"x"]
    simple   | {"a":{"b":null}}                         |
    simple   | {"a":{}}                                 |
    simple   | {"a":null}                               |
    simple   | {"a":7}                                  |
    simple   | {}                                       |
    simple   | {"a":{"b":{"c":1}}}                      |
    simple   | {"a":{"b":[1,null]}}                     |
    simple   | {"a":[{"b":1},{"c":1},null,{"b":2}]}     | [1,2]
    simple   | {"a":[{"b":1},{"b":null}]}               |
    simple   | {"a":[{"b":1},7]}                        |
    simple   | {"a":[[{"b":1}]]}                        |
    compound | {"a":1,"b":{"c":"x"}}                    | [1,"x"]
    compound | {"a":1,"b":{}}                           |
    compound | {"a":null,"b":{"c":"x"}}                 |
    compound | {"a":[1],"b":{"c":true}}                 | [[1],true]
    multi    | {"a":{"b":[3,1,3]}}                      | 1 3 3
    multi    | {"a":{"b":[3,null,{},[1]]}}              | [1] 3
    multi    | {"a":{"b":"one"}}                        | "one"
    multi    | {"a":{"b":[]}}                           |
    multi    | {"a":[{"b":2},{"b":null},null,{},{"b":2}]} | 2 2
    multi    | {"a":[{"b":2},"x"]}                      |
    multi    | {"a":[{"b":[1,2]},{"b":[3]}]}            | [1,2] [3]
    each     | {"a":[{"b":[{"c":1,"d":2},{"c":1,"d":2}]},{"b":[{"c":0,"d":0}]}]} | [0,0] [1,2] [1,2]
    each     | {"a":[7,{"b":9},{"b":[8,{"c":1},{"c":1,"d":2}]}]} | [1,2]
"#;

const VALUES: &str = r#"1 2 3 5 7 [1] [3] [1,2] [1,"x"] [[1],true] [0,0] "one" [1,null] null {}"#;

fn with<R>(engine: &mut Engine, work: impl FnOnce(&mut Batch<'_>) -> Result<R, BatchError>) -> R {
    engine.transact(Durability::Hard, work).unwrap()
}

fn row(id: i64, document: &str) -> Row {
    let Json::Object(mut fields) = json(document) else { panic!("{document}") };
    fields.insert("id", Json::from(id));
    Row::new(Shape::Plain, fields.into())
}

#[test]
fn a_document_is_found_under_its_values_only() {
    let table = SCHEMA.table("t").unwrap();
    for line in FOUND_UNDER.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [index, document, values] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let index = SCHEMA.index(table, index.trim()).unwrap();
        let mut engine = Engine::in_memory_with(&SCHEMA);
        with(&mut engine, |batch| batch.insert(table, row(1, document.trim())));
        let mut found: Vec<&str> = Vec::new();
        for value in VALUES.split_whitespace() {
            let rows = with(&mut engine, |batch| Ok(batch.get_all(index, &json(value))?));
            found.extend(rows.iter().map(|_| value));
        }
        found.sort_unstable();
        let mut expected: Vec<_> = values.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{line}");

        // Whatever it was found under, it no longer is once it is another, or gone.
        with(&mut engine, |batch| batch.replace(table, row(1, "{}")));
        with(&mut engine, |batch| batch.insert(table, row(2, document.trim())));
        with(&mut engine, |batch| batch.delete(table, &Json::from(2_i64)));
        assert_eq!(with(&mut engine, |batch| Ok(batch.ordered(index, &[], 9)?)), [], "{line}");
    }
}

#[test]
fn entries_are_in_the_order_of_value_and_primary_key() {
    let table = SCHEMA.table("t").unwrap();
    let simple = SCHEMA.index(table, "simple").unwrap();
    let compound = SCHEMA.index(table, "compound").unwrap();
    let mut engine = Engine::in_memory_with(&SCHEMA);
    let values = [r#""b""#, "2", "[1]", "true", "10", r#""a""#, "2", "-1", r#""a""#];
    with(&mut engine, |batch| {
        for (id, value) in (0..).zip(values) {
            batch.insert(table, row(id, &format!(r#"{{"a":{{"b":{value}}},"b":{{"c":1}}}}"#)))?;
        }
        for (id, (a, c)) in (10..).zip([(2, 1), (1, 2), (1, 1), (3, 0), (1, 3)]) {
            batch.insert(table, row(id, &format!(r#"{{"a":{a},"b":{{"c":{c}}}}}"#)))?;
        }
        Ok(())
    });
    let ids = |rows: &[std::sync::Arc<Row>]| -> Vec<_> {
        rows.iter().map(|row| row.document().get("id").unwrap().as_i64().unwrap()).collect()
    };
    let rows = with(&mut engine, |batch| Ok(batch.ordered(simple, &[], 99)?));
    assert_eq!(ids(&rows), [2, 3, 7, 1, 6, 4, 5, 8, 0]);
    let rows = with(&mut engine, |batch| Ok(batch.ordered(simple, &[], 3)?));
    assert_eq!(ids(&rows), [2, 3, 7]);
    let rows = with(&mut engine, |batch| Ok(batch.ordered(compound, &[Json::from(1_i64)], 99)?));
    assert_eq!(ids(&rows), [12, 11, 14]);
    let rows = with(&mut engine, |batch| Ok(batch.rows(table)?));
    assert_eq!(ids(&rows), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14]);
}

#[test]
fn a_failed_batch_writes_nothing() {
    let table = SCHEMA.table("t").unwrap();
    let mut engine = Engine::in_memory_with(&SCHEMA);
    let feed = engine.subscribe(table, None);
    let outcome = engine.transact(Durability::Hard, |batch| {
        batch.insert(table, row(1, "{}"))?;
        batch.insert(table, Row::new(Shape::Plain, json(r#"{"id":null}"#)))
    });
    assert!(matches!(outcome, Err(BatchError::Key(_))), "{outcome:?}");
    assert_eq!(engine.tables().unwrap()["t"], []);
    assert!(feed.drain().is_empty());
}
