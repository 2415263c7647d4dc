//! `testbed shrink`, `testbed repro`, `testbed judge` and `testbed defects`.

use crate::{outcome, testbed};

#[test]
fn a_failure_is_made_small_kept_and_seen_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    let file = file.to_str().unwrap();
    let storm = "scenarios/smoke/conflict-storm.toml";
    let quirk = ["--quirk", "double-spend-unchecked"];
    let shrink = ["shrink", storm, "--seed", "3", "--invariant", "S1", "--out", file, "--json"];
    let (json, said, code) = outcome(testbed(&shrink).args(quirk));
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["after"]["operations"], 3, "{json}");

    let (said, _, code) = outcome(&mut testbed(&["repro", file]));
    assert_eq!(code, 0, "{said}");
    let digest = told["digest"].as_str().unwrap();
    let expected = format!(
        "digest: {digest}\nviolated: S1, S13, L3\nwithout its quirks: pass\noutcome: as the file says\n"
    );
    assert_eq!(said, expected);
    // It is an ordinary scenario.
    let run = folder.path().join("run");
    let arguments = ["run", file, "--out", run.to_str().unwrap()];
    let (said, _, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(digest), "{said}");

    let text = std::fs::read_to_string(file).unwrap().replace("at = \"2s\"", "at = \"2.1s\"");
    std::fs::write(file, text).unwrap();
    let (said, _, code) = outcome(&mut testbed(&["repro", file]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the file expects another one"), "{said}");
    // It is the same failure in another run, which can be accepted.
    let (said, _, code) = outcome(&mut testbed(&["repro", file, "--accept"]));
    assert_eq!((code, said.contains("accepted: ")), (0, true), "{said}");
    assert_eq!(outcome(&mut testbed(&["repro", file])).2, 0);
    let text =
        std::fs::read_to_string(file).unwrap().replace("do = \"conflict\"", "do = \"transfer\"");
    std::fs::write(file, text.replace("with = ", "of = ")).unwrap();
    let (said, _, code) = outcome(&mut testbed(&["repro", file, "--accept"]));
    assert_eq!((code, said.contains("not accepted: ")), (1, true), "{said}");

    let sound = ["shrink", storm, "--seed", "3"];
    let (_, said, code) = outcome(&mut testbed(&sound));
    assert_eq!((code, said.starts_with("error: no checker fires\n hint: ")), (2, true), "{said}");
}

#[test]
fn a_recording_is_judged() {
    let file = "simulator/tests/recordings/original-4nodes-4tps-1shard.jsonl.xz";
    let (json, said, code) = outcome(&mut testbed(&["judge", file, "--json"]));
    assert_eq!(code, 1, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["blocks"], &told["votes"]), (&77.into(), &180.into()));
    assert_eq!(
        told["status_histories"]["undecided > invalid > valid"].as_array().unwrap().len(),
        1
    );
    let (text, _, _) = outcome(&mut testbed(&["judge", file]));
    assert!(text.starts_with("blocks: 77, votes: 180\n  without a vote: 23\n"), "{text}");
    assert!(text.ends_with("verdict: fail\n"), "{text}");
    assert_eq!(outcome(&mut testbed(&["judge", "nothing.jsonl"])).2, 4);
}

#[test]
fn a_defect_is_hunted_found_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let hunt = ["defects", "q01", "genesis-unclaimed", "--shrink", "--out", out, "--json"];
    let (json, said, code) = outcome(&mut testbed(&hunt));
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    let quirks: Vec<_> =
        told["lines"].as_array().unwrap().iter().map(|line| &line["quirk"]).collect();
    assert_eq!(quirks, ["deleted-before-written", "genesis-unclaimed"]);
    for file in ["q01-deleted-before-written.toml", "q24-genesis-unclaimed.toml"] {
        let file = folder.path().join(file);
        let (said, _, code) = outcome(&mut testbed(&["repro", file.to_str().unwrap()]));
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("without its quirks: pass"), "{said}");
    }
    let page = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(page.contains("2 of 42 found"), "{page}");
    let (_, said, code) = outcome(&mut testbed(&["defects", "q99", "--out", out]));
    assert_eq!(code, 2, "{said}");
}
