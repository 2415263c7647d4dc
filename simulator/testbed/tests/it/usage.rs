//! Help, and what is said of wrong usage.

use crate::{outcome, testbed};

#[test]
fn every_command_explains_itself_and_ends_in_an_example() {
    let mut said = String::new();
    for command in [&["--help"][..], &["list", "--help"], &["up", "--help"]] {
        let (help, _, code) = outcome(&mut testbed(command));
        assert_eq!(code, 0);
        let last = help.trim_end().lines().last().unwrap_or_default();
        assert!(last.starts_with("  testbed "), "{command:?} ends in {last:?}");
        said += &format!("$ testbed {}\n{help}\n", command.join(" "));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    for arguments in [&["fly"][..], &["list", "--format", "xml"], &["up", "--nodes", "0"], &[]] {
        assert_eq!(outcome(&mut testbed(arguments)).2, 2, "{arguments:?}");
    }
}
