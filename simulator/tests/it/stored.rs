//! Logs from files: recordings of others, and our own with a torn end.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::checkers::{Outcome, Settings};
use bigchaindb_simulator::observe::{ReadLogError, Record};
use bigchaindb_simulator::stored::StoredLog;

const RECORDINGS: [&str; 2] = ["original-4nodes-4tps-1shard", "original-4nodes-15tps-1shard"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

#[test]
fn recordings_come_out_as_an_independent_tally_says() {
    for name in RECORDINGS {
        let log = StoredLog::read(&path(&format!("{name}.jsonl.xz")), None).unwrap();
        let histories = serde_json::to_value(log.histories()).unwrap();
        let expected = std::fs::read_to_string(path(&format!("{name}.expected.json"))).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(sorted(histories), sorted(expected), "{name}");
    }
}

/// The same with every list in order: what was written by others lists things as it liked.
fn sorted(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Array(items) => items.sort_by_key(ToString::to_string),
        serde_json::Value::Object(fields) => {
            for (_, field) in fields.iter_mut() {
                *field = sorted(field.take());
            }
        }
        _ => {}
    }
    value
}

#[test]
fn the_rules_can_be_other_than_the_log_says() {
    let path = path("original-4nodes-4tps-1shard.jsonl.xz");
    let changed = |rules| {
        let log = StoredLog::read(&path, rules).unwrap();
        let judged = log.judge(&Settings::default()).judgements;
        let s8 = judged.into_iter().find(|judged| judged.invariant == "S8").unwrap();
        matches!(s8.outcome, Outcome::Fail { .. })
    };
    assert!(changed(None) && changed(Some("v0.6.0")));
    assert!(!changed(Some("default")), "under the default rules a decision is final");
}

#[test]
fn a_torn_last_line_is_told_and_any_other_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("observations.jsonl");
    let line = "{\"at\":1.000000,\"record\":\"decided\",\"node\":\"n1\",\"block\":\"b\",\"election\":\"valid\"}";
    let end = "{\"at\":2.000000,\"record\":\"end\",\"shortfalls\":[]}";
    let read = |text: String| {
        std::fs::write(&file, text).unwrap();
        StoredLog::read(&file, None)
    };
    let whole = read(format!("{line}\n{end}\n")).unwrap();
    assert_eq!((whole.records.len(), whole.warnings.len()), (2, 0));
    // The line feed alone may be missing.
    assert_eq!(read(format!("{line}\n{end}")).unwrap().records.len(), 2);
    for torn in 1..end.len() {
        let log = read(format!("{line}\n{}", &end[..torn])).unwrap();
        assert!(matches!(log.records[..], [ref one] if matches!(one.record, Record::Decided(_))));
        assert!(log.warnings[0].contains("line 2, the last one, is torn"), "{:?}", log.warnings);
    }
    let within = read(format!("{}\n{end}\n", &line[..20]));
    assert!(matches!(within, Err(ReadLogError::Line { line: 1, .. })), "{within:?}");
    let missing = StoredLog::read(&folder.path().join("none"), None);
    assert!(matches!(missing, Err(ReadLogError::Io { .. })));
}
