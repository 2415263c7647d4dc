//! Help, and what is said of wrong usage.

use crate::{outcome, testbed};

const COMMANDS: [&[&str]; 17] = [
    &["--help"],
    &["run", "--help"],
    &["list", "--help"],
    &["saturate", "--help"],
    &["campaign", "--help"],
    &["shrink", "--help"],
    &["report", "--help"],
    &["repro", "--help"],
    &["judge", "--help"],
    &["compare", "--help"],
    &["replay", "--help"],
    &["defects", "--help"],
    &["exhaust", "--help"],
    &["up", "--help"],
    &["relay", "--help"],
    &["dash", "--help"],
    &["monitor", "--help"],
];

#[test]
fn every_command_explains_itself_and_ends_in_an_example() {
    let mut said = String::new();
    for command in COMMANDS {
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
    let file = "scenarios/smoke/first-federation.toml";
    let wrong: [&[&str]; 9] = [
        &["fly"],
        &["list", "--format", "xml"],
        &["up", "--nodes", "0"],
        &["run"],
        &["run", file, "--backend", "moon"],
        &["run", file, "--backend", "local", "--jobs", "2"],
        &["campaign", file, "--seeds", "0"],
        &["replay"],
        &[],
    ];
    for arguments in wrong {
        assert_eq!(outcome(&mut testbed(arguments)).2, 2, "{arguments:?}");
    }
}
