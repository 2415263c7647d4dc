//! Checkers notice: each safeguard that is taken away turns a run red, and names its invariant.
//!
//! The same seeds with all safeguards in place pass, so it is the quirk that is found and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::checkers::{Outcome, Verdict};
use bigchaindb_simulator::plan;
use bigchaindb_simulator::record::Results;
use bigchaindb_simulator::run::run;
use bigchaindb_simulator::scenario::Scenario;

use crate::scenario::smoke;

/// Seeds of each smoke scenario to look at; a campaign of 200 looks at more than 30.
const SEEDS: u64 = 30;

fn run_one(scenario: &Scenario, seed: u64) -> Results {
    let plan = Arc::new(plan::make(scenario, seed).unwrap());
    run(&plan, None, String::new(), BTreeMap::new()).unwrap()
}

fn violated(results: &Results) -> BTreeSet<&str> {
    let violated = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    let invariants = results.invariants.iter().filter(|each| violated(&each.outcome));
    invariants.map(|each| each.invariant.as_str()).collect()
}

/// Looks for a run in which the quirk violates the invariant; the same run without it has to pass.
#[track_caller]
fn check(quirk: Quirk, invariant: &str) {
    let mut scenarios: Vec<_> =
        smoke().iter().map(|file| Scenario::load(file, None).unwrap()).collect();
    for seed in 1..=SEEDS {
        for scenario in &mut scenarios {
            scenario.federation.quirks.insert(quirk);
            let found = violated(&run_one(scenario, seed)).contains(invariant);
            scenario.federation.quirks.clear();
            if found {
                let sound = run_one(scenario, seed);
                let reasons = &sound.reasons;
                assert_eq!(sound.verdict, Verdict::Pass, "{} {seed}: {reasons:?}", scenario.name);
                return;
            }
        }
    }
    panic!("no seed up to {SEEDS} of any smoke scenario violates {invariant}");
}

#[test]
fn no_double_spend_notices_when_nobody_looks_who_spent() {
    check(Quirk::DoubleSpendUnchecked, "S1");
}

#[test]
fn accounted_for_notices_what_left_the_backlog_too_early() {
    check(Quirk::DeletedBeforeWritten, "S11");
}

#[test]
fn statuses_agree_notices_a_tie_that_counts_as_valid() {
    check(Quirk::TieIsValid, "S9");
}

#[test]
fn one_vote_notices_a_second_vote_after_a_restart() {
    check(Quirk::VotesAgain, "S5");
}

#[test]
fn no_double_spend_notices_judging_out_of_order() {
    check(Quirk::JudgedOutOfOrder, "S1");
}
