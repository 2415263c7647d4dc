//! Byzantine members: each act is done, is seen by whoever watches the tables, and breaks nothing that the
//! rules promise.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::Memo;
use bigchaindb_simulator::backends;
use bigchaindb_simulator::checkers::{Outcome, Settings, judge};
use bigchaindb_simulator::observe::{self, Log, Observed, Record, Table};
use bigchaindb_simulator::plan::{self, Act, Plan};
use bigchaindb_simulator::scenario::Scenario;

/// What holds whatever a minority inserts: no double spend, no transaction valid twice, no decision that
/// changes, nothing lost that was promised.
const PROMISED: [&str; 4] = ["S1", "S2", "S8", "S11"];

fn plan_of(acts: &str, seed: u64) -> Arc<Plan> {
    let text = format!(
        "name = \"mischief\"\n[[load]]\nat = \"1s\"\nfor = \"12s\"\narrivals = {{ rate = \"2/s\" }}\n\
         mix = {{ create = 0.5, transfer = 0.3, conflict = 0.2 }}\n\
         [[byzantine]]\nnode = \"n4\"\nacts = [{acts}]\n[expect]\ndecided_after_heal = \"60s\"\n"
    );
    let scenario = Scenario::parse("mischief.toml", &text, None).unwrap();
    Arc::new(plan::make(&scenario, seed).unwrap())
}

fn carry_out(plan: &Arc<Plan>) -> Log {
    let mut log = Log::new();
    backends::carry_out(plan, None, &Default::default(), &Arc::new(Memo::new(10_000)), &mut log)
        .unwrap();
    log
}

fn acts(log: &Log) -> impl Iterator<Item = &observe::Act> {
    log.records().iter().filter_map(|observed| match &observed.record {
        Record::Act(act) => Some(act),
        _ => None,
    })
}

/// The rows of which the tables told anything, by table and key.
fn changed(records: &[Observed]) -> BTreeSet<(Table, String)> {
    let changes = records.iter().filter_map(|observed| match &observed.record {
        Record::Change(change) => Some((change.table, change.id()?.to_string())),
        _ => None,
    });
    changes.collect()
}

fn violated(plan: &Plan, log: &Log) -> Vec<String> {
    let judged = judge(log.records(), &Settings::from(&plan.expect), Arc::new(Memo::new(10_000)));
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Fail { .. });
    let failed = judged.judgements.iter().filter(|judged| fails(&judged.outcome));
    failed.map(|judged| judged.invariant.clone()).collect()
}

/// Acts that consist of not doing something, or of doing it later.
const OMISSIONS: [Act; 4] = [Act::Silent, Act::DelaysVotes, Act::NeverLists, Act::DropsAssigned];

#[track_caller]
fn check(act: Act) {
    let plan = plan_of(&format!("\"{}\"", act.name()), 3);
    let log = carry_out(&plan);
    let done: Vec<_> = acts(&log).collect();
    assert!(!done.is_empty(), "{} is never done", act.name());
    assert!(done.iter().all(|one| *one.act == *act.name() && &*one.node == "n4"));
    if !OMISSIONS.contains(&act) {
        let changed = changed(log.records());
        let seen = done.iter().filter(|one| changed.contains(&(one.table, one.key.to_string())));
        assert!(seen.count() > 0, "{}: no row that it wrote was seen", act.name());
    }
    if act.only_inserts() {
        let broken = violated(&plan, &log);
        let broken: Vec<_> = broken.iter().filter(|one| PROMISED.contains(&one.as_str())).collect();
        assert!(broken.is_empty(), "{} breaks {broken:?}", act.name());
    }
}

/// A test per family, so that they run side by side.
macro_rules! families {
    ($($name:ident: $($act:ident)*,)*) => {
        $(#[test] fn $name() { $(check(Act::$act);)* })*

        #[test]
        fn no_act_is_forgotten() {
            let tested = BTreeSet::from([$($(Act::$act,)*)*]);
            assert_eq!(tested, Act::ALL.iter().copied().collect());
        }
    };
}

families! {
    votes_are_lied_with:
        VotesInvalid VotesTwice ForgesVotes SquatsVotes UnsignedVotes StrangersVotes WrongPrevious
        VotesOnNothing Silent DelaysVotes,
    blocks_hold_what_they_should_not:
        IncludesInvalid IncludesDoubleSpend IncludesTwice IncludesConflict IncludesGenesis
        IncludesCreateSpend IncludesOdd ReplaysDecided,
    blocks_are_wrong_from_outside:
        WrongVoters EmptyBlock HugeBlock WrongHash WrongSignature FutureBlock PastBlock FloodsBlocks,
    places_are_taken_for_nothing:
        NeverLists ClaimsNothing ClaimsTwice ClaimsAhead ClaimsRubbish EquivocatesGenesis,
    waiting_transactions_are_played_with:
        DropsAssigned AssignsSelf AssignsStrangers MalformedBacklog OddBacklog WrongIds Steals,
    rows_of_others_are_harmed:
        EditsBlocks DeletesBlocks EditsVotes DeletesVotes EditsPlaces DeletesPlaces DeletesBacklog,
    two_nodes_have_one_key: Twin,
}

#[test]
fn who_does_not_vote_has_no_votes() {
    let log = carry_out(&plan_of("\"silent\"", 5));
    let run = log.records().iter().find_map(|observed| match &observed.record {
        Record::Run(run) => Some(run),
        _ => None,
    });
    let run = run.unwrap();
    assert_eq!(run.byzantine, ["n4".into()]);
    let key = run.nodes[3].key.as_str();
    let votes = log.records().iter().filter(|observed| match &observed.record {
        Record::Change(change) if change.table == Table::Votes => {
            let voter = change.new.as_ref().and_then(|row| row.get("node_pubkey")?.as_str());
            // Silence has an end: the load's.
            voter == Some(key) && observed.at_us < 12_500_000
        }
        _ => false,
    });
    assert_eq!(votes.count(), 0);
}

#[test]
fn the_same_seed_does_the_same_mischief_and_another_seed_other() {
    let digest = |seed| carry_out(&plan_of("\"all\"", seed)).digest();
    assert_eq!(digest(8), digest(8));
    assert_ne!(digest(8), digest(9));
}

#[test]
fn all_acts_together_come_to_many_of_them() {
    let log = carry_out(&plan_of("\"insert-only\"", 4));
    let kinds: BTreeSet<_> = acts(&log).map(|one| one.act.to_string()).collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    let harmful = |name: &String| !Act::by_name(name).unwrap().only_inserts();
    assert!(!kinds.iter().any(harmful), "{kinds:?}");
}
