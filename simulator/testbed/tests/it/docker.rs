//! Runs in containers: they are judged as others are, and nothing is left of them, whatever way they end.
//!
//! That takes a Docker engine: `apart` says what becomes of tests where there is none. The image is made of
//! the program under test, by `deploy/images/build`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use bigchaindb_simulator::backends::apart::RunId;
use bigchaindb_simulator::backends::apart::reaper::{self, Containers};

use crate::apart::{
    CUTS, LIMITS, SERVERS, SIGNALS, comes, leaves_nothing, passes, path, start, without_namespaces,
};
use crate::mixed::STARTED;
use crate::without::without;
use crate::{outcome, testbed};

/// In which world all of this is.
const DOCKER: [&str; 2] = ["--backend", "docker"];

/// The engine, with the image, unless tests of it are to be left out.
fn engine() -> Option<Containers> {
    static IMAGE: Once = Once::new();
    let found = Containers::look();
    let lacks = found.as_ref().err().map(|error| format!("no Docker engine answers: {error}"));
    if without("docker", lacks) {
        return None;
    }
    IMAGE.call_once(|| {
        let node = Path::new(env!("CARGO_BIN_EXE_testbed")).with_file_name("bigchaindb");
        let made = Command::new("../../deploy/images/build").arg(node).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    });
    found.ok()
}

#[test]
fn containers_are_killed_and_stopped_and_come_back() {
    if engine().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SIGNALS, &DOCKER, 5);
    let said = fs::read_to_string(folder.path().join("out/results.json")).unwrap();
    assert!(said.contains("a container each, of `bigchaindb-testbed/node:latest`"), "{said}");
}

#[test]
fn servers_of_the_store_fail_and_come_back_in_a_container() {
    if engine().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), SERVERS, &DOCKER, 3);
}

#[test]
fn containers_are_cut_off_every_way() {
    if engine().is_none() || without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), CUTS, &DOCKER, 5);
}

#[test]
fn containers_that_have_too_little_of_the_machine_come_back() {
    if engine().is_none() || without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), LIMITS, &DOCKER, 4);
}

#[test]
fn a_foreign_program_lives_in_the_network_of_a_container() {
    if engine().is_none() || without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), STARTED, &DOCKER, 2);
    assert!(folder.path().join("out/data/guest/stopped").is_file(), "it was told to stop");
}

#[test]
fn nothing_is_left_of_a_run_in_containers_whose_harness_ends_in_any_way() {
    let Some(engine) = engine() else { return };
    for ending in
        [("-KILL", 0), ("-KILL", 400), ("-INT", 1_500), ("-KILL", 2_500), ("-TERM", 5_000)]
    {
        leaves_nothing(ending, &DOCKER, Some(&engine));
    }
}

#[test]
fn containers_that_nobody_watched_over_are_taken_away_by_gc() {
    let Some(engine) = engine() else { return };
    // Somebody else's container, of no run.
    let stranger = "bigchaindb-testbed-stranger";
    let docker = |arguments: &[&str]| Command::new("docker").args(arguments).output().unwrap();
    docker(&["rm", "--force", stranger]);
    let image = ["--entrypoint", "sleep", "bigchaindb-testbed/node:latest", "600"];
    let made = docker(
        &[&["run", "--detach", "--network", "none", "--name", stranger][..], &image].concat(),
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let folder = tempfile::tempdir().unwrap();
    let mut harness = start(folder.path(), &DOCKER);
    let run = RunId::of_process(harness.id()).unwrap();
    let remains = || reaper::remains(&run, Some(&engine));
    assert!(comes(|| remains().iter().any(|name| name.ends_with("-machine"))), "machines are up");
    for watcher in crate::processes::watchers(&run) {
        crate::apart::signal("-KILL", watcher);
    }
    harness.kill().unwrap();
    harness.wait().unwrap();
    assert!(!remains().is_empty(), "nobody took it away");
    let (said, noted, code) = outcome(&mut testbed(&["gc"]));
    assert_eq!(code, 0, "{noted}");
    assert!(said.contains(&format!("{run}: ")), "{said}");
    assert_eq!(remains(), Vec::<String>::new());
    let left = docker(&["rm", "--force", stranger]);
    assert!(left.status.success(), "a stranger's container stays");
}

#[test]
fn an_image_or_an_engine_that_is_missing_is_told_with_what_to_do_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let told = |scenario: &str, name: &str, arguments: &[&str], host: Option<&str>| {
        fs::write(&file, scenario).unwrap();
        let out = folder.path().join(name);
        let all = [&["run", path(&file), "--out", path(&out)], &DOCKER[..], arguments].concat();
        let mut command = testbed(&all);
        command.envs(host.map(|host| ("DOCKER_HOST", host)));
        let (_, said, code) = outcome(&mut command);
        (code, said)
    };
    let (code, said) = told(SIGNALS, "1", &[], Some("unix:///nowhere/docker.sock"));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no Docker engine answers"), "{said}");
    assert!(said.contains("DOCKER_HOST"), "{said}");
    if engine().is_none() {
        return;
    }
    let (code, said) = told(SIGNALS, "2", &["--node-image", "nobody/has:this"], None);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no image `nobody/has:this`"), "{said}");
    assert!(said.contains("deploy/images/build"), "{said}");
    let rethinkdb = SIGNALS.replace("[[load]]", "[federation]\nstore = \"rethinkdb\"\n\n[[load]]");
    let (code, said) = told(&rethinkdb, "3", &["--rethinkdb-image", "nobody/has:that"], None);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no image `nobody/has:that`") && said.contains("docker pull"), "{said}");
}
