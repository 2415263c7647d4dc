//! The client driver: what the documentation shows, and what it does when nodes do not answer.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bigchaindb::client::{Client, ClientError, Retries};
use bigchaindb::config::{Environment, NodeConfig, load};
use bigchaindb_core::model::{Json, Keypair, Output};
use bigchaindb_core::rules::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{ANYWHERE, PATIENCE, World, common, world};

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}/api/v1")
}

fn endpoints(world: &World) -> Vec<String> {
    world.federation.addresses().into_iter().map(endpoint).collect()
}

fn user(number: u8) -> Keypair {
    Keypair::from_seed([100 + number; 32])
}

/// Quick to go on.
fn hasty(attempts: usize) -> Retries {
    Retries { attempts, pause: Duration::from_millis(1), timeout: PATIENCE }
}

fn configured(variables: &[(&str, &str)]) -> NodeConfig {
    let environment: Environment =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    load(Some(Path::new("/nowhere/at/all")), &environment).unwrap().settings.node().unwrap()
}

/// Where nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind(ANYWHERE).await.unwrap().local_addr().unwrap()
}

/// A node that reads a request and then answers so, or not at all; how often it was asked.
async fn odd_node(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(ANYWHERE).await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1 << 16];
            if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    (address, asked)
}

#[tokio::test]
async fn an_asset_is_made_and_passed_on() {
    let world = world(2, common()).await;
    let c1 = Client::new(user(1), &endpoints(&world)).await.unwrap();
    let c2 = c1.with_keypair(user(2));
    let payload = Json::object([("msg", "Hello BigchainDB!".into())]);
    let made = c1.create(payload.clone()).await.unwrap();
    assert!(made.assignee.is_some());
    assert_eq!(made.transaction.body().get("data").unwrap().get("payload"), Some(&payload));
    let owners = made.transaction.conditions()[0].get("owners_after").unwrap();
    assert_eq!(*owners, vec![Json::from(user(1).public().as_str())].into());
    c1.wait_for(made.transaction.id(), Status::Valid, PATIENCE).await.unwrap();

    let input = Output { txid: made.transaction.id().clone(), cid: 0, oddity: None };
    let owner = user(2).public().to_string();
    let passed_on = c1.transfer(&owner, &input, Json::Null).await.unwrap();
    c2.wait_for(passed_on.transaction.id(), Status::Valid, PATIENCE).await.unwrap();
    let found = c2.get(passed_on.transaction.id()).await.unwrap().unwrap();
    assert_eq!(found, passed_on.transaction);

    let again = c1.push(&passed_on.transaction).await.unwrap();
    assert_eq!((again.transaction, again.assignee), (found, None));
    let refused = c1.transfer(&owner, &input, Json::Null).await.unwrap_err();
    let ClientError::Refused { status: 400, reason, .. } = &refused else { panic!("{refused}") };
    assert!(reason.contains("was already spent"), "{reason}");
    let stranger = c2.transfer(&owner, &input, Json::Null).await.unwrap_err();
    assert_eq!(stranger.class(), "KeypairMismatchException");
    world.federation.stop().await.unwrap();
}

#[tokio::test]
async fn what_can_be_repeated_goes_to_the_next_node() {
    let world = world(1, common()).await;
    let good = world.federation.addresses()[0];
    let (broken, _) = odd_node("").await;
    let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let (busy, _) = odd_node(busy).await;
    let c = Client::new(user(1), &[endpoint(good)]).await.unwrap();
    let made = c.create(Json::Null).await.unwrap().transaction;
    c.wait_for(made.id(), Status::Valid, PATIENCE).await.unwrap();
    for bad in [nobody().await, broken, busy] {
        let both = [endpoint(bad), endpoint(good)];
        let c = Client::new(user(1), &both).await.unwrap().with_retries(hasty(4));
        let found = c.get(made.id()).await.unwrap();
        assert_eq!(found.as_ref(), Some(&made));
        let c = Client::new(user(1), &both).await.unwrap().with_retries(hasty(4));
        let input = Output { txid: made.id().clone(), cid: 0, oddity: None };
        let draft = bigchaindb_core::model::Draft::transfer(
            vec![user(1).public().to_string()],
            vec![user(2).public().to_string()],
            vec![input],
            "the same each time",
            1_472_731_200,
        );
        let signed = c.sign(&draft.transaction().unwrap(), &[&user(1)]).await.unwrap();
        let c = Client::new(user(1), &both).await.unwrap().with_retries(hasty(4));
        let posted = c.push(&signed).await.unwrap();
        assert_eq!(*posted.transaction, signed);
    }
    world.federation.stop().await.unwrap();
}

