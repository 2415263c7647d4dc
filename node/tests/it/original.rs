//! Nodes of the profile `v0.6.0`, as a whole: they judge and answer as BigchainDB 0.6.0 did.

use bigchaindb::federation::Common;
use bigchaindb_core::model::{Json, Keypair, Transaction};
use bigchaindb_core::rules;

use crate::exchange::Request;
use crate::program::{Serving, embedded};
use crate::support::{Clients, World, common, create, transfer, world};

async fn original(nodes: u8) -> World {
    world(nodes, Common { rules: rules::by_name("v0.6.0").unwrap(), ..common() }).await
}

/// Posts a document to a node; its answer, which is 200 and the transaction alone.
async fn accepted(world: &World, node: usize, body: String) -> Transaction {
    let (status, answer) = world.clients.post(node, body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer.get("assignee"), None);
    Transaction::from_document(answer).unwrap()
}

#[tokio::test]
async fn a_federation_of_them_decides_a_create_and_a_transfer() {
    let world = original(3).await;
    let [alice, bob, carol] = [20, 21, 22].map(|seed| Keypair::from_seed([seed; 32]));
    let asset = accepted(&world, 0, create(&alice, "an asset")).await;
    for node in 0..3 {
        world.clients.until_status(node, asset.id().as_str(), "valid").await;
    }
    let passed_on = transfer(&asset, &alice, &bob);
    let echoed = accepted(&world, 1, passed_on.document().to_string()).await;
    assert_eq!(echoed.document(), passed_on.document());
    for node in 0..3 {
        world.clients.until_status(node, passed_on.id().as_str(), "valid").await;
    }
    // What is decided gets the same answer again, and a second spender no reason.
    accepted(&world, 2, passed_on.document().to_string()).await;
    let rival = transfer(&asset, &alice, &carol).document().to_string();
    let (status, refused) = world.clients.post(2, rival).await;
    let message = refused.get("message").and_then(Json::as_str);
    assert_eq!((status, message), (400, Some("Invalid transaction")));
    // Nobody keeps a list, and no place of it is used but to agree on genesis.
    let tables = world.store.tables().await.unwrap();
    assert_eq!(tables["positions"].len(), 1);
}

#[tokio::test]
async fn what_they_fall_over_hurts_nobody_else() {
    let world = original(1).await;
    let alice = Keypair::from_seed([20; 32]);
    let address = world.federation.addresses()[0];
    for _ in 0..100 {
        let reply = Request::post("{}").send(address).await;
        assert_eq!(
            (reply.status, &*reply.body),
            (500, "{\"message\": \"Internal Server Error\"}\n")
        );
    }
    let asset = accepted(&world, 0, create(&alice, "an asset")).await;
    world.clients.until_status(0, asset.id().as_str(), "valid").await;
}

#[tokio::test]
async fn what_a_script_asks_for_is_not_indented() {
    let world = original(1).await;
    let address = world.federation.addresses()[0];
    let reply = Request::new("GET", "/").send(address).await;
    assert!(reply.body.starts_with("{\n  \"api_endpoint\": \"http://"), "{}", reply.body);
    let request = Request::new("GET", "/").with_field("X-Requested-With", "XMLHttpRequest");
    let reply = request.send(address).await;
    assert!(reply.body.starts_with("{\"api_endpoint\": \"http://"), "{}", reply.body);
}

/// The program itself, told so by its configuration.
#[tokio::test]
async fn the_program_runs_by_them() {
    let home = tempfile::tempdir().unwrap();
    let mut command = embedded(home.path());
    command.env("BIGCHAINDB_CONSENSUS_PLUGIN", "v0.6.0");
    let node = Serving::start(command);
    let clients = Clients::new(&[node.api()]);
    let alice = Keypair::from_seed([20; 32]);
    let (status, asset) = clients.post(0, create(&alice, "an asset")).await;
    assert_eq!(status, 200, "{asset}");
    clients.until_status(0, asset.get("id").unwrap().as_str().unwrap(), "valid").await;
    assert_eq!(node.stop(), 0);
}

/// What the original said to bodies and paths that are wrong in odd ways, as it was asked: the body's
/// `input`, or what stands for `data`, or a path; and the status.
const ODDITIES: &str = r#"
    input | {"txid":"x","cid":0}                 | 400
    input | {"txid":1,"cid":0}                   | 400
    input | {"txid":[[1]],"cid":0}               | 400
    input | {"txid":null,"cid":0}                | 500
    input | {"txid":[null],"cid":0}              | 500
    input | {"txid":{"a":1},"cid":0}             | 500
    input | {"txid":"a\u0000b","cid":0}          | 500
    input | {"txid":"LONG","cid":0}              | 500
    input | {"txid":NaN,"cid":0}                 | 400
    input | {"txid":"ASSET","cid":0,"more":NaN}  | 400
    input | {"txid":"ASSET","cid":1}             | 400
    input | {"cid":0}                            | 500
    data  | null                                 | 200
    data  | []                                   | 200
    data  | "x"                                  | 200
    data  | ["x"]                                | 200
    data  | {"more":1}                           | 200
    data  | 1                                    | 500
    data  | true                                 | 500
    data  | NaN                                  | 500
    data  | "a payload"                          | 500
    data  | ["payload"]                          | 500
    data  | {"payload":{"a":NaN}}                | 500
    path  | LONG                                 | 500
    path  | LONG/status                          | 500
    path  | x                                    | 404
"#;

#[tokio::test]
async fn what_is_odd_is_answered_as_it_was() {
    let world = original(1).await;
    let alice = Keypair::from_seed([20; 32]);
    let asset = accepted(&world, 0, create(&alice, "an asset")).await;
    world.clients.until_status(0, asset.id().as_str(), "valid").await;
    let address = world.federation.addresses()[0];
    let long = "x".repeat(128);
    for line in ODDITIES.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [kind, odd, status] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("three cells: {line}")
        };
        let odd = odd.replace("LONG", &long).replace("ASSET", asset.id().as_str());
        let path = format!("/api/v1/transactions/{odd}");
        let body = match kind {
            "input" => format!(
                r#"{{"id":"y","transaction":{{"operation":"TRANSFER","fulfillments":[{{"input":{odd}}}]}}}}"#
            ),
            _ => format!(
                r#"{{"transaction":{{"operation":"CREATE","data":{odd},"fulfillments":[{{"owners_before":["{}"]}}]}}}}"#,
                alice.public()
            ),
        };
        let request = if kind == "path" { Request::new("GET", &path) } else { Request::post(body) };
        let reply = request.send(address).await;
        assert_eq!(reply.status.to_string(), status, "{line}: {}", reply.body);
    }
}
