//! The table in `README.md` of what is documented: nothing is missing, and every test it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bigchaindb::config::load;
use bigchaindb_core::model::Json;

use crate::program::{bigchaindb, output};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table: what is documented, and the tests.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let (documented, tests) =
            line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | ")?;
        let tests: Vec<String> = quoted(tests);
        (!documented.starts_with("documented") && !documented.starts_with("---"))
            .then(|| (documented.to_owned(), tests))
    });
    rows.collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a file has a function of this name that is a test, or, without a name, is there.
fn is_there(root: &Path, test: &str) -> bool {
    match test.split_once("::") {
        None => root.join(test).exists(),
        Some((file, name)) => fs::read_to_string(root.join(file)).is_ok_and(|text| {
            let function = format!("fn {name}(");
            let mut parts = text.split(&function);
            let before = parts.next().unwrap_or_default();
            let mut above = before.lines().rev().take(4);
            parts.next().is_some()
                && above.any(|line| line.trim().starts_with("#[") && line.contains("test"))
        }),
    }
}

#[test]
fn every_row_names_tests_that_are_there() {
    let rows = rows();
    assert!(rows.len() > 50, "the table has shrunk to {} rows", rows.len());
    for (documented, tests) in rows {
        assert!(!tests.is_empty(), "`{documented}` has no test");
        for test in tests {
            assert!(is_there(&folder(), &test), "{documented}: there is no test `{test}`");
        }
    }
}

/// The methods of the class, as the documentation's reference lists them.
const METHODS: [&str; 25] = [
    "create_transaction",
    "sign_transaction",
    "validate_fulfillments",
    "write_transaction",
    "get_transaction",
    "get_status",
    "search_block_election_on_index",
    "get_blocks_status_containing_tx",
    "get_tx_by_payload_uuid",
    "get_spent",
    "get_owned_ids",
    "validate_transaction",
    "is_valid_transaction",
    "create_block",
    "validate_block",
    "has_previous_vote",
    "is_valid_block",
    "write_block",
    "prepare_genesis_block",
    "create_genesis_block",
    "vote",
    "write_vote",
    "get_last_voted_block",
    "get_unvoted_blocks",
    "block_election_status",
];

/// Whatever the program offers has its row.
#[test]
fn nothing_that_is_offered_is_left_out() {
    let documented: BTreeSet<String> =
        rows().iter().flat_map(|(documented, _)| quoted(documented)).collect();
    let has = |name: &str| documented.contains(name);

    let library: String = fs::read_dir(folder().join("src/bigchain"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for method in METHODS {
        assert!(library.contains(&format!("fn {method}(")), "there is no method `{method}`");
        assert!(has(method), "the method `{method}` is left out");
    }

    let home = tempfile::tempdir().unwrap();
    let (_, help, _) = output(bigchaindb(home.path(), &["--help"]), "");
    let mut commands = 0;
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    for line in listed.lines() {
        // Deeper lines go on with what an earlier one says.
        let Some(command) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else {
            continue;
        };
        let command = command.split_whitespace().next().unwrap();
        commands += 1;
        assert!(command == "help" || has(command), "the command `{command}` is left out");
    }
    assert!(commands > 10, "{help}");

    let settings = load(Some(Path::new("/nowhere")), &Default::default()).unwrap().settings;
    let mut places = Vec::new();
    leaves(settings.document(), "", &mut places);
    assert_eq!(places.len(), 14);
    for place in places {
        assert!(has(&place), "the setting `{place}` is left out");
    }
}

fn leaves(value: &Json, at: &str, found: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return found.push(at.to_owned()) };
    for (name, value) in fields.iter() {
        let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        leaves(value, &at, found);
    }
}
