//! What StatsD hears of a node, over a real socket; and that nobody else notices.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::metrics::labels::{Endpoint, Method, Question};
use bigchaindb::metrics::statsd::Emitter;
use bigchaindb::metrics::table;
use bigchaindb::metrics::{Counter, Gauge, Metrics, Names, Rate, Timer, Timing};
use bigchaindb::shell::NodeHandle;
use bigchaindb::store::rethinkdb::{Limits, RethinkStore, Server as Url, schema};
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{Block, Json, Keypair, Position, Vote};
use bigchaindb_core::query::{ListEntry, Query, Standing, VoteRow};
use bigchaindb_core::stages::Settings;
use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use bigchaindb_rethinkdb::{Database, Durability};

use crate::support::{ANYWHERE, Clients, PATIENCE, common, create, one_of, transfer};

/// Often, so that nobody waits.
const FLUSH: Duration = Duration::from_millis(50);

/// A StatsD server that keeps every line.
pub(crate) struct Statsd {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Statsd {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind(ANYWHERE).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let (lines, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, is_done) = (lines.clone(), done.clone());
        let thread = std::thread::spawn(move || {
            let mut datagram = [0; 65536];
            loop {
                match socket.recv(&mut datagram) {
                    Ok(length) => {
                        assert!(length <= 1432, "a datagram of {length} bytes");
                        let text = std::str::from_utf8(&datagram[..length]).unwrap();
                        kept.lock().unwrap().extend(text.split('\n').map(str::to_owned));
                    }
                    Err(_) if is_done.load(Ordering::Relaxed) => return,
                    Err(_) => {}
                }
            }
        });
        Self { address, lines, done, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What came so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// All that came, once nothing comes any more.
    pub(crate) fn all(mut self) -> Vec<String> {
        self.done.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.lines()
    }
}

/// A node's metrics on their way to a server.
fn sent_to(statsd: &Statsd, node: &str) -> (Metrics, Emitter) {
    let (metrics, lines) = Metrics::new(Names::new(node, "vm"), Rate::ALL);
    (metrics, Emitter::start(lines, "127.0.0.1", statsd.port(), FLUSH).unwrap())
}

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

/// Each of the rows: what is measured at which rate, and the lines it makes.
#[test]
fn lines_are_as_servers_and_the_original_have_them() {
    let all = |rate| {
        let (metrics, mut lines) = Metrics::new(Names::new("a.b c", "vm.local"), rate);
        metrics.time(Timer::TxWrite, Duration::from_nanos(16_153_097));
        metrics.time(Timer::BlockWrite, Duration::from_millis(2));
        metrics.time(Timing::Http(Endpoint::Status, Method::Get, 404), Duration::from_micros(8));
        metrics.count(Counter::TxWritten, 3);
        metrics.count(Counter::TxWritten, 4);
        metrics.count(Counter::TxInvalid, 0);
        metrics.set(Gauge::QueueBlock, 5);
        metrics.set(Gauge::QueueBlock, 0);
        let mut taken = Vec::new();
        lines.take(|line| taken.push(line.to_owned()));
        lines.take(|line| assert!(line.ends_with("|g"), "{line} comes twice"));
        taken
    };
    let ours = "bigchaindb.a_b_c.";
    let rest = [
        format!("{ours}block.write_ms:2|ms"),
        "vm.local..write_block:2.000000|ms".to_owned(),
        format!("{ours}http.status.GET.404:0.008|ms"),
        format!("{ours}tx.written:7|c"),
        format!("{ours}queue.block:0|g"),
        "vm.local..tx_queue_gauge:0|g".to_owned(),
    ];
    let write = [
        format!("{ours}tx.write_ms:16.153097|ms"),
        "vm.local..write_transaction:16.153097|ms".to_owned(),
    ];
    assert_eq!(all(Rate::ALL), [&write[..], &rest[..]].concat());
}

#[test]
fn one_in_so_many_timings_is_sent_and_says_so() {
    let (rate, rounded) = Rate::nearest(0.01).unwrap();
    assert!(!rounded);
    let (metrics, mut lines) = Metrics::new(Names::new("n", "vm"), rate);
    for _ in 0..100_000 {
        metrics.time(Timer::TxWrite, Duration::from_nanos(238));
    }
    metrics.time(Timer::BlockWrite, Duration::from_nanos(238));
    let (mut ours, mut theirs, mut blocks) = (0, 0, 0);
    lines.take(|line| match line {
        "bigchaindb.n.tx.write_ms:0.000238|ms|@0.01" => ours += 1,
        "vm..write_transaction:0.000238|ms|@0.01" => theirs += 1,
        "bigchaindb.n.block.write_ms:0.000238|ms" | "vm..write_block:0.000238|ms" => blocks += 1,
        other => panic!("{other}"),
    });
    assert!((900..1100).contains(&ours), "{ours} of 100000");
    assert_eq!((theirs, blocks), (ours, 2));
    for (rate, nearest) in
        [(1.0, Some((1, false))), (0.3, Some((3, true))), (0.5, Some((2, false)))]
    {
        assert_eq!(Rate::nearest(rate).map(|(rate, other)| (rate.one_in(), other)), nearest);
    }
    for none in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
        assert_eq!(Rate::nearest(none), None, "{none}");
    }
}

#[test]
fn the_table_is_documented_and_no_name_stands_twice() {
    let mut written = String::new();
    for metric in table::table() {
        let kind = metric.kind.word();
        let original = metric.original.map(|name| format!(" (`{name}`)")).unwrap_or_default();
        written += &format!(
            "| `{}`{original} | {kind} | {} | {} | {} |\n",
            metric.name, metric.unit, metric.sender, metric.meaning
        );
    }
    let documented = include_str!("../../METRICS.md");
    assert!(documented.contains(&written), "METRICS.md should hold:\n{written}");
    let names: BTreeSet<_> = table::table().map(|metric| metric.name).collect();
    assert_eq!(names.len(), table::table().count());
}

/// Adds up counters, and counts timings, over all nodes.
fn sums(lines: &[String]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let (name, rest) = line.rsplit_once(':').unwrap();
        let (value, kind) = rest.split_once('|').unwrap();
        let Some((_, name)) =
            name.strip_prefix("bigchaindb.").and_then(|ours| ours.split_once('.'))
        else {
            continue;
        };
        match kind {
            "c" => *sums.entry(name.to_owned()).or_default() += value.parse::<u64>().unwrap(),
            "ms" => *sums.entry(name.to_owned()).or_default() += 1,
            _ => {}
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_add_up_to_what_the_clients_saw() {
    const GOOD: usize = 150;
    const BAD: usize = 20;
    let statsd = Statsd::start();
    let (metrics, emitters): (Vec<_>, Vec<_>) =
        (1..=3).map(|node| sent_to(&statsd, &format!("n{node}"))).unzip();
    let common = Common { metrics, query_timeout: PATIENCE, ..common() };
    let keypairs: Vec<_> = (1..=3).map(|node| Keypair::from_seed([node; 32])).collect();
    let store = Arc::new(EmbeddedStore::in_memory());
    let federation = LocalFederation::start(store.clone(), &common, &keypairs, &[ANYWHERE; 3]);
    let federation = federation.await.unwrap();
    let clients = Arc::new(Clients::new(&federation.addresses()));
    // Once a node has voted it has read what there was at its start: of that, nobody times how it is decided.
    let first = clients.post(0, create(&alice(), "first")).await;
    assert_eq!(first.0, 201);
    let all_have_voted = async {
        while store.tables().await.unwrap()["votes"].len() < 3 {
            tokio::time::sleep(FLUSH).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_have_voted).await.expect("all nodes vote");
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..GOOD + BAD {
        let clients = clients.clone();
        let text = if number < GOOD { create(&alice(), &number.to_string()) } else { "{}".into() };
        posts.spawn(async move { clients.post(number % 3, text).await });
    }
    let answers = posts.join_all().await;
    let saw = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count() as u64;
    assert_eq!((saw(201), saw(400)), (GOOD as u64, BAD as u64));
    for (_, body) in answers.iter().filter(|(status, _)| *status == 201) {
        let id = body.get("id").and_then(Json::as_str).unwrap();
        clients.until_status(0, id, "valid").await;
    }
    let blocks = store.tables().await.unwrap()["bigchain"].len() as u64 - 1;
    // Whatever is under way is done: all have voted on all, and all know how all was decided.
    let settled = async {
        loop {
            let votes = store.tables().await.unwrap()["votes"].len() as u64;
            let sums = sums(&statsd.lines());
            let told = |name: &str| sums.get(name).copied().unwrap_or_default();
            if votes == 3 * blocks
                && told("vote.cast") == votes
                && told("block.valid") == votes
                && told("http.transactions.POST.400") == BAD as u64
            {
                return;
            }
            tokio::time::sleep(FLUSH).await;
        }
    };
    if tokio::time::timeout(PATIENCE, settled).await.is_err() {
        panic!("{blocks} blocks, but told is only {:?}", sums(&statsd.lines()));
    }
    federation.stop().await.unwrap();
    emitters.into_iter().for_each(Emitter::stop);
    let lines = statsd.all();
    let sums = sums(&lines);
    let (good, bad) = (1 + GOOD as u64, BAD as u64);
    for (name, expected) in [
        ("tx.received", good + bad),
        ("tx.rejected", bad),
        ("tx.written", good),
        ("tx.validated", good),
        ("tx.in_blocks", good),
        ("tx.write_ms", good),
        ("store.insert.backlog", good),
        ("http.transactions.POST.201", good),
        ("http.transactions.POST.400", bad),
        ("block.created", blocks),
        ("block.write_ms", blocks + 1),
        ("block.valid", 3 * blocks),
        ("block.decision_ms", 3 * blocks),
        ("vote.cast", 3 * blocks),
        ("vote.latency_ms", 3 * blocks),
        ("block.validate_ms", 3 * blocks),
    ] {
        let told = sums.get(name).copied().unwrap_or_default();
        let (less, more) = match name {
            // Genesis is written once, or by several at once.
            "block.write_ms" => (0, 2),
            // The first block may have been there when a node started.
            "block.decision_ms" | "vote.latency_ms" => (3, 0),
            _ => (0, 0),
        };
        let expected = expected - less..=expected + more;
        assert!(expected.contains(&told), "{name}: {told}, not {expected:?}");
    }
    for never in ["block.invalid", "tx.invalid", "statsd.dropped", "store.errors"] {
        assert_eq!(sums.get(never), None, "{never}");
    }
    let originals = lines.iter().filter(|line| line.starts_with("vm..write_transaction:"));
    assert_eq!(originals.count() as u64, good);
}

/// What METRICS.md says that a transaction makes, blocks, votes and questions to the store included.
const EVENTS_PER_TRANSACTION: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_makes_few_events() {
    const TRANSACTIONS: usize = 1_000;
    let statsd = Statsd::start();
    let (metrics, emitter) = sent_to(&statsd, "n1");
    let common = Common { metrics: vec![metrics], query_timeout: PATIENCE, ..common() };
    let store = Arc::new(EmbeddedStore::in_memory());
    let keypairs = [Keypair::from_seed([1; 32])];
    let federation = LocalFederation::start(store, &common, &keypairs, &[ANYWHERE]).await.unwrap();
    let clients = Arc::new(Clients::new(&federation.addresses()));
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..TRANSACTIONS {
        let clients = clients.clone();
        posts.spawn(async move { clients.post(0, create(&alice(), &number.to_string())).await });
    }
    let answers = posts.join_all().await;
    assert!(answers.iter().all(|(status, _)| *status == 201));
    let decided = async {
        loop {
            let sums = sums(&statsd.lines());
            let of = |name: &str| sums.get(name).copied().unwrap_or_default();
            if of("tx.in_blocks") == TRANSACTIONS as u64 && of("block.valid") == of("block.created")
            {
                return;
            }
            tokio::time::sleep(FLUSH).await;
        }
    };
    tokio::time::timeout(PATIENCE, decided).await.expect("all is decided");
    federation.stop().await.unwrap();
    emitter.stop();
    let sums = sums(&statsd.all());
    // A counter that grew by five may have been counted once: this is an upper bound. `statsd.sent` is no
    // event of the node's.
    let events: u64 =
        sums.iter().filter(|(name, _)| *name != "statsd.sent").map(|(_, times)| times).sum();
    let bound = EVENTS_PER_TRANSACTION * TRANSACTIONS as u64;
    assert!(events <= bound, "{events} events of {TRANSACTIONS} transactions: {sums:?}");
    let documented = include_str!("../../METRICS.md");
    let said = format!("at most {EVENTS_PER_TRANSACTION} events");
    assert!(documented.contains(&said), "METRICS.md should say: {said}");
}

/// One node on a server that comes and goes, two on the same database, all telling one StatsD server.
struct Troubled {
    database: Database,
    server: Option<Server>,
    store: Arc<EmbeddedStore>,
    nodes: Vec<NodeHandle>,
    metrics: Vec<(Metrics, Emitter)>,
    statsd: Statsd,
    clients: Clients,
}

impl Troubled {
    async fn start() -> Self {
        let database = Database::in_memory();
        database.declare_native().unwrap();
        let server = serve(&database, ANYWHERE).await;
        let url: Url = format!("rethinkdb://{}", server.local_addr()).parse().unwrap();
        let store = Arc::new(EmbeddedStore::over(database.clone(), Durability::Soft));
        let client = url.client(Limits::default());
        schema::init(&client, PATIENCE).await.unwrap();
        let far: Arc<dyn Store> = Arc::new(RethinkStore::new(client));
        let statsd = Statsd::start();
        let keypairs: Vec<_> = (1..=3).map(|node| Keypair::from_seed([node; 32])).collect();
        let (mut nodes, mut metrics) = (Vec::new(), Vec::new());
        for (index, keypair) in keypairs.iter().enumerate() {
            let sent = sent_to(&statsd, &format!("n{index}"));
            let settings = Settings {
                reassign: Duration::from_millis(500),
                missing: Duration::from_millis(200),
                store_retry: Duration::from_millis(100),
                ..common().settings
            };
            let common = Common { metrics: vec![sent.0.clone()], settings, ..common() };
            let store = if index == 0 { far.clone() } else { store.clone() };
            let others = keypairs.iter().filter(|other| other.public() != keypair.public());
            let keyring = others.map(|other| other.public().clone()).collect();
            nodes.push(one_of(store, common, keypair.clone(), keyring).await);
            metrics.push(sent);
        }
        let clients = Clients::new(&nodes.iter().map(NodeHandle::address).collect::<Vec<_>>());
        let server = Some(server);
        Self { database, server, store, nodes, metrics, statsd, clients }
    }

    /// Does something until a metric has come.
    async fn until<F: Future<Output = ()>>(&self, name: &str, again: impl Fn(u32) -> F) {
        let wanted = format!(".{name}:");
        let told = || self.statsd.lines().iter().any(|line| line.contains(&wanted));
        let telling = async {
            for number in 0.. {
                if told() {
                    return;
                }
                again(number).await;
                tokio::time::sleep(FLUSH).await;
            }
        };
        tokio::time::timeout(PATIENCE, telling).await.unwrap_or_else(|_| panic!("no {name}"));
    }

    /// Two that spend the same, at two nodes at once.
    async fn rivals(&self, number: u32) {
        let (alice, bob) = (alice(), Keypair::from_seed([21; 32]));
        let asset = self.clients.create(1, &alice, &format!("contested {number}")).await;
        let rivals = [&bob, &alice].map(|to| transfer(&asset, &alice, to).document().to_string());
        let [one, other] = rivals;
        tokio::join!(self.clients.post(1, one), self.clients.post(2, other));
    }

    /// A stranger's vote on a block that nobody wrote, and its place in the list.
    async fn phantom(&self, number: u32) {
        let name = format!("phantom {number}");
        let stranger = Keypair::from_seed([9; 32]);
        let vote = Vote::create(&stranger, &name.as_str().into(), &"x".into(), true, 1_472_731_200);
        let vote = VoteRow { key: name.as_str().into(), vote: Arc::new(vote.unwrap()) };
        self.store.query(Query::InsertVote { vote }).await.unwrap();
        let position = self.store.tables().await.unwrap()["positions"].len() as u64;
        let (position, block) = (Position(position), name.as_str().into());
        let entry = ListEntry { position, block, genesis: None };
        self.store.query(Query::Claim { entry }).await.unwrap();
    }

    /// Somebody writes over a block, a vote and an entry of the list.
    async fn vandalise(&self) {
        let mut tables = self.store.tables().await.unwrap();
        let mut first = |table: &str| {
            let row = tables.get_mut(table).unwrap().remove(0);
            let mut fields = row.as_object().unwrap().clone();
            fields.insert("harm", Json::from("done"));
            Json::from(fields)
        };
        let block = Arc::new(Block::from_document(first("bigchain")).unwrap());
        let vote = first("votes");
        let key = vote.get("id").unwrap().as_str().unwrap().into();
        let vote = VoteRow { key, vote: Arc::new(Vote::from_document(vote).unwrap()) };
        let position = Position(first("positions").get("id").unwrap().as_i64().unwrap() as u64);
        let entry = ListEntry { position, block: "another".into(), genesis: None };
        for harm in [Standing::Block(block), Standing::Vote(vote), Standing::Entry(entry)] {
            self.store.query(Query::PutBack(harm)).await.unwrap();
        }
    }
}

async fn serve(database: &Database, bind: SocketAddr) -> Server {
    let options = ServerOptions { bind, ..ServerOptions::default() };
    Server::bind(database.clone(), options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_comes_from_a_federation_in_trouble() {
    let mut all = Troubled::start().await;
    let asset = all.clients.create(0, &alice(), "an asset").await;
    all.clients.until_status(0, asset.id().as_str(), "valid").await;
    for path in ["/", "/nothing"] {
        all.clients.get(0, path).await;
    }
    all.clients.post(0, "{}").await;
    // What is rare.
    all.until("election.requeued", |number| all.rivals(number)).await;
    all.until("tx.invalid", |number| all.rivals(1000 + number)).await;
    all.until("vote.ignored", |number| all.phantom(number)).await;
    all.vandalise().await;
    for table in ["bigchain", "votes", "positions"] {
        all.until(&format!("store.put_back.{table}"), |_| std::future::ready(())).await;
    }
    let server = all.server.take().unwrap();
    let address = server.local_addr();
    server.shutdown().await;
    assert_eq!(all.clients.post(0, create(&alice(), "nowhere to put it")).await.0, 503);
    let _server = serve(&all.database, address).await;
    let (idle, clients) = (|_| std::future::ready(()), &all.clients);
    all.until("store.reconnects", idle).await;
    all.until("feed.reopened", idle).await;
    // The last node goes; whoever gets its transactions takes them over.
    all.nodes.pop().unwrap().kill().await.unwrap();
    all.until("tx.reassigned", |number| async move {
        clients.post(1, create(&alice(), &format!("whose turn {number}"))).await;
    })
    .await;
    let metrics = &all.metrics[0].0;
    all.until("statsd.dropped", |_| async {
        for _ in 0..70_000 {
            metrics.time(Timer::BlockInterval, Duration::from_millis(1));
        }
    })
    .await;
    for metric in table::table().filter(|metric| !metric.name.contains('<')) {
        all.until(metric.name, idle).await;
        if let Some(original) = metric.original {
            all.until(original, idle).await;
        }
    }
    for question in Question::ALL {
        all.until(&format!("store.{}", question.word()), idle).await;
    }
    for request in [
        "root.GET.200",
        "other.GET.404",
        "transactions.POST.201",
        "transactions.POST.400",
        "transactions.POST.503",
        "transaction.GET.200",
        "status.GET.200",
    ] {
        all.until(&format!("http.{request}"), idle).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_disturbs_nobody() {
    // A port that was free a moment ago, and a name that is none.
    let free = UdpSocket::bind(ANYWHERE).unwrap().local_addr().unwrap().port();
    for (host, port) in [("127.0.0.1", free), ("nowhere.invalid", 8125), ("not a name", 1)] {
        let (metrics, lines) = Metrics::new(Names::new("n", "vm"), Rate::ALL);
        let emitter = Emitter::start(lines, host, port, Duration::from_millis(1)).unwrap();
        let common = Common { metrics: vec![metrics], ..common() };
        let node = one_of(
            Arc::new(EmbeddedStore::in_memory()),
            common,
            Keypair::from_seed([1; 32]),
            Vec::new(),
        );
        let node = node.await;
        let clients = Clients::new(&[node.address()]);
        clients.create(0, &alice(), "an asset").await;
        assert!(node.is_running());
        node.stop().await.unwrap();
        emitter.stop();
    }
}

#[test]
fn what_is_left_is_sent_at_the_end() {
    let statsd = Statsd::start();
    let (metrics, lines) = Metrics::new(Names::new("n", "vm"), Rate::ALL);
    let emitter = Emitter::start(lines, "localhost", statsd.port(), PATIENCE).unwrap();
    metrics.count(Counter::TxWritten, 2);
    emitter.stop();
    let lines = statsd.all();
    assert!(lines.contains(&"bigchaindb.n.tx.written:2|c".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("bigchaindb.n.process.rss_bytes:")));
}
