//! What is backed up comes back, whatever happens meanwhile.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use bigchaindb::admin::archive::{End, Reader};
use bigchaindb::admin::{AdminError, Backup, Progress, Restored, Silent, backup, restore};
use bigchaindb::store::rethinkdb::{Client, Term};
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::rules::{Order, by_name};

use super::chain::{Chain, transfer};
use super::databases::{all, embedded};

fn what(chain: &Chain) -> Backup {
    Backup {
        backlog: true,
        consensus_plugin: "default".to_owned(),
        order: Order::List,
        members: chain.voters().iter().map(ToString::to_string).collect(),
    }
}

async fn save(client: &Client, what: &Backup) -> (End, Vec<u8>) {
    let mut archive = Vec::new();
    let end = backup(client, what, &mut archive, &Silent).await.unwrap();
    (end, archive)
}

async fn bring_back(client: &Client, archive: &[u8], merge: bool) -> Result<Restored, AdminError> {
    let reader = Reader::open(Cursor::new(archive.to_vec())).unwrap();
    restore(client, reader, by_name("default").unwrap(), merge, &Silent).await
}

/// Blocks of CREATEs and of TRANSFERs, by turns; something waits.
async fn chain(client: Client, blocks: usize) -> Chain {
    let mut chain = Chain::begin(client, 4).await;
    let (alice, bob) = (Keypair::from_seed([50; 32]), Keypair::from_seed([51; 32]));
    for number in 0..blocks / 2 {
        let created: Vec<_> =
            (0..20).map(|asset| chain.create(&alice, &format!("é {number}/{asset}"))).collect();
        let moved = created.iter().map(|asset| transfer(asset, &alice, &bob)).collect();
        chain.grow(created).await;
        chain.grow(moved).await;
    }
    let mut waiting = chain.create(&alice, "waits").document().clone();
    if let Json::Object(fields) = &mut waiting {
        fields.insert("assignee", chain.voters()[0].as_str().into());
    }
    chain.write("backlog", &[waiting]).await;
    chain
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_is_what_was_backed_up() {
    for from in all().await {
        let chain = chain(from.client.clone(), 6).await;
        let (saved, archive) = save(&chain.client, &what(&chain)).await;
        assert_eq!(saved.tables["bigchain"].documents, 7);
        assert_eq!(saved.tables["votes"].documents, 24);
        for to in all().await {
            let restored = bring_back(&to.client, &archive, false).await.unwrap();
            assert_eq!(restored.findings, []);
            assert_eq!(restored.tables["backlog"].written, 1);
            let (again, _) = save(&to.client, &what(&chain)).await;
            assert_eq!(again.tables, saved.tables);
            let refused = bring_back(&to.client, &archive, false).await.unwrap_err();
            assert!(matches!(refused, AdminError::NotEmpty { .. }), "{refused}");
            to.finish().await;
        }
        from.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_broke_off_is_finished_by_running_it_again() {
    let from = embedded().await;
    let chain = chain(from.client.clone(), 4).await;
    let (saved, archive) = save(&chain.client, &what(&chain)).await;
    let (_, other) = save(&chain.client, &what(&chain)).await;
    for to in all().await {
        for cut in [archive.len() / 2, archive.len() - 100] {
            let broken = bring_back(&to.client, &archive[..cut], false).await.unwrap_err();
            assert!(matches!(broken, AdminError::Archive(_)), "{broken}");
        }
        let refused = bring_back(&to.client, &other, false).await.unwrap_err();
        assert!(matches!(refused, AdminError::OtherRestore { .. }), "{refused}");
        let restored = bring_back(&to.client, &archive, false).await.unwrap();
        assert_eq!(restored.findings, []);
        assert!(restored.tables["bigchain"].there > 0);
        assert_eq!(save(&to.client, &what(&chain)).await.0.tables, saved.tables);
        to.finish().await;
    }
    from.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_keeps_what_is_there_and_names_what_differs() {
    let from = embedded().await;
    let chain = chain(from.client.clone(), 2).await;
    let (_, archive) = save(&chain.client, &what(&chain)).await;
    let to = embedded().await;
    let mut there = Chain::begin(to.client.clone(), 4).await;
    let other = Json::parse(br#"{"id":1,"block":"other"}"#).unwrap();
    there.write("positions", &[other]).await;
    there.blocks.push("other".into());
    let restored = bring_back(&to.client, &archive, true).await.unwrap();
    let told: Vec<_> = restored.findings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["positions 1: another document with this id is there, and stays"]);
    assert_eq!(restored.tables["bigchain"].there, 1, "genesis");
    let counts = restored.tables["positions"];
    assert_eq!((counts.written, counts.there, counts.conflicts), (1, 1, 1));
    from.finish().await;
    to.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_not_what_they_say_are_named_while_they_are_restored() {
    let from = embedded().await;
    let mut chain = chain(from.client.clone(), 2).await;
    let owner = Keypair::from_seed([50; 32]);
    let block = chain.make(vec![chain.create(&owner, "bad")]);
    let text = block
        .document()
        .to_string()
        .replace("\"timestamp\":\"1472731203\"", "\"timestamp\":\"1472731204\"");
    let bad = Json::parse(text.as_bytes()).unwrap();
    assert_ne!(bad, *block.document());
    chain.append(&bad, block.id(), true).await;
    let mut forged = chain.vote(&chain.members[1], &"x".into(), true);
    *forged.get_mut("vote").unwrap().get_mut("is_block_valid").unwrap() = false.into();
    chain.write("votes", &[forged.clone()]).await;
    let (saved, archive) = save(&chain.client, &what(&chain)).await;
    let to = embedded().await;
    let restored = bring_back(&to.client, &archive, false).await.unwrap();
    let told: Vec<_> = restored.findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with(&format!("bigchain {}: the id is not the hash", block.id())));
    let id = forged.get("id").unwrap().as_str().unwrap();
    assert!(told[1].starts_with(&format!("votes {id}: it is not signed by")), "{told:?}");
    assert_eq!(save(&to.client, &what(&chain)).await.0.tables, saved.tables, "as it was");
    from.finish().await;
    to.finish().await;
}

/// Lets the chain grow while it is being read.
struct Meddler(Mutex<Option<Chain>>);

impl Progress for Meddler {
    fn begin(&self, table: &str, _of: Option<u64>) {
        let mut chain = self.0.lock().unwrap();
        let Some(chain) = chain.as_mut().filter(|_| table == "bigchain" || table == "votes") else {
            return;
        };
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let owner = Keypair::from_seed([50; 32]);
                for number in 0..5 {
                    let asset = chain.create(&owner, &format!("{table} {number}"));
                    chain.grow(vec![asset]).await;
                }
            });
        });
    }

    fn advance(&self, _by: u64) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_is_saved_as_it_was_when_the_backup_began() {
    for from in all().await {
        let mut chain = chain(from.client.clone(), 4).await;
        let homeless = chain.make(vec![chain.create(&Keypair::from_seed([50; 32]), "homeless")]);
        chain.write("bigchain", &[homeless.document().clone()]).await;
        let what = what(&chain);
        let (before, _) = save(&chain.client, &what).await;
        chain.blocks.push(homeless.id().clone());
        chain.blocks.pop();
        let (client, meddler) = (chain.client.clone(), Arc::new(Meddler(Mutex::new(Some(chain)))));
        let mut archive = Vec::new();
        let during = backup(&client, &what, &mut archive, &*meddler).await.unwrap();
        assert_eq!(during.tables, before.tables);
        let (after, _) = save(&client, &what).await;
        assert_eq!(after.tables["bigchain"].documents, before.tables["bigchain"].documents + 10);
        from.finish().await;
    }
}

/// The original has no list: what is there is saved, and comes back beside an empty list.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_the_original_is_saved_without_a_list() {
    for from in all().await {
        let chain = chain(from.client.clone(), 4).await;
        let list = Term::database(chain.client.database()).table_drop("positions");
        chain.client.value(&list).await.unwrap();
        let what = Backup { order: Order::Votes, ..what(&chain) };
        let (saved, archive) = save(&chain.client, &what).await;
        let counts = saved.tables.iter().map(|(table, total)| (&**table, total.documents));
        let counts: Vec<_> = counts.collect();
        assert_eq!(counts, [("backlog", 1), ("bigchain", 5), ("votes", 16)]);
        let to = embedded().await;
        bring_back(&to.client, &archive, false).await.unwrap();
        assert_eq!(save(&to.client, &what).await.0.tables, saved.tables);
        from.finish().await;
        to.finish().await;
    }
}
