//! `testbed run` of a scenario with a matrix.

use std::path::Path;

use crate::{outcome, testbed};

const TEXT: &str = "# Two sizes.\nname = \"sizes\"\n[[load]]\nfor = \"5s\"\n\
    arrivals = { rate = \"2/s\" }\n[matrix]\n\"federation.nodes\" = [1, 2]\n\
    \"links.reorder\" = [\"0%\", \"5%\"]\nseeds = 2\nmeasure = [\"changed-decisions\", \"not-passed\", \"throughput\", \"latency\"]\n";

fn written(folder: &Path, text: &str) -> String {
    let file = folder.join("sizes.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn every_combination_is_run_kept_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), TEXT);
    let out = folder.path().join("out");
    let out_name = out.to_str().unwrap();
    let (json, said, code) =
        outcome(&mut testbed(&["run", &file, "--seed", "5", "--out", out_name, "--json"]));
    assert_eq!(code, 0, "{said}");
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["verdict"], &told["seeds"]), (&"pass".into(), &2.into()));
    let cells = told["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    for cell in cells {
        assert_eq!(cell["verdicts"], serde_json::json!({ "pass": 2 }), "{cell}");
        let decided = &cell["shares"]["changed-decisions"];
        assert_eq!((&decided["part"], decided["whole"].as_u64() > Some(0)), (&0.into(), true));
        for figure in ["throughput", "latency", "latency-p99"] {
            let runs = cell["figures"][figure].as_array().unwrap();
            assert!(runs.len() == 2 && runs.iter().all(|run| run.as_u64() > Some(0)), "{cell}");
        }
        for seed in ["seed-5", "seed-6"] {
            let run = out.join(cell["folder"].as_str().unwrap()).join(seed);
            for file in
                ["scenario.toml", "plan.json", "observations.jsonl", "results.json", "report.html"]
            {
                assert!(run.join(file).is_file(), "{}", run.join(file).display());
            }
        }
    }
    // A run of it can be done by itself, from what is in its folder.
    let run = out.join("004-2-5/seed-6");
    let alone = run.join("scenario.toml");
    let arguments = ["run", alone.to_str().unwrap(), "--seed", "6", "--json", "--out"];
    let (json, said, code) =
        outcome(testbed(&arguments).arg(folder.path().join("alone").to_str().unwrap()));
    assert_eq!(code, 0, "{said}");
    let results = std::fs::read_to_string(run.join("results.json")).unwrap();
    let digest = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["digest"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest(&json), digest(&results));

    // What is missing is done, and what is there is not done again.
    let matrix = std::fs::read_to_string(out.join("matrix.json")).unwrap();
    std::fs::remove_file(run.join("results.json")).unwrap();
    let mark = out.join("001-1-0/seed-5/observations.jsonl");
    std::fs::write(&mark, "").unwrap();
    let (_, said, code) = outcome(&mut testbed(&["run", "--resume", out_name]));
    assert_eq!(code, 0, "{said}");
    assert_eq!(std::fs::read_to_string(run.join("results.json")).unwrap(), results);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "");
    assert_eq!(std::fs::read_to_string(out.join("matrix.json")).unwrap(), matrix);
    let page = std::fs::read_to_string(out.join("matrix.html")).unwrap();
    assert!(page.contains("4 of 4 combinations pass with every seed."), "{page}");
}

#[test]
fn what_may_fail_is_counted_and_what_may_not_is_the_verdict() {
    let hopeless = format!("{TEXT}\"expect.finality\" = [{{ p50 = \"<= 1us\" }}]\n");
    let verdict = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path(), text);
        let out = folder.path().join("out");
        let arguments = ["run", &file, "--seeds", "1", "--out", out.to_str().unwrap()];
        let (printed, _, code) = outcome(&mut testbed(&arguments));
        (printed, code)
    };
    let (printed, code) = verdict(&hopeless);
    assert_eq!((code, printed.contains("verdict: fail\n  1, 0%, ")), (1, true), "{printed}");
    let (printed, code) =
        verdict(&format!("{hopeless}may_fail = {{ \"federation.nodes\" = [1, 2] }}\n"));
    assert_eq!((code, printed.contains("verdict: pass\n")), (0, true), "{printed}");
    assert!(printed.contains("1 fail (may fail)"), "{printed}");
}

#[test]
fn what_does_not_go_together_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), TEXT);
    let refused = [
        &["run", &file, "--rules", "v0.6.0"][..],
        &["campaign", &file, "--seeds", "1"],
        &["shrink", &file],
        &["repro", &file],
        &["run", "scenarios/smoke/single-node.toml", "--seeds", "2"],
    ];
    for arguments in refused {
        let (_, said, code) = outcome(&mut testbed(arguments));
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains("\n hint: "), "{arguments:?}: {said}");
    }
}
