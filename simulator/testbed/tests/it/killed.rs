//! A harness that is killed leaves what can be read, judged and gone on with.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::{outcome, testbed};

const SCENARIO: &str = "scenarios/smoke/crash-carousel.toml";

/// Starts a command and kills it after a while; whether it was still running.
fn killed_after(arguments: &[&str], wait: Duration) -> bool {
    let mut command = testbed(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(wait);
    let was_running = child.try_wait().unwrap().is_none();
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

fn digest(json: &str) -> String {
    let told: serde_json::Value = serde_json::from_str(json).unwrap();
    told["digest"].as_str().unwrap().to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_run_that_was_killed_is_read_judged_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let arguments = ["run", SCENARIO, "--seed", "7", "--json", "--out", path(&whole)];
    let (json, said, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{said}");
    let undisturbed = digest(&json);
    let bytes = std::fs::read(whole.join("observations.jsonl")).unwrap();

    let (mut torn, mut wait) = (0, Duration::from_millis(10));
    for number in 0.. {
        let out = folder.path().join(number.to_string());
        let was_running =
            killed_after(&["run", SCENARIO, "--seed", "7", "--out", path(&out)], wait);
        wait = wait * 5 / 4;
        if !out.join("command").is_file() {
            assert!(was_running, "a run that ended has left everything");
            continue;
        }
        let log = out.join("observations.jsonl");
        if log.is_file() {
            let there = std::fs::read(&log).unwrap();
            assert!(bytes.starts_with(&there), "what is there is how the run begins");
            torn += u32::from(!there.is_empty() && there.len() < bytes.len());
            let (_, said, code) = outcome(&mut testbed(&["judge", path(&out), "--json"]));
            assert!([0, 1, 3].contains(&code), "{code}: {said}");
        }
        let (json, said, code) = outcome(&mut testbed(&["run", "--resume", path(&out), "--json"]));
        assert_eq!((code, said.as_str()), (0, ""));
        assert_eq!(digest(&json), undisturbed);
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
        assert!(out.join("report.html").is_file());
        if !was_running {
            assert!(torn > 0, "no run was killed in the middle");
            break;
        }
    }
}

#[test]
fn a_log_that_is_not_how_the_run_begins_is_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let small = "scenarios/smoke/single-node.toml";
    assert_eq!(outcome(&mut testbed(&["run", small, "--out", path(&out)])).2, 0);
    let log = out.join("observations.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.truncate(5_000);
    bytes[4_000] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let (_, said, code) = outcome(&mut testbed(&["run", "--resume", path(&out)]));
    assert_eq!(code, 1);
    assert!(said.contains("from byte 4000 on"), "{said}");
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
    // Neither is a folder without a plan.
    let (_, said, code) = outcome(&mut testbed(&["run", "--resume", path(folder.path())]));
    assert_eq!(code, 4, "{said}");
}

#[test]
fn a_campaign_that_was_killed_comes_to_what_an_undisturbed_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("campaign.html");
    let campaign = [
        "campaign",
        "scenarios/smoke/single-node.toml",
        "scenarios/smoke/first-federation.toml",
        "--seeds",
        "60",
        "--html",
        path(&html),
        "--json",
    ];
    let tally = |json: &str| {
        let mut told: serde_json::Value = serde_json::from_str(json).unwrap();
        for time in ["seconds", "runs_per_cpu_minute"] {
            told.as_object_mut().unwrap().remove(time).unwrap();
        }
        told
    };
    let (json, said, code) = outcome(&mut testbed(&campaign));
    assert_eq!(code, 0, "{said}");
    let undisturbed = tally(&json);
    assert_eq!((&undisturbed["runs"], &undisturbed["twice"]), (&60.into(), &3.into()));
    assert!(std::fs::read_to_string(&html).unwrap().contains("A campaign of 60 runs"));

    let state = folder.path().join("state.json");
    let with_state = [&campaign[..], &["--state", path(&state)]].concat();
    let mut gone_on = 0;
    let mut wait = Duration::from_millis(20);
    while killed_after(&with_state, wait) {
        gone_on += u32::from(state.is_file());
        wait = wait * 5 / 4;
    }
    assert!(gone_on > 0, "it was never killed after its state was written");
    let (json, said, code) = outcome(&mut testbed(&with_state));
    assert_eq!(code, 0, "{said}");
    assert_eq!(tally(&json), undisturbed);
    // Another campaign does not go on with it.
    let other = [&with_state[..], &["--from", "2"]].concat();
    let (_, said, code) = outcome(&mut testbed(&other));
    assert_eq!(code, 2, "{said}");
}
