//! Feeds on a connection: the first answer, requests that are held, and how feeds end.

use super::{Client, ENDLESS, Fixture};

const TABLE: &str = "[1,[60,[\"t\"]]]";
const FEED: &str = "[1,[152,[[15,[\"t\"]]]]]";
const EMPTY: &str = "{\"t\":3,\"r\":[],\"n\":[1]}";
const ENDED: &str = "{\"t\":2,\"r\":[],\"n\":[]}";

/// A server with a table, a client that writes, and one that has followed the table since.
fn fixture() -> (Fixture, Client, Client) {
    let fixture = Fixture::new();
    let mut writer = fixture.connect();
    writer.ask(0, TABLE);
    let mut reader = fixture.connect();
    assert_eq!(reader.ask(1, FEED), EMPTY);
    (fixture, writer, reader)
}

impl Client {
    fn insert(&mut self, id: u32) {
        let stats = self.ask(100, &format!("[1,[56,[[15,[\"t\"]],{{\"id\":{id}}}]]]"));
        assert!(stats.contains("\"inserted\":1"), "{stats}");
    }
}

fn news(ids: impl IntoIterator<Item = u32>) -> String {
    let changes: Vec<_> = ids
        .into_iter()
        .map(|id| format!("{{\"new_val\":{{\"id\":{id}}},\"old_val\":null}}"))
        .collect();
    format!("{{\"t\":3,\"r\":[{}],\"n\":[1]}}", changes.join(","))
}

