//! Shards and replicas: where they are, where they are put, and what depends on which.

use bigchaindb_rethinkdb::{Database, Settings};

use super::{Client, Cluster, TABLE, insert, names};

/// The primary and the replicas of each shard, as `table_config` has them.
fn config(client: &mut Client) -> String {
    let config = client.value(&format!("[174,[{TABLE}]]")).unwrap();
    let shards = config["shards"].as_array().unwrap().iter().map(|shard| {
        let replicas = shard["replicas"].as_array().unwrap();
        let replicas: Vec<_> = replicas.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(shard["primary_replica"], replicas[0]);
        replicas.join(" ")
    });
    shards.collect::<Vec<_>>().join(", ")
}

fn rows(count: u32) -> String {
    let rows: Vec<_> = (0..count).map(|id| format!("{{\"id\":{id}}}")).collect();
    format!("[56,[{TABLE},[2,[{}]]]]", rows.join(","))
}

#[test]
fn each_shard_is_reached_by_itself() {
    let cluster = Cluster::new(3);
    let mut client = cluster.connect(3);
    assert_eq!(client.outcome("[60,[\"t\"]]"), "ok");
    assert_eq!(config(&mut client), "s1");
    assert_eq!(client.outcome(&rows(10)), "ok");
    let changed = client.value(&format!("[176,[{TABLE}],{{\"shards\":2,\"replicas\":1}}]"));
    assert_eq!(changed.unwrap()["reconfigured"], 1);
    assert_eq!(config(&mut client), "s1, s2");
    assert_eq!(client.outcome(&format!("[177,[{TABLE}]]")), "ok");
    let status = client.value(&format!("[175,[{TABLE}]]")).unwrap();
    assert_eq!(status["shards"][1]["primary_replicas"][0], "s2");

    client.harm("k", "\"kind\":\"kill\",\"server\":\"s2\"");
    let (low, high) = (format!("[16,[{TABLE},4]]"), format!("[16,[{TABLE},5]]"));
    let range = r#"["Nc014000000000000\x235", +inf)"#;
    assert_eq!(client.value(&low).unwrap()["id"], 4);
    let reads = [
        &high,
        &format!("[43,[{TABLE}]]"),
        &format!("[182,[{TABLE},4,6]]"),
        &format!("[78,[{TABLE},6]]"),
    ];
    for term in reads {
        let refused = client.value(term).unwrap_err();
        let text = format!("Cannot perform read: primary replica for shard {range} not available");
        assert_eq!((refused.class, refused.text), (4_100_000, text), "{term}");
    }
    assert_eq!(client.value(&format!("[43,[[182,[{TABLE},0,5]]]]")).unwrap(), 5);
    // Several keys are one question: all of them have to be reached.
    let several = client.value(&format!("[78,[{TABLE},4,1,1,77e-1,3]]")).unwrap_err();
    assert!(several.text.contains(range), "{several:?}");
    let several = client.value(&format!("[78,[{TABLE},4,1,1,-5,3]]")).unwrap();
    assert_eq!(several.as_array().unwrap().len(), 4);
    // Two rows here, two there: nothing is sent if one shard has no primary.
    let refused = client.value(&format!("[53,[{TABLE},{{\"a\":1}}]]")).unwrap_err();
    assert!(refused.text.contains(range), "{refused:?}");
    let refused = client.value(&rows(10)).unwrap_err();
    assert!(refused.text.starts_with("Cannot perform write: "), "{refused:?}");
    assert_eq!(client.outcome(&format!("[53,[[16,[{TABLE},1]],{{\"a\":1}}]]")), "ok");
    // Writing what is there already asks the primary, too.
    let same = format!("[53,[[16,[{TABLE},7]],{{\"id\":7}}]]");
    assert!(client.value(&same).unwrap_err().text.contains(range));
    let late = client.value(&format!("[177,[{TABLE}],{{\"timeout\":0}}]")).unwrap_err();
    assert_eq!(late.text, "Timed out while waiting for tables.");
    let refused = client.value(&format!("[176,[{TABLE}],{{\"shards\":1,\"replicas\":1}}]"));
    assert!(refused.unwrap_err().text.contains("The table was not reconfigured."));
    let refused = client.value(&format!("[75,[{TABLE},\"a\"]]")).unwrap_err();
    assert!(refused.text.contains("The secondary index was not created."));
    // New tables go where somebody is.
    assert_eq!(client.outcome("[60,[\"u\"]]"), "ok");
    assert_eq!(client.outcome("[56,[[15,[\"u\"]],{}]]"), "ok");

    client.mend("k");
    assert_eq!(client.outcome(&format!("[177,[{TABLE}]]")), "ok");
    assert_eq!(client.value(&high).unwrap()["id"], 5);
    drop(client);
    cluster.shutdown();
}

