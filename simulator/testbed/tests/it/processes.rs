//! Runs by processes: they are judged as others are, and nothing is left of them, whatever way they end.
//!
//! Members with networks of their own take root, `ip` and `nft`: `apart` says what becomes of tests where
//! that cannot be had.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bigchaindb_simulator::backends::apart::{RunId, reaper};
use bigchaindb_simulator::observe::{Phase, Record, read};

use crate::apart::{
    CUTS, LIMITS, SERVERS, SIGNALS, comes, leaves_nothing, passes, path, signal, start,
    without_namespaces,
};
use crate::{outcome, testbed};

#[test]
fn processes_are_killed_and_stopped_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SIGNALS, &["--namespaces", "never"], 5);
}

#[test]
fn servers_of_the_store_fail_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SERVERS, &["--namespaces", "never"], 3);
}

#[test]
fn members_that_have_too_little_of_the_machine_come_back() {
    if without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), LIMITS, &["--namespaces", "never"], 4);
    let data = folder.path().join("out/data");
    let said = fs::read_to_string(data.join("store.log")).unwrap();
    assert!(said.contains("the database cannot be written any more"), "it was full: {said}");
    assert!(data.join("disk/store").is_dir(), "what was on the disk is kept");
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
fn feeds_that_are_not_there_are_not_ended() {
    const NO_FEEDS: &str = r#"
name = "no feeds"
backends = ["processes"]

[[load]]
at = "500ms"
for = "4s"
arrivals = { rate = "5/s" }

[[fault]]
do = "store-kill"
at = "1s"
restart_after = "2s"

[[fault]]
do = "feed-abort"
at = "2s"
target = "n1"
"#;
    if without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("scenario.toml"), folder.path().join("out"));
    fs::write(&file, NO_FEEDS).unwrap();
    let (said, noted, code) = outcome(&mut testbed(&["run", path(&file), "--out", path(&out)]));
    assert_eq!(code, 0, "{said}{noted}");
    let phases = |number: u64| {
        let of_fault = |record: Record| match record {
            Record::Fault(fault) if fault.number == number => Some(fault.phase),
            _ => None,
        };
        let all = read(&out.join("observations.jsonl")).unwrap().into_iter();
        all.filter_map(|observed| of_fault(observed.record)).collect::<Vec<_>>()
    };
    assert_eq!(phases(0).len(), 4);
    assert_eq!(phases(1), [Phase::Planned], "it has not come about");
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
    for ending in
        [("-KILL", 30), ("-KILL", 400), ("-INT", 1_500), ("-KILL", 2_500), ("-TERM", 4_000)]
    {
        leaves_nothing(ending, &["--namespaces", namespaces], None);
    }
}

#[test]
fn what_nobody_watched_over_is_taken_away_by_gc_and_a_run_that_goes_on_is_not() {
    let never = ["--namespaces", "never"];
    let (lost, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut harness, mut other) = (start(lost.path(), &never), start(kept.path(), &never));
    let run = RunId::of_process(harness.id()).unwrap();
    let other_run = RunId::of_process(other.id()).unwrap();
    for run in [&run, &other_run] {
        assert!(comes(|| reaper::remains(run, None).len() >= 5), "a store and four nodes");
    }
    for watcher in watchers(&run) {
        signal("-KILL", watcher);
    }
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

/// The processes that watch over a run.
pub(crate) fn watchers(run: &RunId) -> Vec<u32> {
    let is_it = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&format!("{}\0{run}\0", reaper::COMMAND))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(is_it).collect()
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
    let crawling = LIMITS.replace("factor = 10", "factor = 1001");
    let (code, said) = told(&crawling, 10, &["--namespaces", "never"]);
    assert_eq!(code, 2);
    assert!(said.contains("no `slow-node` by a `factor` of more than 1000"), "{said}");
    let (code, said) = told(SIGNALS, 3, &["--quirk", "deleted-before-written"]);
    assert_eq!(code, 2);
    assert!(said.contains("the backend `processes` has no quirks"), "{said}");
    let alone = format!("{SIGNALS}\n[[fault]]\ndo = \"power-loss\"\nat = \"7s\"\n");
    let (code, said) = told(&alone, 6, &[]);
    assert_eq!(code, 2);
    assert!(said.contains("cannot do the fault `power-loss`"), "{said}");
    let together = SERVERS.replace("reconfigure", "power-loss");
    let (code, said) = told(&together, 7, &["--store", "rethinkdb"]);
    assert_eq!(code, 2);
    assert!(said.contains("a process that is killed loses nothing"), "{said}");
    let (code, said) = told(SERVERS, 8, &["--store", "rethinkdb", "--namespaces", "never"]);
    assert_eq!(code, 2, "whether or not it is installed: {said}");
    assert!(said.contains("(`store-partition`) takes networks that can be cut"), "{said}");
    let (code, said) = told(SIGNALS, 9, &["--store", "rethinkdb", "--backend", "sim"]);
    assert_eq!(code, 2);
    assert!(said.contains("in `sim` the store is no program of its own"), "{said}");
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
