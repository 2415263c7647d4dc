//! `testbed report`: a page written again, and runs side by side.

use std::fs;
use std::path::Path;

use crate::{outcome, testbed};

/// A run of a small scenario with this seed.
fn run(folder: &Path, name: &str, seed: &str) -> String {
    let scenario = folder.join("small.toml");
    let text =
        "name = 'small'\n[[load]]\nfor = '5s'\narrivals = { kind = 'poisson', rate = '20/s' }\n";
    fs::write(&scenario, text).unwrap();
    let run = folder.join(name).to_str().unwrap().to_owned();
    let scenario = scenario.to_str().unwrap();
    let (said, failed, code) =
        outcome(&mut testbed(&["run", scenario, "--seed", seed, "--out", &run]));
    assert_eq!(code, 0, "{said}{failed}");
    run
}

#[test]
fn a_page_is_written_again_from_its_results_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), "one", "1");
    let files = ["report.html", "summary.md", "junit.xml", "timeseries.csv"];
    let read = || files.map(|file| fs::read(Path::new(&run).join(file)).unwrap());
    let before = read();
    for file in files {
        fs::remove_file(Path::new(&run).join(file)).unwrap();
    }
    let (said, failed, code) = outcome(&mut testbed(&["report", &run]));
    assert_eq!((code, said), (0, format!("report: {run}/report.html\n")), "{failed}");
    assert_eq!(read(), before);
    // Every transaction is in the distribution.
    let results = fs::read_to_string(Path::new(&run).join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let count = results["measures"]["latency"]["decided"]["count"].as_u64().unwrap();
    let histogram = fs::read_to_string(Path::new(&run).join("hist.hgrm")).unwrap();
    assert!(histogram.contains(&format!("Total count    = {count:>12}")), "{histogram}");
}

#[test]
fn runs_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] =
        [("one", "1"), ("two", "2")].map(|(name, seed)| run(folder.path(), name, seed));
    let (said, failed, code) =
        outcome(&mut testbed(&["report", &two, "--baseline", &one, "--json"]));
    assert_eq!(code, 0, "{failed}");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["report"], format!("{two}/comparison.html"));
    let summary = fs::read_to_string(Path::new(&two).join("comparison.md")).unwrap();
    assert!(summary.contains("**two** against one:"), "{summary}");
    assert!(summary.contains("| seed | 1 | 2 |"), "{summary}");
    // Elsewhere, and a run against itself.
    let out = folder.path().join("a/b");
    let arguments = ["report", &one, &one, "--out", out.to_str().unwrap()];
    let (_, failed, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{failed}");
    let summary = fs::read_to_string(out.join("comparison.md")).unwrap();
    assert!(summary.contains("Both have the same digest"), "{summary}");
}

#[test]
fn what_is_no_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere").to_str().unwrap().to_owned();
    for arguments in [vec!["report", &nowhere], vec!["report", &nowhere, "--baseline", &nowhere]] {
        let (_, said, code) = outcome(&mut testbed(&arguments));
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("nowhere/results.json"), "{said}");
        assert!(said.contains("hint: name the folder of a run"), "{said}");
    }
    let (_, said, code) = outcome(&mut testbed(&["report", &nowhere, "--out", &nowhere]));
    assert_eq!((code, said.contains("hint: leave `--out` out")), (2, true), "{said}");
}
