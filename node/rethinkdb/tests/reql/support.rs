//! A query's text in, a response's text out; tables of such.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use bigchaindb_rethinkdb::Database;
use bigchaindb_rethinkdb::reql::{Env, Outcome, Request, Server, Step, parse, run};
use bigchaindb_rethinkdb::wire::Response;

/// A world with nothing in it, a clock that stands still, and chance that counts.
pub(crate) fn env() -> Env {
    let drawn = AtomicU8::new(0);
    Env {
        database: Database::in_memory(),
        wake: Arc::new(|| ()),
        wake_within: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
        clock: Arc::new(|| 1_480_000_000.25),
        entropy: Arc::new(move |buffer| {
            buffer.iter_mut().for_each(|byte| *byte = drawn.fetch_add(1, Ordering::Relaxed));
        }),
        server: Arc::new(Server { id: "5".repeat(36), name: "s1".to_owned() }),
        jobs: Arc::default(),
        scratch: Arc::default(),
        member: None,
    }
}

/// The answer to a query's text, a sequence read to its end.
pub(crate) fn answer(env: &Env, query: &str) -> Response {
    let query = match parse(query.as_bytes()) {
        Ok(Request::Start(query)) => query,
        Ok(other) => panic!("{other:?} starts nothing"),
        Err(error) => return Response::error(&error),
    };
    let mut cursor = match run(env, query) {
        Ok(Outcome::Atom(value)) => return Response::atom(value),
        Ok(Outcome::Cursor(cursor)) => cursor,
        Err(error) => return Response::error(&error),
    };
    let mut all = Vec::new();
    loop {
        match cursor.next_batch() {
            Ok(Step::Batch(items)) => all.extend(items),
            Ok(Step::Last(items)) => {
                all.extend(items);
                return Response::step(Step::Last(all), cursor.notes()).expect("it is a batch");
            }
            Ok(Step::Pending) => panic!("no feed is read to its end"),
            Err(error) => return Response::error(&error),
        }
    }
}

/// The answer in one line: a value; `stream` and its elements; or a failure's class, path and text.
fn in_short(response: &Response) -> String {
    let mut out = Vec::new();
    response.write_json(&mut out);
    let json: serde_json::Value = serde_json::from_slice(&out).expect("a response is JSON");
    match json["t"].as_u64() {
        Some(1) => json["r"][0].to_string(),
        Some(2) => format!("stream {}", json["r"]),
        _ => {
            let class = match json["e"].as_u64() {
                None if json["t"] == 16 => "CLIENT",
                None => "COMPILE",
                Some(1_000_000) => "INTERNAL",
                Some(2_000_000) => "RESOURCE_LIMIT",
                Some(3_000_000) => "QUERY_LOGIC",
                Some(3_100_000) => "NON_EXISTENCE",
                Some(4_100_000) => "OP_FAILED",
                Some(4_200_000) => "OP_INDETERMINATE",
                Some(5_000_000) => "USER",
                _ => "PERMISSION",
            };
            let text = json["r"][0].as_str().expect("a failure has a text");
            let text = text.replace('\n', "\\n").replace('\t', "\\t");
            format!("{class} {} {text}", json["b"])
        }
    }
}

/// Checks a table of lines `TERM => ANSWER`; lines that start with `#` are remarks.
pub(crate) fn check(table: &str) {
    check_with(table, |term| format!("[1,{term}]"));
}

/// Checks a table of lines `QUERY => ANSWER`.
pub(crate) fn check_queries(table: &str) {
    check_with(table, str::to_owned);
}

fn check_with(table: &str, query: impl Fn(&str) -> String) {
    let env = env();
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (term, expected) = line.split_once(" => ").expect("a line has an arrow");
        let found = in_short(&answer(&env, &query(term.trim())));
        if found != expected.trim() {
            wrong.push(format!("{term}\n  expected {}\n  found    {found}", expected.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
