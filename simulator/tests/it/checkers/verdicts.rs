//! From what the checkers say to one verdict, and what is kept of it.

use std::sync::Arc;

use bigchaindb_core::model::Direct;
use bigchaindb_simulator::checkers::{Outcome, Settings, Verdict, judge};
use bigchaindb_simulator::record::{Threshold, kept, verdict};
use bigchaindb_simulator::scenario::Scenario;

use super::history::history;

/// verdict | a part of the weightiest reason | invariants meant to be violated | the history.
const CASES: &str = "
    pass    | | | create a; post a@2; block A@2 a; list A; vote A vvvv; drop a; pass 31; end
    fail    | S11 is violated: | | create a; post a@1; drop a; pass 31; end
    fail    | S18 is violated: | | block H@2 g; short x
    void    | short | | create a; post a@2; block A@2 a; list A; vote A vvvv; drop a; pass 31; short short
    void    | fault 1 (kill) was not seen to be real | | create a; post a@1; fault kill applied; pass 31; fault kill healed; end
    pass    | | | fault kill planned; fault kill applied; fault kill verified; fault kill healed; end
    unknown | S11 cannot be told: | | create a; post a@1
    unknown | no transaction was accepted | | create a; transfer b a.0; refuse b@1; end
    pass    | | S11 L1 | create a; post a@1; drop a; pass 31; end
    fail    | S1 was meant to be violated, and was not | S1 | create a; block A@1 a; list A; vote A vvv.; end
";

#[test]
fn the_weightiest_reason_decides() {
    for case in CASES.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let [expected, reason, meant, steps] =
            case.splitn(4, '|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{case}")
        };
        let violations = meant.split_whitespace().map(str::to_owned).collect();
        let settings = Settings { violations, ..Settings::default() };
        let judged = judge(&history(steps), &settings, Arc::new(Direct));
        let (found, reasons) = verdict(&judged.judgements, judged.reference.surroundings());
        assert_eq!(found.as_str(), expected, "{case}: {reasons:?}");
        assert_eq!(found == Verdict::Pass, reasons.is_empty(), "{case}");
        let first = reasons.first().map_or("", |reason| reason);
        assert!(first.contains(reason), "{case}: {reasons:?}");
    }
}

#[test]
fn a_missed_threshold_is_a_failure() {
    let judged = judge(&history("end"), &Settings::default(), Arc::new(Direct));
    let threshold = |measured_us, met| Threshold {
        name: "finality.p99".into(),
        limit_us: 2_000_000,
        measured_us,
        met,
    };
    let expect = Scenario::parse("s.toml", "name = 's'", None).unwrap().expect;
    let verdict = |threshold| {
        let kept = kept(&expect, &[threshold]).expect("it is wanted");
        verdict(&[kept], judged.reference.surroundings())
    };
    assert_eq!(verdict(threshold(Some(1_000), true)).0, Verdict::Pass);
    let (missed, reasons) = verdict(threshold(Some(2_500_000), false));
    assert_eq!(missed, Verdict::Fail);
    assert_eq!(reasons, ["L9 is violated: finality.p99 is 2500 ms, expected at most 2000 ms"]);
    assert_eq!(verdict(threshold(None, false)).0, Verdict::Fail);
}

#[test]
fn only_the_wanted_invariants_are_judged() {
    let invariants = Some(vec!["S8".to_owned(), "L2".to_owned()]);
    let settings = Settings { invariants, ..Settings::default() };
    let judged = judge(&history("end"), &settings, Arc::new(Direct));
    let names: Vec<_> = judged.judgements.iter().map(|one| one.invariant.as_str()).collect();
    assert_eq!(names, ["S8", "L2"]);
}

#[test]
fn a_log_that_does_not_say_who_the_federation_is_cannot_be_judged() {
    let records = history("create a; block A@1 a; list A; vote A vvv.; end");
    let judged = judge(&records[1..], &Settings::default(), Arc::new(Direct));
    for judgement in judged.judgements {
        assert!(matches!(judgement.outcome, Outcome::Unknown { .. }), "{judgement:?}");
    }
}
