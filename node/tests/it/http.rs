//! The HTTP API of a single node.

use bigchaindb::http::Service;
use bigchaindb_core::model::{Json, Keypair};

use crate::support::{common, create, transfer, world};

#[tokio::test]
async fn a_create_is_accepted_decided_and_read_back() {
    let world = world(1, common()).await;
    let clients = &world.clients;
    let alice = Keypair::from_seed([20; 32]);
    let (status, accepted) = clients.post(0, create(&alice, "an asset")).await;
    assert_eq!(status, 201);
    let key = world.federation.node(0).unwrap().key().clone();
    assert_eq!(accepted.get("assignee").and_then(Json::as_str), Some(key.as_str()));

    let id = accepted.get("id").and_then(Json::as_str).unwrap();
    clients.until_status(0, id, "valid").await;
    let (status, found) = clients.get(0, &format!("/api/v1/transactions/{id}/")).await;
    assert_eq!(status, 200);
    assert_eq!(found.get("assignee"), None);
    assert_eq!(found.get("transaction"), accepted.get("transaction"));
    // The node signed its own CREATE of what was posted.
    let body = found.get("transaction").unwrap();
    let signer = &body.get("fulfillments").unwrap().as_array().unwrap()[0];
    assert_eq!(signer.get("owners_before").unwrap().to_string(), format!("[\"{key}\"]"));
}

#[tokio::test]
async fn an_output_is_spent_once() {
    let world = world(1, common()).await;
    let clients = &world.clients;
    let [alice, bob, carol] = [20, 21, 22].map(|seed| Keypair::from_seed([seed; 32]));
    let asset = clients.create(0, &alice, "an asset").await;
    let passed_on = transfer(&asset, &alice, &bob);
    let text = passed_on.document().to_string();
    assert_eq!(clients.post(0, text.clone()).await.0, 201);
    clients.until_status(0, passed_on.id().as_str(), "valid").await;
    // The same again is the same; another is too late.
    assert_eq!(clients.post(0, text).await.0, 201);
    let rival = transfer(&asset, &alice, &carol);
    let (status, refused) = clients.post(0, rival.document().to_string()).await;
    assert_eq!(status, 400);
    let message = refused.get("message").and_then(Json::as_str).unwrap();
    assert!(message.contains(passed_on.id().as_str()), "{message}");
    assert_eq!(clients.status(0, rival.id().as_str()).await, None);
}

/// Method, path, body; the answer's status and, of its head, what must be in it.
const REQUESTS: &str = "
    GET     /                                     |             | 200 content-type: application/json
    GET     /nothing                              |             | 404
    GET     /api/v1/transactions/                 |             | 405 allow: POST, OPTIONS
    PUT     /api/v1/transactions                  |             | 405 allow: POST, OPTIONS
    POST    /                                     |             | 405 allow: GET, HEAD, OPTIONS
    DELETE  /api/v1/transactions/ID               |             | 405 allow: GET, HEAD, OPTIONS
    POST    /api/v1/transactions/ID/status        |             | 405 allow: GET, HEAD, OPTIONS
    OPTIONS /api/v1/transactions/                 |             | 200 allow: POST, OPTIONS
    GET     /api/v1/transactions/ID               |             | 404
    GET     /api/v1/transactions/ID/              |             | 404
    HEAD    /api/v1/transactions/ID               |             | 404
    GET     /api/v1/transactions/ID/status        |             | 404
    GET     /api/v1/transactions/ID/status/       |             | 404
    GET     /api/v1/transactions/%00              |             | 404
    GET     /api/v1/transactions/..               |             | 404
    POST    /api/v1/transactions/                 |             | 400
    POST    /api/v1/transactions                  | {           | 400
    POST    /api/v1/transactions/                 | []          | 400
    POST    /api/v1/transactions/                 | 1           | 400
    POST    /api/v1/transactions/                 | NaN         | 400
    POST    /api/v1/transactions/                 | {}          | 400
    POST    /api/v1/transactions/                 | {'id':'x'}  | 400
    POST    /api/v1/transactions/                 | {'id':'x','transaction':{}} | 400
    POST    /api/v1/transactions/                 | {'transaction':{'operation':'CREATE'}} | 400
    POST    /api/v1/transactions/                 | {'id':'x','transaction':{'operation':'TRANSFER','fulfillments':3}} | 400
    POST    /api/v1/transactions/                 | {'id':'x','transaction':{'operation':'GENESIS'}} | 400
";

#[tokio::test]
async fn every_request_has_its_answer() {
    let world = world(1, common()).await;
    for line in REQUESTS.lines().filter(|line| !line.trim().is_empty()) {
        let [request, body, answer] =
            line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap();
        let (request, body) = (request.replace("ID", &"ab".repeat(32)), body.replace('\'', "\""));
        let request = request.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = body.len();
        let head = "host: n1\r\nconnection: close";
        let text =
            format!("{request} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        let got = world.clients.raw(0, &text).await;
        let (status, header) = answer.split_once(' ').unwrap_or((answer, ""));
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{line}\n{got}");
        let (head, body) = got.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(header), "{line}\n{got}");
        let is_error = status.starts_with('4') && !request.starts_with("HEAD");
        if is_error {
            let body = Json::parse(body.as_bytes()).unwrap();
            assert_eq!(body.get("status").unwrap().to_string(), status, "{line}");
            let message = body.get("message").and_then(Json::as_str).unwrap();
            assert!(!message.is_empty(), "{line}");
        }
    }
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let world = world(1, common()).await;
    let most = Service::default().body_bytes;
    let (status, _) = world.clients.post(0, vec![b' '; most]).await;
    assert_eq!(status, 400);
    let (status, body) = world.clients.post(0, vec![b' '; most + 1]).await;
    assert_eq!(status, 413);
    assert!(body.get("message").and_then(Json::as_str).unwrap().contains("1048576"));
}

#[tokio::test]
async fn a_node_says_who_it_is() {
    let world = world(3, common()).await;
    let keys: Vec<_> =
        (0..3).map(|node| world.federation.node(node).unwrap().key().to_string()).collect();
    let (status, about) = world.clients.get(1, "/").await;
    assert_eq!(status, 200);
    let address = world.federation.addresses()[1];
    let wanted = format!(
        "{{\"api_endpoint\":\"http://{address}/api/v1\",\"keyring\":[\"{}\",\"{}\"],\
         \"public_key\":\"{}\",\"software\":\"BigchainDB\",\"version\":\"0.6.0\"}}",
        keys[0], keys[2], keys[1]
    );
    assert_eq!(about.to_string(), wanted);
}
