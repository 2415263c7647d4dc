//! Primaries die, hang and are cut off, and others take their place.

use std::io::Read as _;

use super::{Client, Cluster, TABLE, assert_in_order, get, get_by, insert, names};

const FEED: &str = "[1,[152,[[15,[\"t\"]]]]]";
const OPEN: &str = "{\"t\":3,\"r\":[],\"n\":[1]}";
const ABORTED: &str =
    "{\"t\":18,\"e\":4100000,\"r\":[\"Changefeed aborted (unavailable).\"],\"b\":[]}";

/// Inserts one row after the other until one is acknowledged, and remembers those that were.
fn insert_until_ok(client: &mut Client, acknowledged: &mut Vec<String>) -> Vec<String> {
    let mut number = acknowledged.len() * 1000;
    let seen = client.until("ok", || {
        number += 1;
        insert(&number.to_string())
    });
    acknowledged.push(number.to_string());
    seen
}

#[test]
fn a_primary_is_killed_and_comes_back() {
    let cluster = Cluster::with_table();
    let (mut victim, mut client, mut reader) =
        (cluster.connect(1), cluster.connect(2), cluster.connect(3));
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        assert_eq!(insert_until_ok(&mut client, &mut acknowledged), [""; 0]);
    }
    assert_eq!(victim.outcome(&insert("at the victim")), "ok");
    assert_eq!(reader.ask(1, FEED), OPEN);
    reader.send(1, "[2]");
    client.harm("k", "\"kind\":\"kill\",\"server\":\"s1\"");

    // Its clients lose their connections, and nobody gets another.
    assert_eq!(victim.receive(), None);
    assert!(cluster.dial(1).is_err());
    reader.expect(1, ABORTED);
    assert_eq!(client.outcome(&get_by("outdated", "at the victim")), "ok");
    let seen = client.until("ok", || get("at the victim"));
    assert_in_order(&seen, "a b c");
    assert!(seen.contains(&"b".to_owned()), "{seen:?}");
    insert_until_ok(&mut client, &mut acknowledged);
    let status = client.value(&format!("[175,[{TABLE}]]")).unwrap();
    assert_eq!(status["shards"][0]["primary_replicas"][0], "s2");
    assert_eq!(status["shards"][0]["replicas"][0]["state"], "disconnected");
    for id in &acknowledged {
        assert_eq!(client.value(&get(id)).unwrap()["id"], **id);
    }
    // The feed may be had again, and tells what is written then.
    assert_eq!(reader.ask(1, FEED), OPEN);
    reader.send(1, "[2]");
    assert_eq!(client.outcome(&insert("told")), "ok");
    let (_, told) = reader.receive().unwrap();
    assert!(told.contains("\"told\""), "{told}");

    // It comes back and takes over again, which the feed does not outlive.
    client.mend("k");
    reader.send(1, "[2]");
    reader.expect(1, ABORTED);
    let seen = insert_until_ok(&mut client, &mut acknowledged);
    assert_in_order(&seen, "a? b c");
    assert_eq!(client.outcome(&format!("[177,[{TABLE}]]")), "ok");
    let mut back = cluster.connect(1);
    assert_eq!(back.value(&get("told")).unwrap()["id"], "told");
    let status = back.value(&format!("[175,[{TABLE}]]")).unwrap();
    assert_eq!(status["shards"][0]["primary_replicas"][0], "s1");
    drop((client, reader, back));
    cluster.shutdown();
}

#[test]
fn a_write_that_is_under_way_when_its_primary_dies_is_in_doubt() {
    let cluster = Cluster::with_table();
    let (mut client, mut writer) = (cluster.connect(3), cluster.connect(2));
    // The primary hears the writer's server, which does not hear it.
    let link = format!("\"of\":{},\"from\":{}", names("s1"), names("s2"));
    client.harm("p", &format!("\"kind\":\"partition\",{link},\"oneway\":true"));
    writer.send(1, &format!("[1,{}]", insert("x")));
    while client.value(&get_by("outdated", "x")).unwrap().is_null() {}
    client.harm("k", "\"kind\":\"kill\",\"server\":\"s1\"");
    let (_, answer) = writer.receive().unwrap();
    assert!(answer.contains("\"e\":4200000"), "{answer}");
    assert!(answer.contains("Cannot perform write: lost contact with primary replica"), "{answer}");
    assert_in_order(&writer.until("ok", || insert("y")), "b c");
    assert_eq!(writer.value(&get("x")).unwrap()["id"], "x", "a replica had it");
    drop((client, writer));
    cluster.shutdown();
}

