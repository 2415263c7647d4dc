//! A search for the knee on its page, from one written by hand.

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::saturate::{Knee, Rate, Run, Saturation};

use crate::page::{parsed, skeleton};

fn found() -> Saturation {
    let story = "How much <b>one</b> node can do by `saturate`, ` and all.".into();
    let mut found = Saturation::new("one & only".into(), story, "local".into(), Rate(100_000));
    found.command = "testbed saturate one.toml".into();
    for (rate, decided, p99_us, broken) in [
        (100, 100.0, 40_000, None),
        (200, 199.8, 52_000, None),
        (212, 190.1, 4_000_000, Some("190.1 decided a second, where 212.0 were asked for")),
    ] {
        let run = Run {
            seed: 7,
            folder: format!("{rate}-per-s/seed-7"),
            verdict: Verdict::Pass,
            requested_per_s: f64::from(rate),
            decided_per_s: decided,
            p50_us: p99_us / 3,
            p99_us,
            broken: broken.map(str::to_owned),
        };
        found.add(Rate(u64::try_from(rate).expect("it is positive") * 1_000), run);
    }
    found.knee = Some(Knee { sustained: Some(Rate(200_000)), not_sustained: Some(Rate(212_000)) });
    found
}

#[test]
fn a_search_reads_well() {
    let html = bigchaindb_reports::saturation(&found());
    insta::assert_snapshot!(skeleton(&html));
    parsed(&html);
    assert!(!html.contains("<b>one"), "what a file says stays text");
    assert_eq!(html.matches("class=\"wide\"").count(), 2);
}

#[test]
fn what_was_not_found_is_said() {
    let said = |sustained: Option<u64>, not_sustained: Option<u64>| {
        let knee = Knee { sustained: sustained.map(Rate), not_sustained: not_sustained.map(Rate) };
        let mut found = found();
        found.knee = Some(knee);
        bigchaindb_reports::knee(&found)
    };
    assert_eq!(said(Some(2_000), Some(2_100)), "knee: 2/s is sustained, 2.1/s is not");
    assert_eq!(said(Some(2_000), None), "knee: more than 2/s, the highest rate that was tried");
    assert_eq!(said(None, Some(2_000)), "knee: less than 2/s, the lowest rate that was tried");
    let mut nothing = found();
    (nothing.knee, nothing.rates) = (None, Vec::new());
    assert_eq!(bigchaindb_reports::knee(&nothing), "the search is not over");
    parsed(&bigchaindb_reports::saturation(&nothing));
}
