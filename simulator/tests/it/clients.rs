//! Clients of the simulated federation: what is honest is accepted, what is odd is refused at the door, and
//! would not be if the one safeguard against it were missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::cryptoconditions::Fulfillment;
use bigchaindb_core::model::{Json, Memo, Profile, Transaction};
use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::backends;
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings, judge};
use bigchaindb_simulator::observe::{Call, Kind, Log, Operation, Record};
use bigchaindb_simulator::plan::{self, Action, Plan, Way};
use bigchaindb_simulator::scenario::Scenario;

fn scenario(mix: &str, odd: &str) -> Scenario {
    let text = format!(
        "name = \"clients\"\n[[load]]\nat = \"1s\"\nfor = \"30s\"\narrivals = {{ rate = \"3/s\" }}\n\
         mix = {{ {mix} }}\n{odd}"
    );
    Scenario::parse("clients.toml", &text, None).unwrap()
}

fn run(scenario: &Scenario, quirk: Option<Quirk>, seed: u64) -> (Arc<Plan>, Log) {
    let mut scenario = scenario.clone();
    scenario.federation.quirks.extend(quirk);
    let plan = Arc::new(plan::make(&scenario, seed).unwrap());
    let mut log = Log::new();
    backends::carry_out(&plan, None, &Default::default(), &Arc::new(Memo::new(10_000)), &mut log)
        .unwrap();
    (plan, log)
}

/// The ends of all POSTs that were answered, with what they were to do.
fn answered<'a>(plan: &'a Plan, log: &'a Log) -> Vec<(Action, &'a Operation)> {
    let operations = log.records().iter().filter_map(|observed| match &observed.record {
        Record::Operation(operation) => Some(operation),
        _ => None,
    });
    let answered = operations.filter(|one| one.call == Call::Post && one.http.is_some());
    let action = |number: u64| plan.operation(u32::try_from(number).unwrap()).unwrap().action;
    answered.map(|operation| (action(operation.number), operation)).collect()
}

/// How many of those were accepted, and how many refused with what was posted kept.
fn count(answers: &[(Action, &Operation)], which: impl Fn(&Action) -> bool) -> (usize, usize) {
    let these: Vec<_> = answers.iter().filter(|(action, _)| which(action)).collect();
    let accepted = these.iter().filter(|(_, one)| one.kind == Kind::Ok);
    let refused = these.iter().filter(|(_, one)| {
        matches!(one.http, Some(400..=499)) && one.kind == Kind::Fail && one.document.is_some()
    });
    let (accepted, refused) = (accepted.count(), refused.count());
    assert_eq!(accepted + refused, these.len(), "{these:?}");
    (accepted, refused)
}

fn is_odd(action: &Action) -> bool {
    matches!(action, Action::Odd { .. })
}

#[track_caller]
fn check_odd(oddity: &str, quirk: Quirk) {
    let scenario = scenario("create = 0.6, odd = 0.4", &format!("odd = [\"{oddity}\"]\n"));
    let (plan, log) = run(&scenario, None, 2);
    let (accepted, refused) = count(&answered(&plan, &log), is_odd);
    assert_eq!(accepted, 0, "{oddity}");
    assert!(refused > 3, "{oddity} was tried {refused} times");
    let (plan, log) = run(&scenario, Some(quirk), 2);
    let (accepted, _) = count(&answered(&plan, &log), is_odd);
    assert!(accepted > 0, "{oddity} is accepted without its safeguard");
}

#[test]
fn an_output_is_not_spent_again_under_another_name() {
    check_odd("extra-input-key", Quirk::ExtraKeyHidesSpend);
    check_odd("negative-cid", Quirk::OutputAliases);
    check_odd("bool-cid", Quirk::OutputAliases);
}

#[test]
fn an_asset_is_not_doubled() {
    check_odd("input-twice", Quirk::InputSpentTwice);
    check_odd("more-outputs", Quirk::CreateSpends);
}

