//! Ten thousand requests that are wrong in one way or another: nothing falls over, the node goes on
//! deciding transactions, and its memory stays where it was.
//!
//! `HTTP_REQUESTS` says how many, `HTTP_SEED` which ones; a failure names the seed.

mod draw;
mod mutate;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Json, Keypair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::exchange::{Reply, Request};
use crate::program::{Serving, embedded};
use crate::support::{Clients, PATIENCE, create, transfer};
use draw::Draw;
use mutate::Sent;

/// Requests, unless told otherwise.
const REQUESTS: u64 = 10_000;

/// Connections at once.
const AT_ONCE: usize = 32;

/// How much more memory the node may hold after the second half of the requests than after the
/// first, for each document that it accepted (its row in the store's memory, its place in a block,
/// what is remembered of its check) and beside them (what an allocator keeps of the largest
/// documents, so many at once).
const GROWTH_BYTES_MAX: [u64; 2] = [8 << 10, 16 << 20];

/// What may be answered to something wrong; 200 and 201 if it was not that wrong, and
/// [`TOO_SLOW`].
const STATUSES: [u16; 10] = [200, 201, 400, 404, 405, 408, 413, 414, 431, TOO_SLOW];

/// Answered where this machine's disk took longer than the second that the node is given here: that
/// is no harm, as long as it is rare (one in twenty at most). The transaction may have been accepted all the same.
const TOO_SLOW: u16 = 503;

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_harm_nothing() {
    let seed = from_environment("HTTP_SEED", 1);
    let requests = from_environment("HTTP_REQUESTS", REQUESTS);
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let mut command = embedded(home.path());
    command.env("BIGCHAINDB_SERVER_TIMEOUT", "1").stderr(File::create(&log).unwrap());
    let mut node = Serving::start(command);
    let address = node.api();
    let clients = Clients::new(&[address]);
    let [alice, bob] = [20, 21].map(|seed| Keypair::from_seed([seed; 32]));
    let asset = clients.create(0, &alice, "an asset").await;
    let models: Arc<[Json; 2]> = Arc::new([
        Json::parse(create(&alice, "another").as_bytes()).unwrap(),
        transfer(&asset, &alice, &bob).document().clone(),
    ]);

    let half = requests / 2;
    let mut statuses = send_all(address, &models, seed, 0..half).await;
    let before = node.resident();
    let second = send_all(address, &models, seed, half..requests).await;
    let accepted: u64 =
        [201, TOO_SLOW].iter().filter_map(|status| second.get(&Some(*status))).sum();
    for (status, count) in second {
        *statuses.entry(status).or_default() += count;
    }
    let growth = node.resident().saturating_sub(before);
    println!("{statuses:?}, {before} bytes after the first half, {growth} more after the second");

    assert!(node.is_running(), "seed {seed}: the node ended");
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains("panicked"), "seed {seed}: {log}");
    let [each, beside] = GROWTH_BYTES_MAX;
    assert!(growth <= accepted * each + beside, "seed {seed}: {growth} bytes for {accepted}");
    // A kind that is never refused, or never gets through, tests nothing.
    for status in [201, 400, 404, 405, 408, 413] {
        assert!(requests < REQUESTS || statuses.contains_key(&Some(status)), "{statuses:?}");
    }
    let count = |status| statuses.get(&Some(status)).copied().unwrap_or_default();
    assert!(count(TOO_SLOW) * 20 <= requests, "{statuses:?}");
    let after = clients.create(0, &alice, "after").await;
    let passed_on = transfer(&after, &alice, &bob);
    let (status, body) = clients.post(0, passed_on.document().to_string()).await;
    assert_eq!(status, 201, "{body}");
    clients.until_status(0, passed_on.id().as_str(), "valid").await;
    assert_eq!(node.stop(), 0);
}

/// Sends the requests of these numbers; how often there was which answer, or none.
async fn send_all(
    address: SocketAddr,
    models: &Arc<[Json; 2]>,
    seed: u64,
    numbers: std::ops::Range<u64>,
) -> BTreeMap<Option<u16>, u64> {
    let mut statuses = BTreeMap::new();
    let mut sending = JoinSet::new();
    for number in numbers {
        if sending.len() == AT_ONCE {
            let status = sending.join_next().await.unwrap().unwrap();
            *statuses.entry(status).or_default() += 1;
        }
        let models = models.clone();
        sending.spawn(async move {
            let sent = mutate::request(&mut Draw::new(seed, number), &models);
            let status = exchange(address, &sent).await;
            let known = status.is_none_or(|status| STATUSES.contains(&status));
            // Only what is no whole request may stay without an answer.
            let silent = status.is_none() && sent.is_whole;
            let shown =
                String::from_utf8_lossy(&sent.bytes[..sent.bytes.len().min(600)]).into_owned();
            assert!(known && !silent, "seed {seed}, request {number}: {status:?} to {shown}");
            status
        });
    }
    while let Some(status) = sending.join_next().await {
        *statuses.entry(status.unwrap()).or_default() += 1;
    }
    statuses
}

async fn exchange(address: SocketAddr, sent: &Sent) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for piece in sent.bytes.chunks(sent.piece) {
        // Whoever is refused before the end may be cut off there.
        if stream.write_all(piece).await.is_err() {
            break;
        }
        if sent.piece < sent.bytes.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    if sent.hangs_up {
        let _ = stream.shutdown().await;
    }
    let reply = tokio::time::timeout(PATIENCE, Reply::read(&mut stream)).await;
    reply.expect("an answer, or the end").map(|reply| reply.status)
}

/// The same request has the same answer, for whoever looks for the one that failed.
#[test]
fn a_number_names_a_request() {
    let model = Json::parse(create(&Keypair::from_seed([20; 32]), "x").as_bytes()).unwrap();
    let models = [model.clone(), model];
    let bytes = |number| mutate::request(&mut Draw::new(1, number), &models).bytes;
    assert!((0..100).all(|number| bytes(number) == bytes(number)));
    assert!(bytes(1) != bytes(2));
    assert!(Request::post("x").bytes().ends_with(b"x"));
}
