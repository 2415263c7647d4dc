//! What was written softly comes to disk though nobody waits for it.

use bigchaindb_rethinkdb::{Database, Settings};
use serde_json::json;

use crate::program::Process;

/// Copies that are looked at: each takes longer than the server waits.
const COPIES: u64 = 1000;

/// A copy of the file and its log is what a kill would leave. Nobody asks the server for anything meanwhile.
#[test]
fn soft_writes_come_to_disk_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let mut client = process.connect();
    client.ask(&json!([60, [[14, ["test"]], "t"]])).unwrap();
    let insert = json!([56, [[15, ["t"]], {"id": 1}], {"durability": "soft"}]);
    client.ask(&insert).unwrap();
    for _ in 0..COPIES {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b"rethinkdb.redb") {
                // It may be gone by now.
                let _ = std::fs::copy(entry.path(), copy.path().join(name));
            }
        }
        // One that was made while the file was written may not open.
        let file = copy.path().join("rethinkdb.redb");
        let Ok(database) = Database::open(&file, &Settings::default()) else { continue };
        let catalog = database.catalog();
        let Ok(table) = catalog.table("test", "t") else { continue };
        if database.count(table.id).unwrap() == 1 {
            return;
        }
    }
    panic!("the write is not in the file");
}
