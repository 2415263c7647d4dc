//! `testbed run`.

use crate::{outcome, testbed};

const FIRST: &str = "scenarios/smoke/first-federation.toml";

#[test]
fn a_scenario_that_is_wrong_is_told_with_its_line_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, "name = \"wrong\"\n[federation]\nnoeds = 4\n").unwrap();
    let file = file.to_str().unwrap();
    for command in [&["run", file][..], &["campaign", file, "--seeds", "1"]] {
        let (printed, said, code) = outcome(&mut testbed(command));
        let expected = format!(
            "error: {file}:3: unknown key `noeds` in `[federation]`\n hint: did you mean `nodes`?\n"
        );
        assert_eq!((printed.as_str(), said, code), ("", expected, 2));
    }
}

#[test]
fn what_is_in_a_folder_already_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precious"), "").unwrap();
    let out = folder.path().to_str().unwrap();
    let (_, said, code) = outcome(&mut testbed(&["run", FIRST, "--out", out]));
    assert_eq!(code, 2);
    assert!(said.contains("is not empty"), "{said}");
}

#[test]
fn the_same_seed_has_the_same_digest_in_every_process_and_thread() {
    let told = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        let fixed = ["run", FIRST, "--seed", "7", "--json", "--out", out.to_str().unwrap()];
        let (json, said, code) = outcome(testbed(&fixed).args(arguments));
        assert_eq!(code, 0, "{said}");
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told["verdict"], "pass", "{json}");
        for file in ["scenario.toml", "plan.json", "observations.jsonl", "results.json"] {
            assert!(out.join(file).is_file(), "{file}");
        }
        assert!(out.join("report.html").is_file());
        told["digest"].as_str().unwrap().to_owned()
    };
    let once = told(&[]);
    assert_eq!(once.len(), 64);
    assert_eq!(once, told(&["--jobs", "2"]));
}

#[test]
fn a_run_opens_with_its_seed_and_a_failed_one_ends_with_its_replay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hopeless.toml");
    let text = "name = \"hopeless\"\n[[load]]\nfor = \"8s\"\narrivals = { rate = \"2/s\" }\n\
                [expect]\nfinality = { p50 = \"<= 1us\" }\n";
    std::fs::write(&file, text).unwrap();
    let (file, out) = (file.to_str().unwrap(), folder.path().join("run"));
    let arguments = ["run", file, "--seed", "3", "--out", out.to_str().unwrap()];
    let (printed, _, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 1, "{printed}");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "seed: 3");
    assert!(lines[1].starts_with("run: "), "{printed}");
    assert!(lines.contains(&"verdict: fail"), "{printed}");
    let replay = format!("replay: cargo run --release -- run {file} --seed 3 --backend sim");
    assert_eq!(lines.last(), Some(&replay.as_str()));
}

#[test]
fn a_campaign_counts_and_names_what_it_finds() {
    let arguments =
        ["campaign", FIRST, "scenarios/smoke/single-node.toml", "--seeds", "4", "--json"];
    let (json, said, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["runs"], &told["pass"]), (&4.into(), &4.into()), "{json}");
}
