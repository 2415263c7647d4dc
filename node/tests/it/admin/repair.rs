//! What a storage snapshot may bring back torn is whole again afterwards.

use bigchaindb::admin::archive::Total;
use bigchaindb::admin::{AdminError, Backup, Plan, Silent, backup, plan, repair, verify};
use bigchaindb::store::rethinkdb::{Term, term};
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::rules::{Federation, Order, by_name};
use term::{Durability, ReadMode};

use super::chain::{Chain, transfer};
use super::databases::all;

fn federation(chain: &Chain) -> Federation {
    let mut members = chain.voters();
    Federation::new(members.remove(0), members)
}

async fn planned(chain: &Chain, rules: &str) -> Plan {
    plan(&chain.client, &*by_name(rules).unwrap(), &federation(chain), &Silent).await.unwrap()
}

async fn repaired(chain: &Chain, rules: &str) -> Plan {
    repair(&chain.client, &*by_name(rules).unwrap(), &federation(chain), &Silent).await.unwrap()
}

/// What the tables hold.
async fn totals(chain: &Chain) -> Vec<(String, Total)> {
    let what = Backup {
        backlog: true,
        consensus_plugin: "default".to_owned(),
        order: Order::List,
        members: Vec::new(),
    };
    let end = backup(&chain.client, &what, Vec::new(), &Silent).await.unwrap();
    end.tables.into_iter().collect()
}

async fn delete(chain: &Chain, table: &str, key: impl Into<Term>) {
    let row = Term::table(table, ReadMode::Single).get_all([key.into()]);
    let stats = chain.client.value(&row.delete(Durability::Hard)).await.unwrap();
    assert_eq!(stats.get("deleted"), Some(&Json::from(1_i64)));
}

/// A chain that is whole, of so many blocks.
async fn whole(chain: &mut Chain, blocks: usize) {
    let (alice, bob) = (Keypair::from_seed([50; 32]), Keypair::from_seed([51; 32]));
    for number in 0..blocks / 2 {
        let asset = chain.create(&alice, &format!("asset {number}"));
        chain.grow(vec![asset.clone()]).await;
        chain.grow(vec![transfer(&asset, &alice, &bob)]).await;
    }
}

/// Things that were caught halfway: they are written behind a chain that is whole. The id of the one
/// block with a place.
async fn tear(chain: &mut Chain) -> String {
    let owner = Keypair::from_seed([50; 32]);
    let voted = chain.make(vec![chain.create(&owner, "on its way")]);
    let votes: Vec<_> =
        chain.members[..2].iter().map(|one| chain.vote(one, voted.id(), true)).collect();
    let nothing = chain.vote(&chain.members[0], &"nothing".into(), true);
    chain.write("bigchain", &[voted.document().clone()]).await;
    chain.write("votes", &votes).await;
    chain.write("votes", &[nothing]).await;
    chain.place(voted.id()).await;
    let homeless = chain.make(vec![chain.create(&owner, "homeless")]);
    chain.write("bigchain", &[homeless.document().clone()]).await;
    let mut waiting = chain.create(&owner, "waits").document().clone();
    if let Json::Object(fields) = &mut waiting {
        fields.insert("assignee", chain.voters()[0].as_str().into());
    }
    chain.write("backlog", &[waiting]).await;
    voted.id().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_torn_is_cut_off_and_what_was_decided_stays() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        whole(&mut chain, 8).await;
        let (before, last) = (totals(&chain).await, chain.blocks[8].clone());
        let voted = tear(&mut chain).await;
        delete(&chain, "positions", 5_u64).await;
        let torn = totals(&chain).await;
        let plan = planned(&chain, "default").await;
        assert_eq!(totals(&chain).await, torn, "a plan changes nothing");
        assert_eq!(plan.last, last.as_str());
        assert!(plan.backlog && plan.blocks.contains(&voted) && plan.blocks.len() == 2, "{plan:?}");
        assert_eq!((plan.votes.len(), &*plan.places), (3, &[9][..]));
        assert_eq!(plan.lost, [(5, chain.blocks[5].to_string())]);
        assert_eq!(plan.unknown, [0; 0]);
        // As if a repair had broken off.
        delete(&chain, "votes", plan.votes[0].as_str().unwrap()).await;
        delete(&chain, "bigchain", voted.as_str()).await;
        repaired(&chain, "default").await;
        assert_eq!(totals(&chain).await, before);
        assert!(repaired(&chain, "default").await.is_empty());
        assert_eq!(totals(&chain).await, before);
        let rules = by_name("default").unwrap();
        let verified = verify(&chain.client, &rules, &federation(&chain), &Silent).await.unwrap();
        assert_eq!(verified.findings, []);
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_lost_is_found_in_the_votes() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        whole(&mut chain, 40).await;
        let before = totals(&chain).await;
        let list = Term::table("positions", ReadMode::Single);
        chain.client.value(&list.delete(Durability::Hard)).await.unwrap();
        let plan = repaired(&chain, "default").await;
        assert_eq!((plan.lost.len(), plan.blocks.len(), plan.votes.len()), (41, 0, 0));
        assert_eq!(totals(&chain).await, before);
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_which_no_vote_tells_stays_empty() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        whole(&mut chain, 4).await;
        let lost = chain.blocks[2].clone();
        delete(&chain, "positions", 2_u64).await;
        let votes = Term::table("votes", ReadMode::Single)
            .get_all_by("voting_for_block", [lost.as_str().into()]);
        chain.client.value(&votes.delete(Durability::Hard)).await.unwrap();
        let plan = planned(&chain, "default").await;
        assert_eq!((plan.unknown, plan.lost.len()), (vec![2], 0));
        assert_eq!(plan.places, [0; 0], "what was decided behind it stays");
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_the_original_is_cut_off_behind_its_last_decided_block() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 3).await;
        whole(&mut chain, 6).await;
        let last = chain.blocks[6].clone();
        let owner = Keypair::from_seed([50; 32]);
        let voted = chain.make(vec![chain.create(&owner, "on its way")]);
        let vote = chain.vote(&chain.members[0], voted.id(), true);
        chain.write("bigchain", &[voted.document().clone()]).await;
        chain.write("votes", &[vote]).await;
        let list = Term::table("positions", ReadMode::Single);
        chain.client.value(&list.delete(Durability::Hard)).await.unwrap();
        let plan = repaired(&chain, "mixed").await;
        assert_eq!((&*plan.last, &*plan.blocks), (last.as_str(), &[voted.id().to_string()][..]));
        assert_eq!((plan.votes.len(), plan.places.len()), (1, 0));
        assert!(planned(&chain, "mixed").await.is_empty());
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_touched_with_the_wrong_keyring() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        whole(&mut chain, 4).await;
        let before = totals(&chain).await;
        let wrong = Federation::new(chain.voters()[0].clone(), Vec::new());
        let rules = by_name("default").unwrap();
        let refused = repair(&chain.client, &*rules, &wrong, &Silent).await.unwrap_err();
        assert!(matches!(refused, AdminError::NoGenesis), "{refused}");
        assert_eq!(totals(&chain).await, before);
        database.finish().await;
    }
}
