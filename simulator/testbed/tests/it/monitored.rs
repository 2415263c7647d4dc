//! Runs that are watched: what InfluxDB has of them is what their logs say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bigchaindb_core::rules::Election;
use bigchaindb_simulator::checkers::{Outcome, Settings};
use bigchaindb_simulator::observe::{Call, Counter, Kind, Observed, Record, read};
use bigchaindb_simulator::stored::StoredLog;
use serde_json::Value;

use crate::apart::{path, signal};
use crate::influxdb::{Server, free_port};
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
            nodes_count_what_the_log_shows(&server, &folder.path().join(backend));
            let nodes = server.query("SHOW TAG VALUES FROM bigchaindb_process WITH KEY = node");
            for node in ["n1", "n2", "n3", "n4"] {
                assert!(nodes.contains(&format!(",{node}\n")), "{backend}: {nodes}");
            }
        }
    }
}

/// Puts what InfluxDB has of nodes' own counters into the run's log, and has that judged (S19).
fn nodes_count_what_the_log_shows(server: &Server, run: &Path) {
    let mut log = StoredLog::read(&run.join("observations.jsonl"), None).unwrap();
    let end = log.records.len() - 1;
    let at_us = log.records[end].at_us;
    let mut counted = 0;
    for node in ["n1", "n2", "n3", "n4"] {
        for name in ["block.created", "tx.in_blocks", "vote.cast", "vote.cast_invalid"] {
            let measurement = format!("bigchaindb_{}", name.replace('.', "_"));
            let query = format!("SELECT sum(value) FROM {measurement} WHERE node = '{node}'");
            // Of what was never counted there is no series.
            let value = if server.query(&query).is_empty() { 0 } else { number(server, &query) };
            counted += value;
            let counter = Counter { node: node.into(), name: name.into(), value };
            log.records.insert(end, Observed { at_us, record: Record::Counter(counter) });
        }
    }
    let settings = Settings { invariants: Some(vec!["S19".to_owned()]), ..Settings::default() };
    let judged = log.judge(&settings).judgements;
    let s19 = judged.iter().find(|judgement| judgement.invariant == "S19").unwrap();
    assert!(counted > 50 && s19.outcome == Outcome::Pass, "{counted}: {s19:?}");
}

/// The same run, long enough to look at it.
fn long(folder: &Path, backend: &str, arguments: &[&str]) -> Child {
    let (file, out) = (folder.join("scenario.toml"), folder.join(backend));
    fs::write(&file, SCENARIO.replace("6s", "5min").replace("\"1s\"", "\"4min\"")).unwrap();
    let run = ["run", path(&file), "--out", path(&out), "--backend", backend];
    let all = [&run[..], &["--namespaces", "never"], arguments].concat();
    testbed(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for something while a run goes, and ends that.
fn while_it_goes(mut run: Child, is_so: impl Fn() -> bool) {
    let comes = (0..3_000).any(|_| is_so() || (sleep(Duration::from_millis(20)), false).1);
    let goes = run.try_wait().unwrap().is_none();
    signal("-INT", run.id());
    run.wait().unwrap();
    assert!(comes && goes, "it came: {comes}; while the run went: {goes}");
}

#[test]
fn dashboards_are_told_while_the_run_goes() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    for backend in ["local", "processes"] {
        server.empty();
        let run = long(folder.path(), backend, &["--influxdb", &server.target()]);
        while_it_goes(run, || {
            let has = |query: &str| !server.query(query).is_empty();
            let of = "WHERE node = 'federation'";
            has(&format!("SELECT value FROM bigchaindb_tx_accepted {of}"))
                && has(&format!("SELECT value FROM bigchaindb_tx_committed {of}"))
                && has("SELECT value FROM bigchaindb_tx_written WHERE node = 'n1'")
                && has("SELECT text, end_time FROM fault WHERE kind = 'kill' AND node = 'n2'")
                && has(&format!("SELECT text, end_time FROM run WHERE run = '{backend}'"))
        });
    }
}

/// What a page that is served here says.
fn page(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.contains(" 200 "), "{path}: {head}");
    Some(body.to_owned())
}

