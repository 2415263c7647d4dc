//! What members may insert into the list of blocks, and nobody is held up by it.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::store::{BoxFuture, EmbeddedStore, FeedStream, Store};
use bigchaindb_core::model::{Block, Json, Keypair, NodeKey, Position, Profile, Transaction};
use bigchaindb_core::query::{Answer, Feed, ListEntry, Query, StoreError};
use bigchaindb_core::rules::Federation;
use bigchaindb_core::stages::Settings;

use crate::support::{ANYWHERE, Clients, common, create, one_of};

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

/// Puts an entry into the list, as any member can.
async fn claim(store: &EmbeddedStore, position: u64, block: &str, genesis: Option<Block>) {
    let (position, genesis) = (Position(position), genesis.map(Arc::new));
    let entry = ListEntry { position, block: block.into(), genesis };
    store.query(Query::Claim { entry }).await.unwrap();
}

/// A federation of three over a store that is not empty, with its clients.
async fn over(store: Arc<EmbeddedStore>, common: &Common) -> (LocalFederation, Clients) {
    let keypairs: Vec<_> = (1..=3).map(|node| Keypair::from_seed([node; 32])).collect();
    let federation = LocalFederation::start(store, common, &keypairs, &[ANYWHERE; 3]).await;
    let federation = federation.unwrap();
    let clients = Clients::new(&federation.addresses());
    (federation, clients)
}

/// Whose list begins with each of these has its chain all the same: behind it.
#[tokio::test]
async fn a_forged_genesis_begins_no_chain() {
    let (outsider, member) = (Keypair::from_seed([9; 32]), Keypair::from_seed([1; 32]));
    let members: Vec<_> =
        (1..=3).map(|node| Keypair::from_seed([node; 32]).public().clone()).collect();
    let strangers = [outsider.public().clone()];
    let block = |keypair: &Keypair, voters: &[NodeKey]| {
        Block::genesis(keypair, voters, 1_472_731_200, "uuid").unwrap()
    };
    let by_outsider = block(&outsider, &members);
    let for_strangers = block(&member, &strangers);
    let misnamed = block(&member, &members);
    let forgeries = [
        (by_outsider.id().to_string(), Some(by_outsider)),
        (for_strangers.id().to_string(), Some(for_strangers)),
        ("another".to_owned(), Some(misnamed)),
        ("nothing".to_owned(), None),
    ];
    for (name, genesis) in forgeries {
        let store = Arc::new(EmbeddedStore::in_memory());
        claim(&store, 0, &name, genesis).await;
        let (_federation, clients) = over(store.clone(), &common()).await;
        let made = clients.create(0, &alice(), "an asset").await;
        clients.until_status(2, made.id().as_str(), "valid").await;
        let tables = store.tables().await.unwrap();
        let blocks = &tables["bigchain"];
        assert!(blocks.iter().all(|block| block.get("id").unwrap().as_str() != Some(&*name)));
    }
}

/// Entries for blocks that nobody ever wrote are voted invalid after a while, all of them together.
#[tokio::test]
async fn entries_without_blocks_hold_up_nobody_for_long() {
    let settings = Settings {
        missing: Duration::from_millis(500),
        store_retry: Duration::from_millis(100),
        ..common().settings
    };
    let store = Arc::new(EmbeddedStore::in_memory());
    let (federation, clients) = over(store.clone(), &Common { settings, ..common() }).await;
    clients.create(0, &alice(), "before").await;
    let end = store.tables().await.unwrap()["positions"].len() as u64;
    for number in 0..20 {
        claim(&store, end + number, &format!("phantom {number}"), None).await;
    }
    clients.create(1, &alice(), "after").await;
    let tables = store.tables().await.unwrap();
    let votes = &tables["votes"];
    let on_phantoms = votes.iter().filter_map(|row| {
        let vote = row.get("vote")?;
        let phantom = vote.get("voting_for_block")?.as_str()?.starts_with("phantom");
        phantom.then(|| vote.get("is_block_valid").unwrap().as_bool())
    });
    let on_phantoms: Vec<_> = on_phantoms.collect();
    assert!(on_phantoms.len() >= 40, "a majority on each, but {}", on_phantoms.len());
    assert!(on_phantoms.iter().all(|valid| *valid == Some(false)));
    drop(federation);
}

/// A store that knows of no block without a place, as one in RethinkDB when the block is old.
#[derive(Debug)]
struct Forgetful(EmbeddedStore);

impl Store for Forgetful {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        match query {
            Query::UnlistedBlocks { .. } => Box::pin(async { Ok(Answer::BlockIds(Vec::new())) }),
            query => self.0.query(query),
        }
    }

    fn open(&self, feed: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        self.0.open(feed)
    }
}

/// A transaction in a block without a place waits for that block's election: so its node gives the
/// block a place as soon as it meets it.
#[tokio::test]
async fn an_overlooked_block_is_met_by_what_waits_for_it() {
    let node = Keypair::from_seed([1; 32]);
    let federation = Federation::new(node.public().clone(), Vec::new());
    let posted = Json::parse(create(&node, "an asset").as_bytes()).unwrap();
    let transaction = Arc::new(Transaction::from_document(posted).unwrap());
    let in_block = vec![transaction.clone()];
    let block =
        Block::create_as(Profile::Default, in_block, &node, federation.voters(), 1_472_731_200);
    let store = Forgetful(EmbeddedStore::in_memory());
    store.query(Query::InsertBlock { block: Arc::new(block.unwrap()) }).await.unwrap();
    let assignee = node.public().clone();
    let wait = Query::InsertBacklog { transaction: transaction.clone(), assignee };
    store.query(wait).await.unwrap();
    let settings = Settings { adopt: Duration::from_millis(100), ..common().settings };
    let common = Common { settings, ..common() };
    let running = one_of(Arc::new(store), common, node, Vec::new()).await;
    let clients = Clients::new(&[running.address()]);
    clients.until_status(0, transaction.id().as_str(), "valid").await;
}
