//! A client that makes and drops an index and a table, over and over.

use serde_json::{Value, json};

use super::history::{Clock, History, Request};
use super::tables::{State, Table, check_index};
use crate::client::Client;

/// The index over the rows of all writers.
const INDEX: &str = "extra";
/// The table, and how many documents come into it.
const TABLE: &str = "spare";
const DOCUMENTS: u64 = 1200;

/// One after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    IndexMade,
    IndexDropped,
    TableMade,
    TableFilled,
    TableDropped,
}

const STEPS: [Step; 5] =
    [Step::IndexMade, Step::IndexDropped, Step::TableMade, Step::TableFilled, Step::TableDropped];

fn spare() -> Value {
    json!([15, [[14, ["test"]], TABLE]])
}

impl Step {
    fn term(self) -> Value {
        let rows = Table::Rows.term();
        match self {
            Self::IndexMade => {
                let stamp = json!([69, [[2, [1]], [170, [[10, [1]], "stamp"]]]]);
                json!([75, [rows, INDEX, stamp]])
            }
            Self::IndexDropped => json!([76, [rows, INDEX]]),
            Self::TableMade => json!([60, [[14, ["test"]], TABLE]]),
            Self::TableFilled => {
                let documents: Vec<_> = (0..DOCUMENTS).map(|id| json!({"id": id})).collect();
                json!([56, [spare(), [2, documents]], {"durability": "soft"}])
            }
            Self::TableDropped => json!([61, [[14, ["test"]], TABLE]]),
        }
    }
}

/// Goes on until the server is gone.
pub(crate) fn administer(mut client: Client, history: &mut History, clock: &Clock) {
    for step in STEPS.into_iter().cycle() {
        let is_hard = step != Step::TableFilled;
        let (writes, sent) = (Vec::new(), clock.tick());
        history.requests.push(Request { writes, is_hard, sent, acknowledged: None });
        if client.ask(&step.term()).is_err() {
            return;
        }
        history.requests.last_mut().unwrap().acknowledge(clock);
    }
}

/// What was made is there, what was dropped is not; then all of it is dropped.
pub(crate) fn check(client: &mut Client, history: &History, state: &State) {
    let mut ask = |term: Value| client.ask(&term).unwrap();
    let indexes = ask(json!([77, [Table::Rows.term()]]));
    let tables = ask(json!([62, [[14, ["test"]]]]));
    let there = |names: &Value, name: &str| names.as_array().unwrap().contains(&json!(name));
    let (index, table) = (there(&indexes, INDEX), there(&tables, TABLE));
    // The last request may be done or not; a table may be there without its documents.
    let last = history.requests.len() - 1;
    let asked = |number: usize| STEPS[number % STEPS.len()];
    let expected = |number: usize| match asked(number) {
        Step::IndexMade => (true, false),
        Step::TableMade | Step::TableFilled => (false, true),
        Step::IndexDropped | Step::TableDropped => (false, false),
    };
    let before = last.checked_sub(1).map_or((false, false), expected);
    assert!(
        (index, table) == before || (index, table) == expected(last),
        "killed at {:?}: index {index}, table {table}",
        asked(last)
    );
    if table {
        let count = ask(json!([43, [spare()]])).as_u64().unwrap();
        let documents = ask(spare());
        assert_eq!(documents.as_array().unwrap().len() as u64, count);
        if asked(last) == Step::TableMade {
            assert_eq!(count, 0, "a new table has an old one's documents");
        }
        ask(Step::TableDropped.term());
    }
    if index {
        ask(json!([140, [Table::Rows.term(), INDEX]]));
        check_index(client, state, Table::Rows, INDEX, &["stamp"], false);
        client.ask(&Step::IndexDropped.term()).unwrap();
    }
}
