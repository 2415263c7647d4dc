//! Assets: made, passed on, not passed on twice; several owners, several at once.

use bigchaindb_core::model::Json;

use super::stage::{Outcome, Stage, User, output};

/// Gives back the first two users.
pub(crate) async fn play(stage: &mut Stage<'_>) -> Outcome<[User; 2]> {
    stage.chapter("Create a digital asset")?;
    let alice = stage.user("testuser1")?;
    stage.say("The first node makes an asset for testuser1, with a payload.")?;
    let payload = Json::object([("msg", "Hello BigchainDB!".into())]);
    let asset = stage.new_asset(&[&alice], payload)?;
    let asset = stage.make(&asset).await?;

    stage.chapter("Transfer the digital asset")?;
    let bob = stage.user("testuser2")?;
    let owned = stage.owned(&alice, 1).await?;
    stage.check(owned == [output(&asset, 0)], "it is the asset")?;
    stage.say("testuser1 signs it over to testuser2.")?;
    let transfer = stage.new_transfer(&[&alice], &[&bob], owned)?;
    let transfer = stage.client.sign(&transfer, &[&alice.keys]).await?;
    stage.post(&transfer).await?;
    stage.owned(&alice, 0).await?;
    stage.owned(&bob, 1).await?;

    stage.chapter("Double spends")?;
    stage.say("testuser1 tries to give the same asset away once more.")?;
    let again = stage.new_transfer(&[&alice], &[&bob], vec![output(&asset, 0)])?;
    let again = stage.client.sign(&again, &[&alice.keys]).await?;
    let Err(error) = stage.b.validate_transaction(&again).await else {
        return Err("a double spend is valid".into());
    };
    stage.say(&format!("  {}: {error}", error.class()))?;
    stage.check(error.class() == "DoubleSpend", "it is a double spend")?;
    stage.refused(&again, "was already spent").await?;

    stage.chapter("Multiple owners")?;
    stage.say("An asset of both: each has to sign.")?;
    let joint = stage.new_asset(&[&alice, &bob], Json::Null)?;
    let joint = stage.make(&joint).await?;
    stage.owned(&alice, 1).await?;
    let carol = stage.user("testuser3")?;
    let transfer = stage.new_transfer(&[&alice, &bob], &[&carol], vec![output(&joint, 0)])?;
    stage.say("With the signature of testuser1 alone it cannot even be signed:")?;
    let alone = stage.client.sign(&transfer, &[&alice.keys]).await;
    let Err(error) = alone else { return Err("one signature of two was enough".into()) };
    stage.say(&format!("  {error}"))?;
    stage.say("With both signatures it passes to testuser3.")?;
    let transfer = stage.client.sign(&transfer, &[&alice.keys, &bob.keys]).await?;
    stage.post(&transfer).await?;
    stage.owned(&carol, 1).await?;

    stage.chapter("Multiple inputs and outputs")?;
    stage.say("Three more assets for testuser1, all passed on in one transaction.")?;
    for _ in 0..3 {
        let asset = stage.new_asset(&[&alice], Json::Null)?;
        stage.make(&asset).await?;
    }
    let owned = stage.owned(&alice, 3).await?;
    let transfer = stage.new_transfer(&[&alice], &[&bob], owned)?;
    let counts = (transfer.fulfillments().len(), transfer.conditions().len());
    stage.check(counts == (3, 3), "there is a fulfillment and a condition for each input")?;
    let transfer = stage.client.sign(&transfer, &[&alice.keys]).await?;
    stage.post(&transfer).await?;
    stage.owned(&bob, 4).await?;
    Ok([alice, bob])
}
