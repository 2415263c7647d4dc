//! `testbed replay`.

use std::path::Path;

use crate::{outcome, testbed};

const FIRST: &str = "scenarios/smoke/first-federation.toml";

fn replay(run: &Path, arguments: &[&str]) -> (String, String, i32) {
    outcome(testbed(&["replay", run.to_str().unwrap()]).args(arguments))
}

/// The smoke scenario in real time, once: it takes a while.
#[test]
fn every_node_of_the_smoke_run_does_the_same_again_and_a_change_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = ["run", FIRST, "--backend", "local", "--out", run.to_str().unwrap()];
    let (printed, said, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{printed}{said}");

    let (printed, said, code) = replay(&run, &[]);
    assert_eq!(code, 0, "{printed}{said}");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    for (line, node) in lines.iter().zip(["n1", "n2", "n3", "n4"]) {
        assert!(line.starts_with(&format!("{node}: identical, ")), "{printed}");
    }
    // One of them was killed and started again.
    assert_eq!(lines.iter().filter(|line| line.ends_with(" in 2 lives")).count(), 1, "{printed}");
    let (json, _, _) = replay(&run, &["--node", "n3", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 1, "{json}");
    assert_eq!((&told[0]["node"], &told[0]["identical"]), (&"n3".into(), &true.into()), "{json}");
    assert!(told[0]["inputs"].as_u64().unwrap() > 500, "{json}");

    // Another chance at the start: other uuids, other assignees, and all that follows.
    let file = run.join("heard/n2.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    let request = whole.find("[\"request\",").unwrap();
    let entropy = request + whole[request..].find(",\"").unwrap() + 2;
    let zeros = "0".repeat(32);
    let changed = format!("{}{zeros}{}", &whole[..entropy], &whole[entropy + zeros.len()..]);
    std::fs::write(&file, changed).unwrap();
    let (printed, _, code) = replay(&run, &["--node", "n1", "--node", "n2"]);
    assert_eq!(code, 1, "{printed}");
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[0].starts_with("n1: identical, "), "{printed}");
    let line = whole[..request].matches('\n').count() + 1;
    assert!(lines[1].starts_with("n2: different at input "), "{printed}");
    assert!(lines[1].contains(&format!(" of life 1, line {line}, ")), "{printed}");
    assert!(lines[2].starts_with("  heard: Request { id: RequestId(0), call: "), "{printed}");
    assert!(lines[3].starts_with("  recorded: "), "{printed}");
    assert!(lines[4].starts_with("  now: "), "{printed}");
    assert_ne!(lines[3].split_once(": "), lines[4].split_once(": "));

    // A node that was killed while it was written down.
    let half = whole.len() / 2;
    let half = half + whole[half..].find(":[").unwrap();
    std::fs::write(&file, &whole[..half]).unwrap();
    let (printed, _, code) = replay(&run, &["--node", "n2"]);
    assert_eq!(code, 0, "{printed}");
    assert!(
        printed.contains("is cut off in the middle of a line: replayed up to there"),
        "{printed}"
    );

    std::fs::write(&file, format!("{}nonsense\n{}", &whole[..request], &whole[request..])).unwrap();
    let (_, said, code) = replay(&run, &["--node", "n2"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains(&format!("heard/n2.jsonl:{line}: no line of a record: ")), "{said}");

    std::fs::remove_file(&file).unwrap();
    let (_, said, code) = replay(&run, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.starts_with("error: there is no record of what n2 heard in "), "{said}");
    let (_, said, code) = replay(&run, &["--node", "n9"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("there is no node of ours `n9`") && said.contains("n1, n2, n3, n4"),
        "{said}"
    );
}

#[test]
fn what_was_not_recorded_cannot_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, said, code) = replay(folder.path(), &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("plan.json") && said.contains("hint: name the folder"), "{said}");

    let file = folder.path().join("short.toml");
    let text = "name = \"short\"\nfederation = { nodes = 1 }\n[[load]]\nat = \"0s\"\nfor = \"1s\"\n\
                arrivals = { kind = \"constant\", rate = \"2/s\" }\n";
    std::fs::write(&file, text).unwrap();
    for (arguments, hint) in [
        (&["--backend", "sim"][..], "a run in sim is the same each time"),
        (&["--backend", "local", "--no-record"], "unless it is told `--no-record`"),
    ] {
        let run = folder.path().join(arguments[1]);
        let fixed = ["run", file.to_str().unwrap(), "--out", run.to_str().unwrap()];
        let (printed, said, code) = outcome(testbed(&fixed).args(arguments));
        assert_eq!(code, 0, "{printed}{said}");
        assert!(!run.join("heard").exists());
        let (_, said, code) = replay(&run, &[]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(hint), "{said}");
    }
}
