//! Runs by processes: they are judged as others are, and nothing is left of them, whatever way they end.
//!
//! Members with networks of their own take root, `ip` and `nft`; where that cannot be had, the tests of it
//! fail, unless `TESTBED_WITHOUT=namespaces` says that they are to be left out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bigchaindb_simulator::backends::apart::{RunId, no_namespaces, reaper};
use bigchaindb_simulator::observe::{Phase, Record, read};
use bigchaindb_simulator::record::RunDirectory;

use crate::{outcome, testbed};

/// Names what this machine cannot do, and what is not to be tested on it.
const WITHOUT: &str = "TESTBED_WITHOUT";

/// Faults that need nothing but signals.
const SIGNALS: &str = r#"
name = "signals"
backends = ["processes"]

[[load]]
at = "500ms"
for = "6s"
arrivals = { rate = "10/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "kill"
at = "1s"
target = "n1"
restart_after = "500ms"

[[fault]]
do = "pause"
at = "2500ms"
for = "500ms"
target = "n2"

[[fault]]
do = "store-kill"
at = "4s"
restart_after = "500ms"

[[fault]]
do = "store-pause"
at = "5500ms"
for = "400ms"

[[fault]]
do = "lose"
at = "6s"
target = "n3"
"#;

/// Several servers, and what the store lets go wrong between them.
const SERVERS: &str = r#"
name = "servers"
backends = ["processes"]

[federation]
nodes = 3
rethinkdb = { servers = 3, replicas = 3 }

[[load]]
at = "500ms"
for = "5s"
arrivals = { rate = "5/s" }

[[fault]]
do = "store-kill"
at = "1s"
target = "s2"
restart_after = "1s"

[[fault]]
do = "store-partition"
at = "3s"
for = "1s"
from = ["s3"]
direction = "out"
"#;

/// Every way to be cut off.
const CUTS: &str = r#"
name = "cuts"
backends = ["processes"]

[federation]
nodes = 5

[[load]]
at = "500ms"
for = "6s"
arrivals = { rate = "10/s" }

[[fault]]
do = "partition"
at = "1s"
for = "1s"
from = "n1"
direction = "out"

[[fault]]
do = "partition"
at = "2s"
for = "1s"
from = "n2"
to = "store"
direction = "in"

[[fault]]
do = "partition"
at = "3s"
for = "1s"
from = ["n3", "n4"]
to = "clients"

[[fault]]
do = "partition"
at = "4500ms"
for = "1s"
from = ["n1", "n5"]
to = "both"

[[fault]]
do = "feed-abort"
at = "6s"
target = "n3"
"#;

/// Starts a run that has no end of its own for a while.
fn start(folder: &Path, namespaces: &str) -> Child {
    let file = folder.join("long.toml");
    let long = SIGNALS.replace("for = \"6s\"", "for = \"5min\"");
    fs::write(&file, long).unwrap();
    let out = folder.join("long");
    let arguments = ["run", path(&file), "--out", path(&out), "--namespaces", namespaces];
    let mut command = testbed(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Waits for something, for ten seconds; whether it came.
fn comes(is_so: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        sleep(Duration::from_millis(20));
        is_so()
    })
}

fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Whether tests with namespaces are to be left out here; fails if they cannot be had and should.
fn without_namespaces() -> bool {
    if std::env::var(WITHOUT).is_ok_and(|what| what == "namespaces") {
        eprintln!("left out: {WITHOUT} says so");
        return true;
    }
    if let Some(why) = no_namespaces() {
        panic!("{why}; `{WITHOUT}=namespaces` leaves this test out");
    }
    false
}

/// Runs a scenario, which has to pass with all of its faults seen; its run directory.
fn passes(folder: &Path, scenario: &str, arguments: &[&str], faults: usize) {
    let (file, out) = (folder.join("scenario.toml"), folder.join("out"));
    fs::write(&file, scenario).unwrap();
    let all = [&["run", path(&file), "--out", path(&out)], arguments].concat();
    let (said, noted, code) = outcome(&mut testbed(&all));
    assert_eq!(code, 0, "{said}{noted}");
    let mut phases: BTreeMap<u64, Vec<Phase>> = BTreeMap::new();
    let mut decided = 0;
    for observed in read(&out.join("observations.jsonl")).unwrap() {
        match observed.record {
            Record::Fault(fault) => phases.entry(fault.number).or_default().push(fault.phase),
            Record::Decided(_) => decided += 1,
            _ => {}
        }
    }
    assert!(decided > 0, "what nodes say in their logs is heard");
    let whole = vec![Phase::Planned, Phase::Applied, Phase::Verified, Phase::Healed];
    assert_eq!(phases.into_values().collect::<Vec<_>>(), vec![whole; faults]);
    let results = RunDirectory::open(&out).results().unwrap();
    for member in ["n1", "store"] {
        let used = &results.environment[member];
        assert!(used.contains(" s of processors, ") && !used.contains(" 0 MiB"), "{used}");
    }
    assert!(out.join("data/n1.log").is_file(), "logs are kept");
    let (said, noted, code) = outcome(&mut testbed(&["replay", path(&out)]));
    assert_eq!(code, 0, "nodes do once more what they did: {said}{noted}");
}

#[test]
fn processes_are_killed_and_stopped_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SIGNALS, &["--namespaces", "never"], 5);
}

