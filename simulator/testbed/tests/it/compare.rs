//! `testbed compare`, in virtual time, where its answers are sure.

use std::path::Path;

use crate::{outcome, testbed};

const TEXT: &str = "name = \"small\"\nfederation = { nodes = 1 }\n[[load]]\nfor = \"8s\"\n\
    arrivals = { rate = \"4/s\" }\n";

/// Writes a scenario and runs it; the folder of the run.
fn run(folder: &Path, name: &str, text: &str, seed: &str) -> String {
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).unwrap();
    let out = folder.join(format!("{name}-{seed}"));
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let (printed, said, code) =
        outcome(&mut testbed(&["run", file, "--seed", seed, "--backend", "sim", "--out", out]));
    assert_eq!(code, 0, "{printed}{said}");
    out.to_owned()
}

#[test]
fn runs_are_held_against_a_stored_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let once = run(folder.path(), "once", TEXT, "1");
    let again = run(folder.path(), "again", TEXT, "1");
    // The same load on a node that needs longer for everything.
    let slow = format!("{TEXT}[links]\ndefault = {{ latency = \"5ms\" }}\n");
    let slow = run(folder.path(), "slow", &slow, "1");
    let other = run(folder.path(), "other", &TEXT.replace("small", "other"), "1");
    let baseline = folder.path().join("baseline.json");
    let baseline = baseline.to_str().unwrap();
    let markdown = folder.path().join("comparison.md");

    let (printed, said, code) = outcome(&mut testbed(&["compare", &once, "--save", baseline]));
    assert_eq!(code, 0, "{said}");
    assert!(printed.ends_with("baseline.json (runs: 1)\n"), "{printed}");
    let (printed, said, code) = outcome(&mut testbed(&["compare", &again, "--baseline", baseline]));
    assert_eq!(code, 0, "{printed}{said}");
    assert!(
        printed.ends_with("nothing that is measured is different\nanswer: same\n"),
        "{printed}"
    );
    let (json, said, code) = outcome(
        testbed(&["compare", &slow, "--baseline", &once, "--json", "--markdown"]).arg(&markdown),
    );
    assert_eq!(code, 1, "{json}{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["answer"], &told["exact"]), (&"worse".into(), &true.into()));
    let named = told["differences"].as_array().unwrap().iter().map(|one| one["what"].as_str());
    assert!(named.flatten().any(|what| what == "latency.decided.p50_us"), "{json}");
    let written = std::fs::read_to_string(&markdown).unwrap();
    assert!(written.starts_with("# ✗ worse: small\n"), "{written}");
    // What is no run of the same says so.
    for (runs, hint) in [(&*other, "one scenario"), (baseline.trim_end_matches(".json"), "--save")]
    {
        let (_, said, code) = outcome(&mut testbed(&["compare", runs, "--baseline", &once]));
        assert!((code == 2 || code == 4) && said.contains(hint), "{code}: {said}");
    }
}

#[test]
fn two_programs_are_run_in_turn_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.toml");
    std::fs::write(&file, TEXT).unwrap();
    let out = folder.path().join("runs");
    let this = env!("CARGO_BIN_EXE_testbed");
    let mut command = testbed(&["compare", file.to_str().unwrap(), "--baseline-program", this]);
    command.args(["--repetitions", "2", "--seed", "5", "--out"]).arg(&out);
    let (printed, said, code) = outcome(command.args(["--", "--backend", "sim"]));
    assert_eq!(code, 0, "{printed}{said}");
    assert!(printed.contains("small, in sim: 2 runs of the baseline, 2 runs of the program\n"));
    for name in ["baseline-1", "baseline-2", "program-1", "program-2"] {
        let results = std::fs::read_to_string(out.join(name).join("results.json")).unwrap();
        let seed = if name.ends_with('1') { "\"seed\": 5," } else { "\"seed\": 6," };
        assert!(results.contains(seed), "{name}: {results}");
    }
    // A program that leaves nothing is named, with what it said.
    let mut command = testbed(&["compare", file.to_str().unwrap(), "--baseline-program", this]);
    command.arg("--out").arg(folder.path().join("more")).args(["--", "--backend", "moon"]);
    let (_, said, code) = outcome(&mut command);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("left no results: error: invalid value 'moon'"), "{said}");
}
