//! Several owners, inputs and outputs; who owns what, and who spent it.

use super::ledger::{Ledger, PROFILES, key, output, user};

#[tokio::test]
async fn every_combination_of_owners_and_inputs_is_valid() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let [one, two, three, four] = [1, 2, 3, 4].map(user);
        let (alone, both) = (vec![&one], vec![&one, &two]);
        for before in [&alone, &both] {
            for after in [vec![&three], vec![&three, &four]] {
                for inputs in [1, 3] {
                    let mut spent = Vec::new();
                    for _ in 0..inputs {
                        spent.push(output(&ledger.asset(before).await, 0));
                    }
                    let transfer = ledger.transfer(before, &after, spent).await;
                    ledger.b.validate_transaction(&transfer).await.unwrap();
                    assert_eq!(transfer.fulfillments().len(), inputs);
                    assert_eq!(transfer.conditions().len(), inputs);
                }
            }
        }
    }
}

#[tokio::test]
async fn one_of_several_outputs_is_spent() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let (alice, bob) = (user(1), user(2));
        let assets = [ledger.asset(&[&alice]).await, ledger.asset(&[&alice]).await];
        let inputs = assets.iter().map(|asset| output(asset, 0)).collect();
        let joint = ledger.transfer(&[&alice], &[&bob], inputs).await;
        ledger.decide(&[&joint], true).await;
        let outputs = [output(&joint, 0), output(&joint, 1)];
        assert_eq!(ledger.b.get_owned_ids(key(&bob)).await.unwrap(), outputs);
        for unspent in &outputs {
            assert_eq!(ledger.b.get_spent(unspent).await.unwrap(), None);
        }
        let back = ledger.transfer(&[&bob], &[&alice], vec![outputs[0].clone()]).await;
        ledger.b.validate_transaction(&back).await.unwrap();
        ledger.decide(&[&back], true).await;
        assert_eq!(ledger.b.get_owned_ids(key(&bob)).await.unwrap(), outputs[1..]);
        let spender = ledger.b.get_spent(&outputs[0]).await.unwrap();
        assert_eq!(spender.as_deref(), Some(&back));
        assert_eq!(ledger.b.get_spent(&outputs[1]).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_transferred_moves_to_the_new_owner() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let (alice, bob) = (user(1), user(2));
        let asset = ledger.asset(&[&alice]).await;
        assert_eq!(ledger.b.get_owned_ids(key(&alice)).await.unwrap(), [output(&asset, 0)]);
        assert_eq!(ledger.b.get_owned_ids(key(&bob)).await.unwrap(), []);
        let lost = ledger.transfer(&[&alice], &[&bob], vec![output(&asset, 0)]).await;
        ledger.decide(&[&lost], false).await;
        assert_eq!(ledger.b.get_owned_ids(key(&alice)).await.unwrap(), [output(&asset, 0)]);
        assert_eq!(ledger.b.get_owned_ids(key(&bob)).await.unwrap(), []);
        assert_eq!(ledger.b.get_spent(&output(&asset, 0)).await.unwrap(), None);
        let done = ledger.transfer(&[&alice], &[&bob], vec![output(&asset, 0)]).await;
        ledger.decide(&[&done], true).await;
        assert_eq!(ledger.b.get_owned_ids(key(&alice)).await.unwrap(), []);
        assert_eq!(ledger.b.get_owned_ids(key(&bob)).await.unwrap(), [output(&done, 0)]);
    }
}

#[tokio::test]
async fn joint_owners_see_the_same() {
    for profile in PROFILES {
        let ledger = Ledger::new(profile).await;
        let (alice, bob, carol) = (user(1), user(2), user(3));
        let asset = ledger.asset(&[&alice, &bob]).await;
        for owner in [&alice, &bob] {
            let owned = ledger.b.get_owned_ids(key(owner)).await.unwrap();
            assert_eq!(owned, [output(&asset, 0)]);
        }
        let transfer = ledger.transfer(&[&alice, &bob], &[&carol], vec![output(&asset, 0)]).await;
        ledger.decide(&[&transfer], true).await;
        for owner in [&alice, &bob] {
            assert_eq!(ledger.b.get_owned_ids(key(owner)).await.unwrap(), []);
        }
        let spender = ledger.b.get_spent(&output(&asset, 0)).await.unwrap();
        assert_eq!(spender.as_deref(), Some(&transfer));
    }
}

/// The longer a chain is, the more pages it takes.
#[tokio::test]
async fn what_is_owned_is_found_on_every_page() {
    let ledger = Ledger::new("default").await;
    let mut made = Vec::new();
    for _ in 0..40 {
        made.push(output(&ledger.asset(&[&user(1)]).await, 0));
        ledger.asset(&[&user(2)]).await;
    }
    let mut owned = ledger.b.get_owned_ids(key(&user(1))).await.unwrap();
    owned.sort();
    made.sort();
    assert_eq!(owned, made);
}
