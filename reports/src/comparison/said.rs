//! How one run differs from another, in words.

use bigchaindb_simulator::checkers::Outcome;
use bigchaindb_simulator::measure::Percentiles;
use bigchaindb_simulator::record::Results;

use super::rows;
use crate::trouble::Trouble;
use crate::words::{self, Of};

/// Less than so much of a hundred is about the same.
const ABOUT_THE_SAME: f64 = 2.0;

/// Something that a run is called.
type Name = fn(&Results) -> &str;

/// Every difference worth a sentence, the weightiest first; or that there is none.
pub(super) fn differences(first: &Results, other: &Results) -> Vec<String> {
    let mut said = Vec::new();
    let called: [(&str, Name); 3] = [
        ("scenario", |results| &results.scenario),
        ("backend", |results| &results.backend),
        ("rules", |results| &results.rules),
    ];
    for (name, of) in called.iter().filter(|(_, of)| of(first) != of(other)) {
        said.push(format!("Another {name}: {}, before {}.", of(other), of(first)));
    }
    if first.verdict != other.verdict {
        said.push(format!("The verdict is {}, it was {}.", other.verdict, first.verdict));
    }
    said.extend(violated(first, other));
    if first.digest == other.digest && !first.digest.is_empty() {
        said.push("Both have the same digest: they are the same run, event by event.".to_owned());
        return said;
    }
    let counts = [first, other].map(|results| results.measures.counts.never_decided);
    if counts[0] != counts[1] {
        said.push(format!(
            "{} never decided, before {}.",
            words::counted(counts[1], "transaction was", "transactions were"),
            words::count(counts[0])
        ));
    }
    let rates = [first, other].map(rows::rate);
    if let [Some(before), Some(after)] = rates {
        let change = changed(before, after, ["more", "less"]);
        said.push(format!("Decided per second: {after:.1}, before {before:.1}: {change}."));
    }
    let latencies: [(&str, u64, Of); 3] = [
        ("p50", 500_000, |of| of.p50_us),
        ("p99", 990_000, |of| of.p99_us),
        ("longest", 1_000_000, |of| of.max_us),
    ];
    let decided = [first, other].map(|results| &results.measures.latency.decided);
    if decided.iter().all(|decided| decided.count > 0) {
        for (name, per_million, of) in latencies {
            let [before, after] =
                decided.map(|decided| words::bounded(decided, per_million, of(decided)));
            let known =
                |decided: &Percentiles| (of(decided), words::is_bound(decided, per_million));
            let change = longer(known(decided[0]), known(decided[1]));
            said.push(format!(
                "{name} from intended to decided: {after}, before {before}: {change}."
            ));
        }
    }
    let bad = [first, other].map(|results| {
        Trouble::of(results).map_or("none".to_owned(), |trouble| trouble.moment(results))
    });
    if bad[0] != bad[1] {
        said.push(format!("The first bad second is {}, before it was {}.", bad[1], bad[0]));
    }
    said
}

/// Which invariants are violated in only one of them.
fn violated(first: &Results, other: &Results) -> Vec<String> {
    let fails = |results: &Results, id: &str| {
        results.invariants.iter().any(|judgement| {
            judgement.invariant == id && matches!(judgement.outcome, Outcome::Fail { .. })
        })
    };
    let only = |one: &Results, not: &Results| -> Vec<String> {
        let ids = one.invariants.iter().map(|judgement| &judgement.invariant);
        ids.filter(|id| fails(one, id) && !fails(not, id)).cloned().collect()
    };
    let sentence = |ids: Vec<String>, what: &str| {
        (!ids.is_empty()).then(|| format!("{} {what}.", ids.join(", ")))
    };
    [
        sentence(only(other, first), "violated, and was not before"),
        sentence(only(first, other), "no longer violated"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// By how much a latency changed, where either may be no more than a lower bound.
fn longer((before, before_bound): (u64, bool), (after, after_bound): (u64, bool)) -> String {
    match (before_bound, after_bound) {
        (false, false) => changed(before as f64, after as f64, ["longer", "shorter"]),
        (true, false) if after < before => "shorter".to_owned(),
        (false, true) if after > before => "longer".to_owned(),
        _ => "which of them is longer is not known".to_owned(),
    }
}

/// By how much a quantity changed: `44 % longer`, `3.1 times as long`.
fn changed(before: f64, after: f64, [up, down]: [&str; 2]) -> String {
    if before <= 0.0 {
        return if after <= 0.0 {
            "the same".to_owned()
        } else {
            "there was nothing before".to_owned()
        };
    }
    let per_cent = (after / before - 1.0) * 100.0;
    match per_cent {
        _ if before == after => "the same".to_owned(),
        _ if per_cent.abs() < ABOUT_THE_SAME => "about the same".to_owned(),
        _ if per_cent >= 100.0 => format!("{:.1} times", after / before),
        _ if per_cent > 0.0 => format!("{per_cent:.0} % {up}"),
        _ => format!("{:.0} % {down}", -per_cent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_shortly() {
        let cases = [
            (100.0, 100.0, "the same"),
            (100.0, 101.0, "about the same"),
            (100.0, 144.0, "44 % longer"),
            (100.0, 50.0, "50 % shorter"),
            (100.0, 310.0, "3.1 times"),
            (0.0, 3.0, "there was nothing before"),
            (0.0, 0.0, "the same"),
        ];
        for (before, after, said) in cases {
            assert_eq!(changed(before, after, ["longer", "shorter"]), said);
        }
        let unknown = "which of them is longer is not known";
        let cases = [
            ((10, false), (5, false), "50 % shorter"),
            ((10, true), (5, false), "shorter"),
            ((10, true), (15, false), unknown),
            ((10, false), (15, true), "longer"),
            ((10, false), (5, true), unknown),
            ((10, true), (15, true), unknown),
        ];
        for (before, after, said) in cases {
            assert_eq!(longer(before, after), said, "{before:?} {after:?}");
        }
    }
}
