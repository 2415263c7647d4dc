//! Genesis, blocks, votes and elections.

use std::sync::Arc;

use bigchaindb::bigchain::{Bigchain, Error};
use bigchaindb::config::{Environment, load};
use bigchaindb::store::EmbeddedStore;
use bigchaindb_core::model::{Block, BlockId, Json, Vote};
use bigchaindb_core::rules::{Election, Registry};

use super::ledger::{Ledger, NOW, PROFILES, output, raised, user};

#[tokio::test]
async fn there_is_one_genesis_block() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        assert!(ledger.b.prepare_genesis_block().unwrap().is_genesis());
        let again = ledger.b.create_genesis_block().await;
        assert_eq!(raised(again).0, "GenesisBlockAlreadyExistsError");
        let genesis = ledger.b.get_last_voted_block().await.unwrap().unwrap();
        assert!(genesis.is_genesis());
        let first = &genesis.transactions()[0];
        assert_eq!((genesis.transactions().len(), first.operation()), (1, Some("GENESIS")));
        let valid = ledger.b.block_election_status(&genesis).await.unwrap();
        let expected = if ledger.is_original() { Election::Undecided } else { Election::Valid };
        assert_eq!(valid, expected);
        assert!(ledger.b.get_unvoted_blocks().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_block_is_signed_and_not_empty() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let empty = raised(ledger.b.create_block(vec![]));
        assert_eq!(empty, ("OperationError", "Empty block creation is not allowed".to_owned()));
        let b = ledger.among(&[user(1), user(2)]);
        let create = ledger.create(&[&user(1)]).await;
        let block = b.create_block(vec![Arc::new(create)]).unwrap();
        assert_eq!(block.voters(), b.federation().voters());
        assert_eq!(block.node_pubkey(), b.me());
        b.validate_block(&block).await.unwrap();
    }
}

/// The same block with another value in its document.
fn changed(block: &Block, path: &[&str], value: Json) -> Block {
    let mut document = block.document().clone();
    let place = path.iter().fold(&mut document, |place, step| place.get_mut(step).unwrap());
    *place = value;
    Block::from_document(document).unwrap()
}

#[tokio::test]
async fn a_bad_block_is_refused() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1)]).await;
        let transfer = ledger.transfer(&[&user(1)], &[&user(2)], vec![output(&asset, 0)]).await;
        let block = ledger.b.create_block(vec![Arc::new(transfer.clone())]).unwrap();
        ledger.b.validate_block(&block).await.unwrap();
        assert!(ledger.b.is_valid_block(&block).await.unwrap());

        let stranger = Ledger::new(profile).await.among(&[]);
        let theirs = {
            let rules = bigchaindb_core::rules::by_name(profile).unwrap();
            let store = Arc::new(EmbeddedStore::in_memory());
            let other = Bigchain::new(store, user(7), vec![stranger.me().clone()], rules);
            other.with_clock(|| NOW).create_block(vec![Arc::new(transfer)]).unwrap()
        };
        let other =
            changed(&block, &["signature"], theirs.document().get("signature").unwrap().clone());
        let cases = [
            (changed(&block, &["id"], "0".repeat(64).into()), "InvalidHash", ""),
            (other, "InvalidSignature", "Invalid block signature"),
            (theirs, "OperationError", "Only federation nodes can create blocks"),
        ];
        for (bad, class, text) in cases {
            let refused = raised(ledger.b.validate_block(&bad).await);
            if ledger.is_original() {
                assert_eq!(refused, (class, text.to_owned()));
            } else {
                assert_eq!(refused.0, class, "{}", refused.1);
            }
            assert!(!ledger.b.is_valid_block(&bad).await.unwrap());
        }
        let unsigned = ledger.unsigned(&[&user(1)], &[&user(2)], vec![output(&asset, 0)]);
        let block = ledger.b.create_block(vec![Arc::new(unsigned)]).unwrap();
        assert_eq!(raised(ledger.b.validate_block(&block).await).0, "InvalidSignature");
    }
}

