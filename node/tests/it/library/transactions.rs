//! Making, writing and finding transactions.

use bigchaindb_core::model::{Json, Transaction};
use bigchaindb_core::query::{BlockIndex, Write};
use bigchaindb_core::rules::Status;

use super::ledger::{Ledger, PROFILES, key, output, raised, user};

fn names(object: &Json) -> Vec<String> {
    object.as_object().unwrap().iter().map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn a_transaction_has_the_documented_fields() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let create = ledger.create(&[&user(1)]).await;
        assert_eq!(names(create.document()), ["id", "transaction"]);
        let fields = ["conditions", "data", "fulfillments", "operation", "timestamp", "version"];
        assert_eq!(names(create.body()), fields);
        let data = create.body().get("data").unwrap();
        assert_eq!(data.get("uuid").unwrap().as_str().unwrap().len(), 36);
        assert_eq!(data.get("payload"), Some(&Json::Null));
        let text = create.document().to_string();
        let again = Transaction::from_document(Json::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(again, create);
    }
}

#[tokio::test]
async fn a_payload_is_an_object_or_nothing() {
    let ledger = Ledger::new("v0.6.0").await;
    let create = |payload| {
        let me = ledger.b.me().as_str();
        ledger.b.create_transaction(&[me], &[me], vec![], "CREATE", payload)
    };
    assert_eq!(raised(create(Json::Array(vec![]))).0, "TypeError");
    let payload = Json::object([("msg", "Hello BigchainDB!".into())]);
    let made = create(payload.clone()).unwrap();
    assert_eq!(made.body().get("data").unwrap().get("payload"), Some(&payload));
}

#[tokio::test]
async fn payloads_are_found_by_their_uuid() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1)]).await;
        let waiting = ledger.create(&[&user(1)]).await;
        ledger.b.write_transaction(&waiting).await.unwrap();
        let uuid = |of: &Transaction| {
            let data = of.body().get("data").unwrap();
            data.get("uuid").unwrap().as_str().unwrap().to_owned()
        };
        let found = ledger.b.get_tx_by_payload_uuid(&uuid(&asset)).await.unwrap();
        assert_eq!(found.iter().map(|one| one.id()).collect::<Vec<_>>(), [asset.id()]);
        for unknown in [&*uuid(&waiting), "unknown"] {
            assert!(ledger.b.get_tx_by_payload_uuid(unknown).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_signed_fulfills() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1)]).await;
        let unsigned = ledger.unsigned(&[&user(1)], &[&user(2)], vec![output(&asset, 0)]);
        let signed = ledger.b.sign_transaction(&unsigned, &[&user(1)]).await.unwrap();
        for (transaction, fulfills) in [(&asset, true), (&unsigned, false), (&signed, true)] {
            assert_eq!(ledger.b.validate_fulfillments(transaction).await.unwrap(), fulfills);
            let checked = ledger.b.check_hash_and_signature(transaction).await;
            assert_eq!(checked.is_ok(), fulfills);
        }
        let missing = ledger.b.sign_transaction(&unsigned, &[&user(2)]).await;
        assert_eq!(raised(missing).0, "KeypairMismatchException");
        let (alice, bob, inputs) = (user(1), user(2), vec![output(&asset, 0)]);
        let both =
            ledger.b.create_and_sign_transaction(&alice, key(&bob), inputs, "TRANSFER", Json::Null);
        assert!(ledger.b.is_valid_transaction(&both.await.unwrap()).await.unwrap());
    }
}

#[tokio::test]
async fn a_transaction_is_read_from_where_it_stands() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let [waiting, undecided, invalid, valid] = [1, 2, 3, 4];
        let mut made = Vec::new();
        for owner in [waiting, undecided, invalid, valid] {
            made.push(ledger.create(&[&user(owner)]).await);
        }
        let [waiting, undecided, invalid, valid] = &made[..] else { panic!("four were made") };
        let written = ledger.b.write_transaction(waiting).await.unwrap();
        assert_eq!((written.write, &written.assignee), (Write::Inserted, ledger.b.me()));
        let again = ledger.b.write_transaction(waiting).await.unwrap();
        assert_eq!(again.write, Write::Unchanged);
        ledger.block(&[undecided]).await;
        ledger.decide(&[invalid], false).await;
        let block = ledger.decide(&[valid], true).await;

        let told = (!ledger.is_original()).then_some(Status::Invalid);
        let cases = [
            (waiting, Some(Status::Backlog), true),
            (undecided, Some(Status::Undecided), true),
            (valid, Some(Status::Valid), true),
            (invalid, told, false),
        ];
        for (transaction, status, is_found) in cases {
            let id = transaction.id();
            assert_eq!(ledger.b.get_status(id).await.unwrap(), status, "{profile}");
            let found = ledger.b.get_transaction(id).await.unwrap();
            assert_eq!(found.as_deref(), is_found.then_some(transaction), "{profile}");
            let exists = ledger.b.transaction_exists(id).await.unwrap();
            assert_eq!(exists, status != Some(Status::Backlog));
        }
        let found = ledger.b.find_transaction(waiting.id()).await.unwrap().unwrap();
        assert_eq!(found.assignee.as_ref(), Some(ledger.b.me()));
        let index = BlockIndex::TransactionId;
        let heads = ledger.b.search_block_election_on_index(valid.id().as_str(), index);
        let heads = heads.await.unwrap();
        assert_eq!((heads.len(), &heads[0].id), (1, block.id()));
    }
}

#[tokio::test]
async fn a_transaction_is_for_another_member() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let others: Vec<_> = (1..6).map(user).collect();
        let b = ledger.among(&others);
        let mut mine = 0;
        for _ in 0..20 {
            let create = ledger.create(&[&user(9)]).await;
            let assignee = b.write_transaction(&create).await.unwrap().assignee;
            assert!(b.federation().contains(&assignee));
            mine += usize::from(assignee == *b.me());
        }
        if ledger.is_original() {
            assert_eq!(mine, 0);
        }
    }
}

#[tokio::test]
async fn what_the_database_would_change_is_not_written() {
    let payload = Json::object([("text", "cut\0here".into())]);
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let me = ledger.b.me().as_str();
        let create = ledger.b.create_transaction(&[me], &[me], vec![], "CREATE", payload.clone());
        let written = ledger.b.write_transaction(&create.unwrap()).await;
        assert_eq!(written.is_ok(), ledger.is_original());
    }
}
