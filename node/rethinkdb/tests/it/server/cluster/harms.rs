//! The table of what goes wrong: what it takes, what it shows, and what it refuses.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::super::Fixture;
use super::{Cluster, HARMS, get, insert, names, quick};

#[test]
fn what_is_in_effect_is_shown_and_mended_by_deleting_it() {
    let cluster = Cluster::new(3);
    let mut client = cluster.connect(2);
    client.harm("1", "\"kind\":\"pause\",\"server\":\"s1\"");
    client.harm("2", &format!("\"kind\":\"partition\",\"of\":{}", names("s3")));
    let shown = client.value(HARMS).unwrap().to_string();
    assert_eq!(
        shown,
        r#"[{"id":"1","kind":"pause","server":"s1"},"#.to_owned()
            + r#"{"from":["s1","s2"],"id":"2","kind":"partition","of":["s3"],"oneway":false}]"#
    );
    // Whoever is killed does not stand still any more.
    client.harm("3", "\"kind\":\"power-loss\",\"server\":\"s1\"");
    let shown = client.value(&format!("[31,[{HARMS},\"kind\"]]")).unwrap();
    assert_eq!(shown.to_string(), r#"["partition","power-loss"]"#);
    while cluster.dial(1).is_ok() {}
    assert_eq!(client.outcome(&format!("[54,[{HARMS}]]")), "ok");
    assert_eq!(client.value(HARMS).unwrap().to_string(), "[]");
    while cluster.dial(1).is_err() {
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    drop(client);
    cluster.shutdown();
}

const REFUSED: &str = r#"
    "kind":"murder","server":"s1"                        | In `kind`: Expected one of "full", "kill", "partition", "pause", "power-loss", "slow", "stop", got: "murder"
    "server":"s1"                                        | "stop", got: nothing
    "kind":"kill"                                        | In `server`: Expected one of "s1", "s2", "s3", got: null
    "kind":"kill","server":"s9"                          | In `server`: Expected one of "s1", "s2", "s3", got: "s9"
    "kind":"kill","server":"s1","oneway":true            | Unexpected key(s): oneway. A kill has these: id, kind, server
    "kind":"partition","of":"s1"                         | In `of`: Expected an array of servers, got: "s1"
    "kind":"partition","of":[2,["s1","s1"]]              | In `of`: Server `s1` is listed more than once.
    "kind":"partition","of":[2,["s1"]],"from":[2,["s1"]] | Server `s1` is in `of` and in `from`.
    "kind":"partition","of":[2,["s1","s2","s3"]]         | Expected a server that is not in `of`.
    "kind":"partition","of":[2,["s1"]],"oneway":1        | In `oneway`: Expected true or false, got: 1
    "kind":"slow","server":"s1","factor":1.5             | In `factor`: Expected a whole number from 2 on, got: 1.5
    "kind":"slow","server":"s1"                          | In `factor`: Expected a whole number from 2 on, got: null
    "kind":"full","server":"s1","factor":2               | Unexpected key(s): factor. A full has these: id, kind, server
    "kind":"pause","server":"s3"                         | Server `s3` is down.
    "kind":"stop","server":"s3"                          | Server `s3` is down.
    "kind":"pause","server":"s1"                         | Server `s1` is paused.
    "kind":"kill","server":"s2"                          | Server `s2` is the last one that runs: no other could be asked to start it again.
"#;

#[test]
fn what_cannot_be_is_refused() {
    let cluster = Cluster::new(3);
    let mut client = cluster.connect(2);
    client.harm("down", "\"kind\":\"stop\",\"server\":\"s3\"");
    client.harm("paused", "\"kind\":\"pause\",\"server\":\"s1\"");
    for line in REFUSED.lines().filter(|line| !line.trim().is_empty()) {
        let (fields, refusal) = line.trim().split_once('|').unwrap();
        let stats = client.value(&format!("[56,[{HARMS},{{\"id\":\"x\",{fields}}}]]")).unwrap();
        let error = stats["first_error"].as_str().unwrap_or_else(|| panic!("{line}: {stats}"));
        assert!(error.ends_with(refusal.trim()), "{line}: {error}");
    }
    let update = format!("[53,[[16,[{HARMS},\"paused\"]],{{\"server\":\"s2\"}}]]");
    let stats = client.value(&update).unwrap();
    assert_eq!(stats["first_error"], "A harm is inserted and deleted, not changed.");
    let taken = format!("[56,[{HARMS},{{\"id\":\"down\",\"kind\":\"stop\",\"server\":\"s3\"}}]]");
    let stats = client.value(&taken).unwrap();
    assert!(stats["first_error"].as_str().unwrap().starts_with("Duplicate primary key `id`"));
    assert_eq!(client.value(HARMS).unwrap().as_array().unwrap().len(), 2);
    drop(client);
    cluster.shutdown();
}

#[test]
fn one_server_alone_has_no_such_table() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    let refused = client.value(HARMS).unwrap_err();
    assert_eq!(refused.text, "Table `rethinkdb.harms` does not exist.");
    let listed = client.value("[62,[[14,[\"rethinkdb\"]]]]").unwrap();
    assert!(!listed.to_string().contains("harms"));
    drop(client);
    fixture.settle();
}

#[test]
fn a_server_without_room_reads_and_does_not_write() {
    let cluster = Cluster::with_table();
    let mut client = cluster.connect(2);
    assert_eq!(client.outcome(&insert("before")), "ok");
    client.harm("other", "\"kind\":\"full\",\"server\":\"s2\"");
    assert_eq!(client.outcome(&insert("there is room at the primary")), "ok");
    client.harm("full", "\"kind\":\"full\",\"server\":\"s1\"");
    for _ in 0..2 {
        let refused = client.value(&insert("after"));
        let said = format!("{refused:?}");
        assert!(said.contains("No space left on the disk of server `s1`."), "{said}");
    }
    assert_eq!(client.value(&get("before")).unwrap()["id"], "before");
    let shown = client.value(&format!("[16,[{HARMS},\"full\"]]")).unwrap();
    assert_eq!(shown.to_string(), r#"{"id":"full","kind":"full","refused":2,"server":"s1"}"#);
    client.mend("full");
    assert_eq!(client.outcome(&insert("after")), "ok");
    drop(client);
    cluster.shutdown();
}

#[test]
fn replication_is_slow_as_long_as_a_server_is() {
    let cluster = Cluster::with_table();
    let mut client = cluster.connect(1);
    let mut took = |id: &str| {
        let began = tokio::time::Instant::now();
        assert_eq!(client.outcome(&insert(id)), "ok");
        let took = began.elapsed();
        (took, std::mem::replace(&mut client, cluster.connect(1)))
    };
    let (usual, mut admin) = took("usual");
    // Most of three copies have to have it, so two of them have to be slow.
    for server in ["s2", "s3"] {
        let fields = format!("\"kind\":\"slow\",\"server\":\"{server}\",\"factor\":1000");
        admin.harm(server, &fields);
    }
    let (slow, mut admin) = took("slow");
    let least = Duration::from_micros(500 * quick().replicate_us);
    assert!(slow > least && slow > usual, "{slow:?}, {usual:?}");
    let shown = admin.value(&format!("[16,[{HARMS},\"s2\"]]")).unwrap();
    assert_eq!(shown.to_string(), r#"{"factor":1000,"id":"s2","kind":"slow","server":"s2"}"#);
    for server in ["s2", "s3"] {
        admin.mend(server);
    }
    let (again, _) = took("again");
    assert!(again < least, "{again:?}");
    drop(client);
    cluster.shutdown();
}

#[test]
fn the_last_server_is_harmed_and_mended_through_a_door() {
    let mut cluster = Cluster::new(2);
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let door = cluster.runtime.block_on(cluster.servers[0].open_door(any)).unwrap().unwrap();
    cluster.servers.push(door);
    let mut client = cluster.connect(3);
    for server in ["s1", "s2"] {
        client.harm(server, &format!("\"kind\":\"kill\",\"server\":\"{server}\""));
    }
    while cluster.dial(1).is_ok() || cluster.dial(2).is_ok() {}
    assert_eq!(client.value(HARMS).unwrap().as_array().unwrap().len(), 2);
    for server in ["s1", "s2"] {
        client.mend(server);
    }
    while cluster.dial(1).is_err() || cluster.dial(2).is_err() {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    client.harm("all stand still", "\"kind\":\"pause\",\"server\":\"s1\"");
    assert_eq!(client.value(HARMS).unwrap().as_array().unwrap().len(), 1);
    drop(client);
    cluster.shutdown();
}
