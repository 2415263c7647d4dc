//! What nobody may change or delete, and somebody does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigchaindb::federation::Common;
use bigchaindb::shell::NodeHandle;
use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};
use bigchaindb::store::rethinkdb::{Client, Limits, RethinkStore, Server as Url, Term, schema};
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{Json, Keypair, Vote};
use bigchaindb_core::query::{Query, VoteRow};
use bigchaindb_core::rules;
use bigchaindb_core::stages::{Report, Settings};
use bigchaindb_rethinkdb::Database;
use bigchaindb_rethinkdb::server::{Server, ServerOptions};

use crate::support::{ANYWHERE, Clients, PATIENCE, common, create, one_of};

/// Tables and the rows' places in them.
const TABLES: [&str; 3] = ["bigchain", "votes", "positions"];

/// Two nodes on a server, one on the same database without it, and somebody who writes what he likes.
struct World {
    _server: Server,
    vandal: Client,
    store: Arc<EmbeddedStore>,
    _nodes: Vec<NodeHandle>,
    clients: Clients,
    /// What each node said, by its index.
    said: Arc<Mutex<Vec<(usize, Report)>>>,
}

impl World {
    async fn start(profile: &str, settings: Settings) -> Self {
        let database = Database::in_memory();
        let options = ServerOptions { bind: ANYWHERE, ..ServerOptions::default() };
        let server = Server::bind(database.clone(), options).await.unwrap();
        let url: Url = format!("rethinkdb://{}", server.local_addr()).parse().unwrap();
        let vandal = url.clone().client(Limits::default());
        schema::init(&vandal, PATIENCE).await.unwrap();
        let store = Arc::new(EmbeddedStore::over(database, bigchaindb_rethinkdb::Durability::Soft));
        let keypairs: Vec<_> = (1..=3).map(|node| Keypair::from_seed([node; 32])).collect();
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut nodes = Vec::new();
        for (index, keypair) in keypairs.iter().enumerate() {
            let heard = said.clone();
            let common = Common {
                rules: rules::by_name(profile).unwrap(),
                settings: settings.clone(),
                query_timeout: PATIENCE,
                on_report: Arc::new(move |_, report| heard.lock().unwrap().push((index, report))),
                ..common()
            };
            let own: Arc<dyn Store> = match index {
                0 => store.clone(),
                _ => Arc::new(RethinkStore::new(url.clone().client(Limits::default()))),
            };
            let others = keypairs.iter().filter(|other| other.public() != keypair.public());
            let keyring = others.map(|other| other.public().clone()).collect();
            nodes.push(one_of(own, common, keypair.clone(), keyring).await);
        }
        let clients = Clients::new(&nodes.iter().map(NodeHandle::address).collect::<Vec<_>>());
        Self { _server: server, vandal, store, _nodes: nodes, clients, said }
    }

    async fn rows(&self, table: &str) -> Vec<Json> {
        self.store.tables().await.unwrap().remove(table).unwrap()
    }

    async fn delete(&self, table: &str, row: &Json) {
        let row = Term::table(table, ReadMode::Single).get(Term::value(row.get("id").unwrap()));
        let stats = self.vandal.value(&row.delete(Durability::Soft)).await.unwrap();
        assert_eq!(stats.get("deleted").and_then(Json::as_i64), Some(1), "{stats}");
    }

    async fn overwrite(&self, table: &str, row: &Json) {
        let term = Term::table(table, ReadMode::Single).put(Term::json(row), Durability::Soft);
        self.vandal.value(&term).await.unwrap();
    }

    async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| {
            let said = self.said.lock().unwrap();
            let last: Vec<_> = said.iter().rev().take(20).collect();
            panic!("never: {what}; the last they said: {last:?}")
        });
    }

    /// Which nodes have said that a row was harmed, and how often one put it back.
    fn heard(&self, row: &Json) -> (Vec<(usize, bool)>, usize) {
        let id = match row.get("id").unwrap() {
            Json::String(id) => id.to_string(),
            other => other.to_string(),
        };
        let said = self.said.lock().unwrap();
        let harmed = said.iter().filter_map(|(node, report)| match report {
            Report::Harmed { key, deleted, .. } if *key == id => Some((*node, *deleted)),
            _ => None,
        });
        let put_back = |(_, report): &&(usize, Report)| matches!(report, Report::PutBack { key, .. } if *key == id);
        (harmed.collect(), said.iter().filter(put_back).count())
    }
}

