//! What a real server said, said again.
//!
//! `vectors/reql-2.4.4.jsonl` holds what was sent to a fresh RethinkDB 2.4.4, in order, and what came
//! back. Every answer has to be the same, path of the error included, but for what differs from server
//! to server (identities, the time, generated keys), the order of what has none, and what
//! [`DEVIATIONS`] names.

use bigchaindb_rethinkdb::reql::{Outcome, Request, parse, run};
use bigchaindb_rethinkdb::wire::Response;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::support::env;

const RECORDED: &str = include_str!("../../vectors/reql-2.4.4.jsonl");

/// Answers that are meant to differ: the line's number (from 0), and why. The README tells them too.
const DEVIATIONS: &[(usize, &str)] = &[
    (19, "a row's errors are counted in the order of the rows"),
    (46, "a batch has no more rows than asked for"),
    (47, "a row was written that was not recorded"),
    (64, "a table is ready as soon as it is reconfigured"),
    (67, "a table is ready as soon as it is reconfigured"),
    (83, "an index is ready as soon as it is made"),
    (84, "an index is ready as soon as it is made"),
    (191, "the table was made by a query that was not recorded"),
    (202, "rows that compare equal come in the order they were found in"),
    (231, "a table's rows come in another order"),
    (235, "a batch has no more rows than asked for"),
    (309, "a table is ready as soon as it is reconfigured"),
];

const ORDER_BY: u64 = 41;

#[test]
fn recorded_answers_are_given_again() {
    let env = env();
    let mut wrong = Vec::new();
    for (index, line) in RECORDED.lines().enumerate() {
        let recorded = read(line.as_bytes());
        let sent = &recorded["send"];
        let found = answer(&env, &sent.to_string());
        let is_ordered = mentions(sent, &|term, options| {
            term == ORDER_BY && options.is_some_and(|options| options.get("index").is_some())
        });
        let expected = normal(&recorded["recv"], is_ordered);
        let found = normal(&found, is_ordered);
        let deviates = DEVIATIONS.iter().find(|(line, _)| *line == index);
        match (expected == found, deviates) {
            (true, None) | (false, Some(_)) => (),
            (true, Some((_, why))) => wrong.push(format!("{index}: no longer deviates: {why}")),
            (false, None) => {
                let name = &recorded["name"];
                wrong.push(format!(
                    "{index} {name}: {sent}\n  expected {expected}\n  found    {found}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 316 differ\n{}", wrong.len(), wrong.join("\n"));
}

/// The first answer to a query, as its client reads it.
fn answer(env: &bigchaindb_rethinkdb::reql::Env, query: &str) -> Value {
    let response = match parse(query.as_bytes()) {
        Ok(Request::Start(query)) => match run(env, query) {
            Ok(Outcome::Atom(value)) => Response::atom(value),
            Ok(Outcome::Cursor(mut cursor)) => match cursor.next_batch() {
                Ok(step) => Response::step(step, cursor.notes()).expect("no feed was recorded"),
                Err(error) => Response::error(&error),
            },
            Err(error) => Response::error(&error),
        },
        Ok(other) => panic!("{other:?} starts nothing"),
        Err(error) => Response::error(&error),
    };
    let mut text = Vec::new();
    response.write_json(&mut text);
    read(&text)
}

/// Reads JSON, however deep.
fn read(text: &[u8]) -> Value {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    Value::deserialize(&mut reader).expect("what was recorded, and a response, is JSON")
}

/// Whether a term in a query's JSON meets a condition on its number and options.
fn mentions(json: &Value, condition: &dyn Fn(u64, Option<&Value>) -> bool) -> bool {
    let is_met = json.as_array().is_some_and(|parts| {
        let number = parts.first().and_then(Value::as_u64);
        let is_term = parts.get(1).is_none_or(|args| args.is_array() || args.is_object());
        let options = parts.iter().skip(1).find(|part| part.is_object());
        number.is_some_and(|number| is_term && condition(number, options))
    });
    is_met
        || match json {
            Value::Array(items) => items.iter().any(|item| mentions(item, condition)),
            Value::Object(fields) => fields.values().any(|value| mentions(value, condition)),
            _ => false,
        }
}

/// An answer without what differs from server to server and from run to run.
fn normal(answer: &Value, is_ordered: bool) -> Value {
    let mut answer = without_identities(answer);
    if let Some(fields) = answer.as_object_mut() {
        // How long each step took.
        fields.remove("p");
        if fields["t"] == 2 && !is_ordered {
            sort(&mut fields["r"]);
        }
        if let Some(changes) = fields["r"].get_mut(0).and_then(|first| first.get_mut("changes")) {
            sort(changes);
        }
    }
    answer
}

fn sort(items: &mut Value) {
    if let Some(items) = items.as_array_mut() {
        items.sort_by_key(Value::to_string);
    }
}

fn without_identities(json: &Value) -> Value {
    match json {
        Value::String(text) if is_uuid(text) => json!("a UUID"),
        Value::Array(items) => items.iter().map(without_identities).collect(),
        Value::Object(fields) if is_now(fields) => json!("a time"),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match name.as_str() {
                // A form of their own; what it says is in the field `query`.
                "function" => (name.clone(), json!("a function")),
                _ => (name.clone(), without_identities(value)),
            };
            fields.iter().map(field).collect()
        }
        plain => plain.clone(),
    }
}

fn is_now(fields: &serde_json::Map<String, Value>) -> bool {
    fields.get("epoch_time").and_then(Value::as_f64).is_some_and(|epoch_s| epoch_s > 1e9)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
