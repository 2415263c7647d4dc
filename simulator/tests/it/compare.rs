//! Runs held against others: what is exact, what is likely, and what cannot be compared.

use bigchaindb_simulator::calibration::Calibration;
use bigchaindb_simulator::chance::{Domain, draw};
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::compare::{
    Answer, Baseline, Comparison, Figure, Incomparable, Moment, Pairs, Sample, Terms, compare,
};
use bigchaindb_simulator::measure::{Counts, Latency};

const MACHINE: Calibration = Calibration {
    verifications_per_s: 10_000,
    hashed_bytes_per_s: 400_000_000,
    synced_writes_per_s: Some(500),
    round_trips_per_s: Some(20_000),
};

/// A run of twenty seconds, with a spread of 3 % that its seed draws, and latencies by a factor.
fn run(seed: u64, factor: f64) -> Sample {
    let spread =
        |counter| 0.97 + 0.06 * draw(seed, Domain::Resample, 9, counter).below(1_000) as f64 / 1e3;
    let us = |value: f64| format!("{value:.0}").parse().expect("a whole number");
    let moment = |second| Moment {
        decided: 500,
        p50_us: us(12_000.0 * factor * spread(second)),
        p99_us: us(40_000.0 * factor * spread(second + 100)),
    };
    Sample {
        scenario: "one node".into(),
        seed,
        backend: "local".into(),
        rules: "default".into(),
        nodes: 1,
        verdict: Verdict::Pass,
        digest: format!("{seed:064x}"),
        calibration: Some(MACHINE),
        requested: 10_000,
        counts: Counts { decided_valid: 10_000, blocks: 80, ..Counts::default() },
        latency: Latency::default(),
        processor_us: Some(us(4e6 * factor * (0.6 + 0.4 * spread(200)))),
        seconds: (0..20).map(moment).collect(),
    }
}

fn runs(seeds: std::ops::Range<u64>, factor: f64) -> Vec<Sample> {
    seeds.map(|seed| run(seed, factor)).collect()
}

#[track_caller]
fn held(baseline: &[Sample], program: &[Sample]) -> Comparison {
    compare(baseline, program, Terms::default()).expect("they can be compared")
}

fn answers(comparison: &Comparison) -> Vec<(Figure, Answer)> {
    comparison.figures.iter().map(|one| (one.figure, one.answer)).collect()
}

#[test]
fn equal_programs_are_the_same_and_slower_ones_are_worse() {
    let baseline = runs(1..6, 1.0);
    let same = held(&baseline, &runs(11..16, 1.0));
    assert_eq!(
        (same.answer, same.exact, same.figures.len()),
        (Answer::Same, false, 4),
        "{same:#?}"
    );
    let slower = held(&baseline, &runs(11..16, 1.1));
    let expected = [
        (Figure::Throughput, Answer::Same),
        (Figure::LatencyP50, Answer::Worse),
        (Figure::LatencyP99, Answer::Worse),
        (Figure::ProcessorTime, Answer::Worse),
    ];
    assert_eq!(answers(&slower), expected);
    assert_eq!(slower.answer, Answer::Worse);
    assert_eq!(held(&baseline, &runs(11..16, 0.9)).answer, Answer::Better);
    // A figure that one of the runs lacks is left out.
    let mut without = runs(11..16, 1.0);
    without[2].processor_us = None;
    assert_eq!(held(&baseline, &without).figures.len(), 3);
}

#[test]
fn equal_programs_are_called_different_one_time_in_twenty_at_most() {
    let different = |trial: &u64| {
        let seed = 100 * trial;
        let comparison = held(&runs(seed..seed + 5, 1.0), &runs(seed + 50..seed + 55, 1.0));
        !matches!(comparison.answer, Answer::Same | Answer::Unclear)
    };
    // 200 trials of a single figure are in `compare/resample.rs`.
    let different = (0..40).filter(different).count();
    assert!(different <= 2, "{different} of 40");
}

#[test]
fn what_nobody_can_tell_is_unclear_and_says_why() {
    let (baseline, slower) = (runs(1..6, 1.0), runs(11..16, 1.3));
    let unclear = |program: &[Sample], why: &str| {
        let comparison = held(&baseline, program);
        assert_eq!(comparison.answer, Answer::Unclear, "{why}");
        assert!(comparison.caveats.iter().any(|caveat| caveat.contains(why)), "{comparison:#?}");
    };
    unclear(&slower[..2], "fewer than 3 runs");
    let with = |change: fn(&mut Sample)| {
        let mut changed = slower.clone();
        changed.iter_mut().for_each(change);
        changed
    };
    unclear(&with(|run| run.calibration = None), "is not known of both sides");
    let other = Calibration { verifications_per_s: 5_000, ..MACHINE };
    let elsewhere: Vec<_> =
        slower.iter().map(|run| Sample { calibration: Some(other), ..run.clone() }).collect();
    unclear(&elsewhere, "the machines differ, in signatures verified a second: 10000 and 5000");
    let anywhere = Terms { any_machine: true, ..Terms::default() };
    let comparison = compare(&baseline, &elsewhere, anywhere).expect("they can be compared");
    assert_eq!(comparison.answer, Answer::Worse);
    unclear(
        &with(|run| (run.seed, run.requested) = (1, 9_999)),
        "10000 operations of the baseline and 9999 now",
    );
    unclear(&with(|run| run.requested = 20_000), "10000 operations of the baseline, 20000 now");
}

