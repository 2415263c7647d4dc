//! `testbed saturate`, in virtual time.

use crate::{outcome, testbed};

/// A store that needs 40 ms to force something to its disk does not decide much in a second.
const TEXT: &str = "# How much.\nname = \"slow disk\"\nfederation = { nodes = 1, bounds = { block_size = 2 } }\n\
    costs = { sync = \"40ms\" }\n[[load]]\nfor = \"12s\"\n\
    arrivals = { kind = \"constant\", rate = \"2/s\" }\nmix = { create = 1.0 }\n";

#[test]
fn the_knee_is_found_and_every_rate_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slow.toml");
    std::fs::write(&file, TEXT).unwrap();
    let out = folder.path().join("out");
    let mut command = testbed(&["saturate", file.to_str().unwrap(), "--precision", "20%"]);
    let (json, said, code) =
        outcome(command.args(["--backend", "sim", "--agree", "1", "--json", "--out"]).arg(&out));
    assert_eq!(code, 0, "{json}{said}");
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rate = |end: &str| found["knee"][end].as_f64().unwrap() / 1e3;
    let (low, high) = (rate("sustained"), rate("not_sustained"));
    assert!(low >= 2.0 && low < high && high <= low * 1.2, "{json}");
    let kept = std::fs::read_to_string(out.join("saturation.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), found);
    let page = std::fs::read_to_string(out.join("saturation.html")).unwrap();
    assert!(page.contains("is sustained"), "{page}");
    for tried in found["rates"].as_array().unwrap() {
        for run in tried["runs"].as_array().unwrap() {
            let run = out.join(run["folder"].as_str().unwrap());
            assert!(run.join("report.html").is_file(), "{}", run.display());
        }
    }
}

#[test]
fn what_has_no_rate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.toml");
    let refused = |text: &str, hint: &str| {
        std::fs::write(&file, text).unwrap();
        let (_, said, code) = outcome(&mut testbed(&["saturate", file.to_str().unwrap()]));
        assert!(code == 2 && said.contains(hint), "{code}: {said}");
    };
    refused("name = \"none\"\n", "has 0 loads");
    let load = "[[load]]\narrivals = { rate = \"1/s\" }\n";
    refused(&format!("name = \"two\"\n{load}{load}"), "`--load`");
    let matrix = "[matrix]\n\"federation.nodes\" = [1, 2]\n";
    refused(&format!("name = \"many\"\n{load}{matrix}"), "is many scenarios");
}
