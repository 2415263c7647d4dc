//! Runs that are watched: what InfluxDB has of them is what their logs say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bigchaindb_core::rules::Election;
use bigchaindb_simulator::observe::{Call, Kind, Observed, Record, read};

use crate::apart::path;
use crate::influxdb::Server;
use crate::{outcome, testbed};

/// Load, and a node that is killed long before it ends: what it counted until then is on its way.
const SCENARIO: &str = r#"
name = "watched"
backends = ["sim", "local", "processes"]

[[load]]
at = "500ms"
for = "6s"
arrivals = { rate = "10/s" }
mix = { create = 0.6, transfer = 0.4 }

[[fault]]
do = "kill"
at = "2s"
target = "n2"
restart_after = "1s"
"#;

/// Runs it; its log.
fn run(server: &Server, folder: &Path, backend: &str) -> Vec<Observed> {
    let (file, out) = (folder.join("scenario.toml"), folder.join(backend));
    fs::write(&file, SCENARIO).unwrap();
    let target = server.target();
    let arguments = ["run", path(&file), "--out", path(&out), "--backend", backend];
    let arguments = [&arguments[..], &["--influxdb", &target, "--namespaces", "never"]].concat();
    let (said, noted, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{said}{noted}");
    read(&out.join("observations.jsonl")).unwrap()
}

/// What a query comes to: a number.
fn number(server: &Server, query: &str) -> u64 {
    let answer = server.query(query);
    let value = answer.trim().rsplit(',').next().unwrap_or_default();
    value.parse().unwrap_or_else(|_| panic!("{query}: {answer}"))
}

/// How many transactions a log has accepted, and how many blocks decided valid.
fn counted(log: &[Observed]) -> (u64, u64) {
    let (mut accepted, mut valid) = (BTreeSet::new(), BTreeSet::new());
    for observed in log {
        match &observed.record {
            Record::Operation(operation)
                if operation.call == Call::Post
                    && operation.kind == Kind::Ok
                    && operation.http == Some(201) =>
            {
                accepted.insert(operation.tx.clone());
            }
            Record::Decided(decided) if decided.election == Election::Valid => {
                valid.insert(decided.block.clone());
            }
            _ => {}
        }
    }
    (accepted.len() as u64, valid.len() as u64)
}

#[test]
fn dashboards_are_told_what_the_federation_did_in_every_world() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    for backend in ["sim", "local", "processes"] {
        server.empty();
        let (accepted, valid) = counted(&run(&server, folder.path(), backend));
        assert!(accepted > 30 && valid > 0, "{backend}: {accepted} {valid}");
        let of = |what: &str, field: &str| {
            number(
                &server,
                &format!("SELECT sum({field}) FROM bigchaindb_{what} WHERE node = 'federation'"),
            )
        };
        assert_eq!(of("tx_accepted", "value"), accepted, "{backend}");
        assert_eq!(of("block_decided", "value"), valid, "{backend}");
        assert_eq!(of("tx_commit_ms", "count"), of("tx_committed", "value"), "{backend}");
        let fault =
            server.query("SELECT text, end_time FROM fault WHERE kind = 'kill' AND node = 'n2'");
        assert!(fault.contains(",kill n2"), "{backend}: {fault}");
        let run = server.query(&format!("SELECT text FROM run WHERE run = '{backend}'"));
        assert!(run.contains("watched, seed 1"), "{backend}: {run}");
        if backend != "sim" {
            // What n1 wrote, as it counts itself, is what it was asked to write and answered.
            let written = "SELECT sum(value) FROM bigchaindb_tx_written WHERE node = 'n1'";
            assert!(number(&server, written) > 5, "{backend}");
            let nodes = server.query("SHOW TAG VALUES FROM bigchaindb_process WITH KEY = node");
            for node in ["n1", "n2", "n3", "n4"] {
                assert!(nodes.contains(&format!(",{node}\n")), "{backend}: {nodes}");
            }
        }
    }
}

#[test]
fn a_database_that_is_none_is_told_before_anything_runs() {
    let run = ["run", "../../scenarios/smoke/single-node.toml", "--influxdb", "localhost:8086"];
    let (_, said, code) = outcome(&mut testbed(&run));
    assert_eq!(code, 2);
    assert!(said.contains("names no database"), "{said}");
}