#[test]
fn void_runs_do_not_count_and_take_their_partner_with_them() {
    let baseline = runs(1..7, 1.0);
    let mut program = runs(11..17, 1.0);
    program[1].verdict = Verdict::Void;
    let sides = |pairs| {
        let terms = Terms { pairs, ..Terms::default() };
        let comparison = compare(&baseline, &program, terms).expect("they can be compared");
        (comparison.baseline.runs, comparison.program.runs, comparison.program.void)
    };
    assert_eq!(sides(Pairs::None), (6, 5, 1));
    assert_eq!(sides(Pairs::InOrder), (5, 5, 1));
    program.iter_mut().for_each(|run| run.verdict = Verdict::Void);
    let refused = compare(&baseline, &program, Terms::default());
    assert_eq!(refused, Err(Incomparable::Nothing("program")));
}

#[test]
fn runs_of_different_things_are_refused() {
    let refused = |change: fn(&mut Sample), what: &str| {
        let mut program = runs(11..14, 1.0);
        change(&mut program[2]);
        let error = compare(&runs(1..4, 1.0), &program, Terms::default()).expect_err(what);
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(|run| run.scenario = "two nodes".into(), "different scenarios");
    refused(|run| run.backend = "processes".into(), "different worlds");
    refused(|run| run.rules = "mixed".into(), "different rules");
    refused(|run| run.nodes = 2, "different federations");
    assert_eq!(compare(&[], &[], Terms::default()), Err(Incomparable::Nothing("baseline")));
}

/// The same in virtual time.
fn exact(seed: u64) -> Sample {
    Sample { backend: "sim".into(), calibration: None, processor_us: None, ..run(seed, 1.0) }
}

#[test]
fn in_virtual_time_every_difference_is_named() {
    let told = |change: fn(&mut Sample)| {
        let mut program = vec![exact(2), exact(1)];
        change(&mut program[0]);
        let comparison = held(&[exact(1), exact(2)], &program);
        assert!(comparison.exact && comparison.figures.is_empty());
        let found: Vec<_> = (comparison.differences.iter())
            .map(|one| format!("{} {}: {} > {}", one.seed, one.what, one.baseline, one.program))
            .collect();
        (comparison.answer, found.join("; "), comparison.caveats.join("; "))
    };
    let (answer, found, notes) = told(|_| {});
    assert_eq!((answer, &*found, &*notes), (Answer::Same, "", ""));
    let (answer, found, _) = told(|run| run.latency.decided.p99_us = 1);
    assert_eq!((answer, &*found), (Answer::Worse, "2 latency.decided.p99_us: 0 > 1"));
    let (answer, found, _) = told(|run| run.counts.decided_valid += 1);
    assert_eq!((answer, &*found), (Answer::Better, "2 counts.decided_valid: 10000 > 10001"));
    let (answer, found, _) = told(|run| run.counts.blocks = 7);
    assert_eq!((answer, &*found), (Answer::Unclear, "2 counts.blocks: 80 > 7"));
    let (answer, found, _) = told(|run| run.seconds.iter_mut().for_each(|one| one.decided = 499));
    assert_eq!((answer, &*found), (Answer::Worse, "2 throughput: 500 > 499"));
    let (answer, found, _) = told(|run| run.verdict = Verdict::Fail);
    assert_eq!((answer, &*found), (Answer::Worse, "2 verdict: pass > fail"));
    let (answer, found, _) = told(|run| run.seconds.swap(0, 1));
    assert_eq!((answer, &*found), (Answer::Unclear, "2 seconds: 20 of them > 20 of them"));
    let (answer, _, notes) = told(|run| run.digest = "00".into());
    assert_eq!(answer, Answer::Same);
    assert!(notes.starts_with("with seed 2 the logs are different"), "{notes}");
}

#[test]
fn in_virtual_time_seeds_are_compared_with_themselves() {
    let comparison = held(&[exact(1), exact(2)], &[exact(2), exact(3)]);
    assert_eq!((comparison.answer, comparison.program.runs), (Answer::Same, 1));
    assert_eq!(comparison.caveats.len(), 2);
    let refused = compare(&[exact(1)], &[exact(2)], Terms::default()).expect_err("other seeds");
    assert!(refused.to_string().contains("2 and 1"), "{refused}");
    let mut twice = vec![exact(1), exact(1)];
    twice[1].digest = "00".into();
    assert_eq!(held(&[exact(1)], &twice).answer, Answer::Unclear);
}

#[test]
fn a_baseline_comes_back_as_it_was_stored_and_another_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("baseline.json");
    let stored = Baseline::new(runs(1..4, 1.0));
    stored.save(&path).expect("it can be written");
    assert_eq!(Baseline::load(&path).expect("it can be read"), stored);
    assert!(path.metadata().expect("it is there").len() < 10_000);
    let refused = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        Baseline::load(&path).expect_err("it is none").to_string()
    };
    assert!(refused("{\"version\": 9}").ends_with("has version 9, this program reads 1"));
    assert!(refused("[]").ends_with("is no baseline"));
}
