//! Guards made by hand, as the documentation's examples make them.

use bigchaindb_core::model::cryptoconditions::{Fulfillment, Part};
use bigchaindb_core::model::{Json, Keypair, Transaction};

use super::ledger::{Ledger, NOW, PROFILES, key, output, raised, user};

fn ed25519(user: &Keypair) -> Fulfillment {
    Fulfillment::ed25519(user.public_bytes())
}

fn signed(user: &Keypair, message: &str) -> Fulfillment {
    let mut signature = ed25519(user);
    assert_eq!(signature.sign(message.as_bytes(), user), 1);
    signature
}

fn left_out(fulfillment: &Fulfillment) -> Part {
    fulfillment.condition().unwrap().into()
}

/// The guard of an output, from its details.
fn guard_of(transaction: &Transaction) -> Fulfillment {
    let condition = transaction.conditions()[0].get("condition").unwrap();
    let guard = Fulfillment::from_dict(condition.get("details").unwrap()).unwrap();
    let uri = condition.get("uri").unwrap().as_str().unwrap();
    assert_eq!(guard.condition_uri().unwrap(), uri);
    guard
}

#[tokio::test]
async fn details_and_uri_say_the_same() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let asset = ledger.asset(&[&user(1)]).await;
        assert_eq!(guard_of(&asset), ed25519(&user(1)));
        let transfer = ledger.transfer(&[&user(1)], &[&user(2)], vec![output(&asset, 0)]).await;
        let uri = transfer.fulfillments()[0].get("fulfillment").unwrap().as_str().unwrap();
        let opened = Fulfillment::parse(uri, bigchaindb_core::model::Profile::Default).unwrap();
        assert_eq!(opened.condition_uri().unwrap(), asset.condition_uri(0).unwrap());
        assert_eq!(opened.subconditions_of(&user(1).public_bytes()).len(), 1);
    }
}

#[tokio::test]
async fn several_owners_have_a_threshold_of_all() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let owners = [1, 2, 3, 4, 5].map(user);
        let asset = ledger.asset(&owners.each_ref()).await;
        let parts: Vec<_> = owners.iter().map(|owner| Part::from(ed25519(owner))).collect();
        let guard = guard_of(&asset);
        assert_eq!(guard, Fulfillment::threshold(5, parts));
        for owner in &owners {
            let found = guard.subconditions_of(&owner.public_bytes());
            assert_eq!(found, [&ed25519(owner)]);
        }
        assert!(guard.subconditions_of(&user(9).public_bytes()).is_empty());

        // What signs by itself is what one would make by hand.
        let unsigned = ledger.unsigned(&owners.each_ref(), &[&user(6)], vec![output(&asset, 0)]);
        let message = unsigned.fulfillment_message(0).unwrap();
        let parts = owners.iter().map(|owner| Part::from(signed(owner, &message))).collect();
        let by_hand = unsigned.with_fulfillment(0, &Fulfillment::threshold(5, parts)).unwrap();
        let by_itself = ledger.b.sign_transaction(&unsigned, &owners.each_ref()).await.unwrap();
        assert_eq!(by_hand, by_itself);
        ledger.b.validate_transaction(&by_hand).await.unwrap();
    }
}

#[tokio::test]
async fn two_of_three_are_enough() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let (alice, owners) = (user(1), [2, 3, 4].map(user));
        let asset = ledger.asset(&[&alice]).await;
        let parts = owners.iter().map(|owner| Part::from(ed25519(owner))).collect();
        let guard = Fulfillment::threshold(2, parts);
        let unsigned = ledger.unsigned(&[&alice], &owners.each_ref(), vec![output(&asset, 0)]);
        let unsigned = unsigned.with_guard(0, &guard).unwrap();
        let locked = ledger.b.sign_transaction(&unsigned, &[&alice]).await.unwrap();
        ledger.b.validate_transaction(&locked).await.unwrap();
        ledger.decide(&[&locked], true).await;
        assert_eq!(guard_of(&locked), guard);

        let spend = ledger.unsigned(&owners.each_ref(), &[&user(5)], vec![output(&locked, 0)]);
        let message = spend.fulfillment_message(0).unwrap();
        let [one, two, three] = &owners;
        let open = |first: Fulfillment, second: Fulfillment| {
            let parts = vec![first.into(), second.into(), left_out(&ed25519(three))];
            spend.with_fulfillment(0, &Fulfillment::threshold(2, parts)).unwrap()
        };
        let good = open(signed(one, &message), signed(two, &message));
        ledger.b.validate_transaction(&good).await.unwrap();
        let wrong = open(signed(one, &message), signed(two, "something else"));
        let refused = raised(ledger.b.validate_transaction(&wrong).await);
        assert_eq!(refused.0, "InvalidSignature");
    }
}

