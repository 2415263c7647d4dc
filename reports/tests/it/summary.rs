//! `summary.md`: the verdict in a few lines.

use crate::runs;

#[test]
fn a_run_that_failed_in_a_few_lines() {
    insta::assert_snapshot!(bigchaindb_reports::summary(&runs::failed()));
}

#[test]
fn a_run_that_passed_in_a_few_lines() {
    insta::assert_snapshot!(bigchaindb_reports::summary(&runs::passed()));
}

#[test]
fn hostile_names_stay_in_their_line_and_cell() {
    let tame = bigchaindb_reports::summary(&runs::failed());
    let hostile = bigchaindb_reports::summary(&runs::hostile());
    assert_eq!(tame.lines().count(), hostile.lines().count());
    for line in hostile.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 4, "{line}");
    }
    let outside_of_code = hostile.split("```").enumerate().filter(|(part, _)| part % 2 == 0);
    for (_, text) in outside_of_code {
        assert!(!text.contains("<script"), "{text}");
    }
    assert_eq!(hostile.matches("```").count(), 2);
}