#[test]
fn servers_of_the_store_fail_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SERVERS, &["--namespaces", "never"], 2);
}

/// Takes RethinkDB's arguments, and runs the embedded server of one: what is tested is how it is called.
const STAND_IN: &str = r#"#!/bin/sh
set -- "$@" end
while [ "$1" != end ]; do
    case "$1" in
        --directory|--bind|--driver-port|--server-name) set -- "$@" "$1" "$2"; shift 2 ;;
        --canonical-address|--cluster-port|--join) shift 2 ;;
        *) shift ;;
    esac
done
shift
exec "$NODE" rethinkdb "$@"
"#;

#[test]
fn rethinkdb_is_the_store_where_it_is_wanted_and_installed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rethinkdb");
    let node = Path::new(env!("CARGO_BIN_EXE_testbed")).with_file_name("bigchaindb");
    fs::write(&program, STAND_IN.replace("$NODE", path(&node))).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let scenario = SIGNALS.replace("[[load]]", "[federation]\nstore = \"rethinkdb\"\n\n[[load]]");
    let (file, out) = (folder.path().join("scenario.toml"), folder.path().join("out"));
    fs::write(&file, scenario).unwrap();
    let places = std::env::var("PATH").unwrap();
    let places = format!("{}:{places}", folder.path().display());
    let arguments = ["run", path(&file), "--out", path(&out), "--namespaces", "never"];
    let (said, noted, code) = outcome(testbed(&arguments).env("PATH", places));
    assert_eq!(code, 0, "{said}{noted}");
    assert!(out.join("data/s1").is_dir(), "its data has the name of the server");
}

#[test]
fn members_with_networks_of_their_own_are_cut_off_every_way() {
    if without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), CUTS, &["--namespaces", "always"], 5);
}

#[test]
fn the_first_federation_passes_by_processes() {
    if without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scenario = fs::read_to_string("../../scenarios/smoke/first-federation.toml").unwrap();
    passes(folder.path(), &scenario, &["--backend", "local", "--processes"], 2);
}

#[test]
fn nothing_is_left_of_a_run_whose_harness_ends_in_any_way() {
    let namespaces = if without_namespaces() { "never" } else { "always" };
    for (ending, after_ms) in
        [("-KILL", 30), ("-KILL", 400), ("-INT", 1_500), ("-KILL", 2_500), ("-TERM", 4_000)]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut harness = start(folder.path(), namespaces);
        let run = RunId::of_process(harness.id()).unwrap();
        assert!(comes(|| !reaper::remains(&run, None).is_empty()), "it has started something");
        sleep(Duration::from_millis(after_ms));
        signal(ending, harness.id());
        assert!(!harness.wait().unwrap().success());
        let is_gone = comes(|| reaper::remains(&run, None).is_empty());
        assert!(is_gone, "{ending} after {after_ms} ms leaves {:?}", reaper::remains(&run, None));
        assert!(folder.path().join("long/data").is_dir(), "files are kept");
    }
}