#[test]
fn what_the_store_would_change_is_not_kept() {
    check_odd("text-after-nul", Quirk::TextAfterNul);
    check_odd("number-rewritten", Quirk::NumbersRewritten);
}

#[test]
fn what_the_store_changes_is_lost_and_missed() {
    let scenario = scenario("create = 0.6, odd = 0.4", "odd = [\"number-rewritten\"]\n");
    let (plan, log) = run(&scenario, Some(Quirk::NumbersRewritten), 2);
    let signatures = Arc::new(Memo::new(10_000));
    let judged = judge(log.records(), &Settings::from(&plan.expect), signatures);
    let lost =
        |one: &&Judgement| one.invariant == "S11" && matches!(one.outcome, Outcome::Fail { .. });
    assert!(judged.judgements.iter().any(|one| lost(&one)));
}

#[test]
fn genesis_comes_once() {
    check_odd("genesis", Quirk::GenesisAtAnyTime);
}

#[test]
fn a_node_makes_its_own_of_a_create_that_spends() {
    let scenario = scenario("create = 0.6, odd = 0.4", "odd = [\"create-spends\"]\n");
    let (plan, log) = run(&scenario, None, 2);
    let answers = answered(&plan, &log);
    let (accepted, refused) = count(&answers, is_odd);
    assert!(accepted > 3 && refused == 0, "{accepted} accepted, {refused} refused");
    let made = answers.iter().filter(|(action, _)| is_odd(action));
    let made: BTreeSet<_> = made.filter_map(|(_, one)| one.tx.clone()).collect();
    for observed in log.records() {
        let Record::Change(change) = &observed.record else { continue };
        let Some(row) = &change.new else { continue };
        let id = row.get("id").and_then(Json::as_str).unwrap_or_default();
        if made.contains(id) {
            let transaction = Transaction::from_document((**row).clone()).unwrap();
            assert_eq!(transaction.inputs(), []);
        }
    }
}

#[test]
fn what_is_no_transaction_is_refused() {
    let (plan, log) = run(&scenario("create = 0.5, malformed = 0.5", ""), None, 2);
    let (accepted, refused) =
        count(&answered(&plan, &log), |action| matches!(action, Action::Malformed { .. }));
    assert!(accepted == 0 && refused > 20, "{accepted} accepted, {refused} refused");
}

