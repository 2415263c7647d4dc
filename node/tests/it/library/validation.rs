//! Judging transactions: what is refused, by which exception and, under `v0.6.0`, with which text.

use bigchaindb_core::model::{Json, Keypair, Transaction, TxId};

use super::ledger::{Ledger, PROFILES, output, raised, user};

/// The same transaction with another value somewhere in its body; the id is made to fit, or not.
fn changed(of: &Transaction, path: &[&str], value: Json, rehashed: bool) -> Transaction {
    let mut document = of.document().clone();
    let mut place = document.get_mut("transaction").unwrap();
    for step in path {
        place = match place {
            Json::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            object => object.get_mut(step).unwrap(),
        };
    }
    *place = value;
    if rehashed {
        return Transaction::of_body(document.get("transaction").unwrap().clone()).unwrap();
    }
    Transaction::from_document(document).unwrap()
}

/// What is wrong, the exception under `v0.6.0`, its text, the exception under `default`.
const REFUSED: &str = "
    CREATE with an input     | ValueError              | A CREATE operation has no inputs                            | ValueError
    CREATE by a stranger     | OperationError          | Only federation nodes can use the operation `CREATE`        | OperationError
    TRANSFER of nothing      | ValueError              | Only `CREATE` transactions can have null inputs             | ValueError
    no fulfillments          | ValueError              | Transaction contains no fulfillments                        | ValueError
    unknown input            | TransactionDoesNotExist | input `UNKNOWN` does not exist in the bigchain              | InvalidSignature
    signed by another        | InvalidSignature        |                                                             | InvalidSignature
    unsigned                 | InvalidSignature        |                                                             | InvalidSignature
    another id               | InvalidHash             |                                                             | InvalidHash
    spent already            | DoubleSpend             | input `{'txid': 'ASSET', 'cid': 0}` was already spent       | DoubleSpend
    spent already, unsigned  | DoubleSpend             | input `{'txid': 'ASSET', 'cid': 0}` was already spent       | InvalidSignature
";

async fn refused(ledger: &Ledger, what: &str, asset: &Transaction) -> Transaction {
    let (alice, bob): (Keypair, Keypair) = (user(1), user(2));
    let inputs = vec![output(asset, 0)];
    let transfer = ledger.transfer(&[&alice], &[&bob], inputs.clone()).await;
    let unsigned = ledger.unsigned(&[&alice], &[&bob], inputs.clone());
    let input = ["fulfillments", "0", "input"];
    match what {
        "CREATE with an input" => {
            let of = transfer.fulfillments()[0].get("input").unwrap().clone();
            changed(&ledger.create(&[&alice]).await, &input, of, true)
        }
        "CREATE by a stranger" => {
            let stranger = alice.public().as_str();
            let unsigned =
                ledger.b.create_transaction(&[stranger], &[stranger], vec![], "CREATE", Json::Null);
            ledger.b.sign_transaction(&unsigned.unwrap(), &[&alice]).await.unwrap()
        }
        "TRANSFER of nothing" => changed(&transfer, &input, Json::Null, true),
        "no fulfillments" => changed(&transfer, &["fulfillments"], Vec::new().into(), true),
        "unknown input" => {
            let txid = [&input[..], &["txid"]].concat();
            changed(&transfer, &txid, unknown().as_str().into(), true)
        }
        "signed by another" => {
            let message = unsigned.fulfillment_message(0).unwrap();
            let mut signature =
                bigchaindb_core::model::cryptoconditions::Fulfillment::ed25519(bob.public_bytes());
            signature.sign(message.as_bytes(), &bob);
            unsigned.with_fulfillment(0, &signature).unwrap()
        }
        "unsigned" | "spent already, unsigned" => unsigned,
        "another id" => {
            let mut document = transfer.document().clone();
            *document.get_mut("id").unwrap() = unknown().as_str().into();
            Transaction::from_document(document).unwrap()
        }
        "spent already" => transfer,
        _ => panic!("{what}?"),
    }
}