#[tokio::test]
async fn a_hash_lock_opens_for_whoever_knows_the_secret() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let secret = Fulfillment::preimage(*b"much secret! wow!");
        let me = ledger.b.me().as_str();
        let create = ledger.b.create_transaction(&[me], &[], vec![], "CREATE", Json::Null);
        let create = create.unwrap().with_output(&secret).unwrap();
        let locked = ledger.b.sign_transaction(&create, &[ledger.b.keypair()]).await.unwrap();
        assert!(!locked.document().to_string().contains("preimage"), "the secret is told");
        ledger.b.validate_transaction(&locked).await.unwrap();
        ledger.decide(&[&locked], true).await;

        let redeem = ledger.unsigned(&[], &[&user(1)], vec![output(&locked, 0)]);
        let with =
            |preimage: &[u8]| redeem.with_fulfillment(0, &Fulfillment::preimage(preimage)).unwrap();
        for wrong in [&b""[..], b"guessed"] {
            let refused = raised(ledger.b.validate_transaction(&with(wrong)).await);
            assert_eq!(refused.0, "InvalidSignature");
        }
        let right = with(b"much secret! wow!");
        ledger.b.validate_transaction(&right).await.unwrap();
        ledger.decide(&[&right], true).await;
        assert_eq!(ledger.b.get_owned_ids(key(&user(1))).await.unwrap(), [output(&right, 0)]);
        let again = ledger.unsigned(&[], &[&user(2)], vec![output(&locked, 0)]);
        let again = again.with_fulfillment(0, &secret).unwrap();
        assert_eq!(raised(ledger.b.validate_transaction(&again).await).0, "DoubleSpend");
    }
}

#[tokio::test]
async fn a_timeout_closes_for_good() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let until = Fulfillment::timeout(&format!("{}.5", NOW + 12)).unwrap();
        let me = ledger.b.me().as_str();
        let create = ledger.b.create_transaction(&[me], &[], vec![], "CREATE", Json::Null);
        let create = create.unwrap().with_output(&until).unwrap();
        let asset = ledger.b.sign_transaction(&create, &[ledger.b.keypair()]).await.unwrap();
        ledger.decide(&[&asset], true).await;
        let spend = ledger.unsigned(&[], &[&user(1)], vec![output(&asset, 0)]);
        let spend = spend.with_fulfillment(0, &guard_of(&asset)).unwrap();
        for (later, valid) in [(0, true), (12, true), (13, false), (1000, false)] {
            let then = ledger.at(NOW + later);
            assert_eq!(then.is_valid_transaction(&spend).await.unwrap(), valid, "{later} s later");
        }
    }
}

/// An escrow: `execute` may take it until then, `abort` from then on.
fn escrow(execute: &Keypair, abort: &Keypair, until: &Fulfillment) -> [Fulfillment; 3] {
    let from = Fulfillment::inverted(1, vec![until.clone().into()]);
    let execute = Fulfillment::threshold(2, vec![ed25519(execute).into(), until.clone().into()]);
    let abort = Fulfillment::threshold(2, vec![ed25519(abort).into(), from.into()]);
    let either = Fulfillment::threshold(1, vec![execute.clone().into(), abort.clone().into()]);
    [either, execute, abort]
}

#[tokio::test]
async fn an_escrow_is_executed_in_time_or_aborted_after_it() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let (alice, bob) = (user(1), user(2));
        let asset = ledger.asset(&[&bob]).await;
        let until = Fulfillment::timeout(&(NOW + 12).to_string()).unwrap();
        let [guard, execute, abort] = escrow(&alice, &bob, &until);
        let unsigned = ledger.unsigned(&[&bob], &[&bob, &alice], vec![output(&asset, 0)]);
        let unsigned = unsigned.with_guard(0, &guard).unwrap();
        let locked = ledger.b.sign_transaction(&unsigned, &[&bob]).await.unwrap();
        ledger.b.validate_transaction(&locked).await.unwrap();
        ledger.decide(&[&locked], true).await;

        let spend = |to: &Keypair| {
            let spend = ledger.unsigned(&[&bob, &alice], &[to], vec![output(&locked, 0)]);
            let message = spend.fulfillment_message(0).unwrap();
            (spend, message)
        };
        let (executed, message) = spend(&alice);
        let branch = vec![signed(&alice, &message).into(), until.clone().into()];
        let branch = Fulfillment::threshold(2, branch);
        let opened = Fulfillment::threshold(1, vec![branch.into(), left_out(&abort)]);
        let executed = executed.with_fulfillment(0, &opened).unwrap();
        let (aborted, message) = spend(&bob);
        let from = Fulfillment::inverted(1, vec![until.clone().into()]);
        let branch = Fulfillment::threshold(2, vec![signed(&bob, &message).into(), from.into()]);
        let opened = Fulfillment::threshold(1, vec![branch.into(), left_out(&execute)]);
        let aborted = aborted.with_fulfillment(0, &opened).unwrap();

        for (later, in_time) in [(0, true), (12, true), (13, false), (1000, false)] {
            let then = ledger.at(NOW + later);
            let valid = [&executed, &aborted].map(|one| then.is_valid_transaction(one));
            let [execute, abort] = valid;
            assert_eq!(execute.await.unwrap(), in_time, "executed {later} s later");
            assert_eq!(abort.await.unwrap(), !in_time, "aborted {later} s later");
        }
        ledger.decide(&[&executed], true).await;
        let then = ledger.at(NOW + 13);
        assert_eq!(raised(then.validate_transaction(&aborted).await).0, "DoubleSpend");
    }
}
