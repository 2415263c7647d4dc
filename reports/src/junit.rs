//! `junit.xml`: what a build server shows. A test case per invariant and per threshold, and one for
//! the harness itself.

use bigchaindb_simulator::checkers::{Judgement, Outcome, Verdict};
use bigchaindb_simulator::record::{Results, Threshold};

use crate::standing::{self, Standing};
use crate::words::{self, escape};

/// A test case: its group, its name, and how it stands, in a line and at length.
struct Case {
    group: &'static str,
    name: String,
    standing: Standing,
    message: String,
    text: String,
}

/// The whole file.
pub(crate) fn junit(results: &Results) -> String {
    let mut cases = vec![harness(results)];
    cases.extend(results.invariants.iter().map(invariant));
    cases.extend(results.thresholds.iter().map(threshold));
    let number =
        |wanted: &[Standing]| cases.iter().filter(|case| wanted.contains(&case.standing)).count();
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}.{:06}\"",
        cases.len(),
        number(&[Standing::Fail]),
        number(&[Standing::Unknown, Standing::Void]),
        number(&[Standing::Skipped]),
        results.duration_us / 1_000_000,
        results.duration_us % 1_000_000,
    );
    let scenario = escape(&results.scenario);
    let properties = [
        ("verdict", results.verdict.to_string()),
        ("seed", results.seed.to_string()),
        ("backend", results.backend.clone()),
        ("rules", results.rules.clone()),
        ("digest", results.digest.clone()),
        ("command", results.command.clone()),
    ];
    let properties: String = properties
        .iter()
        .map(|(name, value)| {
            format!("      <property name=\"{name}\" value=\"{}\"/>\n", escape(value))
        })
        .collect();
    let cases: String = cases.iter().map(|case| element(case, &scenario)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"testbed\" {totals}>\n  \
         <testsuite name=\"{scenario}\" {totals}>\n    <properties>\n{properties}    \
         </properties>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// A run whose harness fell short has shown nothing, whatever its checkers say.
fn harness(results: &Results) -> Case {
    let void = results.verdict == Verdict::Void;
    Case {
        group: "harness",
        name: "the harness did what the plan says".to_owned(),
        standing: if void { Standing::Void } else { Standing::Pass },
        message: if void { results.reasons.join(" ") } else { String::new() },
        text: String::new(),
    }
}

fn invariant(judgement: &Judgement) -> Case {
    let (standing, said) = standing::of_invariant(judgement);
    let (message, text) = match &judgement.outcome {
        Outcome::Pass => (said, String::new()),
        Outcome::Unknown { why } | Outcome::NotApplicable { why } => (why.clone(), String::new()),
        Outcome::Fail { count, violations } => {
            let first = violations.first();
            let what = first.map_or("", |violation| violation.what.as_str());
            let life = first.iter().flat_map(|violation| &violation.life_line).map(|event| {
                format!("{}  {}  {}\n", words::moment(event.at_us), event.place, event.what)
            });
            (
                format!("{what} ({})", words::counted(*count, "violation", "violations")),
                life.collect(),
            )
        }
    };
    let name = format!("{}: {}", judgement.invariant, judgement.statement);
    Case { group: "invariants", name, standing, message, text }
}

fn threshold(threshold: &Threshold) -> Case {
    let (standing, message) = standing::of_threshold(threshold);
    let limit = words::duration(threshold.limit_us);
    let name = format!("{}: at most {limit}", threshold.name);
    Case { group: "thresholds", name, standing, message, text: String::new() }
}

fn element(case: &Case, scenario: &str) -> String {
    let outcome = match case.standing {
        Standing::Pass => None,
        Standing::Fail => Some("failure"),
        Standing::Unknown | Standing::Void => Some("error"),
        Standing::Skipped => Some("skipped"),
    };
    let head = format!(
        "    <testcase classname=\"{scenario}.{}\" name=\"{}\"",
        case.group,
        escape(&case.name)
    );
    match outcome {
        None => format!("{head}/>\n"),
        Some(outcome) => format!(
            "{head}>\n      <{outcome} message=\"{}\">{}</{outcome}>\n    </testcase>\n",
            escape(&case.message),
            escape(&case.text),
        ),
    }
}