fn unknown() -> TxId {
    "0".repeat(64).into()
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1)]).await;
        for line in REFUSED.lines().filter(|line| !line.trim().is_empty()) {
            let columns: Vec<_> = line.split('|').map(str::trim).collect();
            let [what, class, text, default] = columns[..] else { panic!("{line}") };
            let transaction = refused(&ledger, what, &asset).await;
            if what == "spent already" {
                let first =
                    ledger.transfer(&[&user(1)], &[&user(3)], vec![output(&asset, 0)]).await;
                ledger.decide(&[&first], true).await;
            }
            let raised = raised(ledger.b.validate_transaction(&transaction).await);
            if ledger.is_original() {
                let text = text.replace("UNKNOWN", unknown().as_str());
                let text = text.replace("ASSET", asset.id().as_str());
                assert_eq!(raised, (class, text), "{what}");
            } else {
                assert_eq!(raised.0, default, "{what}: {}", raised.1);
                assert!(!raised.1.is_empty(), "{what}");
            }
            assert!(!ledger.b.is_valid_transaction(&transaction).await.unwrap(), "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_right_is_valid() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let create = ledger.create(&[&user(1)]).await;
        ledger.b.validate_transaction(&create).await.unwrap();
        ledger.decide(&[&create], true).await;
        let transfer = ledger.transfer(&[&user(1)], &[&user(2)], vec![output(&create, 0)]).await;
        ledger.b.validate_transaction(&transfer).await.unwrap();
        ledger.decide(&[&transfer], true).await;
        for written in [&create, &transfer] {
            // What stands in the chain is not valid a second time.
            let valid = ledger.b.is_valid_transaction(written).await.unwrap();
            assert_eq!(valid, ledger.is_original());
        }
    }
}

/// The fields of a fulfillment's message, and what changes it.
#[tokio::test]
async fn nobody_can_change_what_was_signed() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1), &user(2)]).await;
        let inputs = vec![output(&asset, 0)];
        let transfer = ledger.transfer(&[&user(1), &user(2)], &[&user(3)], inputs).await;
        let message = transfer.fulfillment_message(0).unwrap();
        let message = Json::parse(message.as_bytes()).unwrap();
        let names = ["condition", "data", "fulfillment", "id", "operation", "timestamp", "version"];
        let fields = message.as_object().unwrap();
        assert!(fields.iter().map(|(name, _)| name).eq(names));
        assert_eq!(message.get("condition"), Some(&transfer.conditions()[0]));
        assert_eq!(message.get("id").unwrap().as_str(), Some(transfer.id().as_str()));
        let fulfillment = message.get("fulfillment").unwrap();
        assert_eq!(fulfillment.get("fulfillment"), Some(&Json::Null));
        assert_eq!(fulfillment.get("input"), transfer.fulfillments()[0].get("input"));

        let changes: [(&[&str], Json); 5] = [
            (&["version"], 2_i64.into()),
            (&["operation"], "SOMETHING".into()),
            (&["timestamp"], "1472731201".into()),
            (&["data", "payload"], Json::object([("a", 1_i64.into())])),
            (&["fulfillments", "0", "owners_before"], vec![Json::from("me")].into()),
        ];
        assert!(ledger.b.validate_fulfillments(&transfer).await.unwrap());
        for (path, value) in changes {
            let other = changed(&transfer, path, value, false);
            assert!(!ledger.b.validate_fulfillments(&other).await.unwrap(), "{path:?}");
            assert!(!ledger.b.is_valid_transaction(&other).await.unwrap(), "{path:?}");
        }
        let fid = changed(&transfer, &["fulfillments", "0", "fid"], 1_i64.into(), false);
        let fulfilled = ledger.b.validate_fulfillments(&fid).await;
        if ledger.is_original() {
            assert_eq!(raised(fulfilled).0, "IndexError");
        } else {
            assert!(!fulfilled.unwrap());
        }
        let path = ["fulfillments", "0", "input", "txid"];
        let lost = changed(&transfer, &path, unknown().as_str().into(), false);
        assert!(!ledger.b.is_valid_transaction(&lost).await.unwrap());
        let fulfilled = ledger.b.validate_fulfillments(&lost).await;
        if ledger.is_original() {
            assert_eq!(raised(fulfilled).0, "TypeError");
        } else {
            assert!(!fulfilled.unwrap());
        }
    }
}
