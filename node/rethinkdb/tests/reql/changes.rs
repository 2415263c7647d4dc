//! Feeds: what is told of writes that come after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bigchaindb_rethinkdb::reql::{Cursor, Datum, Outcome, Request, Step, parse, run};

use crate::support::{answer, check, env};

/// Plays a script. `a: TERM` opens a feed; `a => ELEMENTS` is what it tells now (`-`: nothing), `a ! TEXT` how it
/// breaks, `a ? NOTES` what the client is told of it; `wait N` lets so many seconds pass; any other line is
/// a term to be run.
fn play(script: &str) {
    let mut env = env();
    let waited_s = Arc::new(AtomicU32::new(0));
    let clock = waited_s.clone();
    env.clock = Arc::new(move || 1_480_000_000.25 + f64::from(clock.load(Ordering::Relaxed)));
    let mut feeds = BTreeMap::<&str, Box<Cursor>>::new();
    let mut wrong = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let found = if let Some(seconds) = line.strip_prefix("wait ") {
            waited_s.fetch_add(seconds.parse().expect("a number"), Ordering::Relaxed);
            continue;
        } else if let Some((name, expected)) = line.split_once(" => ") {
            let feed = feeds.get_mut(name).expect("a feed is open");
            (format!("{:?}", told(feed)), expected.to_owned())
        } else if let Some((name, expected)) = line.split_once(" ! ") {
            let feed = feeds.get_mut(name).expect("a feed is open");
            let error = feed.next_batch().expect_err("the feed breaks");
            (error.to_string(), expected.to_owned())
        } else if let Some((name, expected)) = line.split_once(" ? ") {
            (format!("{:?}", feeds[name].notes()), expected.to_owned())
        } else if let Some((name, term)) = line.split_once(": ").filter(|(name, _)| name.len() == 1)
        {
            let query = format!("[1,{term}]");
            let Ok(Request::Start(query)) = parse(query.as_bytes()) else { panic!("{term}") };
            let Ok(Outcome::Cursor(cursor)) = run(&env, query) else { panic!("{term} is no feed") };
            assert!(cursor.is_feed(), "{term} is a feed");
            feeds.insert(name, cursor);
            continue;
        } else {
            let mut text = Vec::new();
            answer(&env, &format!("[1,{line}]")).write_json(&mut text);
            let text = String::from_utf8(text).expect("JSON is text");
            assert!(text.starts_with("{\"t\":1,"), "{line}: {text}");
            continue;
        };
        if found.0 != found.1 {
            wrong.push(format!("{line}\n  found {}", found.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All that a feed has to tell now, as JSON.
struct Told(Vec<Datum>);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<_> = self
            .0
            .iter()
            .map(|item| {
                let mut text = Vec::new();
                item.write_json(&mut text);
                String::from_utf8(text).expect("JSON is text")
            })
            .collect();
        f.write_str(if texts.is_empty() { "-".to_owned() } else { texts.join(" ") }.as_str())
    }
}

fn told(feed: &mut Cursor) -> Told {
    let mut all = Vec::new();
    // Nothing is told by the first answer: it says that the feed is open.
    let mut empty = 0;
    while empty < 2 {
        match feed.next_batch().expect("the feed goes on") {
            Step::Batch(items) if items.is_empty() => empty += 1,
            Step::Batch(items) => all.extend(items),
            Step::Last(items) => {
                all.extend(items);
                return Told(all);
            }
            Step::Pending => return Told(all),
        }
    }
    panic!("a feed that has nothing to tell says so");
}

#[test]
fn a_table() {
    play(
        r#"
        [60,["t"]]
        a: [152,[[15,["t"]]]]
        a ? [1]
        a => -
        [56,[[15,["t"]],{"id":1,"a":1}]]
        [53,[[16,[[15,["t"]],1]],{"a":1}]]
        [53,[[16,[[15,["t"]],1]],{"a":2}]]
        [54,[[15,["t"]]]]
        a => {"new_val":{"a":1,"id":1},"old_val":null} {"new_val":{"a":2,"id":1},"old_val":{"a":1,"id":1}} {"new_val":null,"old_val":{"a":2,"id":1}}
        a => -
        [61,["t"]]
        a ! Changefeed aborted (unavailable).
        "#,
    );
}

#[test]
fn rows_that_meet_a_condition() {
    play(
        r#"
        [60,["t"]]
        [75,[[15,["t"]],"tags",[69,[[2,[1]],[170,[[10,[1]],"tags"]]]]],{"multi":true}]
        [56,[[15,["t"]],[2,[{"id":1,"a":1},{"id":2,"a":5},{"id":3,"a":6}]]]]
        f: [152,[[39,[[15,["t"]],[69,[[2,[1]],[21,[[170,[[10,[1]],"a"]],3]]]]]]],{"include_types":true}]
        b: [152,[[182,[[15,["t"]],2,3]]],{"include_initial":true,"include_states":true}]
        p: [152,[[33,[[15,["t"]],"id"]]]]
        g: [152,[[78,[[15,["t"]],"x"],{"index":"tags"}]]]
        b ? [1, 5]
        b => {"state":"initializing"} {"new_val":{"a":5,"id":2}} {"state":"ready"}
        [53,[[15,["t"]],[69,[[2,[1]],{"a":[25,[[170,[[10,[1]],"a"]],3]]}]]]]
        f => {"new_val":null,"old_val":{"a":5,"id":2},"type":"remove"} {"new_val":null,"old_val":{"a":6,"id":3},"type":"remove"}
        b => {"new_val":{"a":2,"id":2},"old_val":{"a":5,"id":2}}
        p => -
        [56,[[15,["t"]],{"id":9,"a":"no number","tags":[2,["x","y","x"]]}]]
        f => {"new_val":{"a":"no number","id":9,"tags":["x","y","x"]},"old_val":null,"type":"add"}
        p => {"new_val":{"id":9},"old_val":null}
        g => {"new_val":{"a":"no number","id":9,"tags":["x","y","x"]},"old_val":null} {"new_val":{"a":"no number","id":9,"tags":["x","y","x"]},"old_val":null}
        "#,
    );
}

#[test]
fn one_row() {
    play(
        r#"
        [60,["t"]]
        a: [152,[[16,[[15,["t"]],1]]],{"include_initial":true,"include_states":true,"include_types":true}]
        a ? [2, 5]
        a => {"state":"initializing","type":"state"} {"new_val":null,"type":"initial"} {"state":"ready","type":"state"}
        s: [152,[[16,[[15,["t"]],1]]],{"squash":true}]
        [56,[[15,["t"]],[2,[{"id":1},{"id":2}]]]]
        [53,[[16,[[15,["t"]],1]],{"a":1}]]
        [54,[[16,[[15,["t"]],2]]]]
        a => {"new_val":{"id":1},"old_val":null,"type":"add"} {"new_val":{"a":1,"id":1},"old_val":{"id":1},"type":"change"}
        s => {"new_val":{"a":1,"id":1},"old_val":null}
        "#,
    );
}

#[test]
fn the_first_rows() {
    play(
        r#"
        [60,["t"]]
        [56,[[15,["t"]],[2,[{"id":1},{"id":3},{"id":5}]]]]
        a: [152,[[71,[[41,[[15,["t"]]],{"index":"id"}],2]]],{"include_initial":true,"include_offsets":true}]
        m: [152,[[148,[[15,["t"]]],{"index":"id"}]]]
        a ? [3]
        a => {"new_offset":0,"new_val":{"id":1}} {"new_offset":1,"new_val":{"id":3}}
        [56,[[15,["t"]],{"id":2}]]
        a => {"new_offset":1,"new_val":{"id":2},"old_offset":1,"old_val":{"id":3}}
        [54,[[16,[[15,["t"]],1]]]]
        a => {"new_offset":1,"new_val":{"id":3},"old_offset":0,"old_val":{"id":1}}
        [56,[[15,["t"]],{"id":9}]]
        a => -
        m => {"new_val":{"id":9},"old_val":{"id":5}}
        s: [152,[[71,[[41,[[15,["t"]]],{"index":"id"}],2]]],{"squash":true}]
        p: [152,[[71,[[33,[[41,[[15,["t"]]],{"index":[74,["id"]]}],"n"]],3]]],{"include_initial":true}]
        p => {"new_val":{}} {"new_val":{}} {"new_val":{}}
        [56,[[15,["t"]],[2,[{"id":1.5},{"id":1},{"id":20,"n":1}]]]]
        [53,[[16,[[15,["t"]],1]],{"m":1}]]
        [53,[[16,[[15,["t"]],1]],{"m":2}]]
        a => {"new_offset":0,"new_val":{"id":1.5},"old_offset":1,"old_val":{"id":3}} {"new_offset":0,"new_val":{"id":1},"old_offset":1,"old_val":{"id":2}} {"new_offset":0,"new_val":{"id":1,"m":1},"old_offset":0,"old_val":{"id":1}} {"new_offset":0,"new_val":{"id":1,"m":2},"old_offset":0,"old_val":{"id":1,"m":1}}
        s => {"new_val":{"id":1,"m":2},"old_val":{"id":2}} {"new_val":{"id":1.5},"old_val":{"id":3}}
        p => {"new_val":{"n":1},"old_val":{}}
        [53,[[16,[[15,["t"]],1]],{"n":1}]]
        a => {"new_offset":0,"new_val":{"id":1,"m":2,"n":1},"old_offset":0,"old_val":{"id":1,"m":2}}
        [54,[[182,[[15,["t"]],2,20]]]]
        a => -
        p => {"new_val":{"n":1},"old_val":{}}
        [54,[[15,["t"]]]]
        p => {"new_val":null,"old_val":{"n":1}} {"new_val":null,"old_val":{}} {"new_val":null,"old_val":{"n":1}}
        "#,
    );
}

#[test]
fn changes_that_are_kept_back_to_be_squashed() {
    play(
        r#"
        [60,["t"]]
        a: [152,[[15,["t"]]],{"squash":2}]
        f: [152,[[71,[[41,[[15,["t"]]],{"index":"id"}],1]]],{"squash":2}]
        a => -
        [56,[[15,["t"]],{"id":1}]]
        a => -
        f => -
        wait 1
        [53,[[16,[[15,["t"]],1]],{"a":1}]]
        [56,[[15,["t"]],{"id":0}]]
        a => -
        wait 1
        a => {"new_val":{"a":1,"id":1},"old_val":null} {"new_val":{"id":0},"old_val":null}
        f => {"new_val":{"id":0},"old_val":null}
        [54,[[16,[[15,["t"]],0]]]]
        a => -
        wait 2
        a => {"new_val":null,"old_val":{"id":0}}
        q: [152,[[15,["t"]]],{"squash":1000000,"changefeed_queue_size":4}]
        [56,[[15,["t"]],{"id":2}]]
        q => -
        [56,[[15,["t"]],{"id":3}]]
        q => {"new_val":{"id":2},"old_val":null} {"new_val":{"id":3},"old_val":null}
        "#,
    );
}

#[test]
fn system_tables() {
    play(
        r#"
        [60,["t"]]
        a: [152,[[15,[[14,["rethinkdb"]],"_debug_scratch"]]]]
        b: [152,[[16,[[15,[[14,["rethinkdb"]],"_debug_scratch"]],1]]],{"include_initial":true,"include_states":true}]
        m: [152,[[33,[[39,[[15,[[14,["rethinkdb"]],"_debug_scratch"]],[69,[[2,[1]],[21,[[170,[[10,[1]],"id"]],1]]]]]],"v"]]],{"include_types":true}]
        s: [33,[[152,[[15,[[14,["rethinkdb"]],"table_status"]]]],{"new_val":"name"},{"old_val":"name"}]]
        a ? [1]
        b ? [2, 5]
        b => {"state":"initializing"} {"new_val":null} {"state":"ready"}
        a => -
        [56,[[15,[[14,["rethinkdb"]],"_debug_scratch"]],[2,[{"id":1},{"id":2,"v":1}]]]]
        [56,[[15,[[14,["rethinkdb"]],"_debug_scratch"]],{"id":2,"v":2}],{"conflict":"replace"}]
        [60,["u"]]
        a => -
        wait 1
        a => {"new_val":{"id":1},"old_val":null} {"new_val":{"id":2,"v":2},"old_val":null}
        b => {"new_val":{"id":1},"old_val":null}
        m => {"new_val":{"v":2},"old_val":null,"type":"add"}
        s => {"new_val":{"name":"u"}}
        [54,[[15,[[14,["rethinkdb"]],"_debug_scratch"]]]]
        [61,["u"]]
        wait 1
        b => {"new_val":null,"old_val":{"id":1}}
        m => {"new_val":null,"old_val":{"v":2},"type":"remove"}
        s => {"old_val":{"name":"u"}}
        "#,
    );
}

#[test]
fn what_follows_a_feed() {
    play(
        r#"
        [60,["t"]]
        [60,["u"]]
        l: [71,[[170,[[39,[[152,[[15,["t"]]]],[69,[[2,[1]],[21,[[170,[[170,[[10,[1]],"new_val"]],"id"]],1]]]]]],"new_val"]],2]]
        u: [152,[[44,[[15,["t"]],[15,["u"]]]]],{"include_states":true}]
        v: [44,[[152,[[15,["t"]]]],[152,[[16,[[15,["u"]],1]]]]]]
        w: [71,[[152,[[15,["t"]]],{"include_states":true}],9]]
        x: [38,[[152,[[15,["t"]]],{"include_states":true}],[69,[[2,[1]],[10,[1]]]]]]
        y: [38,[[152,[[15,["t"]]]],[152,[[15,["t"]]]],[69,[[2,[1,2]],[10,[1]]]]]]
        u ? [1]
        v ? [4]
        w ? [1]
        x ? [1, 5]
        y ? [1]
        [56,[[15,["t"]],[2,[{"id":1},{"id":2},{"id":3},{"id":4}]]]]
        [56,[[15,["u"]],{"id":7}]]
        l => {"id":2} {"id":3}
        "#,
    );
}

#[test]
fn a_reader_that_is_too_slow_is_told_what_it_missed() {
    play(
        r#"
        [60,["t"]]
        a: [152,[[15,["t"]]],{"changefeed_queue_size":3}]
        [56,[[15,["t"]],[38,[[173,[5]],[69,[[2,[1]],{"id":[10,[1]]}]]]]]]
        a => {"error":"Changefeed cache over array size limit, skipped 3 elements."} {"new_val":{"id":3},"old_val":null} {"new_val":{"id":4},"old_val":null}
        "#,
    );
}

#[test]
fn what_cannot_be_watched() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [152,[[41,[[15,["t"]],"a"]]]]  => QUERY_LOGIC [] Cannot call `changes` on an eager stream.
        [152,[[2,[1]]]]         => QUERY_LOGIC [] Cannot call `changes` on an eager stream.
        [152,[[40,[[15,["t"]],[69,[[2,[1]],[2,[]]]]]]]]  => QUERY_LOGIC [] Cannot call `changes` after `concat_map`.
        [152,[[39,[[15,["t"]],[69,[[2,[1]],[16,[[15,["t"]],1]]]]]]]]  => QUERY_LOGIC [0,1,1] Cannot call `changes` after a non-deterministic function.
        [152,[[71,[[15,["t"]],2]]]]  => QUERY_LOGIC [] Cannot get changes on the first elements of an unordered stream.
        [152,[[71,[[41,[[15,[[14,["rethinkdb"]],"users"]]],{"index":"id"}],2]]]]  => OP_FAILED [] System tables don't support changefeeds on `.limit()`.
        [152,[[15,["t"]]],{"squash":"x"}]  => QUERY_LOGIC ["squash"] Expected BOOL or NUMBER but found STRING.
        [152,[[15,["t"]]],{"squash":-1}]  => QUERY_LOGIC ["squash"] Expected BOOL or a positive NUMBER but found a negative NUMBER.
        [43,[[152,[[15,["t"]]]]]]  => QUERY_LOGIC [] Cannot call a terminal (`reduce`, `count`, etc.) on an infinite stream (such as a changefeed).
        "#,
    );
}

#[test]
fn a_reader_is_woken() {
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = woken.clone();
    let mut env = env();
    env.wake = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    answer(&env, r#"[1,[60,["t"]]]"#);
    let Ok(Request::Start(query)) = parse(br#"[1,[152,[[15,["t"]]]]]"#) else {
        panic!("it parses")
    };
    let Ok(Outcome::Cursor(mut feed)) = run(&env, query) else { panic!("it is a feed") };
    assert!(matches!(feed.next_batch(), Ok(Step::Batch(items)) if items.is_empty()));
    assert!(matches!(feed.next_batch(), Ok(Step::Pending)));
    answer(&env, r#"[1,[56,[[15,["t"]],{"id":1}]]]"#);
    assert!(woken.load(Ordering::Relaxed) > 0);
    assert!(matches!(feed.next_batch(), Ok(Step::Batch(items)) if items.len() == 1));
}
