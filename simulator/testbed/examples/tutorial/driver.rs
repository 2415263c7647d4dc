//! The client driver: no node of one's own, only HTTP.

use std::time::Duration;

use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::rules::Status;

use super::stage::{Outcome, Stage, output};

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn play(stage: &mut Stage<'_>) -> Outcome {
    stage.chapter("The driver API")?;
    stage.say("Two clients, c1 and c2, make up their keys; c1 makes an asset over HTTP.")?;
    let c1 = stage.client.clone();
    let c2 = c1.with_keypair(Keypair::from_seed(bigchaindb::entropy()));
    let made = c1.create(Json::Null).await?.transaction;
    stage.say(&format!("  CREATE {}", made.id()))?;
    c1.wait_for(made.id(), Status::Valid, PATIENCE).await?;
    stage.say("  status: valid")?;
    stage.say("c1 transfers it to c2.")?;
    let owner = c2.keypair().public().to_string();
    let transfer = c1.transfer(&owner, &output(&made, 0), Json::Null).await?.transaction;
    stage.say(&format!("  TRANSFER {}", transfer.id()))?;
    c2.wait_for(transfer.id(), Status::Valid, PATIENCE).await?;
    stage.say("  status: valid")?;
    let owned = stage.b.get_owned_ids(&owner).await?;
    stage.check(owned == [output(&transfer, 0)], "it is c2's")
}