#[test]
fn replicas_are_put_where_they_are_wanted() {
    let cluster = Cluster::new(3);
    let mut client = cluster.connect(1);
    let refused = client.value("[60,[\"t\"],{\"replicas\":4}]").unwrap_err();
    assert_eq!(
        refused.text,
        "Can't put 4 replicas on servers with the tag `default` because there are only 3 servers \
         with the tag `default`. It's impossible to have more replicas of the data than there are \
         servers."
    );
    assert_eq!(client.outcome("[60,[\"t\"],{\"replicas\":2,\"shards\":3}]"), "ok");
    let spread = config(&mut client);
    let mut primaries: Vec<_> = spread.split(", ").map(|shard| &shard[..2]).collect();
    primaries.sort_unstable();
    assert_eq!(primaries, ["s1", "s2", "s3"], "{spread}");

    // Without rows, shards are cut for UUIDs; with rows they can be cut anew.
    assert_eq!(client.value(&format!("[179,[{TABLE}]]")).unwrap()["rebalanced"], 0);
    assert_eq!(client.outcome(&rows(9)), "ok");
    let rebalanced = client.value(&format!("[179,[{TABLE}]]")).unwrap();
    assert_eq!(rebalanced["rebalanced"], 1);
    assert_eq!(client.outcome(&format!("[177,[{TABLE}]]")), "ok");
    assert_eq!(client.value(&format!("[179,[{TABLE}]]")).unwrap()["rebalanced"], 1);
    assert_eq!(client.value(&format!("[43,[{TABLE}]]")).unwrap(), 9);

    let dry = format!("[176,[{TABLE}],{{\"shards\":1,\"replicas\":3,\"dry_run\":true}}]");
    let dry = client.value(&dry).unwrap();
    assert_eq!(dry["reconfigured"], 0);
    let shards = &dry["config_changes"][0]["new_val"]["shards"];
    assert_eq!((shards.as_array().unwrap().len(), &shards[1]), (1, &serde_json::Value::Null));
    assert_eq!(config(&mut client).split(", ").count(), 3);

    let place = |primary: &str, replicas: &str| {
        let replicas = names(replicas);
        let shard = format!("{{\"primary_replica\":\"{primary}\",\"replicas\":{replicas}}}");
        format!("[53,[[174,[{TABLE}]],{{\"shards\":[2,[{shard}]]}}]]")
    };
    assert_eq!(client.outcome(&place("s3", "s1 s2 s3")), "ok");
    assert_eq!(config(&mut client), "s3 s1 s2");
    assert_eq!(client.outcome(&format!("[177,[{TABLE}]]")), "ok");
    assert_eq!(client.outcome(&insert("x")), "ok");
    for (primary, replicas, refusal) in [
        ("s9", "s1", "In `primary_replica`: Server `s9` does not exist or is not connected."),
        ("s1", "s1 s9", "In `replicas`: Server `s9` does not exist or is not connected."),
        ("s1", "s1 s1", "In `replicas`: Server `s1` is listed more than once."),
        (
            "s1",
            "s2 s3",
            "The server listed in the `primary_replica` field (`s1`) must also appear in `replicas`.",
        ),
    ] {
        let stats = client.value(&place(primary, replicas)).unwrap();
        let error = stats["first_error"].as_str().unwrap();
        assert!(error.ends_with(&format!("In `shards`: {refusal}")), "{error}");
    }
    assert_eq!(config(&mut client), "s3 s1 s2");
    drop(client);
    cluster.shutdown();
}

#[test]
fn each_server_says_who_it_is_and_whom_it_sees() {
    let cluster = Cluster::new(3);
    let (mut client, mut other) = (cluster.connect(2), cluster.connect(3));
    let info = client.ask(1, "[5]");
    assert!(info.contains("\"name\":\"s2\""), "{info}");
    let status = "[15,[[14,[\"rethinkdb\"]],\"server_status\"]]";
    let seen = |client: &mut Client| {
        let rows = client.value(status).unwrap();
        let mut rows: Vec<_> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let others = row["network"]["connected_to"].as_object().unwrap();
                format!(
                    "{}: {}",
                    row["name"].as_str().unwrap(),
                    others.keys().cloned().collect::<Vec<_>>().join(" ")
                )
            })
            .collect();
        rows.sort();
        rows.join(", ")
    };
    assert_eq!(seen(&mut client), "s1: s2 s3, s2: s1 s3, s3: s1 s2");
    client.harm("k", "\"kind\":\"kill\",\"server\":\"s1\"");
    assert_eq!(seen(&mut other), "s2: s3, s3: s2");
    let configs = other.value("[43,[[15,[[14,[\"rethinkdb\"]],\"server_config\"]]]]").unwrap();
    assert_eq!(configs, 2);
    drop((client, other));
    cluster.shutdown();
}

#[test]
fn tables_of_an_earlier_life_are_laid_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Database::open(&folder.path().join("data"), &Settings::default()).unwrap();
    let cluster = Cluster::over(open(), 3);
    let mut client = cluster.connect(1);
    assert_eq!(client.outcome("[60,[\"t\"],{\"replicas\":3,\"shards\":2}]"), "ok");
    assert_eq!(client.outcome(&rows(10)), "ok");
    drop(client);
    cluster.shutdown();
    // Fewer servers can have fewer replicas only.
    let cluster = Cluster::over(open(), 2);
    let mut client = cluster.connect(2);
    assert_eq!(config(&mut client).split(", ").count(), 2);
    assert_eq!(client.value(&format!("[43,[{TABLE}]]")).unwrap(), 10);
    assert_eq!(client.outcome(&insert("x")), "ok");
    drop(client);
    cluster.shutdown();
}
