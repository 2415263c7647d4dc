//! The text of a record: one line of JSON.
//!
//! `at` comes first, in seconds with six decimals. A line with a `table` and no `record` is a
//! change: `at`, `table`, `old` (was there a row before?), `old_id`, `new_val`, and `old_val` where
//! a row was changed. Every other line says in `record` what it is; its fields are those of the
//! type, and a field without a value is `null` or absent. Equal records give equal bytes.

use std::fmt::{Display, Write};

use bigchaindb_core::model::{Json, TxId};

use super::{Change, Done, Gauge, Observed, Operation, Owned, Record, Run, Stored, election_word};

impl Observed {
    /// Appends the record's line to `out`, with the line feed.
    pub fn write_line(&self, out: &mut String) {
        let mut line = Line { out };
        line.put(format_args!("{{\"at\":{}.{:06}", self.at_us / 1_000_000, self.at_us % 1_000_000));
        match &self.record {
            Record::Run(run) => line.run(run),
            Record::Operation(operation) => line.operation(operation),
            Record::Change(change) => line.change(change),
            Record::Fault(fault) => {
                line.text("record", "fault");
                line.plain("number", fault.number);
                line.text("kind", &fault.kind);
                line.text("phase", fault.phase.as_str());
                line.text("target", &fault.target);
            }
            Record::Decided(decided) => {
                line.text("record", "decided");
                line.text("node", &decided.node);
                line.text("block", decided.block.as_str());
                line.text("election", election_word(decided.election));
            }
            Record::Node(event) => {
                line.text("record", "node");
                line.text("node", &event.node);
                line.text("event", event.event.as_str());
                line.text("text", &event.text);
            }
            Record::Act(act) => {
                line.text("record", "act");
                line.text("node", &act.node);
                line.text("act", &act.act);
                line.text("table", act.table.as_str());
                line.text("key", &act.key);
            }
            Record::Gauge(gauge) => line.gauge(gauge),
            Record::Owned(owned) => line.owned(owned),
            Record::Stored(stored) => line.stored(stored),
            Record::Counter(counter) => {
                line.text("record", "counter");
                line.text("node", &counter.node);
                line.text("name", &counter.name);
                line.plain("value", counter.value);
            }
            Record::Final(last) => {
                line.text("record", "final");
                line.text("table", last.table.as_str());
                line.plain("row", &last.row);
            }
            Record::End(end) => {
                line.text("record", "end");
                line.list("shortfalls", &end.shortfalls, |line, text| line.quoted(text));
            }
        }
        line.put("}\n");
    }
}

/// A line under way: each call adds `,"key":value`.
struct Line<'a> {
    out: &'a mut String,
}

impl Line<'_> {
    fn put(&mut self, text: impl Display) {
        write!(self.out, "{text}").expect("writing into a String cannot fail");
    }

    fn quoted(&mut self, text: &str) {
        let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
        if plain {
            self.put(format_args!("\"{text}\""));
        } else {
            self.put(Json::from(text));
        }
    }

    fn key(&mut self, key: &str) {
        self.put(format_args!(",\"{key}\":"));
    }

    fn plain(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.put(value);
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quoted(value);
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.plain(key, "null"),
        }
    }

    fn list<T>(&mut self, key: &str, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.key(key);
        self.put('[');
        for (index, value) in items.iter().enumerate() {
            if index > 0 {
                self.put(',');
            }
            item(self, value);
        }
        self.put(']');
    }

    fn run(&mut self, run: &Run) {
        self.text("record", "run");
        self.text("scenario", &run.scenario);
        self.plain("seed", run.seed);
        self.text("backend", &run.backend);
        self.text("rules", &run.rules);
        self.list("quirks", &run.quirks, |line, name| line.quoted(name));
        self.list("byzantine", &run.byzantine, |line, name| line.quoted(name));
        self.list("nodes", &run.nodes, |line, node| {
            line.put("{\"name\":");
            line.quoted(&node.name);
            line.text("key", node.key.as_str());
            if let Some(rules) = &node.rules {
                line.text("rules", rules);
            }
            if node.external {
                line.plain("external", true);
            }
            line.put('}');
        });
        self.plain("started_unix_ms", run.started_unix_ms);
        if run.thinned {
            self.plain("thinned", true);
        }
    }

    fn operation(&mut self, operation: &Operation) {
        self.text("record", "operation");
        self.plain("number", operation.number);
        self.plain("process", operation.process);
        self.text("kind", operation.kind.as_str());
        self.text("call", operation.call.as_str());
        self.text("what", operation.what.as_str());
        self.text("node", &operation.node);
        self.optional("tx", operation.tx.as_ref().map(TxId::as_str));
        self.plain("intended_us", operation.intended_us);
        match operation.http {
            Some(status) => self.plain("http", status),
            None => self.plain("http", "null"),
        }
        self.optional("value", operation.value.as_deref());
        if let Some(document) = &operation.document {
            self.plain("document", document);
        }
    }

    fn gauge(&mut self, gauge: &Gauge) {
        let levels = &gauge.levels;
        self.text("record", "gauge");
        self.text("node", &gauge.node);
        self.plain("undecided", levels.undecided);
        self.plain("backlog", levels.backlog);
        self.plain("mine", levels.mine);
        match levels.oldest {
            Some(oldest) => self.plain("oldest_us", oldest.as_micros()),
            None => self.plain("oldest_us", "null"),
        }
        self.plain("api", levels.api);
        self.plain("block", levels.block);
        self.plain("vote", levels.vote);
        self.plain("election", levels.election);
        self.plain("stale", levels.stale);
        self.plain("questions", gauge.questions);
    }

    fn stored(&mut self, stored: &Stored) {
        self.text("record", "stored");
        self.plain("number", stored.number);
        self.text("node", &stored.node);
        self.text("kind", stored.kind.as_str());
        self.text("deed", stored.deed.as_str());
        self.text("table", stored.table.as_str());
        self.text("key", &stored.key);
        self.optional("from", stored.from.as_deref());
        self.optional("value", stored.value.as_deref());
        self.optional("done", stored.done.map(Done::as_str));
    }

    fn owned(&mut self, owned: &Owned) {
        self.text("record", "owned");
        self.text("node", &owned.node);
        self.text("owner", &owned.owner);
        match &owned.outputs {
            Ok(outputs) => self.list("outputs", outputs, |line, output| {
                line.put("{\"txid\":");
                line.quoted(output.txid.as_str());
                line.plain("cid", output.cid);
                line.put('}');
            }),
            Err(error) => self.text("error", error),
        }
    }

    fn change(&mut self, change: &Change) {
        self.text("table", change.table.as_str());
        self.plain("old", change.old.is_some());
        self.optional("old_id", change.old.as_ref().map(|old| &*old.id));
        if let Some(row) = change.old.as_ref().and_then(|old| old.row.as_ref()) {
            self.plain("old_val", row);
        }
        match &change.new {
            Some(row) => self.plain("new_val", row),
            None => self.plain("new_val", "null"),
        }
    }
}
