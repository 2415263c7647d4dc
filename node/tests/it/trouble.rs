//! Trouble that passes: whatever happens, what was acknowledged is there afterwards, and the node has
//! said what was wrong.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigchaindb::clock::{self, Machine, Source};
use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::http::Service;
use bigchaindb::metrics::{Metrics, Names, Rate};
use bigchaindb::record::Recorder;
use bigchaindb::shell::{NodeHandle, Setup};
use bigchaindb::store::{BoxFuture, EmbeddedStore, FeedStream, Store};
use bigchaindb_core::model::{Json, Keypair, NodeKey};
use bigchaindb_core::query::{Answer, Feed, Query, StoreError};
use bigchaindb_core::rules::Federation;
use bigchaindb_core::stages::{Config, Now, Report, Settings};
use bigchaindb_load::client::Call;
use tokio::task::JoinSet;

use crate::support::{ANYWHERE, Clients, PATIENCE, common, create};

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

fn keypairs(seeds: &[u8]) -> Vec<Keypair> {
    seeds.iter().map(|seed| Keypair::from_seed([*seed; 32])).collect()
}

/// What nodes said, in order.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<(usize, Report)>>>);

impl Said {
    fn hear(&self, node: usize, report: Report) {
        self.0.lock().unwrap().push((node, report));
    }

    /// Whether a node said something like this.
    fn has(&self, node: usize, like: impl Fn(&Report) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(|(other, report)| *other == node && like(report))
    }

    fn trouble(&self, node: usize, words: &str) -> bool {
        self.has(node, |report| matches!(report, Report::Trouble(text) if text.contains(words)))
    }
}

async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Clients that post until they are told to stop.
struct Load {
    posting: JoinSet<Vec<String>>,
    over: Arc<AtomicBool>,
}

impl Load {
    fn start(addresses: &[SocketAddr]) -> Self {
        let clients = Arc::new(Clients::new(addresses));
        let over = Arc::new(AtomicBool::new(false));
        let mut posting = JoinSet::new();
        for client in 0..4 {
            let (clients, over, nodes) = (clients.clone(), over.clone(), addresses.len());
            posting.spawn(async move {
                let mut accepted = Vec::new();
                for number in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let text = create(&alice(), &format!("{client} {number}"));
                    let call = Call::Post(text.into());
                    let answer = clients.call((client + number) % nodes, call, PATIENCE).await;
                    let answer = answer.unwrap();
                    match answer.status {
                        201 => {
                            let body = Json::parse(&answer.body).unwrap();
                            accepted.push(body.get("id").unwrap().as_str().unwrap().to_owned());
                        }
                        503 => tokio::time::sleep(Duration::from_millis(10)).await,
                        other => panic!("{other}"),
                    }
                }
                accepted
            });
        }
        Self { posting, over }
    }

    /// What was acknowledged.
    async fn stop(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        self.posting.join_all().await.concat()
    }
}

