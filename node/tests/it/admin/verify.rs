//! A chain that is right is found right; whatever is wrong with one is named.

use std::sync::Arc;

use bigchaindb::admin::{Silent, Verified, verify};
use bigchaindb::store::rethinkdb::{Term, term};
use bigchaindb_core::model::{Block, Json, Keypair, Transaction, Vote};
use bigchaindb_core::rules::{Federation, by_name};
use term::{Durability, ReadMode};

use super::chain::{Chain, row, transfer};
use super::databases::all;

fn alice() -> Keypair {
    Keypair::from_seed([50; 32])
}

fn bob() -> Keypair {
    Keypair::from_seed([51; 32])
}

async fn verified(chain: &Chain, rules: &str) -> Verified {
    let mut members = chain.voters();
    let federation = Federation::new(members.remove(0), members);
    verify(&chain.client, &by_name(rules).unwrap(), &federation, &Silent).await.unwrap()
}

fn told(verified: &Verified) -> Vec<String> {
    verified.findings.iter().map(ToString::to_string).collect()
}

/// Genesis, a block of CREATEs, one of TRANSFERs; what was created and not moved on.
async fn good(chain: &mut Chain) -> Vec<Arc<Transaction>> {
    let created: Vec<_> =
        (0..20).map(|asset| chain.create(&alice(), &format!("asset {asset}"))).collect();
    let moved = created[..10].iter().map(|asset| transfer(asset, &alice(), &bob())).collect();
    chain.grow(created.clone()).await;
    chain.grow(moved).await;
    created[10..].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_right_has_no_findings() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        good(&mut chain).await;
        // Neither a block that waits for votes nor one voted invalid is wrong.
        let waiting = chain.make(vec![chain.create(&alice(), "waits")]);
        chain.write("bigchain", &[waiting.document().clone()]).await;
        chain.place(waiting.id()).await;
        let refused = chain.make(vec![transfer(&chain.create(&alice(), "?"), &alice(), &bob())]);
        chain.append(refused.document(), refused.id(), false).await;
        // Each block takes company of its own: many pages.
        for number in 0..40 {
            chain.grow(vec![chain.create(&alice(), &format!("alone {number}"))]).await;
        }
        let verified = verified(&chain, "default").await;
        assert_eq!(told(&verified), [""; 0]);
        let Verified { blocks, valid, invalid, undecided, transactions, votes, .. } = verified;
        assert_eq!((blocks, valid, invalid, undecided), (45, 43, 1, 1));
        assert_eq!((transactions, votes), (73, 4 * 43));
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_block_is_named() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        good(&mut chain).await;
        let block = chain.make(vec![chain.create(&alice(), "original")]);
        let text = block.document().to_string().replace("\"original\"", "\"forged\"");
        let bad = Json::parse(text.as_bytes()).unwrap();
        chain.append(&bad, block.id(), true).await;
        let told = told(&verified(&chain, "default").await);
        assert_eq!(told.len(), 1, "{told:?}");
        let expected = format!("bigchain {} (place 3): the id is not the hash", block.id());
        assert!(told[0].starts_with(&expected) && told[0].ends_with("(voted valid)"), "{told:?}");
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_spend_that_was_voted_valid_is_named() {
    for rules in ["default", "mixed"] {
        for database in all().await {
            let mut chain = Chain::begin(database.client.clone(), 4).await;
            let asset = good(&mut chain).await.remove(0);
            let first = transfer(&asset, &alice(), &bob());
            let spender = chain.grow(vec![first.clone()]).await;
            chain.grow(vec![chain.create(&alice(), "between")]).await;
            let second = transfer(&asset, &alice(), &Keypair::from_seed([52; 32]));
            let block = chain.grow(vec![second.clone()]).await;
            let told = told(&verified(&chain, rules).await);
            let place = if rules == "default" { " (place 5)" } else { "" };
            let expected = format!(
                "bigchain {block}{place}: is valid, but holds transaction {}: input {}/0 was \
                 already spent by {}, in block {spender}",
                second.id(),
                asset.id(),
                first.id()
            );
            assert_eq!(told, [expected], "{rules}");
            database.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_strange_second_and_dangling_votes_are_named() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        good(&mut chain).await;
        let block = chain.make(vec![chain.create(&alice(), "voted on")]);
        chain.write("bigchain", &[block.document().clone()]).await;
        let [one, two, three, four] = &chain.members[..] else { panic!() };
        let (stranger, previous) = (Keypair::from_seed([99; 32]), chain.blocks[1].clone());
        let mut forged = chain.vote(one, block.id(), true);
        *forged.get_mut("vote").unwrap().get_mut("is_block_valid").unwrap() = false.into();
        let lost = Vote::create(three, block.id(), &previous, true, 1).unwrap();
        let second = Vote::create(two, block.id(), &chain.blocks[2], false, 1).unwrap();
        let nothing = chain.vote(two, &"nothing".into(), true);
        let rows = [
            forged,
            chain.vote(two, block.id(), true),
            row(&second, "zz"),
            row(&lost, &Vote::key(block.id(), three.public(), 0)),
            chain.vote(&stranger, block.id(), true),
            chain.vote(four, block.id(), true),
            nothing,
            Json::parse(br#"{"id":"no vote"}"#).unwrap(),
        ];
        chain.write("votes", &rows).await;
        let id = |row: usize| rows[row].get("id").unwrap().as_str().unwrap();
        let mut expected = vec![
            (id(7), String::new(), "it is no vote".to_owned()),
            (id(6), String::new(), "its block is not there".to_owned()),
        ];
        let on = |what: String| format!("on block {}: {what}", block.id());
        let at = || " (place 3)".to_owned();
        expected.push((id(0), at(), on(format!("it is not signed by {}", one.public()))));
        let again = on(format!("it is another vote of {} on this block", two.public()));
        expected.push((id(2), at(), again));
        let names =
            on(format!("names {previous} as the block before, which is {}", chain.blocks[2]));
        expected.push((id(3), at(), names));
        let no_member = on(format!("its voter {} is no member", stranger.public()));
        expected.push((id(4), at(), no_member));
        let mut expected: Vec<_> =
            expected.iter().map(|(id, at, what)| format!("votes {id}{at}: {what}")).collect();
        chain.place(block.id()).await;
        let verified = verified(&chain, "default").await;
        let mut told = told(&verified);
        told.sort();
        expected.sort();
        assert_eq!(told, expected);
        assert_eq!(verified.undecided, 1);
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_out_of_place_is_named() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        good(&mut chain).await;
        let lost = chain.grow(vec![chain.create(&alice(), "lost")]).await;
        let table = Term::table("bigchain", ReadMode::Single);
        let delete = table.get_all([lost.as_str().into()]).delete(Durability::Hard);
        chain.client.value(&delete).await.unwrap();
        // Nothing has place 4.
        chain.blocks.push("nobody".into());
        let homeless = chain.make(vec![chain.create(&alice(), "homeless")]);
        let votes: Vec<_> =
            chain.members.iter().map(|member| chain.vote(member, homeless.id(), true)).collect();
        chain.write("bigchain", &[homeless.document().clone()]).await;
        chain.write("votes", &votes).await;
        chain.blocks.pop();
        let behind = chain.make(vec![chain.create(&alice(), "behind the gap")]);
        chain.write("bigchain", &[behind.document().clone()]).await;
        let votes: Vec<_> =
            chain.members.iter().map(|member| chain.vote(member, behind.id(), true)).collect();
        chain.write("votes", &votes).await;
        chain.blocks.push("nobody".into());
        chain.place(behind.id()).await;
        let rows = [(r#"{"id":"here","block":"x"}"#, "positions"), (r#"{"id":"x"}"#, "bigchain")];
        for (text, table) in rows {
            chain.write(table, &[Json::parse(text.as_bytes()).unwrap()]).await;
        }
        let told = told(&verified(&chain, "default").await);
        let homeless = homeless.id();
        assert_eq!(
            told,
            [
                "bigchain x: it is no block".to_owned(),
                "positions here: it is no place: a place is a whole number from 0 on".to_owned(),
                "positions 4 (place 4): nothing has this place".to_owned(),
                format!("positions 3 (place 3): its block {lost} is not there"),
                format!("bigchain {homeless}: it is voted valid, but not linked to genesis"),
            ]
        );
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_others_begins_with_nothing() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 4).await;
        good(&mut chain).await;
        chain.members.pop();
        let told = told(&verified(&chain, "default").await);
        assert!(told[0].contains("stands before genesis"), "{told:?}");
        assert!(told.iter().any(|one| one.contains("there is no genesis block")), "{told:?}");
        database.finish().await;
    }
}

/// A chain as nodes of the original leave it: no list, votes under random keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_the_original_is_judged_in_the_order_of_its_votes() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 3).await;
        let assets = good(&mut chain).await;
        // A TRANSFER stands in a block whose id and time say nothing about its order.
        for asset in assets {
            chain.grow(vec![transfer(&asset, &alice(), &bob())]).await;
        }
        let database_of = Term::database(chain.client.database());
        chain.client.value(&database_of.table_drop("positions")).await.unwrap();
        for rules in ["mixed", "v0.6.0"] {
            let verified = verified(&chain, rules).await;
            assert_eq!(told(&verified), [""; 0], "{rules}");
            assert_eq!((verified.blocks, verified.valid, verified.unlisted), (13, 13, 0));
        }
        database.finish().await;
    }
}

/// A block that its own rules refuse is found under the rules of the original, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_made_is_named() {
    for database in all().await {
        let mut chain = Chain::begin(database.client.clone(), 3).await;
        good(&mut chain).await;
        let stranger = Keypair::from_seed([99; 32]);
        let transactions = vec![chain.create(&alice(), "strange")];
        let block = Block::create(transactions, &stranger, &chain.voters(), 1_472_731_300).unwrap();
        chain.append(block.document(), block.id(), false).await;
        for rules in ["default", "mixed"] {
            let told = told(&verified(&chain, rules).await);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("only federation nodes can create blocks"), "{told:?}");
        }
        database.finish().await;
    }
}
