//! A connection on a line whose other end a test has: order, bounds, time-outs, what is stopped.
//!
//! Time is virtual: it stands still while anything is to be done, and jumps when all wait.

use std::time::Duration;

use bigchaindb::store::Store;
use bigchaindb::store::rethinkdb::{
    Client, Connection, Dial, Error, Limits, Options, Password, Term,
};
use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Change, Feed, StoreError};

use crate::language::{query, words};
use crate::peer::{Peer, lines, store, store_with};

const ATOM: &str = r#"{"t":1,"r":[7]}"#;
const EMPTY: &str = r#"{"t":2,"r":[],"n":[]}"#;
const MORE: &str = r#"{"t":3,"r":[1,2],"n":[]}"#;
const SUBSCRIBED: &str = r#"{"t":3,"r":[],"n":[1]}"#;
const GONE: &str = r#"{"t":16,"r":["Token 0 not in stream cache."],"b":[]}"#;

fn options() -> Options {
    Options { query_timeout: Duration::from_secs(5), ..Options::default() }
}

async fn connected(options: Options) -> (Connection, Peer) {
    let (lines, mut listener) = lines();
    let line = lines.dial().await.unwrap();
    let (connection, peer) = tokio::join!(Connection::open(line, options), listener.peer());
    (connection.unwrap(), peer)
}

/// A question is asked and answered.
async fn assert_works(connection: &Connection, peer: &mut Peer) {
    let term = Term::from("next");
    let (next, ()) = tokio::join!(connection.value(&term), peer.respond_next(ATOM));
    assert_eq!(next.unwrap(), Json::from(7_i64));
}

