//! A client that changes documents of its own, in every way there is.

use serde_json::{Value, json};

use super::history::{Clock, History, Request};
use super::tables::{Key, State, Table};
use crate::chance::Chance;
use crate::client::Client;

/// How many documents a writer has at most, of each table.
const ROWS: u64 = 120;
const BLOCKS: u64 = 6;

/// So many documents are written at once, at most.
const BATCH_MAX: u64 = 40;

/// What all ids of a writer start with.
pub(crate) fn prefix(writer: usize) -> String {
    format!("w{writer}-")
}

/// Writes until the server is gone. `acknowledged` is called after every answer.
pub(crate) fn write(
    mut client: Client,
    writer: usize,
    history: &mut History,
    clock: &Clock,
    chance: &mut Chance,
    acknowledged: &(dyn Fn() + Sync),
) {
    let mut state = history.state();
    loop {
        let is_hard = chance.below(4) == 0;
        // Never the same twice, in all lives of the server.
        let (term, writes) = request(&prefix(writer), &state, clock.tick(), is_hard, chance);
        let documents = writes.len();
        // Only `sync` writes nothing.
        let is_hard = is_hard || documents == 0;
        let sent = clock.tick();
        // An insertion replaces what is there once it has written what is not: that is two steps.
        let is_new = |(key, _): &(Key, Option<Value>)| !state.contains_key(key);
        let (new, old): (Vec<_>, Vec<_>) = writes.into_iter().partition(is_new);
        let steps = if new.is_empty() { vec![old] } else { vec![new, old] };
        for writes in steps.iter().flatten() {
            let (key, document) = writes.clone();
            match document {
                Some(document) => state.insert(key, document),
                None => state.remove(&key),
            };
        }
        let before = history.requests.len();
        let steps = steps.into_iter().filter(|writes| documents == 0 || !writes.is_empty());
        let request = |writes| Request { writes, is_hard, sent, acknowledged: None };
        history.requests.extend(steps.map(request));
        let Ok(answer) = client.ask(&term) else { return };
        for request in &mut history.requests[before..] {
            request.acknowledge(clock);
        }
        let done = ["inserted", "replaced", "deleted"].map(|what| answer[what].as_u64());
        let done: u64 = done.into_iter().flatten().sum();
        assert_eq!(done, documents as u64, "{term}: {answer}");
        acknowledged();
    }
}

/// Something to ask, and what it writes.
fn request(
    prefix: &str,
    state: &State,
    stamp: u64,
    is_hard: bool,
    chance: &mut Chance,
) -> (Value, Vec<(Key, Option<Value>)>) {
    let options = json!({"durability": if is_hard { "hard" } else { "soft" }});
    let (table, most) = match chance.below(4) {
        0 => (Table::Blocks, BLOCKS),
        _ => (Table::Rows, ROWS),
    };
    let ids = (0..most).map(|number| format!("{prefix}{number}"));
    let (there, missing): (Vec<_>, Vec<_>) =
        ids.partition(|id| state.contains_key(&(table, id.clone())));
    let batch = if chance.below(2) == 0 { 1 } else { BATCH_MAX.min(most / 2) };
    let writes = |ids: &[String]| -> Vec<(Key, Option<Value>)> {
        let document = |id: &String| ((table, id.clone()), Some(table.document(id, stamp)));
        ids.iter().map(document).collect()
    };
    let json = |document: &Value| json!([98, [document.to_string()]]);
    let insert = |writes: &[(Key, Option<Value>)], conflict: &str| {
        let documents: Vec<_> = writes.iter().filter_map(|(_, new)| new.as_ref()).collect();
        let documents: Vec<_> = documents.into_iter().map(json).collect();
        let mut options = options.clone();
        options["conflict"] = conflict.into();
        json!([56, [table.term(), [2, documents]], options])
    };
    if there.is_empty() || !missing.is_empty() && chance.below(3) == 0 {
        let writes = writes(&chance.some(&missing, batch));
        return (insert(&writes, "error"), writes);
    }
    let some = chance.some(&there, batch);
    let selection = match &some[..] {
        [one] => json!([16, [table.term(), one]]),
        some => {
            let mut arguments = vec![table.term()];
            arguments.extend(some.iter().map(|id| json!(id)));
            json!([78, arguments])
        }
    };
    match chance.below(6) {
        0 => {
            let gone = some.into_iter().map(|id| ((table, id), None)).collect();
            (json!([54, [selection], options]), gone)
        }
        1 => {
            let mut of_both = some;
            of_both.extend(missing.first().cloned());
            let writes = writes(&of_both);
            (insert(&writes, "replace"), writes)
        }
        2 => (json!([138, [table.term()]]), Vec::new()),
        3 if some.len() == 1 => {
            let writes = writes(&some);
            let document = json(writes[0].1.as_ref().unwrap());
            (json!([55, [selection, document], options]), writes)
        }
        // All fields but the key, merged into what is there.
        _ if table == Table::Rows => {
            let writes = writes(&some);
            let mut fields = writes[0].1.clone().unwrap();
            fields.as_object_mut().unwrap().remove("id");
            (json!([53, [selection, json(&fields)], options]), writes)
        }
        _ => {
            let writes = writes(&some);
            (insert(&writes, "update"), writes)
        }
    }
}
