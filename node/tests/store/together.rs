//! Questions that go together: each is answered as if it had been asked alone.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb::store::Store;
use bigchaindb::store::rethinkdb::{Options, RethinkStore};
use bigchaindb_core::model::{Json, Transaction};
use bigchaindb_core::query::Query;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::backends::databases;
use crate::language::{query, transaction, words};
use crate::peer::{Listener, Peer, store_with};

const INSERTED: &str = r#"{"t":1,"r":[{"errors":0,"inserted":1}]}"#;

/// How long one waits for others, and a bit.
const WAIT: Duration = Duration::from_millis(201);

type Asking = JoinHandle<String>;

/// What the store says, in words.
async fn said(store: &dyn Store, asked: Query) -> String {
    let answer = store.query(asked).await;
    answer.as_ref().map_or_else(|error| format!("{error:?}"), words)
}

fn ask(store: &Arc<dyn Store>, asked: Query) -> Asking {
    let store = store.clone();
    tokio::spawn(async move { said(&*store, asked).await })
}

/// Waits until each of them has what it is to have.
async fn assert_said<const N: usize>(asking: [Asking; N], expected: [&str; N]) {
    for (asking, expected) in asking.into_iter().zip(expected) {
        let said = asking.await.unwrap();
        assert!(said.contains(expected), "{said} instead of {expected}");
    }
}

/// A transaction that no table can hold, to be put into the backlog.
fn impossible() -> Query {
    let mut document = transaction("b").document().clone();
    if let Json::Object(fields) = &mut document {
        fields.insert("id", Json::from("k\0"));
    }
    let transaction = Arc::new(Transaction::from_document(document).unwrap());
    Query::InsertBacklog { transaction, assignee: "n2".into() }
}

#[tokio::test]
async fn each_is_told_what_it_alone_would_be_told() {
    const THERE: &str = "wait a n1|wait c n3|block X@20=a,c,a|block Y@19=d,e|block V@30=g,h";
    const WAITING: &str = "wait b n2|wait d n2|wait e n2|wait f n2|wait d n1|wait g n2|wait h n2";
    const GATHERED: &str = "gather a|gather e h|gather|gather a/0|gather z|gather b/1 b/0|gather d|\
        gather a/0!|gather a b c d/0|gather a";
    for database in databases().await {
        let (store, on) = (&database.store, database.name);
        for line in THERE.split('|') {
            assert_eq!(said(&**store, query(line)).await, "inserted", "{line}, on {on}");
        }
        let taken = ["wait a n2", "wait c n2"].map(|line| ask(store, query(line)));
        let impossible = ask(store, impossible());
        let waiting: Vec<_> = WAITING.split('|').map(|line| ask(store, query(line))).collect();
        assert_said(taken, ["unchanged"; 2]).await;
        assert_said([impossible], ["Refused"]).await;
        let mut told = Vec::new();
        for asking in waiting {
            told.push(asking.await.unwrap());
        }
        // One of the two that are the same.
        let inserted = told.iter().filter(|told| *told == "inserted").count();
        let unchanged = told.iter().filter(|told| *told == "unchanged").count();
        assert_eq!((inserted, unchanged), (6, 1), "{told:?}, on {on}");

        let mut alone = Vec::new();
        for line in GATHERED.split('|') {
            alone.push(said(&**store, query(line)).await);
        }
        assert_eq!(alone[8], "X:a X:a X:c a~n1 b~n2 c~n3 d/0>V:g", "on {on}");
        let together: Vec<_> = GATHERED.split('|').map(|line| ask(store, query(line))).collect();
        for (together, alone) in together.into_iter().zip(alone) {
            assert_eq!(together.await.unwrap(), alone, "on {on}");
        }
        database.finish().await;
    }
}

