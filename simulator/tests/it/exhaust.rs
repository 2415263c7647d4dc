//! Small scopes, whole: the rules break no law in any interleaving, and without a safeguard they do.

use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, Draft, Keypair, Output, Position, Profile, Transaction, Vote,
};
use bigchaindb_core::query::{Answer, ListEntry, Needs, Query, VoteRow};
use bigchaindb_core::rules::Quirk;
use bigchaindb_rethinkdb::{Durability, Engine};
use bigchaindb_simulator::exhaust::{Explored, Kind, Scope, ScopeError, Tables, explore, wander};

fn walk(scope: &Scope) -> Explored {
    explore(scope, |_, _| ()).unwrap()
}

/// Without this safeguard this law is broken, and the story of it ends there.
#[track_caller]
fn check(scope: Scope, quirk: Quirk, invariant: &str) {
    let explored = walk(&Scope { quirks: [quirk].into(), ..scope });
    let found = explored.found.unwrap_or_else(|| panic!("none of {} states", explored.states));
    assert_eq!(found.invariant, invariant, "{}", found.what);
    assert!(found.story.len() > 5, "{:?}", found.story);
}

fn one() -> Scope {
    Scope { transactions: 1, ..Scope::default() }
}

#[test]
fn one_transfer_breaks_no_law_in_any_order() {
    let Explored { found, complete, states, ends, outcomes, tables, .. } = walk(&one());
    assert_eq!((found, complete), (None, true));
    // Golden figures: whoever changes the steps of nodes sees whether the scope has changed.
    assert_eq!((states, ends, outcomes, tables), (67, 1, 1, 8));
}

#[test]
fn two_transfers_of_one_output_break_no_law_in_any_order() {
    let Explored { found, complete, states, ends, outcomes, tables, .. } = walk(&Scope::default());
    assert_eq!((found, complete), (None, true));
    assert_eq!((states, ends, outcomes, tables), (17_383, 16, 4, 63));
}

/// What the reduction leaves out leads nowhere else: the same tables come about, and the same ends.
#[test]
fn the_reduction_leaves_out_no_outcome() {
    let scope = Scope { kind: Kind::Creates, ..one() };
    let (reduced, whole) = (walk(&scope), walk(&Scope { reduced: false, ..scope }));
    assert!(reduced.complete && whole.complete);
    assert!(reduced.states * 10 < whole.states);
    assert_eq!(reduced.met, whole.met);
}

/// The whole of these scopes without the reduction is too large, so many ways through it are gone by
/// chance, each to its end: none meets anything that the reduction does not.
#[track_caller]
fn check_by_wandering(scope: &Scope, ways: u32) {
    let reduced = walk(scope);
    assert!(reduced.complete, "{:?}", reduced.found);
    let met = wander(scope, ways).unwrap();
    assert!(!met.ends.is_empty() && met.tables.len() * 3 > reduced.tables, "{}", met.tables.len());
    let missed: Vec<_> = met.tables.difference(&reduced.met.tables).collect();
    assert!(missed.is_empty(), "{} of {}", missed.len(), met.tables.len());
    assert!(met.ends.is_subset(&reduced.met.ends));
}

#[test]
fn wandering_through_two_transfers_meets_nothing_that_the_reduction_leaves_out() {
    check_by_wandering(&Scope::default(), 1_000);
    check_by_wandering(&Scope { kind: Kind::Creates, ..Scope::default() }, 1_000);
}

#[test]
fn wandering_through_a_crash_meets_nothing_that_the_reduction_leaves_out() {
    check_by_wandering(&Scope { crashes: 1, ..one() }, 1_000);
    check_by_wandering(&Scope { crashes: 1, kind: Kind::Creates, ..one() }, 1_000);
}

#[test]
fn judging_out_of_order_spends_twice() {
    check(Scope::default(), Quirk::JudgedOutOfOrder, "S1");
}

#[test]
fn not_looking_who_spent_spends_twice() {
    check(Scope::default(), Quirk::DoubleSpendUnchecked, "S1");
}

#[test]
fn what_leaves_the_backlog_too_early_is_lost_in_a_crash() {
    let scope = Scope { kind: Kind::Creates, crashes: 1, ..one() };
    check(scope, Quirk::DeletedBeforeWritten, "S11");
}

#[test]
fn a_crash_at_any_moment_breaks_no_law() {
    let Explored { found, complete, states, ends, outcomes, tables, .. } =
        walk(&Scope { crashes: 1, ..one() });
    assert_eq!((found, complete), (None, true));
    assert_eq!((states, ends, outcomes, tables), (64_492, 83, 20, 105));
}

#[test]
fn voting_again_after_a_crash_is_seen() {
    check(Scope { crashes: 1, ..one() }, Quirk::VotesAgain, "S5");
}

#[test]
fn the_same_scope_gives_the_same_story() {
    let scope = Scope { quirks: [Quirk::JudgedOutOfOrder].into(), ..Scope::default() };
    assert_eq!(walk(&scope), walk(&scope));
}