#[test]
fn what_is_undecided_is_not_spent() {
    let scenario = scenario("create = 0.5, eager = 0.5", "");
    let eager = |action: &Action| matches!(action, Action::Eager { .. });
    let tried = |quirk| {
        let of_seed = |seed| {
            let (plan, log) = run(&scenario, quirk, seed);
            count(&answered(&plan, &log), eager)
        };
        (1..=4).map(of_seed).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    // Some come when it is decided already.
    let (sound, refused) = tried(None);
    assert!(refused > 100, "{sound} accepted, {refused} refused");
    let (accepted, _) = tried(Some(Quirk::UndecidedOutputsSpent));
    assert!(accepted > sound, "{accepted} accepted, {sound} in good order");
}

#[test]
fn locks_are_opened_by_whom_they_are_for() {
    let mix = "create = 0.5, threshold = 0.15, hashlock = 0.1, timeout = 0.1, escrow = 0.15";
    let scenario = scenario(mix, "");
    let (mut opened, mut kept) = (0, 0);
    for seed in 1..=3 {
        let (plan, log) = run(&scenario, None, seed);
        let answers = answered(&plan, &log);
        let (locked, refused) = count(&answers, |action| matches!(action, Action::Lock { .. }));
        assert!(locked > 5 && refused == 0, "{locked} locked, {refused} refused");
        let cheats = |action: &Action| {
            matches!(action, Action::Open { way: Way::TooLittle | Way::AbortByOmission, .. })
        };
        let (accepted, refused) = count(&answers, cheats);
        assert_eq!(accepted, 0);
        kept += refused;
        opened +=
            count(&answers, |action| matches!(action, Action::Open { way: Way::Whole, .. })).0;
        opened +=
            count(&answers, |action| matches!(action, Action::Open { way: Way::Abort, .. })).0;
    }
    assert!(opened > 15 && kept > 5, "{opened} opened, {kept} kept");
}

#[test]
fn weights_add_up() {
    let scenario = scenario("create = 0.6, threshold = 0.4", "");
    let whole = |action: &Action| matches!(action, Action::Open { way: Way::Whole, .. });
    let (plan, log) = run(&scenario, None, 2);
    let (accepted, refused) = count(&answered(&plan, &log), whole);
    assert!(accepted > 5 && refused == 0, "{accepted} accepted, {refused} refused");
    let (plan, log) = run(&scenario, Some(Quirk::RunningMinimum), 2);
    assert!(count(&answered(&plan, &log), whole).1 > 0, "3 and 1 are not 4 as the original added");
}

/// Whoever leaves out the time of an escrow's second branch would open it under the original's rules.
#[test]
fn an_abort_by_omission_opens_what_the_original_judged() {
    let scenario = scenario("create = 0.4, escrow = 0.6", "");
    let (plan, log) = run(&scenario, None, 2);
    let mut tried = 0;
    for (action, operation) in answered(&plan, &log) {
        let Action::Open { way: Way::AbortByOmission, .. } = action else { continue };
        let document = operation.document.as_deref().unwrap().clone();
        let transaction = Transaction::from_document(document).unwrap();
        let text = transaction.fulfillments()[0].get("fulfillment").unwrap().as_str().unwrap();
        let message = transaction.fulfillment_message(0).unwrap();
        let opens = |profile| {
            let fulfillment = Fulfillment::parse(text, profile).unwrap();
            fulfillment.validate(&message, Some("1472688010"), profile).unwrap()
        };
        assert!(opens(Profile::Original) && !opens(Profile::Default));
        tried += 1;
    }
    assert!(tried > 0);
    let (plan, log) = run(&scenario, Some(Quirk::OmissionOpens), 2);
    let omitted =
        |action: &Action| matches!(action, Action::Open { way: Way::AbortByOmission, .. });
    assert!(count(&answered(&plan, &log), omitted).0 > 0);
}

#[test]
fn owners_share_and_join() {
    let (plan, log) = run(&scenario("create = 0.2, multi-owner = 0.8", "watch = true\n"), None, 2);
    let answers = answered(&plan, &log);
    let (moved, refused) = count(&answers, |action| matches!(action, Action::Move { .. }));
    assert!(moved > 10 && refused == 0, "{moved} moved, {refused} refused");
    let joined = |action: &Action| matches!(action, Action::Move { of, and, .. } if of == and);
    assert!(count(&answers, joined).0 > 2);
    let owned = log.records().iter().filter_map(|observed| match &observed.record {
        Record::Owned(owned) => Some(owned.outputs.as_ref().unwrap().len()),
        _ => None,
    });
    let owned: Vec<_> = owned.collect();
    assert!(owned.contains(&0) && owned.contains(&1), "some own something, some have spent it");
}

#[test]
fn whoever_looks_after_what_was_accepted_sees_it_become_valid_and_stay_so() {
    let (_, log) = run(&scenario("create = 1", "watch = true\n"), None, 2);
    let mut last = BTreeMap::new();
    for observed in log.records() {
        let Record::Operation(operation) = &observed.record else { continue };
        if operation.call != Call::Status || operation.kind != Kind::Ok {
            continue;
        }
        let status = operation.value.clone().unwrap();
        let before = last.insert(operation.tx.clone().unwrap(), status.clone());
        assert!(before.as_deref() != Some("valid") || &*status == "valid");
    }
    assert!(last.len() > 50 && last.values().all(|status| &**status == "valid"), "{last:?}");
}
