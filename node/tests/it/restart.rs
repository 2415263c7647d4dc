//! A federation in a process of its own, killed and started again on the same folder.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_load::client::Call;
use tokio::task::JoinSet;

use crate::support::{ANYWHERE, Clients, PATIENCE, common, create};

/// Names the folder to the child process.
const FOLDER: &str = "BIGCHAINDB_TEST_FOLDER";

/// What the child says before each address.
const LISTENS: &str = "listens on ";

/// How many nodes.
const NODES: usize = 3;

/// How often the federation is killed.
const KILLS: u64 = 3;

/// It is killed once so many transactions were acknowledged.
const ACKNOWLEDGED: u64 = 100;

/// Clients at once.
const CLIENTS: u64 = 8;

/// Not a test: what the child process runs. Without a folder there is nothing to do.
#[tokio::test]
async fn serves_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    // Nobody reads what it prints, once it has said where it listens.
    let common = Common { on_report: Arc::new(|_, _| {}), ..common() };
    let federation = LocalFederation::open(Path::new(&folder), &common, &[ANYWHERE; NODES]).await;
    for address in federation.as_ref().unwrap().addresses() {
        println!("\n{LISTENS}{address}");
    }
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sigkill_every_acknowledged_transaction_is_there_and_decided() {
    let folder = tempfile::tempdir().unwrap();
    let owner = Arc::new(Keypair::from_seed([20; 32]));
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let (mut child, addresses) = serve(folder.path());
        acknowledged.extend(load_and_kill(&mut child, &addresses, &owner, round).await);
    }
    assert!(acknowledged.len() as u64 >= KILLS * ACKNOWLEDGED);
    let (mut child, addresses) = serve(folder.path());
    let clients = Clients::new(&addresses);
    for id in &acknowledged {
        for node in 0..NODES {
            clients.until_status(node, id, "valid").await;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts a federation in a process of its own.
fn serve(folder: &Path) -> (Child, Vec<SocketAddr>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restart::serves_until_killed", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = |line: std::io::Result<String>| {
        line.unwrap().strip_prefix(LISTENS).map(|address| address.parse().unwrap())
    };
    let addresses: Vec<_> = lines.filter_map(address).take(NODES).collect();
    assert_eq!(addresses.len(), NODES, "the child ended before it listened");
    (child, addresses)
}

/// Posts to all nodes at once and kills the federation in the middle of it; the acknowledged ids.
async fn load_and_kill(
    child: &mut Child,
    addresses: &[SocketAddr],
    owner: &Arc<Keypair>,
    round: u64,
) -> Vec<String> {
    let clients = Arc::new(Clients::new(addresses));
    let count = Arc::new(AtomicU64::new(0));
    let mut posting = JoinSet::new();
    for client in 0..CLIENTS {
        let (clients, owner, count) = (clients.clone(), owner.clone(), count.clone());
        posting.spawn(async move {
            let mut ids = Vec::new();
            for number in 0.. {
                let text = create(&owner, &format!("{round} {client} {number}"));
                let node = usize::try_from(number).unwrap() % NODES;
                let Ok(answer) = clients.call(node, Call::Post(text.into()), PATIENCE).await else {
                    break;
                };
                // A federation that has just started may not know its genesis yet.
                if answer.status == 201 {
                    let body = Json::parse(&answer.body).unwrap();
                    ids.push(body.get("id").and_then(Json::as_str).unwrap().to_owned());
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            ids
        });
    }
    while count.load(Ordering::Relaxed) < ACKNOWLEDGED {
        assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    posting.join_all().await.concat()
}
