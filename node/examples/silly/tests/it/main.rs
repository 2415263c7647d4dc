//! A federation by rules from outside: what they refuse is refused, all else goes on as ever.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb::store::EmbeddedStore;
use bigchaindb_core::model::{Block, Draft, Json, Keypair, Output, Profile, Transaction};
use bigchaindb_core::rules::Federation;
use bigchaindb_core::stages::Settings;
use bigchaindb_load::client::{Call, Client};

/// Longer than anything here takes; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Posts to the first of some nodes; the status code and the text of the answer.
async fn post(client: &Client, transaction: &Transaction) -> (u16, String) {
    let body = transaction.document().to_string();
    let answer = client.call(0, Call::Post(body.into()), PATIENCE, || ()).await.unwrap();
    (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
}

async fn until_valid(client: &Client, id: &str) {
    let path = format!("/api/v1/transactions/{id}/status");
    let valid = async {
        loop {
            let call = Call::Get(path.clone());
            let answer = client.call(0, call, PATIENCE, || ()).await.unwrap();
            if answer.body == r#"{"status":"valid"}"# {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, valid).await.expect("it is decided sooner or later");
}

#[tokio::test]
async fn a_federation_runs_by_them() {
    let common = Common {
        rules: silly::registry(BTreeSet::new()).get(silly::NAME).unwrap(),
        settings: Settings { block_wait: Duration::from_millis(10), ..Settings::default() },
        query_timeout: QUERY_TIMEOUT,
        on_report: Arc::new(|_, _| ()),
        metrics: Vec::new(),
        records: Vec::new(),
    };
    let keypairs = [Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32])];
    let anywhere = ["127.0.0.1:0".parse().unwrap(); 2];
    let store = Arc::new(EmbeddedStore::in_memory());
    let federation = LocalFederation::start(store, &common, &keypairs, &anywhere).await.unwrap();
    let client = Client::new(&federation.addresses());

    let alice = Keypair::from_seed([3; 32]);
    let owners = vec![alice.public().to_string()];
    let signed = |draft: Draft, previous: Option<Arc<Transaction>>| {
        let unsigned = draft.transaction().unwrap();
        unsigned.sign(&[&alice], Profile::Default, &|_| previous.clone()).unwrap()
    };
    let create = Draft::create(alice.public(), owners.clone(), "asset", 1_472_688_001);
    let (status, made) = post(&client, &signed(create, None)).await;
    assert_eq!(status, 201, "{made}");
    let mut document = Json::parse(made.as_bytes()).unwrap();
    if let Json::Object(fields) = &mut document {
        fields.remove("assignee");
    }
    let made = Arc::new(Transaction::from_document(document).unwrap());
    until_valid(&client, made.id().as_str()).await;

    let transfer = |second| {
        let input = Output { txid: made.id().clone(), cid: 0, oddity: None };
        let draft =
            Draft::transfer(owners.clone(), owners.clone(), vec![input], "next", 1_472_688_000);
        signed(Draft { timestamp: draft.timestamp + second, ..draft }, Some(made.clone()))
    };
    let (status, reason) = post(&client, &transfer(1)).await;
    assert_eq!((status, reason.contains("Odd... very odd indeed.")), (400, true), "{reason}");
    let liked = transfer(2);
    assert_eq!(post(&client, &liked).await.0, 201);
    until_valid(&client, liked.id().as_str()).await;
    federation.stop().await.unwrap();
}

#[test]
fn a_shady_nodes_blocks_are_refused() {
    let [honest, shady] = [[1; 32], [2; 32]].map(Keypair::from_seed);
    let registry = silly::registry(BTreeSet::from([shady.public().clone()]));
    let rules = registry.get(silly::NAME).unwrap();
    let federation = Federation::new(honest.public().clone(), vec![shady.public().clone()]);
    let by = |node: &Keypair| {
        let owners = vec![honest.public().to_string()];
        let draft = Draft::create(node.public(), owners, "asset", 1_472_688_000);
        let unsigned = draft.transaction().unwrap();
        let create = unsigned.sign(&[node], Profile::Default, &|_| None).unwrap();
        let block = Block::create(vec![Arc::new(create)], node, federation.voters(), 1_472_688_000)
            .unwrap();
        rules.check_block(&block, &federation)
    };
    assert_eq!(by(&honest), Ok(()));
    let reason = by(&shady).unwrap_err().to_string();
    assert!(reason.contains("is shady"), "{reason}");
}

#[test]
fn the_program_knows_them_beside_the_others() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_silly"))
        .arg("start")
        .env_clear()
        .env("HOME", home.path())
        .env("BIGCHAINDB_KEYPAIR_PRIVATE", Keypair::from_seed([1; 32]).private())
        .env("BIGCHAINDB_CONSENSUS_PLUGIN", "sillier")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    let names = "`sillier`; there are `default`, `mixed`, `silly`, `v0.6.0`";
    assert!(told.contains(names), "{told}");
}
