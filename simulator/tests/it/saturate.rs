//! The knee of throughput: when a rate is sustained, and how the knee is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::measure::{Percentiles, Second};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::Results;
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::saturate::{Knee, Next, Rate, Rule, Run, Saturation};
use bigchaindb_simulator::scenario::Scenario;

fn tried(is_sustained: bool, seed: u64) -> Run {
    Run {
        seed,
        folder: String::new(),
        verdict: Verdict::Pass,
        requested_per_s: 0.0,
        decided_per_s: 0.0,
        p50_us: 0,
        p99_us: 0,
        broken: (!is_sustained).then(|| "so".to_owned()),
    }
}

/// Searches from a first rate, where a run with a seed sustains a rate or does not; the knee, and how
/// many runs that took.
fn search(first: &str, sustains: impl Fn(f64, u64) -> bool) -> (Knee, usize) {
    let first = Rate::parse(first).expect("a rate");
    let mut found = Saturation::new("s".into(), String::new(), "sim".into(), first);
    found.first_seed = 7;
    for runs in 0..200 {
        match found.next() {
            Next::Done(knee) => return (knee, runs),
            Next::Run { rate, seed } => found.add(rate, tried(sustains(rate.per_s(), seed), seed)),
        }
    }
    panic!("the search does not end");
}

#[test]
fn the_knee_is_found_from_below_and_from_above() {
    for (first, capacity) in [("10/s", 743.0), ("5000/s", 743.0), ("740/s", 743.0), ("1/s", 1.4)] {
        let (knee, runs) = search(first, |rate, _| rate <= capacity);
        let (Some(low), Some(high)) = (knee.sustained, knee.not_sustained) else {
            panic!("{first}: {knee:?}");
        };
        assert!(low.per_s() <= capacity && capacity < high.per_s(), "{first}: {knee:?}");
        assert!(high.per_s() <= low.per_s() * 1.05, "{first}: {knee:?}");
        assert!(runs <= 30, "{first}: {runs} runs");
    }
}

#[test]
fn where_runs_disagree_more_of_them_decide() {
    // Around the knee every third seed has bad luck, the first one too.
    let lucky = |rate: f64, seed: u64| rate <= 90.0 || (rate <= 110.0 && seed % 3 != 1);
    let (knee, _) = search("64/s", lucky);
    let (low, high) = (knee.sustained.expect("some"), knee.not_sustained.expect("some"));
    assert!(low.per_s() > 104.0 && high.per_s() > 110.0 && high.per_s() < 116.0, "{knee:?}");
}

#[test]
fn a_knee_out_of_reach_has_one_end() {
    let (knee, _) = search("1/s", |_, _| true);
    assert_eq!((knee.sustained, knee.not_sustained), (Rate::parse("4096/s"), None));
    let (knee, _) = search("1/s", |_, _| false);
    assert_eq!((knee.sustained, knee.not_sustained), (None, Rate::parse("0.001/s")));
}

#[test]
fn a_rate_above_one_that_is_not_sustained_does_not_count() {
    let mut found = Saturation::new("s".into(), String::new(), "sim".into(), Rate(100_000));
    for (rate, is_sustained) in [(100, true), (200, false), (400, true)] {
        for seed in 1..=2 {
            found.add(Rate(rate * 1_000), tried(is_sustained, seed));
        }
    }
    let Next::Run { rate, .. } = found.next() else { panic!("{:?}", found.next()) };
    assert_eq!(rate.to_string(), "141/s");
}

#[test]
fn rates_are_spelled_as_scenarios_spell_them() {
    for text in ["12.5/s", "100/s", "0.75/s", "4096/s"] {
        assert_eq!(Rate::parse(text).map(|rate| rate.to_string()).as_deref(), Some(text));
    }
    assert_eq!(Rate::parse("3/min").map(|rate| rate.to_string()).as_deref(), Some("0.05/s"));
    assert_eq!(Rate::rounded(1234.567).to_string(), "1230/s");
    assert_eq!(Rate::parse("100"), None);
}

/// Twenty seconds of load, all of it decided in the second it came.
fn results() -> Results {
    let text = "name = 'alone'\nfederation = { nodes = 1 }\n[[load]]\nfor = '1s'\n\
                arrivals = { kind = 'constant', rate = '2/s' }";
    let scenario = Scenario::parse("alone.toml", text, None).expect("it can be read");
    let plan = Arc::new(plan::make(&scenario, 1).expect("it has a plan"));
    let mut results = run(&plan, None, String::new(), BTreeMap::new()).expect("it can be run");
    let latency = Percentiles { count: 50, p99_us: 400_000, ..Percentiles::default() };
    let second = |second| Second {
        second,
        requested: if second < 20 { 50 } else { 0 },
        decided: if second < 20 { 50 } else { 0 },
        decided_latency: (second < 20).then(|| latency.clone()),
        ..Second::default()
    };
    results.measures.seconds = (0..30).map(second).collect();
    let counts = &mut results.measures.counts;
    (counts.sent, counts.decided_valid, counts.never_decided) = (1_000, 1_000, 0);
    results
}

#[test]
fn a_rate_is_sustained_by_a_run_that_keeps_all_rules() {
    let broken = |change: fn(&mut Results)| {
        let mut results = results();
        change(&mut results);
        Rule::default().broken(&results).unwrap_or_default()
    };
    assert_eq!(broken(|_| {}), "");
    let void = |results: &mut Results| {
        (results.verdict, results.reasons) = (Verdict::Void, vec!["load slipped".into()]);
    };
    assert_eq!(broken(void), "void: load slipped");
    assert_eq!(broken(|it| it.measures.counts.unanswered = 3), "3 operations had no answer");
    assert_eq!(
        broken(|it| it.measures.counts.never_decided = 1),
        "1 transactions were never decided"
    );
    assert!(broken(|it| it.measures.seconds.truncate(5)).contains("8 seconds"));
    // What comes late is no less, but later; and a tenth of arrivals that are rivals are no less either.
    let late = |results: &mut Results| {
        results.measures.seconds[10..20].iter_mut().for_each(|second| second.decided = 46);
        results.measures.seconds[21].decided = 40;
    };
    assert_eq!(broken(late), "46.0 decided a second, where 50.0 were asked for");
    let rivals = |results: &mut Results| {
        results.measures.seconds.iter_mut().for_each(|second| second.decided = 45);
        results.measures.counts.decided_valid = 900;
    };
    assert_eq!(broken(rivals), "");
    let grows = |results: &mut Results| {
        for second in &mut results.measures.seconds[15..20] {
            second.decided_latency.as_mut().expect("it has some").p99_us = 650_000;
        }
    };
    assert_eq!(broken(grows), "p99 grew from 400 ms to 650 ms in the second half");
}

#[test]
fn a_search_comes_back_as_it_was_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut found = Saturation::new("s".into(), "A story.".into(), "sim".into(), Rate(5_000));
    found.add(Rate(5_000), tried(false, 1));
    found.knee = Some(Knee { sustained: None, not_sustained: Some(Rate(5_000)) });
    found.save(folder.path()).expect("it can be written");
    assert_eq!(Saturation::load(folder.path()).expect("it can be read"), found);
    std::fs::write(folder.path().join("saturation.json"), "{}").expect("a file");
    let error = Saturation::load(folder.path()).expect_err("it is none").to_string();
    assert!(error.ends_with("tells of no search that this program knows"), "{error}");
}
