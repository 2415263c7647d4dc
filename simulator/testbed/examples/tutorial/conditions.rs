//! Crypto-conditions made by hand: m of n signatures, a secret, a time, an escrow.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bigchaindb_core::model::cryptoconditions::{Fulfillment, Part};
use bigchaindb_core::model::{Json, Transaction};

use super::stage::{Outcome, Stage, User, output};

/// What is done before something expires takes a second or two; a slow machine has more time.
const EXPIRES_S: u64 = 8;

pub(crate) async fn play(stage: &mut Stage<'_>, [alice, bob]: &[User; 2]) -> Outcome {
    threshold(stage, bob).await?;
    hash_lock(stage).await?;
    timeout_and_escrow(stage, alice, bob).await
}

async fn threshold(stage: &mut Stage<'_>, bob: &User) -> Outcome {
    stage.chapter("Threshold conditions")?;
    let names = ["thresholduser1", "thresholduser2", "thresholduser3"];
    let mut users = Vec::new();
    for name in names {
        users.push(stage.user(name)?);
    }
    stage.say("testuser2 locks an asset so that two of the three have to sign.")?;
    let owned = stage.owned(bob, 4).await?;
    let owners: Vec<_> = users.iter().collect();
    let unsigned = stage.new_transfer(&[bob], &owners, owned[..1].to_vec())?;
    let parts = users.iter().map(|user| Part::from(ed25519(user))).collect();
    let unsigned = unsigned.with_guard(0, &Fulfillment::threshold(2, parts))?;
    let locked = stage.client.sign(&unsigned, &[&bob.keys]).await?;
    stage.post(&locked).await?;

    let next = stage.user("thresholduser4")?;
    let spend = stage.new_transfer(&owners, &[&next], vec![output(&locked, 0)])?;
    let message = spend.fulfillment_message(0)?;
    let guard = guard_of(&locked)?;
    let asked = guard.subconditions_of(&users[2].keys.public_bytes());
    stage.check(asked == [&ed25519(&users[2])], "the third one is found in the condition")?;
    let left_out: Part = asked[0].condition()?.into();
    stage.say("One signature is not enough.")?;
    let one = signed(&users[0], &message);
    let others = [ed25519(&users[1]).condition()?.into(), left_out.clone()];
    let parts = [vec![one.clone().into()], others.to_vec()].concat();
    let alone = spend.with_fulfillment(0, &Fulfillment::threshold(2, parts));
    stage.check(alone.is_err(), "one signature of two is no fulfillment")?;
    stage.say("  such a fulfillment cannot even be written")?;
    stage.say("The first and the second sign; of the third only the condition is shown.")?;
    let parts = vec![one.into(), signed(&users[1], &message).into(), left_out];
    let spend = spend.with_fulfillment(0, &Fulfillment::threshold(2, parts))?;
    let fulfilled = stage.b.validate_fulfillments(&spend).await?;
    stage.check(fulfilled, "its fulfillments are valid")?;
    stage.post(&spend).await?;
    stage.owned(&next, 1).await?;
    Ok(())
}

async fn hash_lock(stage: &mut Stage<'_>) -> Outcome {
    stage.chapter("Hash-locked conditions")?;
    stage.say("The first node makes an asset of nobody's, locked by the hash of a secret.")?;
    let secret = Fulfillment::preimage(*b"much secret! wow!");
    let asset = stage.new_asset(&[], Json::Null)?.with_output(&secret)?;
    let asset = stage.make(&asset).await?;
    stage.say(&format!("  locked by {}", secret.condition_uri()?))?;
    let user = stage.user("hashlockuser")?;
    let redeem = stage.new_transfer(&[], &[&user], vec![output(&asset, 0)])?;
    stage.say("hashlockuser guesses:")?;
    let guess = redeem.with_fulfillment(0, &Fulfillment::preimage(*b"guess"))?;
    stage.refused(&guess, "another condition").await?;
    stage.say("hashlockuser is told the secret, and redeems the asset:")?;
    let redeemed = redeem.with_fulfillment(0, &secret)?;
    stage.post(&redeemed).await?;
    stage.owned(&user, 1).await?;
    Ok(())
}

