//! The bounds of the HTTP API: in time, in size, in number; and what happens at its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigchaindb::federation::Common;
use bigchaindb::http::Service;
use bigchaindb::shell::{NodeHandle, Setup};
use bigchaindb::store::{CuttableStore, EmbeddedStore, Link};
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::stages::{Report, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exchange::{Reply, Request};
use crate::program::{Serving, embedded};
use crate::support::{ANYWHERE, Clients, PATIENCE, common, create, setup};

/// Soon.
const SOON: Duration = Duration::from_millis(200);

/// A node, the link to its store, and what it had to tell.
struct Node {
    handle: NodeHandle,
    clients: Clients,
    link: Link,
    troubles: Arc<Mutex<Vec<String>>>,
}

/// A node that serves so.
async fn serving(service: Service, settings: Settings) -> Node {
    serving_with(service, Common { settings, ..common() }).await
}

async fn serving_with(service: Service, common: Common) -> Node {
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let heard = troubles.clone();
    let on_report = Arc::new(move |_, report| {
        if let Report::Trouble(line) = report {
            heard.lock().unwrap().push(line);
        }
    });
    let link = Link::default();
    let store = CuttableStore::new(Arc::new(EmbeddedStore::in_memory()), link.clone());
    let common = Common { on_report, ..common };
    let keypair = Keypair::from_seed([1; 32]);
    let setup = Setup { service, ..setup(Arc::new(store), common, keypair, vec![]) };
    let handle = NodeHandle::start(setup, ANYWHERE).await.unwrap();
    let clients = Clients::new(&[handle.address()]);
    Node { handle, clients, link, troubles }
}

fn usual() -> Settings {
    common().settings
}

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

/// What comes back when the first so many bytes of a request were sent, and no more.
async fn after(node: &Node, request: &Request<'_>, bytes: usize) -> Option<Reply> {
    let mut stream = TcpStream::connect(node.handle.address()).await.unwrap();
    stream.write_all(&request.bytes()[..bytes]).await.unwrap();
    tokio::time::timeout(PATIENCE, Reply::read(&mut stream)).await.expect("it is cut off")
}

#[tokio::test]
async fn a_body_that_does_not_come_is_cut_off() {
    let service = Service { body_timeout: SOON, ..Service::default() };
    let node = serving(service, usual()).await;
    let request = Request::post(create(&alice(), "slow")).with_field("x-request-id", "slow-1");
    let whole = request.bytes().len();
    let reply = after(&node, &request, whole - 1).await.unwrap();
    assert_eq!((reply.status, reply.field("connection")), (408, "close"));
    assert_eq!(reply.message(), "the body was not there within 200 ms");
    let told = node.troubles.lock().unwrap().clone();
    let line =
        "request slow-1: POST /api/v1/transactions/: 408: the body was not there within 200 ms";
    assert!(told.iter().any(|told| told == line), "{told:?}");
    // Not even a byte now and then keeps it open.
    let mut stream = TcpStream::connect(node.handle.address()).await.unwrap();
    let bytes = request.bytes();
    let head = bytes.len() - create(&alice(), "slow").len();
    stream.write_all(&bytes[..head]).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = async {
        for byte in &bytes[head..bytes.len() - 1] {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(SOON / 20).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 12];
    tokio::select! {
        () = trickle => unreachable!("it never ends"),
        read = tokio::time::timeout(PATIENCE, reading.read_exact(&mut answer)) => drop(read.unwrap().unwrap()),
    }
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_cut_off() {
    let service = Service { head_timeout: SOON, ..Service::default() };
    let node = serving(service, usual()).await;
    let request = Request::new("GET", "/");
    for bytes in [0, 1, 20, request.bytes().len() - 1] {
        assert!(after(&node, &request, bytes).await.is_none(), "{bytes} bytes are no request");
    }
    assert_eq!(request.send(node.handle.address()).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let service = Service { request_timeout: SOON, ..Service::default() };
    let common = Common { query_timeout: PATIENCE, ..common() };
    let node = serving_with(service, common).await;
    node.link.cut();
    let request = Request::post(create(&alice(), "waits")).with_field("x-request-id", "waits-1");
    let reply = request.send(node.handle.address()).await;
    assert_eq!((reply.status, reply.field("retry-after")), (503, "1"));
    assert_eq!(reply.message(), "no answer within 200 ms");
    let told = node.troubles.lock().unwrap().clone();
    assert!(told.iter().any(|line| line.starts_with("request waits-1: POST ")), "{told:?}");
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let node = serving(Service::default(), usual()).await;
    let id_of = async |brought: &str| {
        let request = Request::new("GET", "/").with_field("X-Request-Id", brought);
        request.send(node.handle.address()).await.field("x-request-id").to_owned()
    };
    assert_eq!(id_of("7f-A.1").await, "7f-A.1");
    let too_long = "x".repeat(129);
    for odd in ["", "a b", "a\tb", "\"x\"", &too_long] {
        let made = id_of(odd).await;
        assert!(made.len() == 36 && made != odd, "{odd}: {made}");
    }
    assert_ne!(id_of("").await, id_of("").await);
}

#[tokio::test]
async fn heads_have_their_limits() {
    let service = Service { line_bytes: 1000, fields: 20, ..Service::default() };
    let node = serving(service, usual()).await;
    let address = node.handle.address();
    let path = format!("/{}", "x".repeat(999));
    assert_eq!(Request::new("GET", &path).send(address).await.status, 404);
    let reply = Request::new("GET", &format!("{path}x")).send(address).await;
    assert_eq!((reply.status, &*reply.message()), (414, "a path may have 1000 bytes at most"));
    let mut many = Request::new("GET", "/");
    many.fields = vec![("a", "b"); 30];
    assert_eq!(many.send(address).await.status, 431);
    let long = "x".repeat(70_000);
    assert_eq!(Request::new("GET", "/").with_field("a", &long).send(address).await.status, 431);
}

#[tokio::test]
async fn all_bodies_together_have_their_limit() {
    let service = Service { bodies_bytes: 10_000, ..Service::default() };
    let node = serving(service, usual()).await;
    let address = node.handle.address();
    let mut holding = TcpStream::connect(address).await.unwrap();
    let large = Request::post(vec![b' '; 9_000]);
    let bytes = large.bytes();
    holding.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    // As soon as it is read, there is no room for another.
    let turned_away = async {
        loop {
            let reply = large.send(address).await;
            if reply.status == 503 {
                return reply;
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, turned_away).await.unwrap();
    assert_eq!(
        (&*reply.message(), reply.field("retry-after")),
        ("too many large requests are under way", "1")
    );
    assert_eq!(Request::post("{").send(address).await.status, 400);
    holding.write_all(b" ").await.unwrap();
    assert_eq!(Reply::read(&mut holding).await.unwrap().status, 400);
    assert_eq!(large.send(address).await.status, 400);
}

#[tokio::test]
async fn more_connections_than_are_kept_wait() {
    let service = Service { connections: 2, ..Service::default() };
    let node = serving(service, usual()).await;
    let address = node.handle.address();
    let first = TcpStream::connect(address).await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    let request = Request::new("GET", "/");
    let third = request.send(address);
    let closing = async {
        tokio::time::sleep(SOON).await;
        drop(first);
    };
    let (reply, ()) = tokio::join!(third, closing);
    assert_eq!(reply.status, 200);
    drop(second);
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_waits_until_it_is_taken_up() {
    // More than twice of what the standard library has room for.
    const CROWD: usize = 300;
    let service = Service { connections: 1, ..Service::default() };
    let node = serving(service, usual()).await;
    let address = node.handle.address();
    let first = TcpStream::connect(address).await.unwrap();
    let others: Vec<_> = (0..CROWD).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    // Nobody takes them up: for whom the listener has no place, there is no connection however long it tries.
    for other in others {
        let connected = tokio::time::timeout(PATIENCE, other).await;
        connected.expect("`net.core.somaxconn` has to be 300 or more").unwrap().unwrap();
    }
    drop(first);
    let reply = Request::new("GET", "/").send(address).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn requests_wait_for_a_place_but_not_for_ever() {
    let settings = Settings { requests: 1, ..usual() };
    let service = Service { line_wait: PATIENCE, ..Service::default() };
    let patient = serving(service, settings.clone()).await;
    let address = patient.handle.address();
    let post = |number: usize| {
        let body = create(&alice(), &number.to_string());
        tokio::spawn(async move { Request::post(body).send(address).await.status })
    };
    for posted in (0..8).map(post).collect::<Vec<_>>() {
        assert_eq!(posted.await.unwrap(), 201);
    }
    let service = Service { line_wait: SOON, ..Service::default() };
    let common = Common { query_timeout: PATIENCE, settings, ..common() };
    let stuck = serving_with(service, common).await;
    stuck.link.cut();
    take_all_places(&stuck, &format!("/api/v1/transactions/{}", "ab".repeat(32))).await;
    stuck.link.heal();
    until_served(&stuck).await;
    stuck.clients.create(0, &alice(), "after").await;
}

/// Sends requests that are not answered, until one is turned away at last.
async fn take_all_places(node: &Node, path: &str) {
    let request = Request::new("GET", path);
    let turned_away = async {
        loop {
            // One that took a place keeps it, though nobody waits for its answer any more.
            let sent = tokio::time::timeout(SOON * 2, request.send(node.handle.address()));
            if let Ok(reply) = sent.await {
                return reply;
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, turned_away).await.expect("there is a bound");
    assert_eq!((reply.status, reply.field("retry-after")), (503, "1"));
    assert_eq!(reply.message(), "too many requests are under way");
}

/// Waits until what was held up is answered, and there are places again.
async fn until_served(node: &Node) {
    let path = format!("/api/v1/transactions/{}", "ab".repeat(32));
    let request = Request::new("GET", &path);
    let served = async { while request.send(node.handle.address()).await.status != 404 {} };
    tokio::time::timeout(PATIENCE, served).await.expect("the places become free");
}

/// What was acknowledged is decided in the end, whatever became of the store meanwhile.
#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_store_is_cut() {
    let node = serving(Service::default(), usual()).await;
    let mut acknowledged = Vec::new();
    let mut turned_away = 0;
    for number in 0..40 {
        if number % 10 == 4 {
            node.link.cut();
        }
        let posted = node.clients.post(0, create(&alice(), &number.to_string())).await;
        match posted {
            (201, body) => acknowledged.push(body.get("id").unwrap().as_str().unwrap().to_owned()),
            (503, body) => {
                let message = body.get("message").and_then(Json::as_str).unwrap();
                assert_eq!(message, "no answer from the store: none within 300 ms");
                turned_away += 1;
            }
            other => panic!("{other:?}"),
        }
        if number % 10 == 6 {
            node.link.heal();
        }
    }
    assert_eq!((acknowledged.len(), turned_away), (28, 12));
    for id in &acknowledged {
        node.clients.until_status(0, id, "valid").await;
    }
}

#[tokio::test]
async fn a_node_that_is_overloaded_turns_away_and_recovers() {
    let settings = Settings { requests: 8, ..usual() };
    let common = Common { settings, query_timeout: PATIENCE, ..common() };
    let node = serving_with(Service::default(), common).await;
    let first = node.clients.create(0, &alice(), "first").await;
    node.link.cut();
    let status = format!("/api/v1/transactions/{}/status", first.id());
    take_all_places(&node, &status).await;
    // From now on everybody is told so at once, however many come.
    for _ in 0..200 {
        let reply = Request::new("GET", &status).send(node.handle.address()).await;
        assert_eq!((reply.status, &*reply.message()), (503, "too many requests are under way"));
    }
    // And the log has not a line for each.
    let told = node.troubles.lock().unwrap().len();
    assert!(told < 100, "{told} lines");
    node.link.heal();
    until_served(&node).await;
    node.clients.create(0, &alice(), "after").await;
}

/// SIGTERM: what is under way is answered, and nobody new is let in.
#[tokio::test]
async fn a_node_that_is_told_to_stop_answers_first() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Serving::start(embedded(home.path()));
    let address = node.api();
    let bytes = Request::post(create(&alice(), "last")).bytes();
    let mut under_way = TcpStream::connect(address).await.unwrap();
    under_way.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    // When this one is answered, those before it were let in.
    assert_eq!(Request::new("GET", "/").send(address).await.status, 200);
    node.terminate();
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, refused).await.expect("nobody new is let in");
    let mut nothing = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, idle.read_to_end(&mut nothing)).await.unwrap();
    assert!(nothing.is_empty() && node.is_running());
    under_way.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    assert_eq!(Reply::read(&mut under_way).await.unwrap().status, 201);
    assert_eq!(node.wait(), 0);
}

/// Gunicorn's names, from the environment to what they bound.
#[tokio::test]
async fn the_configuration_sets_the_bounds() {
    let home = tempfile::tempdir().unwrap();
    let mut command = embedded(home.path());
    command
        .env("BIGCHAINDB_SERVER_WORKERS", "2")
        .env("BIGCHAINDB_SERVER_THREADS", "1")
        .env("BIGCHAINDB_SERVER_TIMEOUT", "1")
        .env("BIGCHAINDB_SERVER_LIMIT_REQUEST_LINE", "100");
    let node = Serving::start(command);
    let address = node.api();
    let path = format!("/{}", "x".repeat(100));
    assert_eq!(Request::new("GET", &path).send(address).await.status, 414);
    let bytes = Request::post(create(&alice(), "slow")).bytes();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let reply = tokio::time::timeout(PATIENCE, Reply::read(&mut slow)).await.unwrap();
    assert_eq!(reply.unwrap().status, 408);
    Clients::new(&[address]).create(0, &alice(), "an asset").await;
    assert_eq!(node.stop(), 0);
}
