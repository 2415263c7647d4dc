//! The same seed gives the same bytes: in this process and in fresh ones, alone and beside others.
//!
//! The golden digests are those that the simulator's own tests keep; they hold in every build profile,
//! so whichever the tests run in is compared with all others.

use std::collections::BTreeMap;

use crate::{outcome, project, testbed};

const GOLDEN: &str = "simulator/tests/it/snapshots/\
    it__golden__every_smoke_scenario_passes_with_its_golden_digest.snap";

/// The golden digests, by the scenario's name.
fn golden() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(project().join(GOLDEN)).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(" --seed 7: "));
    lines.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
}

#[test]
fn fresh_processes_alone_and_beside_others_give_the_golden_digests() {
    let golden = golden();
    let (json, _, _) = outcome(&mut testbed(&["list", "scenarios/smoke", "--json"]));
    let listed: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(listed.len(), golden.len());
    for scenario in &listed {
        let file = scenario["file"].as_str().unwrap();
        let expected = &golden[scenario["name"].as_str().unwrap()];
        for jobs in ["1", "2"] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("run");
            let out = out.to_str().unwrap();
            let run = ["run", file, "--seed", "7", "--jobs", jobs, "--json", "--out", out];
            let (json, said, code) = outcome(&mut testbed(&run));
            assert_eq!(code, 0, "{file}: {said}");
            let told: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(told["digest"].as_str(), Some(expected.as_str()), "{file}, {jobs} at once");
        }
    }
}
