//! What was written softly comes to disk though nobody waits for it.

use bigchaindb_rethinkdb::{Database, Settings};
use serde_json::json;

use crate::program::Process;

/// Copies of the file that are looked at: each takes longer than the server waits.
const COPIES: u64 = 1000;

/// A copy of the file is what a kill would leave. Nobody asks the server for anything meanwhile.
#[test]
fn soft_writes_come_to_disk_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let mut client = process.connect();
    client.ask(&json!([60, [[14, ["test"]], "t"]])).unwrap();
    let insert = json!([56, [[15, ["t"]], {"id": 1}], {"durability": "soft"}]);
    client.ask(&insert).unwrap();
    let copy = folder.path().join("copy");
    for _ in 0..COPIES {
        std::fs::copy(folder.path().join("rethinkdb.redb"), &copy).unwrap();
        // One that was made while the file was written may not open.
        let Ok(database) = Database::open(&copy, &Settings::default()) else { continue };
        let catalog = database.catalog();
        let Ok(table) = catalog.table("test", "t") else { continue };
        if database.count(table.id).unwrap() == 1 {
            return;
        }
    }
    panic!("the write is not in the file");
}
