//! Runs in virtual time, compared seed by seed: whatever is different is a difference.
//!
//! There is no chance in it that could excuse one. So there is no threshold either: a latency that is
//! longer by a microsecond is worse. What is different and neither better nor worse, such as the number
//! of blocks, makes the answer unclear.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Answer, Comparison, Incomparable, Sample, Side};
use crate::checkers::Verdict;

/// What a seed's two runs differ in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// What of it: `verdict`, `throughput` (transactions decided a second while there was load),
    /// or as in `results.json`, `latency.decided.p99_us`.
    pub what: String,
    /// What it was.
    pub baseline: String,
    /// What it is.
    pub program: String,
    /// What that is called.
    pub answer: Answer,
}

/// Figures of which more is worse. All of latencies are so too, but for how many they are of.
const MORE_IS_WORSE: [&str; 6] = [
    "counts.unanswered",
    "counts.never_decided",
    "counts.blocks_invalid",
    "counts.blocks_undecided",
    "counts.blocks_changed",
    "counts.changes",
];
/// Figures of which more is better.
const MORE_IS_BETTER: [&str; 4] =
    ["throughput", "counts.accepted", "counts.transactions", "counts.decided_valid"];

pub(super) fn compare(baseline: &[Sample], program: &[Sample]) -> Result<Comparison, Incomparable> {
    let mut caveats = Vec::new();
    let before = by_seed(baseline, &mut caveats);
    let after = by_seed(program, &mut caveats);
    let first = baseline.first().ok_or(Incomparable::Nothing("baseline"))?;
    if program.is_empty() {
        return Err(Incomparable::Nothing("program"));
    }
    // A seed that does not even give the same twice says nothing of what changed.
    let is_exact = caveats.is_empty();
    let seeds: BTreeSet<u64> = before.keys().chain(after.keys()).copied().collect();
    let mut differences = Vec::new();
    let mut both = 0;
    for seed in seeds {
        let (Some(one), Some(other)) = (before.get(&seed), after.get(&seed)) else {
            caveats.push(format!("seed {seed} was run on one side only, and does not count"));
            continue;
        };
        both += 1;
        let found = differs(one, other);
        if found.is_empty() && one.digest != other.digest {
            caveats.push(format!(
                "with seed {seed} the logs are different, {} and {}, in nothing that is measured",
                one.digest, other.digest
            ));
        }
        differences.extend(found);
    }
    if both == 0 {
        let list = |runs: &BTreeMap<u64, &Sample>| {
            runs.keys().map(u64::to_string).collect::<Vec<_>>().join(", ")
        };
        return Err(Incomparable::OtherSeeds { program: list(&after), baseline: list(&before) });
    }
    let worst = differences.iter().map(|one| one.answer).max().unwrap_or(Answer::Same);
    let side = Side { runs: both, void: 0, calibration: None };
    Ok(Comparison {
        scenario: first.scenario.clone(),
        backend: first.backend.clone(),
        exact: true,
        program: side.clone(),
        baseline: side,
        figures: Vec::new(),
        differences,
        caveats,
        threshold: 0.0,
        answer: if is_exact { worst } else { Answer::Unclear },
    })
}

fn by_seed<'a>(side: &'a [Sample], caveats: &mut Vec<String>) -> BTreeMap<u64, &'a Sample> {
    let mut runs: BTreeMap<u64, &Sample> = BTreeMap::new();
    for sample in side {
        if let Some(earlier) = runs.insert(sample.seed, sample)
            && earlier.digest != sample.digest
        {
            caveats.push(format!(
                "seed {} gave two digests on one side: {} and {}",
                sample.seed, earlier.digest, sample.digest
            ));
        }
    }
    runs
}

/// Everything that is different, the verdict first.
fn differs(before: &Sample, after: &Sample) -> Vec<Difference> {
    let (one, other) = (figures(before), figures(after));
    let difference = |what: &str, baseline: String, program: String, answer| Difference {
        seed: before.seed,
        what: what.to_owned(),
        baseline,
        program,
        answer,
    };
    let mut found = Vec::new();
    if before.verdict != after.verdict {
        let answer = match (before.verdict, after.verdict) {
            (Verdict::Pass, _) => Answer::Worse,
            (_, Verdict::Pass) => Answer::Better,
            _ => Answer::Unclear,
        };
        let (one, other) = (before.verdict.as_str(), after.verdict.as_str());
        found.push(difference("verdict", one.to_owned(), other.to_owned(), answer));
    }
    // What a version did not measure yet counts as nothing.
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for what in names {
        let of = |figures: &BTreeMap<String, f64>| figures.get(what).copied().unwrap_or_default();
        let (was, is) = (of(&one), of(&other));
        if is != was {
            found.push(difference(what, was.to_string(), is.to_string(), called(what, was, is)));
        }
    }
    if found.is_empty() && before.seconds != after.seconds {
        let what = "seconds";
        let told = |sample: &Sample| format!("{} of them", sample.seconds.len());
        found.push(difference(what, told(before), told(after), Answer::Unclear));
    }
    found
}

fn called(what: &str, was: f64, is: f64) -> Answer {
    let is_time = what.starts_with("latency.") && !what.ends_with(".count");
    let more_is_worse = is_time || MORE_IS_WORSE.contains(&what);
    match () {
        () if more_is_worse == (is > was) && (more_is_worse || MORE_IS_BETTER.contains(&what)) => {
            Answer::Worse
        }
        () if more_is_worse || MORE_IS_BETTER.contains(&what) => Answer::Better,
        () => Answer::Unclear,
    }
}

/// All figures of a run by name, those of nested parts with dots.
fn figures(sample: &Sample) -> BTreeMap<String, f64> {
    let mut named = BTreeMap::new();
    let whole = serde_json::to_value(sample).expect("it has a JSON form");
    flatten("counts", &whole["counts"], &mut named);
    flatten("latency", &whole["latency"], &mut named);
    named.insert("requested".to_owned(), sample.requested as f64);
    let throughput = sample.decided_per_ks().unwrap_or_default() as f64 / 1e3;
    named.insert("throughput".to_owned(), throughput);
    named
}

fn flatten(name: &str, value: &Value, named: &mut BTreeMap<String, f64>) {
    if let Some(number) = value.as_f64() {
        named.insert(name.to_owned(), number);
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        flatten(&format!("{name}.{key}"), inner, named);
    }
}