#[test]
fn scopes_have_bounds() {
    let error = |scope: &Scope| explore(scope, |_, _| ()).unwrap_err();
    assert_eq!(error(&Scope { nodes: 4, ..one() }), ScopeError::Nodes(4));
    assert_eq!(error(&Scope { transactions: 0, ..one() }), ScopeError::Transactions(0));
    assert_eq!(error(&Scope { from_start: true, ..one() }), ScopeError::NothingToSpend);
    let early = walk(&Scope { states_max: 50, ..one() });
    assert!(!early.complete && early.found.is_none() && early.states >= 50);
}

/// The tables answer every question as the embedded store does.
#[test]
fn tables_answer_as_the_store_does() {
    let (mut tables, mut engine) = (Tables::default(), Engine::in_memory());
    for query in questions() {
        let ours = words(tables.answer(&query, &mut Vec::new()).unwrap());
        let theirs = words(engine.apply(&query, Durability::Hard).unwrap());
        assert_eq!(ours, theirs, "{query:?}");
    }
}

/// An answer, with what has no order sorted.
fn words(answer: Answer) -> Vec<String> {
    fn sorted<T: std::fmt::Debug>(items: &[T]) -> Vec<String> {
        let mut words: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
        words.sort();
        words
    }
    match answer {
        Answer::Votes(votes) => sorted(&votes),
        Answer::Gathered(gathered) => {
            let parts =
                [sorted(&gathered.found), sorted(&gathered.waiting), sorted(&gathered.spends)];
            parts.concat()
        }
        other => vec![format!("{other:?}")],
    }
}

/// Writes of every kind, and after each all there is to read.
fn questions() -> Vec<Query> {
    let [one, two] = [1, 2].map(|seed| Keypair::from_seed([seed; 32]));
    let voters = [one.public().clone(), two.public().clone()];
    let created = |uuid: &str, time| {
        let draft = Draft::create(one.public(), vec![two.public().to_string()], uuid, time);
        let signed = draft.transaction().unwrap().sign(&[&one], Profile::Default, &|_| None);
        Arc::new(signed.unwrap())
    };
    let (a, b) = (created("a", 7), created("b", 5));
    let output = Output { txid: a.id().clone(), cid: 0, oddity: None };
    let owners = || vec![two.public().to_string()];
    let draft = Draft::transfer(owners(), owners(), vec![output.clone()], "c", 9);
    let spends = draft.transaction().unwrap().sign(&[&two], Profile::Default, &|_| Some(a.clone()));
    let c = Arc::new(spends.unwrap());
    let block = |parts: &[&Arc<Transaction>], time| {
        let parts = parts.iter().map(|part| (*part).clone()).collect();
        Arc::new(Block::create(parts, &one, &voters, time).unwrap())
    };
    let (x, y) = (block(&[&a, &b], 20), block(&[&c], 19));
    let wait = |transaction: &Arc<Transaction>, node: &Keypair| Query::InsertBacklog {
        transaction: transaction.clone(),
        assignee: node.public().clone(),
    };
    let hand = |from: &Keypair, to: &Keypair| Query::Reassign {
        transaction: b.id().clone(),
        from: from.public().clone(),
        to: to.public().clone(),
    };
    let vote = |node: &Keypair, key: &str, valid| {
        let vote = Arc::new(Vote::create(node, x.id(), y.id(), valid, 30).unwrap());
        Query::InsertVote { vote: VoteRow { key: key.into(), vote } }
    };
    let claim = |place, block: &BlockId| Query::Claim {
        entry: ListEntry { position: Position(place), block: block.clone(), genesis: None },
    };
    let delete = |transactions: &[&Arc<Transaction>]| Query::DeleteBacklog {
        transactions: transactions.iter().map(|one| one.id().clone()).collect(),
    };
    let writes = vec![
        wait(&a, &one),
        wait(&a, &two),
        wait(&b, &one),
        wait(&c, &two),
        hand(&two, &one),
        hand(&one, &one),
        hand(&one, &two),
        delete(&[&a, &b]),
        delete(&[&a]),
        Query::InsertBlock { block: x.clone() },
        Query::InsertBlock { block: x.clone() },
        Query::InsertBlock { block: y.clone() },
        vote(&one, "k1", true),
        vote(&two, "k1", false),
        vote(&two, "k2", false),
        claim(0, x.id()),
        claim(0, y.id()),
        claim(1, y.id()),
    ];
    let (ids, all) = (vec![y.id().clone(), x.id().clone()], [&a, &b, &c]);
    let reads = || {
        let needs = Needs {
            transactions: all.iter().map(|one| one.id().clone()).collect(),
            outputs: vec![output.clone()],
        };
        [
            Query::Backlog { assignee: None, limit: 2 },
            Query::Backlog { assignee: Some(two.public().clone()), limit: 9 },
            Query::Gather(needs),
            Query::Blocks { ids: ids.clone() },
            Query::KnownBlocks { ids: ids.clone() },
            Query::UnlistedBlocks { limit: 9 },
            Query::Votes { blocks: ids.clone() },
            Query::Positions { from: Position(0), limit: 1 },
            Query::Positions { from: Position(1), limit: 9 },
        ]
    };
    writes.into_iter().flat_map(|write| std::iter::once(write).chain(reads())).collect()
}