async fn all_valid(clients: &Clients, nodes: usize, ids: &[String]) {
    for id in ids {
        for node in 0..nodes {
            clients.until_status(node, id, "valid").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_goes_and_feeds_that_break_under_load_lose_nothing() {
    let said = Said::default();
    let heard = said.clone();
    let common =
        Common { on_report: Arc::new(move |node, report| heard.hear(node, report)), ..common() };
    let store = Arc::new(EmbeddedStore::in_memory());
    let federation =
        LocalFederation::start(store, &common, &keypairs(&[1, 2, 3]), &[ANYWHERE; 3]).await;
    let federation = federation.unwrap();
    let clients = Clients::new(&federation.addresses());
    clients.create(0, &alice(), "before").await;
    let load = Load::start(&federation.addresses());
    for _ in 0..10 {
        for node in 0..3 {
            federation.link(node).break_feeds();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("all say that their feeds ended", async || {
        (0..3).all(|node| said.trouble(node, "feed ended"))
    })
    .await;
    (0..3).for_each(|node| federation.link(node).cut());
    // Longer than any of them waits for an answer.
    for node in 0..3 {
        let text = create(&alice(), &format!("nowhere to put it {node}"));
        assert_eq!(clients.post(node, text).await.0, 503);
    }
    (0..3).for_each(|node| federation.link(node).heal());
    clients.create(1, &alice(), "after").await;
    let accepted = load.stop().await;
    assert!(accepted.len() > 10, "{}", accepted.len());
    all_valid(&clients, 3, &accepted).await;
}

/// A member of a federation over a store that others use, too, with a clock and chance of its own.
async fn member(
    store: &Arc<EmbeddedStore>,
    keypair: &Keypair,
    others: &[Keypair],
    node: usize,
    said: &Said,
    source: Arc<dyn Source>,
) -> NodeHandle {
    let Common { rules, settings, query_timeout, .. } = common();
    let settings = Settings { retry: Duration::from_millis(50), ..settings };
    let keyring: Vec<NodeKey> = others.iter().map(|other| other.public().clone()).collect();
    let federation = Federation::new(keypair.public().clone(), keyring);
    let config = Arc::new(Config { keypair: keypair.clone(), federation, settings });
    let said = said.clone();
    let on_report = Arc::new(move |report| said.hear(node, report));
    let (store, metrics, record) = (store.clone(), Metrics::default(), Recorder::default());
    let service = Service::default();
    let control = Default::default();
    let setup = Setup {
        config,
        rules,
        store,
        query_timeout,
        service,
        source,
        on_report,
        metrics,
        record,
        control,
    };
    NodeHandle::start(setup, ANYWHERE).await.unwrap()
}

/// A node with another keyring, or one that was never a member, says so; it neither speaks for the
/// chain nor harms it.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_does_not_fit_the_chain_is_named_and_harms_nothing() {
    let store = Arc::new(EmbeddedStore::in_memory());
    let said = Said::default();
    let members = keypairs(&[1, 2, 3]);
    let mut nodes = Vec::new();
    for (index, keypair) in members.iter().enumerate() {
        let others = members.iter().filter(|key| key.public() != keypair.public());
        let others: Vec<_> = others.cloned().collect();
        nodes.push(member(&store, keypair, &others, index, &said, Arc::new(Machine)).await);
    }
    let clients = Clients::new(&nodes.iter().map(NodeHandle::address).collect::<Vec<_>>());
    let before = clients.create(0, &alice(), "before").await;
    // One short, one too many, an outsider.
    let misfits: [(u8, &[u8]); 3] = [(3, &[1]), (3, &[1, 2, 4]), (9, &[1, 2, 3])];
    nodes.pop().unwrap().stop().await.unwrap();
    for (index, (own, others)) in misfits.into_iter().enumerate() {
        let own = Keypair::from_seed([own; 32]);
        let others = keypairs(others);
        let node = member(&store, &own, &others, 10 + index, &said, Arc::new(Machine)).await;
        until("it says so", async || {
            said.trouble(10 + index, "place 0 of the list begins no chain of this federation")
                && said.trouble(10 + index, "check the keyring")
        })
        .await;
        node.stop().await.unwrap();
    }
    let again = member(&store, &members[2], &members[..2], 2, &said, Arc::new(Machine)).await;
    let rejoined = Clients::new(&[again.address()]);
    rejoined.until_status(0, before.id().as_str(), "valid").await;
    let after = rejoined.create(0, &alice(), "after").await;
    clients.until_status(1, after.id().as_str(), "valid").await;
    clients.create(1, &alice(), "from another").await;
}

/// A clock that can be set, in milliseconds from the machine's.
#[derive(Default, Debug)]
struct Adjustable(AtomicI64);

impl Source for Adjustable {
    fn now(&self) -> Now {
        let Now { monotonic, unix_ms } = clock::now();
        Now { monotonic, unix_ms: unix_ms.saturating_add_signed(self.0.load(Ordering::Relaxed)) }
    }

    fn chance(&self, bytes: &mut [u8]) {
        Machine.chance(bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_delays_what_waits_and_loses_nothing() {
    let store = Arc::new(EmbeddedStore::in_memory());
    let said = Said::default();
    let members = keypairs(&[1, 2, 3]);
    let clock = Arc::new(Adjustable::default());
    let mut nodes = Vec::new();
    for (index, keypair) in members.iter().enumerate() {
        let others = members.iter().filter(|key| key.public() != keypair.public());
        let others: Vec<_> = others.cloned().collect();
        let source: Arc<dyn Source> = if index == 2 { clock.clone() } else { Arc::new(Machine) };
        nodes.push(member(&store, keypair, &others, index, &said, source).await);
    }
    let clients = Clients::new(&nodes.iter().map(NodeHandle::address).collect::<Vec<_>>());
    clients.create(0, &alice(), "before").await;
    let hour = 3_600_000;
    for (jump, words) in [(hour, "is in the future"), (-hour, "long before the previous block")] {
        clock.0.store(jump, Ordering::Relaxed);
        let mut ids = Vec::new();
        let refused = async || {
            (0..2).all(|node| {
                said.has(node, |report| {
                    matches!(report, Report::Voted { reason: Some(reason), .. } if reason.contains(words))
                })
            })
        };
        // Until one of them is the third node's turn.
        for number in 0.. {
            let text = create(&alice(), &format!("{jump} {number}"));
            let (status, body) = clients.post(0, text).await;
            assert_eq!(status, 201);
            ids.push(body.get("id").unwrap().as_str().unwrap().to_owned());
            if body.get("assignee").and_then(Json::as_str) == Some(members[2].public().as_str()) {
                break;
            }
            assert!(number < 1000);
        }
        until("the others refuse its block", refused).await;
        clock.0.store(0, Ordering::Relaxed);
        all_valid(&clients, 3, &ids).await;
    }
}

/// Two nodes with one key: each hears of blocks that bear its name and are not its own.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_with_one_key_both_say_so_and_contradict_each_other_nowhere() {
    let store = Arc::new(EmbeddedStore::in_memory());
    let said = Said::default();
    let [one, other] = [1, 2].map(|seed| Keypair::from_seed([seed; 32]));
    let twins = [
        member(&store, &one, std::slice::from_ref(&other), 0, &said, Arc::new(Machine)).await,
        member(&store, &one, std::slice::from_ref(&other), 1, &said, Arc::new(Machine)).await,
        member(&store, &other, std::slice::from_ref(&one), 2, &said, Arc::new(Machine)).await,
    ];
    let addresses: Vec<_> = twins.iter().map(NodeHandle::address).collect();
    let clients = Clients::new(&addresses);
    let twin = |report: &Report| matches!(report, Report::Twin { .. });
    let blocks_of_one = async || {
        let blocks = store.tables().await.unwrap().remove("bigchain").unwrap();
        let is_of_one = |block: &&Json| {
            let author = block.get("block").and_then(|block| block.get("node_pubkey"));
            author.and_then(Json::as_str) == Some(one.public().as_str())
        };
        blocks.iter().filter(is_of_one).count()
    };
    let mut ids = vec![clients.create(0, &alice(), "first").await.id().to_string()];
    // Before it has read the list, whatever is there could be its own of an earlier life.
    let decided = |report: &Report| matches!(report, Report::Decided { .. });
    for node in 0..2 {
        until("it has read the list", async || said.has(node, decided)).await;
    }
    for (waits, works) in [(0, 1), (1, 0)] {
        // What one makes while the other waits is news to the other.
        twins[waits].pause();
        let before = blocks_of_one().await;
        let making = async {
            while blocks_of_one().await == before {
                let made = clients.create(works, &alice(), &ids.len().to_string()).await;
                ids.push(made.id().to_string());
            }
        };
        tokio::time::timeout(PATIENCE, making).await.expect("it makes a block");
        twins[waits].resume();
        until("it notices the other", async || said.has(waits, twin)).await;
        all_valid(&clients, 3, &ids).await;
    }
    assert!(!said.has(2, twin), "the third is alone");
    let votes = store.tables().await.unwrap().remove("votes").unwrap();
    let by = votes.iter().map(|row| {
        let block = row.get("vote").unwrap().get("voting_for_block").unwrap().to_string();
        (row.get("node_pubkey").unwrap().to_string(), block)
    });
    let by: Vec<_> = by.collect();
    assert_eq!(by.iter().collect::<BTreeSet<_>>().len(), by.len(), "one vote per key and block");
}

/// A store that takes its time.
#[derive(Debug)]
struct Slow(EmbeddedStore);

impl Store for Slow {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.0.query(query).await
        })
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        self.0.open(feed)
    }
}

/// What a node that is asked for too much cannot do at once, it refuses at once: nothing piles up.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_a_slow_store_is_turned_away_and_piles_up_nowhere() {
    const REQUESTS: usize = 32;
    let (metrics, mut lines) = Metrics::new(Names::new("n", "vm"), Rate::ALL);
    let settings = Settings { requests: REQUESTS, ..common().settings };
    let common = Common { settings, query_timeout: PATIENCE, metrics: vec![metrics], ..common() };
    let store = Arc::new(Slow(EmbeddedStore::in_memory()));
    let node = crate::support::one_of(store, common, Keypair::from_seed([1; 32]), vec![]).await;
    let clients = Arc::new(Clients::new(&[node.address()]));
    clients.create(0, &alice(), "before").await;
    let over = Arc::new(AtomicBool::new(false));
    let mut flood = JoinSet::new();
    for client in 0..200 {
        let (clients, over) = (clients.clone(), over.clone());
        flood.spawn(async move {
            let (mut accepted, mut turned_away) = (Vec::new(), 0);
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (status, body) =
                    clients.post(0, create(&alice(), &format!("{client} {number}"))).await;
                match status {
                    201 => accepted.push(body.get("id").unwrap().as_str().unwrap().to_owned()),
                    503 => turned_away += 1,
                    other => panic!("{other}: {body}"),
                }
            }
            (accepted, turned_away)
        });
    }
    // Until its queue was looked at a few times in the middle of it.
    let mut longest = Vec::new();
    while longest.len() < 3 {
        lines.take(|line| {
            let level = line.strip_prefix("bigchaindb.n.queue.api:");
            if let Some(level) = level.and_then(|level| level.strip_suffix("|g")) {
                let level: usize = level.parse().unwrap();
                assert!(level <= REQUESTS, "{level} requests under way");
                if level > 0 && longest.last() != Some(&level) || level == REQUESTS {
                    longest.push(level);
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    over.store(true, Ordering::Relaxed);
    let outcome = flood.join_all().await;
    let accepted: Vec<_> = outcome.iter().flat_map(|(accepted, _)| accepted.clone()).collect();
    let turned_away: usize = outcome.iter().map(|(_, turned_away)| turned_away).sum();
    assert!(!accepted.is_empty() && turned_away > 0, "{} {turned_away}", accepted.len());
    all_valid(&clients, 1, &accepted).await;
}

/// A node with a database of its own in a process of its own, which cannot write files that are larger
/// than so many blocks of 512 bytes.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(home: &Path, blocks: Option<u32>) -> Self {
        let limit = blocks.map_or_else(String::new, |blocks| format!("ulimit -f {blocks};"));
        // What would be a signal becomes an error, as on a disk that is full.
        let script = format!("trap '' XFSZ; {limit} exec \"$0\" start --embedded \"$1\"");
        let free = std::net::TcpListener::bind(ANYWHERE).unwrap().local_addr().unwrap().port();
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_bigchaindb")])
            .arg(home.join("data"))
            .env("HOME", home)
            .env("BIGCHAINDB_KEYPAIR_PRIVATE", Keypair::from_seed([1; 32]).private())
            .env("BIGCHAINDB_DATABASE_PORT", free.to_string())
            .env("BIGCHAINDB_SERVER_BIND", "127.0.0.1:0")
            .env("BIGCHAINDB_STATSD_HOST", "")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(home.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("http://").unwrap();
        let address = address.strip_suffix("/api/v1/").unwrap().parse().unwrap();
        Self { child, address }
    }

    /// Kills it; it has not ended by itself.
    fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// What is on disk stays; what cannot be written is refused; with room again, it goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_keeps_what_was_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let node = Process::start(home.path(), Some(8192));
    let clients = Arc::new(Clients::new(&[node.address]));
    clients.create(0, &alice(), "before").await;
    let mut posting = JoinSet::new();
    for client in 0..16 {
        let clients = clients.clone();
        posting.spawn(async move {
            let mut accepted = Vec::new();
            for number in 0..10_000 {
                let text = create(&alice(), &format!("{client} {number}"));
                match clients.post(0, text).await {
                    (201, body) => {
                        accepted.push(body.get("id").unwrap().as_str().unwrap().to_owned());
                    }
                    (503, _) => return accepted,
                    (other, body) => panic!("{other}: {body}"),
                }
            }
            panic!("the disk is never full");
        });
    }
    let accepted = posting.join_all().await.concat();
    assert!(!accepted.is_empty());
    assert_eq!(clients.post(0, create(&alice(), "still full")).await.0, 503);
    assert_eq!(clients.get(0, "/").await.0, 200);
    node.kill();
    let said = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(said.contains("WARNING:bigchaindb:"), "{said}");
    let node = Process::start(home.path(), None);
    let clients = Clients::new(&[node.address]);
    all_valid(&clients, 1, &accepted).await;
    clients.create(0, &alice(), "after").await;
}