#[tokio::test]
async fn a_vote_is_cast_once() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let create = ledger.create(&[&user(1)]).await;
        let block = ledger.block(&[&create]).await;
        assert!(!ledger.b.has_previous_vote(&block).await.unwrap());
        let unvoted = ledger.b.get_unvoted_blocks().await.unwrap();
        assert_eq!(unvoted.iter().map(|one| one.id()).collect::<Vec<_>>(), [block.id()]);
        let genesis = ledger.b.get_last_voted_block().await.unwrap().unwrap();
        let vote = ledger.b.vote(block.id(), genesis.id(), true).unwrap();
        let undecided = ledger.b.block_election_status(&block).await.unwrap();
        assert_eq!(undecided, Election::Undecided);
        ledger.b.write_vote(&vote).await.unwrap();
        assert!(ledger.b.has_previous_vote(&block).await.unwrap());
        let valid = ledger.b.block_election_status(&block).await.unwrap();
        assert_eq!(valid, Election::Valid);
        assert!(ledger.b.get_unvoted_blocks().await.unwrap().is_empty());
        let last = ledger.b.get_last_voted_block().await.unwrap().unwrap();
        assert_eq!(last.id(), block.id());

        let no = ledger.b.vote(block.id(), genesis.id(), false).unwrap();
        let stands = ledger.b.write_vote(&no).await.unwrap();
        let stored = ledger.b.get_block(block.id()).await.unwrap();
        assert_eq!(stored.as_deref(), Some(&block), "a vote leaves the block as it is");
        let (id, me) = (block.id(), ledger.b.me());
        if ledger.is_original() {
            assert_eq!(*stands.vote, no);
            let twice = raised(ledger.b.block_election_status(&block).await);
            let text = format!("Block {id} has multiple votes (2) from voting node {me}");
            assert_eq!(twice, ("MultipleVotesError", text));
            let twice = raised(ledger.b.has_previous_vote(&block).await);
            let text = format!("Block {id} has 2 votes from public key {me}");
            assert_eq!(twice, ("MultipleVotesError", text));
        } else {
            assert_eq!(*stands.vote, vote);
            let valid = ledger.b.block_election_status(&block).await.unwrap();
            assert_eq!(valid, Election::Valid);
        }
        let cyclic = ledger.b.vote(block.id(), block.id(), true);
        assert_eq!(raised(cyclic).0, "CyclicBlockchainError");
    }
}

/// Somebody has put a vote of nobody's where this node's is to stand.
#[tokio::test]
async fn a_forged_vote_is_in_nobodys_way() {
    let ledger = Ledger::new("default").await;
    let create = ledger.create(&[&user(1)]).await;
    let block = ledger.block(&[&create]).await;
    let genesis = ledger.b.get_last_voted_block().await.unwrap().unwrap();
    let vote = ledger.b.vote(block.id(), genesis.id(), true).unwrap();
    let mut document = vote.document().clone();
    *document.get_mut("vote").unwrap().get_mut("is_block_valid").unwrap() = false.into();
    let forged = Vote::from_document(document).unwrap();
    ledger.b.write_vote(&forged).await.unwrap();
    assert!(!ledger.b.has_previous_vote(&block).await.unwrap());
    assert_eq!(ledger.b.get_unvoted_blocks().await.unwrap().len(), 1);
    let stands = ledger.b.write_vote(&vote).await.unwrap();
    assert_eq!(*stands.vote, vote);
    assert!(ledger.b.has_previous_vote(&block).await.unwrap());
    assert_eq!(ledger.b.block_election_status(&block).await.unwrap(), Election::Valid);
}

#[tokio::test]
async fn votes_make_a_chain() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        for rising in [0, 1] {
            let mut last: BlockId =
                ledger.b.get_last_voted_block().await.unwrap().unwrap().id().clone();
            for step in 0..4 {
                let b = ledger.at(NOW + 10 + rising * (10 + step));
                let create = ledger.create(&[&user(1)]).await;
                let block = ledger.block(&[&create]).await;
                b.write_vote(&b.vote(block.id(), &last, true).unwrap()).await.unwrap();
                last = block.id().clone();
                let found = b.get_last_voted_block().await.unwrap().unwrap();
                assert_eq!(*found.id(), last, "{profile}, vote {step}");
            }
        }
    }
}

#[tokio::test]
async fn keys_and_rules_come_from_the_configuration() {
    let keypair = user(3);
    let configured = |variables: &[(&str, &str)]| {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let nowhere = std::path::Path::new("/nowhere/at/all");
        let config = load(Some(nowhere), &environment).unwrap().settings.node().unwrap();
        let store = Arc::new(EmbeddedStore::in_memory());
        Bigchain::configured(store, &config, &Registry::default())
    };
    let private = ("BIGCHAINDB_KEYPAIR_PRIVATE", &*keypair.private());
    let b = configured(&[private, ("BIGCHAINDB_CONSENSUS_PLUGIN", "v0.6.0")]).unwrap();
    assert_eq!((b.me(), b.rules().name()), (keypair.public(), "v0.6.0"));
    let keyless = configured(&[]).unwrap_err();
    assert!(matches!(keyless, Error::KeypairNotFound));
    assert_eq!(keyless.class(), "KeypairNotFoundException");
    let unknown = configured(&[private, ("BIGCHAINDB_CONSENSUS_PLUGIN", "silly")]);
    assert_eq!(unknown.unwrap_err().class(), "ResolutionError");
}