/// Asks for one, which goes at once, and for three behind it.
async fn one_and_three() -> (Arc<dyn Store>, Listener, Peer, u64, Asking, [Asking; 3]) {
    let options = Options { query_timeout: Duration::from_secs(1), ..Options::default() };
    let (store, mut listener): (RethinkStore, _) = store_with(options);
    let store: Arc<dyn Store> = Arc::new(store);
    let first = ask(&store, query("wait a n1"));
    let mut peer = listener.peer().await;
    let token = peer.expect(r#"\"id\":\"a\""#).await;
    let others = ["wait b n1", "wait c n1", "wait d n1"].map(|asked| ask(&store, query(asked)));
    tokio::task::yield_now().await;
    (store, listener, peer, token, first, others)
}

/// The next request, which is to insert these.
async fn inserts(peer: &mut Peer, keys: &[&str]) -> u64 {
    let (token, text) = peer.request().await;
    for key in ["a", "b", "c", "d"] {
        let is_there = text.contains(&format!(r#"\"id\":\"{key}\""#));
        assert_eq!(is_there, keys.contains(&key), "{key} in {text}");
    }
    token
}

#[tokio::test(start_paused = true)]
async fn those_who_come_meanwhile_go_as_one() {
    let (store, _listener, mut peer, token, first, others) = one_and_three().await;
    peer.respond(token, INSERTED).await;
    let token = inserts(&mut peer, &["b", "c", "d"]).await;
    let answer = r#"{"t":1,"r":[[null,"Duplicate primary key `id`:\n{}\n{}","It rains."]]}"#;
    peer.respond(token, answer).await;
    assert_said([first], ["inserted"]).await;
    assert_said(others, ["inserted", "unchanged", "Refused(\"It rains.\")"]).await;
    // Nobody is under way now, so one goes at once again.
    let next = ask(&store, query("wait d n1"));
    let token = inserts(&mut peer, &["d"]).await;
    peer.respond(token, INSERTED).await;
    assert_said([next], ["inserted"]).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_others() {
    let (_store, _listener, mut peer, _, first, others) = one_and_three().await;
    let began = Instant::now();
    let token = inserts(&mut peer, &["b", "c", "d"]).await;
    assert!(began.elapsed() <= WAIT, "they went after {:?}", began.elapsed());
    peer.respond(token, r#"{"t":1,"r":[[null,null,null]]}"#).await;
    assert_said(others, ["inserted"; 3]).await;
    assert!(!first.is_finished());
}

#[tokio::test(start_paused = true)]
async fn where_one_may_have_spoilt_it_for_all_each_goes_alone() {
    let (_store, _listener, mut peer, token, first, others) = one_and_three().await;
    peer.respond(token, INSERTED).await;
    let token = inserts(&mut peer, &["b", "c", "d"]).await;
    peer.respond(token, r#"{"t":18,"e":3000000,"r":["It is too much."],"b":[]}"#).await;
    for _ in 0..3 {
        let (token, text) = peer.request().await;
        let answer = match text.contains(r#"\"id\":\"c\""#) {
            true => r#"{"t":18,"e":3000000,"r":["It is too much."],"b":[]}"#,
            false => INSERTED,
        };
        peer.respond(token, answer).await;
    }
    assert_said([first], ["inserted"]).await;
    assert_said(others, ["inserted", "Refused(\"It is too much.\")", "inserted"]).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_given_up_is_not_asked_for() {
    let (_store, _listener, mut peer, token, first, [b, c, d]) = one_and_three().await;
    c.abort();
    assert!(c.await.unwrap_err().is_cancelled());
    peer.respond(token, INSERTED).await;
    let token = inserts(&mut peer, &["b", "d"]).await;
    peer.respond(token, r#"{"t":1,"r":[[null,null]]}"#).await;
    assert_said([first, b, d], ["inserted"; 3]).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_be_done_is_looked_for_by_each() {
    const NOBODY: &str = r#"{"t":2,"r":[],"n":[]}"#;
    let (_store, mut listener, mut peer, token, first, others) = one_and_three().await;
    peer.respond(token, INSERTED).await;
    inserts(&mut peer, &["b", "c", "d"]).await;
    drop(peer);
    let mut peer = listener.peer().await;
    let mut looked = 0;
    for _ in 0..6 {
        let (token, text) = peer.request().await;
        let looks = text.contains("transaction_id");
        looked += u32::from(looks);
        peer.respond(token, if looks { NOBODY } else { INSERTED }).await;
    }
    assert_eq!(looked, 3, "each before it inserts again");
    assert_said([first], ["inserted"]).await;
    assert_said(others, ["inserted"; 3]).await;
}