async fn timeout_and_escrow(stage: &mut Stage<'_>, alice: &User, bob: &User) -> Outcome {
    stage.chapter("Timeout conditions")?;
    let expires = now()? + EXPIRES_S;
    let until = Fulfillment::timeout(&expires.to_string())?;
    stage.say(&format!("An asset that anybody may take until Unix time {expires}."))?;
    let asset = stage.new_asset(&[], Json::Null)?.with_output(&until)?;
    let asset = stage.make(&asset).await?;
    let take = stage.new_transfer(&[], &[alice], vec![output(&asset, 0)])?;
    let take = take.with_fulfillment(0, &until)?;
    judged(stage, "taking it", &take, true).await?;

    stage.chapter("Escrow")?;
    stage.say("testuser2 puts two assets into escrow: testuser1 may take each until then")?;
    stage.say("(execute), testuser2 may take it back afterwards (abort).")?;
    let escrow = Escrow::new(alice, bob, until);
    let owned = stage.owned(bob, 3).await?;
    let mut locked = Vec::new();
    for input in &owned[..2] {
        let unsigned = stage.new_transfer(&[bob], &[bob, alice], vec![input.clone()])?;
        let unsigned = unsigned.with_guard(0, &escrow.guard)?;
        let signed = stage.client.sign(&unsigned, &[&bob.keys]).await?;
        stage.post(&signed).await?;
        locked.push(signed);
    }
    let [first, second] = &locked[..] else { return Err("two were locked".into()) };
    let executed = escrow.execute(stage, first, alice, bob)?;
    let aborted = escrow.abort(stage, first, alice, bob)?;
    judged(stage, "executing", &executed, true).await?;
    judged(stage, "aborting", &aborted, false).await?;
    stage.say("testuser1 executes the first one in time:")?;
    stage.post(&executed).await?;
    stage.say("testuser2 tries to abort the second one too early:")?;
    let early = escrow.abort(stage, second, alice, bob)?;
    stage.refused(&early, "does not fulfill its condition at Unix time").await?;

    stage.say("\nTime passes, and the timeout expires.\n")?;
    while now()? <= expires {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    judged(stage, "taking the asset that expired", &take, false).await?;
    stage.refused(&take, "fulfillment 0").await?;
    let late = escrow.execute(stage, second, alice, bob)?;
    judged(stage, "executing", &late, false).await?;
    judged(stage, "aborting", &early, true).await?;
    stage.say("testuser1 is too late to execute the second escrow:")?;
    stage.refused(&late, "fulfillment 0").await?;
    stage.say("testuser2 aborts it:")?;
    stage.post(&early).await?;
    stage.say("The first one was executed, so aborting it is a double spend:")?;
    stage.refused(&aborted, "was already spent").await?;
    stage.owned(alice, 1).await?;
    stage.owned(bob, 2).await?;
    Ok(())
}

/// Says whether a transaction is valid now; that has to be so.
async fn judged(
    stage: &mut Stage<'_>,
    what: &str,
    transaction: &Transaction,
    wanted: bool,
) -> Outcome {
    let valid = stage.b.is_valid_transaction(transaction).await?;
    stage.say(&format!("  now, {what} is {}", if valid { "valid" } else { "invalid" }))?;
    stage.check(valid == wanted, &format!("{what} is valid now: {wanted}"))
}

/// A guard with two branches.
struct Escrow {
    until: Fulfillment,
    from: Fulfillment,
    guard: Fulfillment,
}

impl Escrow {
    fn new(execute: &User, abort: &User, until: Fulfillment) -> Self {
        let from = Fulfillment::inverted(1, vec![until.clone().into()]);
        let guard =
            either(both(ed25519(execute), &until).into(), both(ed25519(abort), &from).into());
        Self { until, from, guard }
    }

    fn execute(
        &self,
        stage: &Stage<'_>,
        locked: &Transaction,
        alice: &User,
        bob: &User,
    ) -> Outcome<Transaction> {
        let spend = stage.new_transfer(&[bob, alice], &[alice], vec![output(locked, 0)])?;
        let execute = both(signed(alice, &spend.fulfillment_message(0)?), &self.until);
        let abort = both(ed25519(bob), &self.from).condition()?;
        Ok(spend.with_fulfillment(0, &either(execute.into(), abort.into()))?)
    }

    fn abort(
        &self,
        stage: &Stage<'_>,
        locked: &Transaction,
        alice: &User,
        bob: &User,
    ) -> Outcome<Transaction> {
        let spend = stage.new_transfer(&[bob, alice], &[bob], vec![output(locked, 0)])?;
        let abort = both(signed(bob, &spend.fulfillment_message(0)?), &self.from);
        let execute = both(ed25519(alice), &self.until).condition()?;
        Ok(spend.with_fulfillment(0, &either(abort.into(), execute.into()))?)
    }
}

fn either(one: Part, other: Part) -> Fulfillment {
    Fulfillment::threshold(1, vec![one, other])
}

fn both(signature: Fulfillment, time: &Fulfillment) -> Fulfillment {
    Fulfillment::threshold(2, vec![signature.into(), time.clone().into()])
}

fn ed25519(user: &User) -> Fulfillment {
    Fulfillment::ed25519(user.keys.public_bytes())
}

fn signed(user: &User, message: &str) -> Fulfillment {
    let mut signature = ed25519(user);
    signature.sign(message.as_bytes(), &user.keys);
    signature
}

/// The guard of a transaction's first output, from its details.
fn guard_of(transaction: &Transaction) -> Outcome<Fulfillment> {
    let condition = transaction.conditions().first().and_then(|one| one.get("condition"));
    let details = condition.and_then(|condition| condition.get("details"));
    Ok(Fulfillment::from_dict(details.ok_or("the condition has details")?)?)
}

/// Unix seconds.
#[expect(clippy::disallowed_methods, reason = "a tutorial about time looks at the clock")]
fn now() -> Outcome<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