#[test]
fn a_request_is_held_until_there_is_news() {
    let (fixture, mut writer, mut reader) = fixture();
    // What was written before the request: at once.
    writer.insert(1);
    assert_eq!(reader.ask(1, "[2]"), news([1]));
    // What is written after it: then. Other queries are not held.
    reader.send(1, "[2]");
    assert_eq!(reader.ask(2, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    writer.insert(2);
    reader.expect(1, &news([2]));
    // Two requests, two answers.
    reader.send(1, "[2]");
    reader.send(1, "[2]");
    writer.insert(3);
    reader.expect(1, &news([3]));
    writer.insert(4);
    reader.expect(1, &news([4]));
    writer.insert(5);
    writer.insert(6);
    assert_eq!(reader.ask(1, "[2]"), news([5, 6]));
    drop((writer, reader));
    fixture.settle();
}

/// Feeds that nobody wakes, and those that are to wait, ask for time.
#[test]
fn time_wakes_feeds_too() {
    let (fixture, mut writer, mut reader) = fixture();
    assert_eq!(reader.ask(2, r#"[1,[152,[[15,["t"]]],{"squash":0.01}]]"#), EMPTY);
    assert_eq!(reader.ask(3, r#"[1,[152,[[15,[[14,["rethinkdb"]],"db_config"]]]]]"#), EMPTY);
    reader.send(2, "[2]");
    writer.insert(1);
    reader.expect(2, &news([1]));
    reader.send(3, "[2]");
    writer.ask(1, r#"[1,[57,["other"]]]"#);
    let (token, told) = reader.receive().unwrap();
    assert_eq!((token, told.contains(r#""name":"other"},"old_val":null"#)), (3, true), "{told}");
    drop((writer, reader));
    fixture.settle();
}

#[test]
fn a_feed_is_stopped() {
    let (fixture, _, mut reader) = fixture();
    reader.send(1, "[2]");
    reader.send(1, "[3]");
    reader.expect(1, ENDED);
    reader.expect(1, ENDED);
    assert_eq!(reader.ask(1, FEED), EMPTY);
    assert_eq!(reader.ask(1, "[3]"), ENDED);
    assert_eq!(
        reader.ask(1, "[2]"),
        "{\"t\":16,\"r\":[\"Token 1 not in stream cache.\"],\"b\":[]}"
    );
    assert_eq!(fixture.server.usage().queries, 0);
}

/// Far more feeds wait than there are threads, or requests that may be answered at once.
#[test]
fn feeds_that_wait_are_in_nobodys_way() {
    const FEEDS: u64 = 2000;
    let (fixture, mut writer, mut reader) = fixture();
    for token in 1..=FEEDS {
        if token > 1 {
            assert_eq!(reader.ask(token, FEED), EMPTY);
        }
        reader.send(token, "[2]");
    }
    assert_eq!(reader.ask(0, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    fixture.wait_for(|usage| usage.evaluations == 0);
    assert_eq!(fixture.server.usage().queries, usize::try_from(FEEDS).unwrap());
    writer.insert(1);
    let mut told: Vec<_> = (0..FEEDS).map(|_| reader.receive().unwrap()).collect();
    told.sort();
    assert!(told.into_iter().eq((1..=FEEDS).map(|token| (token, news([1])))));
    drop((writer, reader));
    fixture.settle();
}

#[test]
fn a_table_that_is_dropped_breaks_its_feeds() {
    const BROKEN: &str =
        "{\"t\":18,\"e\":4100000,\"r\":[\"Changefeed aborted (unavailable).\"],\"b\":[]}";
    let (fixture, mut writer, mut waits) = fixture();
    let mut idles = fixture.connect();
    assert_eq!(idles.ask(1, FEED), EMPTY);
    waits.send(1, "[2]");
    writer.ask(0, "[1,[61,[\"t\"]]]");
    waits.expect(1, BROKEN);
    assert_eq!(idles.ask(1, "[2]"), BROKEN);
    for reader in [&mut waits, &mut idles] {
        assert_eq!(
            reader.ask(1, "[2]"),
            "{\"t\":16,\"r\":[\"Token 1 not in stream cache.\"],\"b\":[]}"
        );
    }
}

/// Deletes the jobs whose query holds a text.
fn kill(text: &str) -> String {
    let query = "[31,[[31,[[10,[1]],\"info\"]],\"query\"]]";
    let jobs = "[15,[[14,[\"rethinkdb\"]],\"jobs\"]]";
    // The text is put together by the query itself, so that its own job does not hold it.
    let (one, other) = text.split_at(1);
    let sought = format!("[24,[\"{one}\",\"{other}\"]]");
    format!("[1,[54,[[39,[{jobs},[69,[[2,[1]],[97,[{query},{sought}]]]]]]]]]")
}

const KILLED: &str = "{\"t\":18,\"e\":4200000,\"r\":[\"Query terminated by the \
    `rethinkdb.jobs` table.\"],\"b\":[]}";

#[test]
fn a_job_that_is_deleted_is_ended() {
    let (fixture, mut writer, mut reader) = fixture();
    // A query that computes, a feed that waits, a feed that nobody asks.
    reader.send(2, ENDLESS);
    reader.send(1, "[2]");
    assert_eq!(reader.ask(3, FEED), EMPTY);
    fixture.wait_for(|usage| usage.evaluations == 1);

    let deleted = writer.ask(0, &kill("1000000000000000"));
    assert!(deleted.contains("\"deleted\":1,"), "{deleted}");
    reader.expect(2, KILLED);
    let deleted = writer.ask(0, &kill("152,"));
    assert!(deleted.contains("\"deleted\":2,"), "{deleted}");
    reader.expect(1, KILLED);
    assert_eq!(reader.ask(3, "[2]"), KILLED);
    // The connection lives on.
    assert_eq!(reader.ask(1, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    drop((writer, reader));
    fixture.settle();
}

#[test]
fn jobs_tell_who_asks_what() {
    let (fixture, mut writer, reader) = fixture();
    let jobs = writer.ask(0, "[1,[15,[[14,[\"rethinkdb\"]],\"jobs\"]]]");
    let jobs: serde_json::Value = serde_json::from_str(&jobs).unwrap();
    let [one, other] = &jobs["r"].as_array().unwrap()[..] else { panic!("{jobs}") };
    let feed = if one["info"]["query"] == FEED { one } else { other };
    assert_eq!(feed["info"]["query"], FEED);
    assert_eq!(feed["info"]["client_address"], "127.0.0.1");
    assert_eq!(feed["info"]["client_port"], reader.0.local_addr().unwrap().port());
    assert_eq!(feed["info"]["user"], "admin");
    assert_eq!((&feed["type"], &feed["servers"][0]), (&"query".into(), &"s1".into()));
    assert_eq!(feed["id"][0], "query");
    assert!(feed["duration_sec"].as_f64().unwrap() >= 0.0);
    let inserted = writer.ask(0, "[1,[56,[[15,[[14,[\"rethinkdb\"]],\"jobs\"]],{\"id\":1}]]]");
    assert!(inserted.contains("only allows deletions, not inserts or updates."), "{inserted}");
    drop(fixture);
}

#[test]
fn before_v0_4_a_feed_is_not_held_for_long() {
    use bigchaindb_rethinkdb::wire::handshake::Version;
    let (fixture, mut writer, _) = fixture();
    let mut reader = fixture.connect_in(Version::V0_3);
    assert_eq!(reader.ask(1, FEED), EMPTY);
    assert_eq!(reader.ask(1, "[2]"), EMPTY);
    writer.insert(1);
    assert_eq!(reader.ask(1, "[2]"), news([1]));
}
