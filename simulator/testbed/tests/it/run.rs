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
