//! The golden vectors: what BigchainDB 0.6.0 made of each case, and what we make of it.
//!
//! Every case of every file in `vectors/` is run under both rules profiles. Under `v0.6.0` the outcome
//! has to be the original's; under `default` it has to be the same, too, unless `vectors/default.json`
//! lists the case, with what is other about it and the ruling it follows. That list has to be complete
//! and needed.
//!
//! `VECTORS_DIR` names another directory of the same format; without a `default.json` there, what
//! differs under `default` is only counted. A file or kind that is not known here is a failure.
//!
//! One file of vectors, one file here: a [`Suite`], listed in [`SUITES`]. Its `run` takes a case and
//! gives back the fields of the outcome, named as in the case. There is no test harness, so that the
//! closing table is always seen; `cargo test --test vectors -- keys` runs the suites so named.

mod differences;
mod outcome;

mod blocks_votes;
mod build;
mod conditions;
mod context;
mod doc_examples;
mod floats;
mod fulfillments;
mod keys;
mod serialization;
mod transactions;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use bigchaindb_core::model::{Json, Object, Profile};

use differences::Differences;

/// How the cases of one file are run.
struct Suite {
    /// The file's name.
    file: &'static str,
    /// The fields of a case that go in; all others are its outcome, and so is one of these where
    /// `run` gives it back.
    inputs: &'static [&'static str],
    /// Runs a case under a profile: the outcome's fields, or `None` if its kind is not known.
    run: fn(Case<'_>, Profile) -> Option<Json>,
}

/// A case, and the file around it (for what its cases share).
#[derive(Clone, Copy)]
struct Case<'a> {
    case: &'a Json,
    file: &'a Json,
}

impl<'a> Case<'a> {
    /// A field of the case; `Null` if it is not there.
    fn get(&self, field: &str) -> &'a Json {
        self.case.get(field).unwrap_or(&Json::Null)
    }

    /// A field that is a string.
    fn text(&self, field: &str) -> &'a str {
        self.get(field).as_str().unwrap_or_else(|| panic!("`{field}` is no string"))
    }

    /// A field that is a string of hex digits.
    fn bytes(&self, field: &str) -> Vec<u8> {
        outcome::from_hex(self.text(field))
    }

    /// Its kind; empty where a file has only one.
    fn kind(&self) -> &'a str {
        self.get("kind").as_str().unwrap_or_default()
    }
}

const SUITES: &[Suite] = &[
    blocks_votes::SUITE,
    conditions::SUITE,
    doc_examples::SUITE,
    floats::SUITE,
    fulfillments::SUITE,
    keys::SUITE,
    serialization::SUITE,
    transactions::SUITE,
];

/// Files whose subject is the crate `bigchaindb`: its tests run them, and hold them to the same list.
const ELSEWHERE: &[&str] = &["config.json", "http.json", "state.json"];

/// Fields that never are an outcome.
const EXPLANATIONS: &[&str] = &["name", "kind", "note", "quirk"];

/// How many cases did what, per file.
#[derive(Default)]
struct Count {
    ran: usize,
    failed: usize,
    differ: usize,
}

fn main() -> ExitCode {
    let dir = differences::vectors(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors"));
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut failures = Vec::new();
    let mut counts = BTreeMap::new();
    let mut elsewhere = Vec::new();
    let mut differences = Differences::read(&dir.join(Differences::FILE));

    for file in json_files(&dir) {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|wanted| file.starts_with(wanted));
        if file == Differences::FILE || !is_wanted {
            continue;
        }
        if ELSEWHERE.contains(&&*file) {
            elsewhere.push(file);
        } else if let Some(suite) = SUITES.iter().find(|suite| suite.file == file) {
            let text = std::fs::read(dir.join(&file)).expect("a listed file can be read");
            let count = run_suite(suite, &text, &mut differences, &mut failures);
            counts.insert(file, count);
        } else {
            failures.push(format!("{file}: no suite knows this file"));
        }
    }
    failures.extend(differences.unneeded(|file| counts.contains_key(file)));

    for failure in &failures {
        println!("FAILED {failure}");
    }
    println!("\nvectors of {}", dir.display());
    println!("{:<20} {:>5} {:>6} {:>16}", "file", "cases", "failed", "other in default");
    for (file, Count { ran, failed, differ }) in &counts {
        println!("{file:<20} {ran:>5} {failed:>6} {differ:>16}");
    }
    for file in elsewhere {
        println!("{file:<20} run by the tests of `bigchaindb`");
    }
    let ran: usize = counts.values().map(|count| count.ran).sum();
    println!("{ran} cases ran under {} and {}", Profile::Original, Profile::Default);
    if failures.is_empty() && ran > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The names of the `.json` files in a directory, sorted.
fn json_files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry can be read").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

fn run_suite(
    suite: &Suite,
    text: &[u8],
    differences: &mut Differences,
    failures: &mut Vec<String>,
) -> Count {
    let file = Json::parse(text).unwrap_or_else(|e| panic!("{}: {e}", suite.file));
    let cases = file.get("cases").and_then(Json::as_array).expect("a file has cases");
    let mut count = Count::default();
    for case in cases {
        count.ran += 1;
        let case = Case { case, file: &file };
        let name = format!("{} {}", suite.file, case.text("name"));
        let mut failed = false;
        let mut fail = |text: String| {
            failed = true;
            failures.push(format!("{name}: {text}"));
        };
        match run(suite, case, Profile::Original) {
            Err(reason) => fail(reason),
            Ok(difference) if difference.is_empty() => {}
            Ok(difference) => fail(format!(
                "expected otherwise:\n  got {}\n  of {}",
                Json::from(difference),
                case.case
            )),
        }
        match run(suite, case, Profile::Default) {
            Err(reason) => fail(format!("{reason}, under `default`")),
            Ok(difference) => {
                count.differ += usize::from(!difference.is_empty());
                let name = case.text("name");
                if let Err(reason) = differences.check(suite.file, name, difference) {
                    fail(reason);
                }
            }
        }
        count.failed += usize::from(failed);
    }
    count
}

/// What comes of a case that is not expected of it.
fn run(suite: &Suite, case: Case<'_>, profile: Profile) -> Result<Object, String> {
    match catch_unwind(AssertUnwindSafe(|| (suite.run)(case, profile))) {
        Ok(Some(got)) => Ok(outcome::difference(&got, &expected(suite, case, &got))),
        Ok(None) => Err(format!("kind `{}` is not known", case.kind())),
        Err(_) => Err("panicked (see above)".into()),
    }
}

/// The outcome that a case states.
fn expected(suite: &Suite, case: Case<'_>, got: &Json) -> Json {
    let is_outcome = |field: &str| {
        !EXPLANATIONS.contains(&field)
            && (!suite.inputs.contains(&field) || got.get(field).is_some())
    };
    let fields = case.case.as_object().expect("a case is an object").iter();
    let outcome = fields.filter(|(field, _)| is_outcome(field));
    Json::Object(outcome.map(|(field, value)| (field.into(), value.clone())).collect())
}
