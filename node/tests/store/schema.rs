//! Making a database, adding to one that is there, spreading tables over servers.

use std::collections::BTreeSet;

use bigchaindb::store::rethinkdb::schema::{self, Created};
use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};
use bigchaindb::store::rethinkdb::{Client, Term};
use bigchaindb_core::model::Json;
use bigchaindb_core::query::Feed;

use crate::backends::{PATIENCE, databases, empty_servers, servers};
use crate::language::{block, query, transaction, words};

/// What a node of the original makes.
const ORIGINALS: [(&str, &[&str]); 3] = [
    ("backlog", &["assignee__transaction_timestamp", "transaction_timestamp"]),
    ("bigchain", &["block_timestamp", "payload_uuid", "transaction_id"]),
    ("votes", &["block_and_voter"]),
];

/// What is ours.
const OURS: [(&str, &[&str]); 3] = [
    ("bigchain", &["owners", "spends"]),
    ("votes", &["voting_for_block"]),
    ("positions", &["block"]),
];

fn pairs<'a>(all: &[(&'a str, &'a [&'a str])]) -> BTreeSet<(&'a str, &'a str)> {
    all.iter().flat_map(|(table, names)| names.iter().map(|name| (*table, *name))).collect()
}

fn table(name: &str) -> Term {
    Term::table(name, ReadMode::Single)
}

async fn names(client: &Client, term: Term) -> Vec<String> {
    let list = client.value(&term).await.unwrap();
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_missing_is_made_once() {
    for database in empty_servers().await {
        let client = database.raw.clone().unwrap();
        let created = schema::init(&client, PATIENCE).await.unwrap();
        assert!(created.database);
        assert_eq!(created.tables, ["bigchain", "backlog", "votes", "positions"]);
        let made: BTreeSet<_> = created.indexes.into_iter().collect();
        assert_eq!(made, &pairs(&ORIGINALS) | &pairs(&OURS));
        assert_eq!(schema::init(&client, PATIENCE).await.unwrap(), Created::default());
        database.finish().await;
    }
}

/// Makes what a node of the original makes, in its way.
async fn original(client: &Client) {
    let database = || Term::database(client.database());
    client.value(&Term::db_create(client.database())).await.unwrap();
    for (name, indexes) in ORIGINALS {
        client.value(&database().table_create(name)).await.unwrap();
        for index in indexes {
            // Any function will do: what is there is left as it is.
            let function = Term::function([1], |[row]| row.at(*index));
            client.value(&table(name).index_create(index, function, false)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_there_is_left_as_it_is() {
    for database in empty_servers().await {
        let client = database.raw.clone().unwrap();
        original(&client).await;
        let written = block("X@5=a,c");
        let insert = table("bigchain").insert(Term::json(written.document()), Durability::Soft);
        client.value(&insert).await.unwrap();
        let status = |name| table(name).index_status();
        let before = client.value(&status("bigchain")).await.unwrap();

        let created = schema::init(&client, PATIENCE).await.unwrap();
        assert!(!created.database);
        assert_eq!(created.tables, ["positions"]);
        assert_eq!(created.indexes.into_iter().collect::<BTreeSet<_>>(), pairs(&OURS));

        let after = client.value(&status("bigchain")).await.unwrap();
        let after = after.as_array().unwrap();
        assert!(before.as_array().unwrap().iter().all(|index| after.contains(index)));
        assert_eq!(after.len(), 5);
        let row = client.value(&table("bigchain").get("X")).await.unwrap();
        assert_eq!(row, *written.document());
        // The indexes that were added know the rows that were there.
        let spent = Term::array([Term::from("a"), Term::from(0)]);
        let spenders = table("bigchain").get_all_by("spends", [spent]).count();
        assert_eq!(client.value(&spenders).await.unwrap(), Json::from(1_i64));
        database.finish().await;
    }
}

#[tokio::test]
async fn owners_are_found() {
    for database in servers().await {
        let client = database.raw.clone().unwrap();
        let owned = |id: &str, conditions: &str| {
            let text = format!(r#"{{"id":"{id}","transaction":{{"conditions":{conditions}}}}}"#);
            Json::parse(text.as_bytes()).unwrap()
        };
        let transactions = vec![
            owned("x", r#"[{"owners_after":["k1","k2"]},{"owners_after":null},7]"#),
            owned("y", "5"),
            owned("z", r#"[{"owners_after":["k2"]}]"#),
            transaction("a").document().clone(),
        ];
        let block = Json::object([("transactions", transactions.into())]);
        let row = Json::object([("id", Json::from("X")), ("block", block)]);
        database.write("bigchain", &row).await;
        for (owner, times) in [("k1", 1_i64), ("k2", 2), ("k3", 0)] {
            let owning = table("bigchain").get_all_by("owners", [owner.into()]).count();
            assert_eq!(client.value(&owning).await.unwrap(), Json::from(times), "{owner}");
        }
        database.finish().await;
    }
}

#[tokio::test]
async fn tables_are_split_and_a_feed_that_breaks_is_opened_again() {
    for database in servers().await {
        let client = database.raw.clone().unwrap();
        let mut feed = database.store.open(Feed::Votes).await.unwrap();
        assert!(schema::set_shards(&client, 2).await.unwrap().is_empty());
        for name in names(&client, Term::database(client.database()).table_list()).await {
            let config = client.value(&table(&name).config()).await.unwrap();
            assert_eq!(config.get("shards").unwrap().as_array().unwrap().len(), 2, "{name}");
        }
        assert!(feed.next().await.is_none());
        schema::init(&client, PATIENCE).await.unwrap();
        let mut feed = database.store.open(Feed::Votes).await.unwrap();
        let answer = database.store.query(query("vote k1 X n1 yes")).await.unwrap();
        assert_eq!(words(&answer), "k1:X:n1:yes");
        assert!(feed.next().await.is_some());
        database.finish().await;
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_said_by_table() {
    for database in servers().await {
        let client = database.raw.clone().unwrap();
        let refused = schema::set_replicas(&client, 99).await.unwrap();
        let tables: Vec<_> = refused.iter().map(|(table, _)| *table).collect();
        assert_eq!(tables, ["bigchain", "backlog", "votes", "positions"]);
        for (_, error) in refused {
            assert!(error.to_string().starts_with("Can't put 99 replicas"), "{error}");
            assert!(!error.is_indeterminate());
        }
        database.finish().await;
    }
}

/// The servers of these tests have no tag but `default`: whoever is asked by tags says so.
#[tokio::test]
async fn replicas_for_backups_go_by_tags() {
    for database in servers().await {
        let client = database.raw.clone().unwrap();
        let refused = schema::set_backups(&client, 1, 1).await.unwrap();
        assert_eq!(refused.len(), 4);
        for (_, error) in refused {
            let error = error.to_string();
            assert!(
                error.starts_with("Could not find any servers with server tag `"),
                "{}: {error}",
                database.name
            );
        }
        // None for backups, and none before: tags do not matter.
        assert!(schema::set_backups(&client, 1, 0).await.unwrap().is_empty());
        database.finish().await;
    }
}

#[tokio::test]
async fn without_its_tables_a_store_refuses() {
    for database in empty_servers().await {
        let outcome = database.store.query(query("votes X")).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("does not exist"), "{error}");
    }
    // The embedded store has its tables by itself.
    for database in databases().await.into_iter().filter(|database| database.raw.is_none()) {
        database.store.query(query("votes X")).await.unwrap();
    }
}