#[tokio::test]
async fn a_create_is_repeated_only_if_nobody_saw_it() {
    let world = world(1, common()).await;
    let good = world.federation.addresses()[0];
    let both = [endpoint(nobody().await), endpoint(good)];
    let c = Client::new(user(1), &both).await.unwrap().with_retries(hasty(4));
    c.create(Json::Null).await.unwrap();

    let (broken, asked) = odd_node("").await;
    let both = [endpoint(broken), endpoint(good)];
    let c = Client::new(user(1), &both).await.unwrap().with_retries(hasty(4));
    let unsure = c.create(Json::Null).await.unwrap_err();
    assert!(matches!(unsure, ClientError::Unsure { .. }), "{unsure}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    world.federation.stop().await.unwrap();
}

#[tokio::test]
async fn attempts_and_waits_end() {
    let (busy, asked) = odd_node(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let c = Client::new(user(1), &[endpoint(busy)]).await.unwrap().with_retries(hasty(3));
    let id = "0".repeat(64).into();
    let failed = c.get(&id).await.unwrap_err();
    let ClientError::NoAnswer { attempts: 3, reason, .. } = &failed else { panic!("{failed}") };
    assert!(reason.starts_with("503"), "{reason}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    let world = world(1, common()).await;
    let c = Client::new(user(1), &endpoints(&world)).await.unwrap();
    let late = c.wait_for(&id, Status::Valid, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(late, ClientError::TooLate { last: None, .. }), "{late}");
    let input = Output { txid: id, cid: 0, oddity: None };
    let lost = c.transfer(user(2).public().as_str(), &input, Json::Null).await.unwrap_err();
    assert!(matches!(lost, ClientError::NotFound(_)), "{lost}");
    let (odd, _) = odd_node("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
    let c = Client::new(user(1), &[endpoint(odd)]).await.unwrap().with_retries(hasty(1));
    let nonsense = c.create(Json::Null).await.unwrap_err();
    assert!(matches!(nonsense, ClientError::Odd(_)), "{nonsense}");
    world.federation.stop().await.unwrap();
}

#[tokio::test]
async fn keys_and_endpoint_come_from_the_configuration() {
    let private = user(1).private();
    let endpoint = ("BIGCHAINDB_API_ENDPOINT", "http://127.0.0.1:9984/api/v1/");
    let config = configured(&[("BIGCHAINDB_KEYPAIR_PRIVATE", &private), endpoint]);
    let c = Client::configured(&config).await.unwrap();
    assert_eq!(c.keypair().public(), user(1).public());
    let keyless = configured(&[endpoint]);
    let refused = Client::configured(&keyless).await.unwrap_err();
    assert_eq!(refused.class(), "KeypairNotFoundException");
    let [one, other] =
        [Client::temporary(&keyless).await.unwrap(), Client::temporary(&keyless).await.unwrap()];
    assert_ne!(one.keypair().public(), other.keypair().public());
    for wrong in ["localhost:9984", "https://localhost", "http:///api", "http://h/api?x=1"] {
        let refused = Client::new(user(1), &[wrong]).await.unwrap_err();
        assert!(matches!(refused, ClientError::Endpoint { .. }), "{wrong}: {refused}");
    }
    assert!(Client::new(user(1), &[""; 0]).await.is_err());
}
