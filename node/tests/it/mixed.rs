//! Nodes of the profile `mixed`: without a list, each with an order of its own.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::Common;
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{Block, Json, Keypair, Transaction};
use bigchaindb_core::query::Query;
use bigchaindb_core::rules;
use bigchaindb_core::stages::Settings;

use crate::support::{PATIENCE, common, create, one_of, transfer, world};

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

fn mixed() -> Common {
    Common { rules: rules::by_name("mixed").unwrap(), ..common() }
}

/// A vote's block and the block before it.
fn link(vote: &Json) -> (String, String) {
    let vote = vote.get("vote").unwrap();
    let text = |name| vote.get(name).unwrap().as_str().unwrap().to_owned();
    (text("previous_block"), text("voting_for_block"))
}

/// Every node's votes are one chain from genesis on, also over a restart.
#[tokio::test]
async fn each_voter_names_the_block_it_voted_on_before() {
    let mixed = mixed();
    let settings = Settings { reassign: Duration::from_millis(200), ..mixed.settings };
    let mut world = world(3, Common { settings, ..mixed }).await;
    let asset = world.clients.create(0, &alice(), "an asset").await;
    for round in 0..4 {
        world.federation.kill(round % 3).await.unwrap();
        world.clients.create((round + 1) % 3, &alice(), &format!("asset {round}")).await;
        world.federation.restart(round % 3).await.unwrap();
    }
    let bob = Keypair::from_seed([21; 32]);
    let spend = transfer(&asset, &alice(), &bob);
    let (status, body) = world.clients.post(1, spend.document().to_string()).await;
    assert_eq!(status, 201, "{body}");
    for node in 0..3 {
        world.clients.until_status(node, spend.id().as_str(), "valid").await;
    }
    let tables = world.store.tables().await.unwrap();
    assert_eq!(tables["positions"].len(), 1, "nobody needs a list, but to agree on genesis");
    for voter in 0..3 {
        let key = world.federation.node(voter).unwrap().key().to_string();
        let by_voter =
            |vote: &&Json| vote.get("node_pubkey").unwrap().as_str() == Some(key.as_str());
        let mut links: Vec<_> = tables["votes"].iter().filter(by_voter).map(link).collect();
        assert!(links.len() >= 5, "{links:?}");
        // Following the links from the one block that is never voted for meets all of them.
        let voted: Vec<_> = links.iter().map(|(_, block)| block.clone()).collect();
        let first = links.iter().find(|(previous, _)| !voted.contains(previous));
        let mut at = first.unwrap_or_else(|| panic!("{links:?} are a circle")).0.clone();
        while let Some(next) = links.iter().position(|(previous, _)| *previous == at) {
            at = links.swap_remove(next).1;
        }
        assert!(links.is_empty(), "{links:?} hang loose");
    }
}

/// What a Python member could not sign or put back, or the store would change, is refused at the
/// door.
#[tokio::test]
async fn what_python_members_cannot_bear_is_refused() {
    let world = world(1, mixed()).await;
    let posted = |payload: &str| {
        let mut body = Json::parse(create(&alice(), "an asset").as_bytes()).unwrap();
        let payload = Json::object([
            ("uuid", Json::from("a uuid")),
            ("payload", Json::parse(payload.as_bytes()).unwrap()),
        ]);
        *body.get_mut("transaction").unwrap().get_mut("data").unwrap() = payload;
        body.to_string()
    };
    let nested = |levels: usize| r#"{"a":"#.repeat(levels - 1) + "{}" + &"}".repeat(levels - 1);
    for (payload, expected) in [
        (r#"{"name":"plain"}"#, 201),
        (r#"{"name":"na\u00efve"}"#, 400),
        (&nested(16), 201),
        (&nested(17), 400),
        (r#"{"whole":1.0}"#, 400),
        (r#"{"large":1152921504606846976}"#, 400),
        (r#"{"large":1e22,"small":[0.1,-0.0]}"#, 201),
    ] {
        let (status, body) = world.clients.post(0, posted(payload)).await;
        assert_eq!(status, expected, "{payload}: {body}");
    }
}

/// Voters that each have an order of their own do not wait for one another for ever: a block that
/// depends on an undecided one is voted on in the end.
#[tokio::test]
async fn an_undecided_block_holds_up_nobody_for_long() {
    let keypairs: Vec<_> = (1..=3).map(|node| Keypair::from_seed([node; 32])).collect();
    let voters: Vec<_> = keypairs.iter().map(|keypair| keypair.public().clone()).collect();
    let posted = Json::parse(create(&keypairs[0], "an asset").as_bytes()).unwrap();
    let transaction = Arc::new(Transaction::from_document(posted).unwrap());
    let store = Arc::new(EmbeddedStore::in_memory());
    let blocks = keypairs[1..].iter().map(|author| {
        let transactions = vec![transaction.clone()];
        Arc::new(Block::create(transactions, author, &voters, 1_472_731_200).unwrap())
    });
    let blocks: Vec<_> = blocks.collect();
    for block in &blocks {
        store.query(Query::InsertBlock { block: block.clone() }).await.unwrap();
    }
    let genesis = Block::genesis(&keypairs[1], &voters, 1_472_731_100, "uuid").unwrap();
    store.query(Query::InsertBlock { block: Arc::new(genesis) }).await.unwrap();
    let mixed = mixed();
    let settings = Settings { undecided: Duration::from_millis(200), ..mixed.settings };
    // One of three decides nothing alone.
    let mixed = Common { settings, ..mixed };
    let (me, keyring) = (keypairs[0].clone(), voters[1..].to_vec());
    let _node = one_of(store.clone(), mixed, me, keyring).await;
    let all_voted = async {
        loop {
            let votes = &store.tables().await.unwrap()["votes"];
            let by_first = |vote: &&Json| {
                vote.get("node_pubkey").unwrap().as_str() == Some(voters[0].as_str())
            };
            let voted: Vec<_> = votes.iter().filter(by_first).map(|vote| link(vote).1).collect();
            if blocks.iter().all(|block| voted.contains(&block.id().to_string())) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_voted).await.expect("both blocks are voted on");
}
