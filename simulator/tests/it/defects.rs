//! What was found of the original's defects, and kept: each file still shows its own, to the byte.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::checkers::{Outcome, Verdict};
use bigchaindb_simulator::defects::{self, Line, Table};
use bigchaindb_simulator::matrix::Measure;
use bigchaindb_simulator::plan;
use bigchaindb_simulator::repro::repro;
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::Scenario;

/// Not a run that was found and made small, but an experiment with many.
const FLIP: &str = "vote-order-flip.toml";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/defects")
}

#[test]
fn every_file_that_is_kept_shows_its_defect_and_passes_without_it() {
    let mut seen = 0;
    for entry in folder().read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == FLIP {
            continue;
        }
        let defect = defects::all().find(|defect| defect.file() == name).expect(name);
        let scenario = Scenario::load(&path, Some(Backend::Sim)).unwrap();
        assert!(scenario.federation.quirks.contains(&defect.quirk), "{name}");
        assert!(scenario.digest.is_some(), "{name}");
        let came = repro(&scenario).unwrap();
        assert!(came.holds(), "{name}: {:?} {:?}", came.results.digest, came.results.reasons);
        let found = |id: &&str| came.violated.iter().any(|violated| violated == id);
        assert!(defect.found_by.iter().any(found), "{name}: {:?}", came.violated);
        assert_eq!(came.without_quirks, Some(Verdict::Pass), "{name}");
        seen += 1;
    }
    assert!(seen > 0, "there are files");
}

#[test]
fn the_page_is_what_the_table_says_and_names_files_that_are_there() {
    let table = Table::load(&folder()).unwrap();
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    assert_eq!(table.page(), page, "written by `testbed defects`");
    for line in &table.lines {
        let file = line.file.as_ref().map(|file| folder().join(file));
        assert!(file.is_none_or(|file| file.is_file()), "{line:?}");
    }
}

#[test]
fn a_hunt_that_makes_nothing_small_leaves_what_is_kept() {
    let mut table = Table::load(&folder()).unwrap();
    let kept = table.lines[0].clone();
    let hunted = Line { seeds: 7, before: None, after: None, file: None, ..kept.clone() };
    table.put(hunted);
    assert!(kept.file.is_some());
    assert_eq!(table.lines[0], Line { seeds: 7, ..kept });
}

#[test]
fn every_hunt_can_be_gone_on() {
    let hunts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/hunts");
    for defect in defects::all() {
        for name in defect.hunts {
            let file = hunts.join(format!("{name}.toml"));
            Scenario::load(&file, Some(Backend::Sim)).unwrap();
        }
    }
}

/// Decided blocks change under the original's rules, more of them in larger federations, and none under
/// the default rules, in the very same runs.
#[test]
fn decisions_flip_under_the_rules_of_the_original_and_stand_under_ours() {
    let scenario = Scenario::load(&folder().join(FLIP), Some(Backend::Sim)).unwrap();
    let matrix = scenario.matrix.as_ref().unwrap();
    let mut changed = std::collections::BTreeMap::new();
    for cell in matrix.cells(&scenario).unwrap() {
        let federation = &cell.scenario.federation;
        // The smaller half, at the most reordering, with one seed; `testbed run` does all of it.
        if federation.nodes > 8 || cell.values[2] != "5%" {
            continue;
        }
        let plan = std::sync::Arc::new(plan::make(&cell.scenario, 1).unwrap());
        let results = run(&plan, None, String::new(), Default::default()).unwrap();
        let share = Measure::ChangedDecisions.share_of(&results).expect("it is a share");
        let judged = results.invariants.iter().find(|judged| judged.invariant == "S8").unwrap();
        let fires = matches!(judged.outcome, Outcome::Fail { .. });
        assert_eq!(fires, share.part > 0, "the checker sees what is counted: {share:?}");
        assert_eq!(cell.may_fail, federation.rules == "v0.6.0");
        assert!(cell.may_fail || results.verdict == Verdict::Pass, "{:?}", results.reasons);
        assert!(share.whole > 30, "{share:?}");
        changed.insert((federation.rules.clone(), federation.nodes), share.part);
    }
    let of = |rules: &str, nodes| changed[&(rules.to_owned(), nodes)];
    assert_eq!((of("default", 4), of("default", 8)), (0, 0));
    assert!(0 < of("v0.6.0", 4) && of("v0.6.0", 4) < of("v0.6.0", 8), "{changed:?}");
}
