//! `testbed list`.

use crate::{outcome, testbed};

#[test]
fn scenarios_are_listed_with_their_stories() {
    let (listed, _, code) = outcome(&mut testbed(&["list", "scenarios/smoke"]));
    assert_eq!(code, 0);
    insta::assert_snapshot!(listed);
}

#[test]
fn programs_get_json() {
    let (json, _, code) = outcome(&mut testbed(&["list", "--json"]));
    assert_eq!(code, 0);
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    let first = list.as_array().unwrap().iter().find(|line| line["name"] == "first federation");
    assert_eq!(
        first.unwrap()["backends"],
        serde_json::json!(["sim", "local", "processes", "docker", "cluster"])
    );
}

#[test]
fn a_folder_that_is_not_there_is_wrong_usage() {
    let (_, said, code) = outcome(&mut testbed(&["list", "nowhere"]));
    assert_eq!(code, 2);
    assert!(said.starts_with("error: nowhere: ") && said.contains("\n hint: "), "{said}");
}