#[test]
fn a_paused_server_says_nothing_until_it_goes_on() {
    let cluster = Cluster::with_table();
    let (mut paused, mut client) = (cluster.connect(1), cluster.connect(2));
    assert_eq!(client.outcome(&insert("x")), "ok");
    client.harm("p", "\"kind\":\"pause\",\"server\":\"s1\"");
    paused.send(7, "[1,5]");
    // It accepts, and the handshake is not answered.
    let accepted = cluster.dial(1).unwrap();
    // Nothing is heard of the primary for long; then another one takes its place.
    let seen = client.until("ok", || insert("y"));
    assert_eq!(seen.first().map(String::as_str), Some("a?"), "{seen:?}");
    assert_in_order(&seen, "a? b c");
    for stream in [&paused.0, &accepted] {
        stream.set_nonblocking(true).unwrap();
        let said = { stream }.read(&mut [0; 1]);
        assert_eq!(said.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
    }
    client.mend("p");
    paused.expect(7, "{\"t\":1,\"r\":[5]}");
    assert_in_order(&paused.until("ok", || insert("z")), "c b e d b c");
    for id in ["x", "y", "z"] {
        paused.until("ok", || get(id));
        assert_eq!(paused.value(&get(id)).unwrap()["id"], *id);
    }
    drop((client, paused, accepted));
    cluster.shutdown();
}

#[test]
fn a_minority_cannot_write_and_what_only_it_has_is_lost() {
    let cluster = Cluster::with_table();
    let (mut alone, mut others) = (cluster.connect(1), cluster.connect(3));
    let index = format!("[75,[{TABLE},\"at\"]]");
    assert_eq!(others.outcome(&index), "ok");
    let acks = format!("[53,[[174,[{TABLE}]],{{\"write_acks\":\"single\"}}]]");
    assert_eq!(others.outcome(&acks), "ok");
    assert_eq!(others.outcome(&insert("x")), "ok");
    let mut feed = cluster.connect(1);
    assert_eq!(feed.ask(1, FEED), OPEN);
    feed.send(1, "[2]");
    others.harm("p", &format!("\"kind\":\"partition\",\"of\":{}", names("s1")));

    // Before anybody notices, the primary acknowledges on its own, and its feeds tell of it. The
    // others have not seen it.
    let lost = format!("[56,[{TABLE},{{\"id\":\"lost\",\"at\":1}}]]");
    assert_eq!(alone.outcome(&lost), "ok");
    let changed = format!("[53,[[16,[{TABLE},\"x\"]],{{\"at\":1}}]]");
    assert_eq!(alone.outcome(&changed), "ok");
    assert!(feed.receive().unwrap().1.contains("\"lost\""));
    assert_eq!(alone.value(&get_by("outdated", "lost")).unwrap()["id"], "lost");
    assert!(others.value(&get_by("outdated", "lost")).unwrap().is_null());
    let by_index = "[78,[[15,[\"t\"],{\"read_mode\":\"outdated\"}],1],{\"index\":\"at\"}]";
    assert_eq!(others.value(by_index).unwrap().as_array().unwrap().len(), 0);

    // The others elect another one, who does not have it.
    let seen = others.until("ok", || insert("y"));
    assert_in_order(&seen, "a? b c");
    assert!(others.value(&get("lost")).unwrap().is_null());
    assert!(others.value(&get("x")).unwrap()["at"].is_null());
    let by_index = format!("[43,[[78,[{TABLE},1],{{\"index\":\"at\"}}]]]");
    assert_eq!(others.value(&by_index).unwrap(), 0);
    assert_eq!(others.value(&format!("[43,[{TABLE}]]")).unwrap(), 2);
    for _ in 0..3 {
        assert_eq!(alone.outcome(&insert("z")), "c");
    }
    let refused = alone.value("[152,[[15,[\"t\"]]]]").unwrap_err();
    assert!(refused.text.starts_with("cannot subscribe to table `test.t`: The primary"));
    assert_eq!(refused.class, 4_100_000);

    others.mend("p");
    alone.until("ok", || insert("z"));
    assert!(alone.value(&get("lost")).unwrap().is_null());
    assert_eq!(alone.value(&get("y")).unwrap()["id"], "y");
    drop((alone, others, feed));
    cluster.shutdown();
}

#[test]
fn a_feed_is_silent_while_its_primary_is_out_of_sight() {
    let cluster = Cluster::with_table();
    let (mut writer, mut reader, mut client) =
        (cluster.connect(1), cluster.connect(3), cluster.connect(2));
    assert_eq!(reader.ask(1, FEED), OPEN);
    reader.send(1, "[2]");
    let link = format!("\"of\":{},\"from\":{}", names("s1"), names("s3"));
    client.harm("p", &format!("\"kind\":\"partition\",{link},\"oneway\":true"));
    assert_eq!(writer.outcome(&insert("held")), "ok");
    // An answer from the reader's own server overtakes what is held up on the way to it.
    assert_eq!(reader.ask(2, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    client.mend("p");
    assert!(reader.receive().unwrap().1.contains("\"held\""));
    drop((writer, reader, client));
    cluster.shutdown();
}

#[test]
fn a_query_that_waits_can_be_stopped() {
    let cluster = Cluster::with_table();
    let (mut client, mut other) = (cluster.connect(2), cluster.connect(3));
    client.harm("p", "\"kind\":\"pause\",\"server\":\"s1\"");
    other.send(1, &format!("[1,{}]", get("x")));
    other.send(1, "[3]");
    other.expect(1, "{\"t\":2,\"r\":[],\"n\":[]}");
    drop((client, other));
    cluster.shutdown();
}
