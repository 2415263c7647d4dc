//! Random queries, answered alike by every store.

use std::cell::RefCell;

use bigchaindb_core::query::Query;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::backends::{Database, databases};
use crate::language::{query, words};

/// How many sequences.
const CASES: u32 = 24;

/// A line of `language`.
fn line() -> impl Strategy<Value = String> {
    let tx = || prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "g", "h"]);
    let node = || prop::sample::select(vec!["n1", "n2", "n10"]);
    let id = || prop::sample::select(vec!["X", "Y", "Z", "XX", ""]);
    let output = prop::sample::select(vec!["a/0", "a/0!", "a/1", "b/1", "c/0", "d/0", "c/1"]);
    let txs = || prop::collection::vec(tx(), 0..5);
    let ids = || prop::collection::btree_set(id(), 0..5).prop_map(|ids| ids.into_iter().collect());
    let ids = move || ids().prop_map(|ids: Vec<&str>| ids.join(" "));
    let named = || prop::sample::select(vec!["X", "Y", "Z", "XX"]);
    let time = prop::sample::select(vec!["5", "7", "40"]);
    let after = || prop::sample::select(vec!["-", "X", "XX", "Y"]);
    let set = || prop::collection::btree_set(tx(), 0..5);
    prop_oneof![
        4 => (tx(), node()).prop_map(|(tx, node)| format!("wait {tx} {node}")),
        2 => (tx(), node(), node()).prop_map(|(tx, a, b)| format!("reassign {tx} {a} {b}")),
        2 => txs().prop_map(|txs| format!("delete {}", txs.join(" "))),
        2 => (node(), 0..9).prop_map(|(node, limit)| format!("backlog {node} {limit}")),
        2 => (0..9).prop_map(|limit| format!("backlog * {limit}")),
        4 => (set(), prop::collection::btree_set(output, 0..5)).prop_map(|(txs, outputs)| {
            format!("gather {}", txs.into_iter().chain(outputs).collect::<Vec<_>>().join(" "))
        }),
        4 => (named(), time, txs()).prop_map(|(id, time, txs)| {
            format!("block {id}@{time}={}", txs.join(","))
        }),
        1 => ids().prop_map(|ids| format!("blocks {ids}")),
        1 => ids().prop_map(|ids| format!("known {ids}")),
        3 => (0..9).prop_map(|limit| format!("unlisted {limit}")),
        3 => (0..6, named(), node(), any::<bool>()).prop_map(|(key, id, node, valid)| {
            format!("vote k{key} {id} {node} {}", if valid { "yes" } else { "no" })
        }),
        2 => ids().prop_map(|ids| format!("votes {ids}")),
        3 => (0..9, named()).prop_map(|(position, id)| format!("claim {position} {id}")),
        2 => (0..9, 0..9).prop_map(|(from, limit)| format!("positions {from} {limit}")),
        1 => (after(), 0..4).prop_map(|(after, limit)| format!("heads * {after} {limit}")),
        1 => (named(), named(), after(), 0..3).prop_map(|(one, other, after, limit)| {
            format!("heads {one},{other} {after} {limit}")
        }),
        1 => (tx(), after(), 0..3).prop_map(|(tx, after, limit)| {
            format!("heads transaction_id={tx} {after} {limit}")
        }),
        1 => (tx(), after(), 0..3).prop_map(|(tx, after, limit)| {
            format!("with uuid=u{tx} {after} {limit}")
        }),
        // Who has no index for owners looks at more blocks, so only whole answers are alike.
        1 => (1..4, after()).prop_map(|(owner, after)| format!("with owner=k{owner} {after} 9")),
        1 => (node(), ids()).prop_map(|(node, ids)| format!("own {node} {ids}")),
        1 => (node(), 0..6, 0..4).prop_map(|(node, key, limit)| format!("by {node} k{key} {limit}")),
    ]
}

/// What a store answers, in words.
async fn said(database: &Database, query: Query) -> String {
    let answer = database.store.query(query).await;
    answer.as_ref().map_or_else(|error| format!("{error:?}"), words)
}

/// The first line that is not answered alike, and the answers.
async fn difference(databases: &mut [Database], lines: &[String]) -> Option<String> {
    for database in databases.iter_mut() {
        database.clear().await;
    }
    for line in lines {
        let mut answers = Vec::new();
        for database in databases.iter() {
            answers.push((database.name, said(database, query(line)).await));
        }
        if answers.iter().any(|(_, answer)| *answer != answers[0].1) {
            return Some(format!("{line}: {answers:#?}"));
        }
    }
    None
}

#[test]
fn all_stores_answer_alike() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let databases = RefCell::new(runtime.block_on(databases()));
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::with_cases(CASES), seed);
    let outcome = runner.run(&prop::collection::vec(line(), 1..60), |lines| {
        let mut databases = databases.borrow_mut();
        match runtime.block_on(difference(&mut databases, &lines)) {
            None => Ok(()),
            Some(difference) => Err(TestCaseError::fail(difference)),
        }
    });
    for database in databases.into_inner() {
        runtime.block_on(database.finish());
    }
    outcome.unwrap();
}