/// The same with one more field, in the document itself.
fn changed(row: &Json) -> Json {
    let Json::Object(mut fields) = row.clone() else { panic!("{row}") };
    fields.insert("harm", Json::from("done"));
    fields.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_or_deleted_stands_again_as_it_was() {
    for profile in ["default", "mixed"] {
        let world = World::start(profile, common().settings).await;
        let alice = Keypair::from_seed([20; 32]);
        let asset = world.clients.create(0, &alice, "an asset").await;
        let guarded = if profile == "default" { &TABLES[..] } else { &TABLES[..2] };
        let all_voted = async || world.rows("votes").await.len() >= 3;
        world.until("all vote", all_voted).await;
        for &table in guarded {
            for row in world.rows(table).await {
                let stands = async || world.rows(table).await.contains(&row);
                world.delete(table, &row).await;
                world.until("it is there again", stands).await;
                world.overwrite(table, &changed(&row)).await;
                world.until("it is as it was", stands).await;
                let told = async || {
                    let (harmed, put_back) = world.heard(&row);
                    // Every node has seen both; what they did against it, too.
                    let by_all = |deleted| (0..3).all(|node| harmed.contains(&(node, deleted)));
                    by_all(true) && by_all(false) && put_back >= 2
                };
                world.until("all say so", told).await;
            }
        }
        world.clients.until_status(1, asset.id().as_str(), "valid").await;
        world.clients.create(1, &alice, "another").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_proved_itself_is_left_as_it_is() {
    let world = World::start("default", common().settings).await;
    world.clients.create(0, &Keypair::from_seed([20; 32]), "an asset").await;
    let block = world.rows("bigchain").await.pop().unwrap();
    let forged = {
        let mut forged = block.clone();
        *forged.get_mut("id").unwrap() = Json::from("forged");
        forged
    };
    world.overwrite("bigchain", &forged).await;
    let stranger = Keypair::from_seed([9; 32]);
    let vote = Vote::create(&stranger, &"forged".into(), &"x".into(), true, 1_472_731_200);
    let vote = VoteRow { key: "stranger's".into(), vote: Arc::new(vote.unwrap()) };
    world.store.query(Query::InsertVote { vote }).await.unwrap();
    let find = async |table: &str, id: &str| {
        let rows = world.rows(table).await;
        rows.into_iter().find(|row| row.get("id").and_then(Json::as_str) == Some(id))
    };
    for (table, id) in [("bigchain", "forged"), ("votes", "stranger's")] {
        let row = find(table, id).await.unwrap();
        world.delete(table, &row).await;
        let left = async || {
            let said = world.said.lock().unwrap();
            let left = |node: usize| {
                said.iter().any(|(other, report)| {
                    let word = format!("row {id} of {table} never proved itself");
                    *other == node
                        && matches!(report, Report::Trouble(text) if text.contains(&word))
                })
            };
            (0..3).all(left)
        };
        world.until("all leave it", left).await;
        assert!(find(table, id).await.is_none());
        assert_eq!(world.heard(&row).1, 0);
    }
}

/// Somebody who goes on is answered ever more slowly.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_harmed_again_waits_longer() {
    let hour = Duration::from_secs(3600);
    let settings = Settings { guard: hour, guard_most: hour, ..common().settings };
    let world = World::start("default", settings).await;
    let alice = Keypair::from_seed([20; 32]);
    world.clients.create(0, &alice, "an asset").await;
    let block = world.rows("bigchain").await.pop().unwrap();
    let stands = async || world.rows("bigchain").await.contains(&block);
    world.delete("bigchain", &block).await;
    world.until("it is there again", stands).await;
    // All have put it back, so all take the next time for the second.
    let asked = async || world.heard(&block).0.len() == 3;
    world.until("all say so", asked).await;
    tokio::time::sleep(crate::support::MOMENT).await;
    world.delete("bigchain", &block).await;
    let again = async || world.heard(&block).0.len() == 6;
    world.until("all say so again", again).await;
    world.clients.create(1, &alice, "others are served").await;
    assert!(!stands().await);
    assert_eq!(world.heard(&block).1, 1);
    // What is new is looked after at once all the same.
    let other = world.rows("votes").await.pop().unwrap();
    world.delete("votes", &other).await;
    world.until("it is there again", async || world.rows("votes").await.contains(&other)).await;
    assert_eq!(world.clients.post(0, create(&alice, "on it goes")).await.0, 201);
}