#[tokio::test(start_paused = true)]
async fn answers_may_come_in_any_order() {
    let (connection, mut peer) = connected(options()).await;
    let ask = |name: &'static str| {
        let connection = connection.clone();
        tokio::spawn(async move { connection.value(&Term::from(name)).await.unwrap() })
    };
    let first = ask("first");
    let of_first = peer.expect("first").await;
    let second = ask("second");
    let of_second = peer.expect("second").await;
    // A token that nobody has does no harm.
    peer.respond(12345, ATOM).await;
    peer.respond(of_second, r#"{"t":1,"r":["to the second"]}"#).await;
    assert_eq!(second.await.unwrap(), Json::from("to the second"));
    peer.respond(of_first, r#"{"t":1,"r":["to the first"]}"#).await;
    assert_eq!(first.await.unwrap(), Json::from("to the first"));
}

#[tokio::test(start_paused = true)]
async fn a_query_that_takes_too_long_is_stopped() {
    let (connection, mut peer) = connected(options()).await;
    let slow = {
        let connection = connection.clone();
        tokio::spawn(async move { connection.value(&Term::from("slow")).await })
    };
    let of_slow = peer.expect("slow").await;
    // The line is alive: somebody else is answered.
    assert_works(&connection, &mut peer).await;
    let error = slow.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::TimedOut { ms: 5000 }), "{error}");
    assert!(error.is_indeterminate());
    assert_eq!(peer.request().await, (of_slow, "[3]".to_owned()));
    peer.respond(of_slow, ATOM).await;
    peer.respond(of_slow, GONE).await;
    assert_works(&connection, &mut peer).await;
    assert!(!connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_left() {
    let (connection, mut peer) = connected(options()).await;
    let other = {
        let connection = connection.clone();
        let patient = async move {
            let mut feed = connection.feed(&Term::from("feed")).await.unwrap();
            feed.next().await.unwrap();
            feed.next().await.map(drop)
        };
        tokio::spawn(patient)
    };
    let token = peer.expect("feed").await;
    peer.respond(token, SUBSCRIBED).await;
    peer.expect("[2]").await;
    let error = connection.value(&Term::from("hello?")).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(connection.is_closed());
    let error = other.await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Lost(reason) if reason.contains("silent")), "{error}");
    let error = connection.value(&Term::from("hello?")).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && !error.is_indeterminate(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_line_is_asked_whether_it_lives() {
    let (connection, mut peer) = connected(options()).await;
    for _ in 0..3 {
        let token = peer.expect("[5]").await;
        peer.respond(token, r#"{"t":5,"r":[{"id":"x","name":"s","proxy":false}]}"#).await;
    }
    peer.expect("[5]").await;
    // Nobody answers any more, and nobody asks for anything.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn one_batch_is_read_ahead() {
    let (connection, mut peer) = connected(options()).await;
    let term = Term::from("many");
    let (cursor, ()) = tokio::join!(connection.start(&term), peer.respond_next(MORE));
    let mut cursor = cursor.unwrap();
    assert!(peer.hears_nothing().await);
    assert_eq!(cursor.next().await.unwrap().unwrap().len(), 2);
    let (token, text) = peer.request().await;
    assert_eq!(text, "[2]");
    peer.respond(token, MORE).await;
    assert!(peer.hears_nothing().await);
    assert_eq!(cursor.next().await.unwrap().unwrap().len(), 2);
    assert_eq!(peer.request().await, (token, "[2]".to_owned()));
    peer.respond(token, r#"{"t":2,"r":[3],"n":[]}"#).await;
    assert_eq!(cursor.next().await.unwrap().unwrap().len(), 1);
    assert!(cursor.next().await.unwrap().is_none());
    drop(cursor);
    assert!(peer.hears_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_stopped() {
    let (connection, mut peer) = connected(options()).await;
    let term = Term::from("many");
    let (cursor, ()) = tokio::join!(connection.start(&term), peer.respond_next(MORE));
    let mut cursor = cursor.unwrap();
    cursor.next().await.unwrap();
    let (token, _) = peer.request().await;
    drop(cursor);
    assert_eq!(peer.request().await, (token, "[3]".to_owned()));
    // Two answers: to what was asked before, and to the stop.
    peer.respond(token, EMPTY).await;
    peer.respond(token, EMPTY).await;
    let asking = tokio::spawn({
        let connection = connection.clone();
        async move { connection.value(&Term::from("given up")).await }
    });
    let token = peer.expect("given up").await;
    asking.abort();
    assert_eq!(peer.request().await, (token, "[3]".to_owned()));
    peer.respond(token, EMPTY).await;
    peer.respond(token, GONE).await;
    assert_works(&connection, &mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn so_many_queries_are_under_way() {
    let (connection, mut peer) = connected(Options { in_flight: 2, ..options() }).await;
    let ask = || {
        let connection = connection.clone();
        tokio::spawn(async move { connection.value(&Term::from("a")).await })
    };
    let asked = [ask(), ask(), ask(), ask()];
    let first = peer.expect("a").await;
    let second = peer.expect("a").await;
    assert!(peer.hears_nothing().await);
    peer.respond(first, ATOM).await;
    let third = peer.expect("a").await;
    assert!(peer.hears_nothing().await);
    peer.respond(second, ATOM).await;
    peer.respond(third, ATOM).await;
    // The fourth is sent only now, and nobody answers it.
    peer.expect("a").await;
    let mut outcomes = Vec::new();
    for asked in asked {
        outcomes.push(asked.await.unwrap().is_ok());
    }
    assert_eq!(outcomes, [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn without_a_free_slot_nothing_is_sent() {
    let (connection, mut peer) = connected(Options { in_flight: 1, ..options() }).await;
    let term = Term::from("feed");
    let (feed, ()) = tokio::join!(connection.feed(&term), peer.respond_next(SUBSCRIBED));
    let mut feed = feed.unwrap();
    feed.next().await.unwrap();
    let error = connection.value(&Term::from("a")).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && !error.is_indeterminate(), "{error}");
    peer.expect("[2]").await;
}

/// Response, kind, and whether a write that is answered so may have been done.
const ERRORS: &str = r#"
    {"t":16,"r":["a"],"b":[]}             | Client          | refused
    {"t":17,"r":["a"],"b":[]}             | Compile         | refused
    {"t":18,"e":1000000,"r":["a"],"b":[]} | Internal        | indeterminate
    {"t":18,"e":2000000,"r":["a"],"b":[]} | ResourceLimit   | refused
    {"t":18,"e":3000000,"r":["a"],"b":[]} | QueryLogic      | refused
    {"t":18,"e":3100000,"r":["a"],"b":[]} | NonExistence    | refused
    {"t":18,"e":4100000,"r":["a"],"b":[]} | OpFailed        | refused
    {"t":18,"e":4200000,"r":["a"],"b":[]} | OpIndeterminate | indeterminate
    {"t":18,"e":5000000,"r":["a"],"b":[]} | User            | refused
    {"t":18,"e":6000000,"r":["a"],"b":[]} | Permission      | refused
"#;

#[tokio::test(start_paused = true)]
async fn errors_say_what_became_of_a_write() {
    let (connection, mut peer) = connected(options()).await;
    for line in ERRORS.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [text, kind, outcome] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let term = Term::from("a");
        let (error, ()) = tokio::join!(connection.value(&term), peer.respond_next(text));
        let error = error.unwrap_err();
        let Error::Query { kind: found, .. } = &error else { panic!("{error}") };
        assert_eq!(format!("{found:?}"), kind);
        let said = match StoreError::from(error) {
            StoreError::Refused(text) => ("refused", text),
            StoreError::Indeterminate(text) => ("indeterminate", text),
        };
        assert_eq!(said, (outcome, "a".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_said_to_be_one() {
    let options = Options { password: Password("right".to_owned()), ..options() };
    for (theirs, lets_in) in [("right", true), ("other", false)] {
        let (lines, mut listener) = lines();
        let line = lines.dial().await.unwrap();
        let welcoming = async { Peer::welcome(listener.line().await, theirs).await };
        let open = Connection::open(line, options.clone());
        let (connection, peer) = tokio::join!(open, welcoming);
        assert_eq!(peer.is_some(), lets_in);
        match connection {
            Ok(_) => assert!(lets_in),
            Err(error) => {
                assert!(matches!(error, Error::Handshake(_)), "{error}");
                let StoreError::Refused(text) = error.into() else { panic!() };
                assert!(text.contains("password"), "{text}");
            }
        }
    }
    assert!(!format!("{options:?}").contains("right"));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_too_long_ends_the_connection() {
    let (connection, mut peer) = connected(options()).await;
    let asking = tokio::spawn(async move { connection.value(&Term::from("a")).await });
    let token = peer.expect("a").await;
    peer.send_raw(&[&token.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat()).await;
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Lost(reason) if reason.contains("4294967295")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_query_that_is_too_long_is_not_sent() {
    let (connection, mut peer) = connected(options()).await;
    let long = Term::from("a".repeat(128 * 1024 * 1024).as_str());
    let error = connection.value(&long).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error}");
    assert!(peer.hears_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_not_asked_again_at_once() {
    let (lines, mut listener) = lines();
    let limits = Limits { connections: 1, ..Limits::default() };
    let client = Client::new(lines, options(), limits);
    for backoff_ms in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
        let refuse = async { drop(listener.line().await) };
        let (outcome, ()) = tokio::join!(client.connection(), refuse);
        assert!(matches!(outcome, Err(Error::Connect(_))), "{outcome:?}");
        tokio::time::sleep(Duration::from_millis(backoff_ms - 2)).await;
        let outcome = client.connection().await;
        assert!(matches!(outcome, Err(Error::NotSent(_))), "{outcome:?}");
        assert!(listener.is_idle());
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let (outcome, _peer) = tokio::join!(client.connection(), listener.peer());
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again() {
    let (store, mut listener) = store_with(options());
    let asking = {
        let store = store.clone();
        tokio::spawn(async move { store.query(query("votes X")).await })
    };
    let mut peer = listener.peer().await;
    peer.expect("voting_for_block").await;
    // A question that changes nothing is asked again.
    drop(peer);
    let mut peer = listener.peer().await;
    peer.respond_next(EMPTY).await;
    assert_eq!(words(&asking.await.unwrap().unwrap()), "");

    // One that may have changed something is not; its outcome is not known.
    let asking = {
        let store = store.clone();
        tokio::spawn(async move { store.query(query("reassign a n1 n2")).await })
    };
    peer.expect("[53").await;
    drop(peer);
    let outcome = asking.await.unwrap();
    assert!(matches!(outcome, Err(StoreError::Indeterminate(_))), "{outcome:?}");

    // But an insert is: nothing is written twice.
    let inserting = {
        let store = store.clone();
        tokio::spawn(async move { store.query(query("claim 3 X")).await })
    };
    let mut peer = listener.peer().await;
    peer.expect("[56").await;
    drop(peer);
    let mut peer = listener.peer().await;
    let duplicate = r#"{"t":1,"r":[{"errors":1,"inserted":0,
        "first_error":"Duplicate primary key `id`:"}]}"#;
    peer.respond_next(duplicate).await;
    // The row that stands is asked for, and it is ours.
    peer.respond_next(r#"{"t":1,"r":[{"id":3,"block":"X"}]}"#).await;
    assert_eq!(words(&inserting.await.unwrap().unwrap()), "3=X");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_a_block_has_is_not_put_into_the_backlog_again() {
    const NOBODY: &str = EMPTY;
    const A_BLOCK: &str = r#"{"t":2,"r":["B"],"n":[]}"#;
    let (store, mut listener) = store_with(options());
    for (holding, is_tried_again) in [(NOBODY, true), (A_BLOCK, false)] {
        let inserting = {
            let store = store.clone();
            tokio::spawn(async move { store.query(query("wait a n1")).await })
        };
        let mut peer = listener.peer().await;
        peer.expect("[56").await;
        // It may be done, and the transaction decided by the time that the line is there again.
        drop(peer);
        let mut peer = listener.peer().await;
        let token = peer.expect("transaction_id").await;
        peer.respond(token, holding).await;
        if is_tried_again {
            let token = peer.expect("[56").await;
            peer.respond(token, r#"{"t":1,"r":[{"errors":0,"inserted":1}]}"#).await;
            assert_eq!(words(&inserting.await.unwrap().unwrap()), "inserted");
        } else {
            let outcome = inserting.await.unwrap();
            assert!(matches!(outcome, Err(StoreError::Indeterminate(_))), "{outcome:?}");
            assert!(peer.hears_nothing().await);
        }
        drop(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up() {
    let (store, mut listener) = store_with(options());
    let asking = {
        let store = store.clone();
        tokio::spawn(async move { store.query(query("wait a n1")).await })
    };
    let mut peer = listener.peer().await;
    peer.expect("[56").await;
    let outcome = asking.await.unwrap();
    assert!(matches!(outcome, Err(StoreError::Indeterminate(_))), "{outcome:?}");
    // Nor does a server that does not even let anybody in hold up anybody.
    let asking = {
        let store = store.clone();
        tokio::spawn(async move { store.query(query("votes X")).await })
    };
    let _line = listener.line().await;
    assert!(asking.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_feed_tells_until_it_breaks() {
    let (store, mut listener) = store();
    let vote = r#"{"id":"k","node_pubkey":"n1","signature":"s","vote":
        {"is_block_valid":true,"previous_block":"p","voting_for_block":"X"}}"#;
    let elements = format!(
        r#"{{"t":3,"n":[],"r":[{{"new_val":{vote},"old_val":null}},{{"new_val":7,"old_val":null}},
            {{"new_val":{vote},"old_val":{vote}}},{{"new_val":null,"old_val":{vote}}},
            {{"state":"ready"}},{{"new_val":{vote},"old_val":null}}]}}"#
    );
    let overflow = r#"{"t":3,"n":[],"r":[
        {"error":"Changefeed cache over array size limit, skipped 8 elements."}]}"#;
    let abort = r#"{"t":18,"e":4100000,"r":["Changefeed aborted (unavailable)."],"b":[]}"#;
    for end in [overflow, abort, EMPTY, "nonsense"] {
        let opening = {
            let store = store.clone();
            tokio::spawn(async move { store.open(Feed::Votes).await.unwrap() })
        };
        let mut peer = listener.peer().await;
        let token = peer.expect(r#"[152,[[15,["votes"]]]]"#).await;
        peer.respond(token, SUBSCRIBED).await;
        let mut feed = opening.await.unwrap();
        peer.expect("[2]").await;
        peer.respond(token, &elements).await;
        peer.expect("[2]").await;
        peer.respond(token, end).await;
        assert!(matches!(feed.next().await, Some(Change::Vote(_))));
        for was_deleted in [false, true] {
            let change = feed.next().await;
            assert!(
                matches!(change, Some(Change::Harmed { deleted, .. }) if deleted == was_deleted)
            );
        }
        assert!(matches!(feed.next().await, Some(Change::Vote(_))));
        assert!(feed.next().await.is_none(), "{end} is the end");
        if end == overflow {
            peer.expect("[2]").await;
            assert_eq!(peer.request().await, (token, "[3]".to_owned()));
        }
        drop(peer);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_nobody_reads_is_stopped() {
    let (store, mut listener) = store();
    let opening = tokio::spawn(async move { (store.open(Feed::Blocks).await.unwrap(), store) });
    let mut peer = listener.peer().await;
    let token = peer.expect("[152").await;
    peer.respond(token, SUBSCRIBED).await;
    let (feed, _store) = opening.await.unwrap();
    peer.expect("[2]").await;
    drop(feed);
    assert_eq!(peer.request().await, (token, "[3]".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_cannot_be_opened_is_refused() {
    let (store, mut listener) = store();
    let opening = tokio::spawn(async move { store.open(Feed::Blocks).await.map(drop) });
    let mut peer = listener.peer().await;
    let text = r#"{"t":18,"e":4100000,"r":["Table `bigchain.bigchain` does not exist."],"b":[]}"#;
    peer.respond_next(text).await;
    let outcome = opening.await.unwrap();
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
}
