//! Runs with members apart, as processes or in containers: scenarios that need little, and what all tests
//! of such runs do.
//!
//! Where a machine lacks what a test needs, the test fails, unless `TESTBED_WITHOUT` names it (`without`):
//! `namespaces` (root, `ip`, `nft`), `docker` (an engine), `rethinkdb` (the program).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bigchaindb_simulator::backends::apart::reaper::{self, Containers};
use bigchaindb_simulator::backends::apart::{RunId, no_namespaces};
use bigchaindb_simulator::observe::{Phase, Record, read};
use bigchaindb_simulator::record::RunDirectory;

use crate::without::without;
use crate::{outcome, testbed};

/// Faults that need nothing but signals.
pub(crate) const SIGNALS: &str = r#"
name = "signals"
backends = ["processes", "docker"]

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
pub(crate) const SERVERS: &str = r#"
name = "servers"
backends = ["processes", "docker"]

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

[[fault]]
do = "reconfigure"
at = "4500ms"
"#;

/// Every way to be cut off.
pub(crate) const CUTS: &str = r#"
name = "cuts"
backends = ["processes", "docker"]

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

/// Too little of a processor, of memory, of a disk; a node is slowed that is killed meanwhile.
pub(crate) const LIMITS: &str = r#"
name = "limits"
backends = ["processes", "docker"]

[[load]]
at = "500ms"
for = "8s"
arrivals = { rate = "10/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "slow-node"
at = "1s"
for = "4s"
factor = 10
target = "n1"

[[fault]]
do = "kill"
at = "2s"
target = "n1"
restart_after = "500ms"

[[fault]]
do = "out-of-memory"
at = "3s"
target = "n2"
restart_after = "1s"

[[fault]]
do = "store-full"
at = "6s"
for = "2s"
"#;

/// Starts a run that has no end of its own for a while.
pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Child {
    let file = folder.join("long.toml");
    let long = match no_namespaces() {
        None => LIMITS.replace("for = \"8s\"", "for = \"5min\""),
        // Limits take root as well.
        Some(_) => SIGNALS.replace("for = \"6s\"", "for = \"5min\""),
    };
    fs::write(&file, long).unwrap();
    let out = folder.join("long");
    let all = [&["run", path(&file), "--out", path(&out)], arguments].concat();
    let mut command = testbed(&all);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Waits for something, for ten seconds; whether it came.
pub(crate) fn comes(is_so: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        sleep(Duration::from_millis(20));
        is_so()
    })
}

pub(crate) fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Whether tests of networks of members' own are to be left out.
pub(crate) fn without_namespaces() -> bool {
    without("namespaces", no_namespaces())
}

/// Ends a harness in some way, so long after it has made the first thing: nothing of the run is left, but
/// files.
pub(crate) fn leaves_nothing(
    (ending, after_ms): (&str, u64),
    arguments: &[&str],
    containers: Option<&Containers>,
) {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = start(folder.path(), arguments);
    let run = RunId::of_process(harness.id()).unwrap();
    let remains = || reaper::remains(&run, containers);
    assert!(comes(|| !remains().is_empty()), "it has started something");
    sleep(Duration::from_millis(after_ms));
    signal(ending, harness.id());
    assert!(!harness.wait().unwrap().success());
    assert!(comes(|| remains().is_empty()), "{ending} after {after_ms} ms leaves {:?}", remains());
    assert!(folder.path().join("long/data").is_dir(), "files are kept");
}

/// Runs a scenario, which has to pass with all of its faults seen; its run directory.
pub(crate) fn passes(folder: &Path, scenario: &str, arguments: &[&str], faults: usize) {
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
        // Of a store of several processes, each is a member.
        let is_it = |name: &str| name == member || (name, member) == ("s1", "store");
        let found = results.resources.iter().find(|resources| is_it(&resources.member));
        let resources = found.unwrap_or_else(|| panic!("{member}: {:?}", results.resources));
        assert!(resources.cpu_ms > 0 && resources.rss_kib_max > 0, "{resources:?}");
        assert!(resources.open_files_max > Some(3) && !resources.samples.is_empty());
        assert_eq!(resources.disk_bytes.is_some(), member == "store", "{resources:?}");
    }
    assert!(out.join("data/n1.log").is_file(), "logs are kept");
    let (said, noted, code) = outcome(&mut testbed(&["replay", path(&out)]));
    assert_eq!(code, 0, "nodes do once more what they did: {said}{noted}");
}
