//! A federation to try things on, and clients who know how to ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::clock::Machine;
use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::http::Service;
use bigchaindb::shell::{NodeHandle, Setup};
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{Draft, Json, Keypair, NodeKey, Output, Profile, Transaction};
use bigchaindb_core::rules::{self, Federation};
use bigchaindb_core::stages::{Config, Settings};
use bigchaindb_load::client::{Answer, Call, Client, NoAnswer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to see that nothing comes.
pub(crate) const MOMENT: Duration = Duration::from_millis(100);

/// Somewhere on this machine.
pub(crate) const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A federation and its clients.
pub(crate) struct World {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) federation: LocalFederation,
    pub(crate) clients: Clients,
}

/// What all nodes of these tests have in common: they do not wait long for company or for a store.
pub(crate) fn common() -> Common {
    Common {
        rules: rules::by_name("default").unwrap(),
        settings: Settings { block_wait: Duration::from_millis(10), ..Settings::default() },
        query_timeout: Duration::from_millis(300),
        // Shown if a test fails.
        on_report: Arc::new(|node, report| println!("n{}: {report:?}", node + 1)),
        metrics: Vec::new(),
        records: Vec::new(),
    }
}

/// So many nodes over a store in memory.
pub(crate) async fn world(nodes: u8, common: Common) -> World {
    let keypairs: Vec<_> = (0..nodes).map(|node| Keypair::from_seed([node + 1; 32])).collect();
    let addresses = vec![ANYWHERE; keypairs.len()];
    let store = Arc::new(EmbeddedStore::in_memory());
    let started = LocalFederation::start(store.clone(), &common, &keypairs, &addresses);
    let federation = started.await.unwrap();
    let clients = Clients::new(&federation.addresses());
    World { store, federation, clients }
}

/// A running node over a store of the test's own, whatever the others in its keyring do.
pub(crate) async fn one_of(
    store: Arc<dyn Store>,
    common: Common,
    keypair: Keypair,
    keyring: Vec<NodeKey>,
) -> NodeHandle {
    let setup = setup(store, common, keypair, keyring);
    NodeHandle::start(setup, ANYWHERE).await.unwrap()
}

/// What a node is started with, over a store of the test's own.
pub(crate) fn setup(
    store: Arc<dyn Store>,
    common: Common,
    keypair: Keypair,
    keyring: Vec<NodeKey>,
) -> Setup {
    let Common { rules, settings, query_timeout, on_report, metrics, records } = common;
    let federation = Federation::new(keypair.public().clone(), keyring);
    let config = Arc::new(Config { keypair, federation, settings });
    let on_report = Arc::new(move |report| on_report(0, report));
    let metrics = metrics.into_iter().next().unwrap_or_default();
    let record = records.into_iter().next().unwrap_or_default();
    Setup {
        config,
        rules,
        store,
        query_timeout,
        service: Service::default(),
        source: Arc::new(Machine),
        on_report,
        metrics,
        record,
        control: Default::default(),
    }
}

/// Clients of several nodes.
pub(crate) struct Clients {
    client: Client,
    addresses: Vec<SocketAddr>,
}

impl Clients {
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        Self { client: Client::new(addresses), addresses: addresses.to_vec() }
    }

    /// Any call, answered within `patience`.
    pub(crate) async fn call(
        &self,
        node: usize,
        call: Call,
        patience: Duration,
    ) -> Result<Answer, NoAnswer> {
        self.client.call(node, call, patience, || ()).await
    }

    /// A POST, in time.
    pub(crate) async fn post(&self, node: usize, body: impl Into<Vec<u8>>) -> (u16, Json) {
        read(self.call(node, Call::Post(body.into().into()), PATIENCE).await)
    }

    /// A GET, in time.
    pub(crate) async fn get(&self, node: usize, path: &str) -> (u16, Json) {
        read(self.call(node, Call::Get(path.to_owned()), PATIENCE).await)
    }

    /// Where a node says that a transaction stands.
    pub(crate) async fn status(&self, node: usize, id: &str) -> Option<String> {
        let (_, body) = self.get(node, &format!("/api/v1/transactions/{id}/status")).await;
        Some(body.get("status")?.as_str()?.to_owned())
    }

    /// Waits until a node says that a transaction stands there.
    pub(crate) async fn until_status(&self, node: usize, id: &str, wanted: &str) {
        let standing = async {
            while self.status(node, id).await.as_deref() != Some(wanted) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, standing)
            .await
            .unwrap_or_else(|_| panic!("node {node} never says that {id} is {wanted}"));
    }

    /// A request as it is; the whole answer as it is. The server closes the connection.
    pub(crate) async fn raw(&self, node: usize, request: &str) -> String {
        let mut stream = TcpStream::connect(self.addresses[node]).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Posts a CREATE for an owner and waits until it is decided; the transaction.
    pub(crate) async fn create(&self, node: usize, owner: &Keypair, uuid: &str) -> Transaction {
        let (status, body) = self.post(node, create(owner, uuid)).await;
        assert_eq!(status, 201, "{body}");
        let id = body.get("id").unwrap().as_str().unwrap().to_owned();
        self.until_status(node, &id, "valid").await;
        let (_, document) = self.get(node, &format!("/api/v1/transactions/{id}")).await;
        Transaction::from_document(document).unwrap()
    }
}

/// A CREATE as its client posts it.
pub(crate) fn create(owner: &Keypair, uuid: &str) -> String {
    let draft =
        Draft::create(owner.public(), vec![owner.public().to_string()], uuid, 1_472_731_200);
    sign(&draft, owner, None).document().to_string()
}

/// A TRANSFER of an output of `spent`.
pub(crate) fn transfer(spent: &Transaction, from: &Keypair, to: &Keypair) -> Transaction {
    let input = Output { txid: spent.id().clone(), cid: 0, oddity: None };
    let draft = Draft::transfer(
        vec![from.public().to_string()],
        vec![to.public().to_string()],
        vec![input],
        "a transfer",
        1_472_731_200,
    );
    sign(&draft, from, Some(spent))
}

fn sign(draft: &Draft, key: &Keypair, spent: Option<&Transaction>) -> Transaction {
    let spent = spent.map(|spent| Arc::new(spent.clone()));
    draft.transaction().unwrap().sign(&[key], Profile::Default, &|_| spent.clone()).unwrap()
}

/// Status code and document.
fn read(answer: Result<Answer, NoAnswer>) -> (u16, Json) {
    let Answer { status, body } = answer.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    let document = Json::parse(&body).unwrap_or_else(|error| panic!("{error}: {text}"));
    (status, document)
}