/// The last value of each series of a panel, by what the page is told.
fn shown(port: u16, id: &str) -> Option<BTreeMap<String, f64>> {
    let panels: Value = serde_json::from_str(&page(port, "/panels")?).unwrap();
    let place = panels.as_array()?.iter().position(|panel| panel["id"] == id)?;
    let news: Value = serde_json::from_str(&page(port, "/news")?).unwrap();
    let series = news["panels"][place].as_array()?.iter();
    let last = |series: &Value| series["values"].as_array()?.iter().rev().find_map(Value::as_f64);
    Some(series.filter_map(|one| Some((one["name"].as_str()?.to_owned(), last(one)?))).collect())
}

#[test]
fn a_page_shows_the_run_while_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    for backend in ["local", "processes"] {
        let port = free_port();
        let run = long(folder.path(), backend, &[&format!("--dash=127.0.0.1:{port}")]);
        while_it_goes(run, || {
            let has = |id: &str, names: &[&str]| {
                let shown = shown(port, id).unwrap_or_default();
                names.iter().all(|name| shown.contains_key(*name))
            };
            let news = page(port, "/news").unwrap_or_default();
            let all = ["n1", "n2", "n3", "n4"];
            has("committed", &[""])
                && has("heard", &all)
                && has("cast", &all)
                && has("round-trip", &["insert bigchain"])
                && news.contains("\"text\":\"kill n2\"")
                && news.contains("\"text\":\"watched, seed 1\"")
        });
    }
}

#[test]
fn a_page_shows_whatever_is_sent_to_it() {
    let (port, statsd) = (free_port(), free_port());
    let (listen, at) = (format!("127.0.0.1:{statsd}"), format!("127.0.0.1:{port}"));
    let dash = testbed(&["dash", "--listen", &listen, "--page", &at])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    while_it_goes(dash, || {
        let _ = socket.send_to(b"bigchaindb.n7.process.rss_bytes:5000|g", &listen);
        shown(port, "memory").is_some_and(|shown| shown.get("n7") == Some(&5000.0))
    });
}

#[test]
fn the_page_takes_nothing_from_elsewhere() {
    let port = free_port();
    let (listen, at) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{port}"));
    let dash = testbed(&["dash", "--listen", &listen, "--page", &at]).spawn().unwrap();
    while_it_goes(dash, || {
        let Some(document) = page(port, "/") else { return false };
        let addresses: Vec<_> =
            document.match_indices("//").map(|(at, _)| &document[at..]).collect();
        // Comments, and the name of SVG.
        let is_here =
            |rest: &&str| rest.starts_with("// ") || rest.starts_with("//www.w3.org/2000/svg");
        assert!(addresses.iter().all(is_here), "{addresses:?}");
        assert!(!document.contains("src=") && !document.contains("@import"));
        true
    });
}

#[test]
fn what_cannot_be_looked_at_live_is_told_before_anything_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("--dash={}", taken.local_addr().unwrap());
    let file = "scenarios/smoke/single-node.toml";
    let matrix = "scenarios/defects/vote-order-flip.toml";
    for (arguments, code, told) in [
        (vec!["run", file, "--dash"], 2, "over before anybody has looked"),
        (vec!["run", matrix, "--influxdb", "http://127.0.0.1:1/x"], 2, "too many to look at"),
        (vec!["run", file, "--backend", "local", &at], 4, "error: no page at 127.0.0.1:"),
    ] {
        let (said, noted, ended) = outcome(&mut testbed(&arguments));
        assert_eq!(ended, code, "{said}{noted}");
        assert!(noted.contains(told), "{noted}");
    }
}

#[test]
fn a_database_that_is_none_is_told_before_anything_runs() {
    let run = ["run", "../../scenarios/smoke/single-node.toml", "--influxdb", "localhost:8086"];
    let (_, said, code) = outcome(&mut testbed(&run));
    assert_eq!(code, 2);
    assert!(said.contains("names no database"), "{said}");
}