#[test]
fn what_nobody_watched_over_is_taken_away_by_gc_and_a_run_that_goes_on_is_not() {
    let (lost, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut harness, mut other) = (start(lost.path(), "never"), start(kept.path(), "never"));
    let run = RunId::of_process(harness.id()).unwrap();
    let other_run = RunId::of_process(other.id()).unwrap();
    for run in [&run, &other_run] {
        assert!(comes(|| reaper::remains(run, None).len() >= 5), "a store and four nodes");
    }
    signal("-KILL", watcher(&run));
    signal("-KILL", harness.id());
    harness.wait().unwrap();
    assert!(!reaper::remains(&run, None).is_empty(), "nobody took it away");
    let (said, noted, code) = outcome(&mut testbed(&["gc"]));
    assert_eq!(code, 0, "{noted}");
    assert!(said.contains(&format!("{run}: ")), "{said}");
    assert!(!said.contains(other_run.as_str()), "{said}");
    assert!(reaper::remains(&run, None).is_empty());
    // One of its nodes may be down for a while, as its scenario has it.
    assert!(comes(|| reaper::remains(&other_run, None).len() >= 5), "another run goes on");
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(comes(|| reaper::remains(&other_run, None).is_empty()));
    let (said, _, code) = outcome(&mut testbed(&["gc"]));
    assert_eq!(code, 0);
    assert!(!said.contains(run.as_str()), "{said}");
}

/// The process that watches over a run.
fn watcher(run: &RunId) -> u32 {
    let is_it = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&format!("{}\0{run}\0", reaper::COMMAND))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(is_it).unwrap()
}

#[test]
fn what_cannot_be_is_told_with_what_to_do_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let told = |scenario: &str, number: u32, arguments: &[&str]| {
        fs::write(&file, scenario).unwrap();
        let out = folder.path().join(number.to_string());
        let all = [&["run", path(&file), "--out", path(&out)], arguments].concat();
        let (_, said, code) = outcome(&mut testbed(&all));
        (code, said)
    };
    let (code, said) = told(SIGNALS, 1, &["--node-binary", "/nowhere/bigchaindb"]);
    assert_eq!(code, 4);
    assert!(said.contains("looked for /nowhere/bigchaindb"), "{said}");
    assert!(said.contains("cargo build --release -p bigchaindb -p testbed"), "{said}");
    let (code, said) = told(CUTS, 2, &["--namespaces", "never"]);
    assert_eq!(code, 2);
    assert!(said.contains("fault 0 (`partition`) takes networks that can be cut"), "{said}");
    let (code, said) = told(SIGNALS, 3, &["--quirk", "deleted-before-written"]);
    assert_eq!(code, 2);
    assert!(said.contains("the backend `processes` has no quirks"), "{said}");
    let alone = SERVERS.replace("servers = 3, replicas = 3", "").replace("\"s2\"", "\"s1\"");
    let alone = alone.replace("store-partition", "power-loss").replace("for = \"1s\"\n", "");
    let alone = alone.replace("from = [\"s3\"]\ndirection = \"out\"\n", "");
    let (code, said) = told(&alone, 6, &[]);
    assert_eq!(code, 2);
    assert!(said.contains("cannot do the fault `power-loss`"), "{said}");
    let (code, said) = told(SIGNALS, 4, &["--processes", "--backend", "sim"]);
    assert_eq!(code, 2);
    assert!(said.contains("are two worlds"), "{said}");
    let rethinkdb = SIGNALS.replace("[[load]]", "[federation]\nstore = \"rethinkdb\"\n\n[[load]]");
    let arguments = ["--namespaces", "never"];
    let without_path = |arguments: &[&str]| {
        fs::write(&file, &rethinkdb).unwrap();
        let out = folder.path().join("5");
        let all = [&["run", path(&file), "--out", path(&out)], arguments].concat();
        outcome(testbed(&all).env("PATH", "/nowhere"))
    };
    let (_, said, code) = without_path(&arguments);
    assert_eq!(code, 4);
    assert!(said.contains("there is no program `rethinkdb`"), "{said}");
}
