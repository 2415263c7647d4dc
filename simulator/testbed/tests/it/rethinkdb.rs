//! Runs by processes on real RethinkDB, where it is installed.
//!
//! Where there is none these tests fail, unless `TESTBED_WITHOUT=rethinkdb` says that they are to be left
//! out. How it is called is tested everywhere, with a stand-in (`processes`).

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::apart::{SERVERS, SIGNALS, passes, path, without_namespaces};
use crate::without::without;
use crate::{outcome, testbed};

/// In which world all of this is.
const RETHINKDB: [&str; 3] = ["--processes", "--store", "rethinkdb"];

/// Every shape of a store that falls apart, and servers that stop and stand still.
const APART: &str = r#"
name = "apart"
backends = ["processes"]

[federation]
nodes = 2
rethinkdb = { servers = 4, shards = 2, replicas = 3 }

[[load]]
at = "500ms"
for = "14s"
arrivals = { rate = "5/s" }

[[fault]]
do = "store-partition"
at = "1s"
for = "1s"
from = "s1"
direction = "out"

[[fault]]
do = "store-partition"
at = "1500ms"
for = "1s"
from = "s2"
direction = "in"

[[fault]]
do = "store-partition"
at = "3s"
for = "1s"
shape = "halves"

[[fault]]
do = "store-partition"
at = "5s"
for = "1s"
shape = "bridge"

[[fault]]
do = "store-partition"
at = "7s"
for = "1s"
shape = "ring"

[[fault]]
do = "store-pause"
at = "9s"
for = "1s"
target = "s3"

[[fault]]
do = "store-restart"
at = "11s"
target = "s4"

[[fault]]
do = "reconfigure"
at = "14s"
shards = 1
replicas = 3
"#;

/// Whether tests on RethinkDB are to be left out here; fails if it is not installed and should be.
fn without_rethinkdb() -> bool {
    let places = env::var_os("PATH").unwrap_or_default();
    let is_there =
        env::split_paths(&places).any(|folder: PathBuf| folder.join("rethinkdb").is_file());
    let lacks = (!is_there).then(|| "there is no program `rethinkdb`".to_owned());
    without("rethinkdb", lacks) || without_namespaces()
}

#[test]
fn the_first_federation_passes_on_rethinkdb() {
    if without_rethinkdb() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scenario = fs::read_to_string("../../scenarios/smoke/first-federation.toml").unwrap();
    passes(folder.path(), &scenario, &RETHINKDB, 2);
}

#[test]
fn servers_of_rethinkdb_fail_and_come_back() {
    if without_rethinkdb() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SERVERS, &RETHINKDB, 3);
    for server in ["s1", "s2", "s3"] {
        assert!(folder.path().join("out/data").join(server).is_dir(), "each has data of its own");
    }
}

#[test]
fn servers_of_rethinkdb_are_cut_apart_every_way() {
    if without_rethinkdb() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), APART, &RETHINKDB, 8);
}

#[test]
fn rethinkdb_listens_on_addresses_of_interfaces_only() {
    if without_rethinkdb() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("scenario.toml"), folder.path().join("out"));
    fs::write(&file, SIGNALS).unwrap();
    let of: [&Path; 2] = [&file, &out];
    let [file, out] = of.map(path);
    let all = [&["run", file, "--out", out, "--namespaces", "never"], &RETHINKDB[..]].concat();
    let (_, said, code) = outcome(&mut testbed(&all));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("Could not find bind ip address"), "{said}");
    assert!(said.contains("hint: RethinkDB listens on addresses of interfaces only"), "{said}");
}
