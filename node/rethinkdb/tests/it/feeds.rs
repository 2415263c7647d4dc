//! Feeds: from "now" on, in order, bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bigchaindb_core::query::{Change, Feed};
use bigchaindb_rethinkdb::{Durability, Element, Engine, Row, Shape, Subscription, table_of};

use crate::language::{json, query, standing_words, words};

fn apply(engine: &mut Engine, line: &str) {
    engine.apply(&query(line), Durability::Hard).unwrap();
}

/// What a node hears, in words; what it does not listen to is `-`.
fn told(feed: &Subscription) -> Vec<String> {
    let word = |element: Element| match element {
        Element::Skipped(number) => format!("skipped {number}"),
        Element::Change(change) => match change.told() {
            None => "-".to_owned(),
            Some(Change::Backlog { old, new }) => {
                let side = |row: Option<bigchaindb_core::query::BacklogRow>| {
                    row.map(|row| words(&bigchaindb_core::query::Answer::Backlog(vec![row])))
                };
                format!("{}>{}", side(old).unwrap_or_default(), side(new).unwrap_or_default())
            }
            Some(Change::Block(id)) => id.to_string(),
            Some(Change::Vote(row)) => words(&bigchaindb_core::query::Answer::VoteWritten(row)),
            Some(Change::Position(entry)) => words(&bigchaindb_core::query::Answer::Claimed(entry)),
            Some(Change::Harmed { row, deleted }) => {
                format!("{}{}", if deleted { "-" } else { "~" }, standing_words(&row))
            }
        },
    };
    feed.drain().into_iter().map(word).collect()
}

#[test]
fn each_feed_tells_of_its_table_from_now_on_in_order() {
    let mut engine = Engine::in_memory();
    apply(&mut engine, "wait a n1");
    let [backlog, blocks, votes, positions] =
        [Feed::Backlog, Feed::Blocks, Feed::Votes, Feed::Positions]
            .map(|feed| engine.subscribe(table_of(feed), None));
    for line in [
        "wait b n1",
        "wait b n2",
        "reassign a n1 n2",
        "reassign a n1 n3",
        "delete a z",
        "block X@5=a,b",
        "block X@6=a",
        "vote k X n1 yes",
        "vote k X n1 no",
        "claim 1 X",
        "claim 1 Y",
        "gather a",
        "restore block X@6=a",
        "restore block X@6=a",
        "restore vote k X n1 no",
        "restore entry 1 Y",
        "restore vote k2 X n2 no",
    ] {
        apply(&mut engine, line);
    }
    assert_eq!(told(&backlog), [">b~n1", "a~n1>a~n2", "a~n2>"]);
    assert_eq!(told(&blocks), ["X", "~X@5=a,b"]);
    assert_eq!(told(&votes), ["k:X:n1:yes", "~k:X:n1:yes", "k2:X:n2:no"]);
    assert_eq!(told(&positions), ["1=X", "~1=X"]);
    assert!(told(&backlog).is_empty(), "what was taken out does not come again");
}

#[test]
fn a_full_feed_says_how_much_it_dropped() {
    let mut engine = Engine::in_memory();
    let feed = engine.subscribe_bounded(table_of(Feed::Blocks), 2, None);
    for name in ["A", "B", "C", "D", "E"] {
        apply(&mut engine, &format!("block {name}@1=a"));
    }
    assert_eq!(told(&feed), ["skipped 4", "E"]);
    apply(&mut engine, "block F@1=a");
    assert_eq!(told(&feed), ["F"]);
}

#[test]
fn a_subscriber_is_woken_once_per_batch_of_its_table() {
    let mut engine = Engine::in_memory();
    let woken = Arc::new(AtomicUsize::new(0));
    let wake = {
        let woken = woken.clone();
        Box::new(move || {
            woken.fetch_add(1, Ordering::Relaxed);
        })
    };
    let feed = engine.subscribe(table_of(Feed::Blocks), Some(wake));
    let queries = ["block A@1=a", "block B@1=a", "wait a n1"].map(query);
    engine.apply_all(&queries, Durability::Hard);
    apply(&mut engine, "wait b n1");
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert_eq!(told(&feed), ["A", "B"]);
    drop(engine);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
    assert!(feed.is_closed(), "the engine is gone");
}

#[test]
fn an_observer_sees_whole_documents() {
    let mut engine = Engine::in_memory();
    let table = table_of(Feed::Votes);
    let feed = engine.subscribe(table, None);
    let document = json(
        r#"{"id":"k","node_pubkey":"n1","signature":"s","more":1,
        "vote":{"voting_for_block":"X","previous_block":"p","is_block_valid":true}}"#,
    );
    let row = Row::new(Shape::Vote, document.clone());
    let inserted = engine.transact(Durability::Hard, |batch| batch.insert(table, row));
    assert!(inserted.unwrap());
    let [Element::Change(change)] = &feed.drain()[..] else { panic!("one change") };
    assert!(change.old.is_none());
    assert_eq!(change.new.as_ref().unwrap().document(), document);
    assert_eq!(engine.tables().unwrap()["votes"], [document]);
}
