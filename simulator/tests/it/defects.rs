//! What was found of the original's defects, and kept: each file still shows its own, to the byte.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::defects::{self, Table};
use bigchaindb_simulator::repro::repro;
use bigchaindb_simulator::scenario::Scenario;

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
fn every_hunt_can_be_gone_on() {
    let hunts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/hunts");
    for defect in defects::all() {
        for name in defect.hunts {
            let file = hunts.join(format!("{name}.toml"));
            Scenario::load(&file, Some(Backend::Sim)).unwrap();
        }
    }
}
