//! Blocks that look sound, and hold what they should not.

use std::sync::Arc;

use bigchaindb_core::model::cryptoconditions::Fulfillment;
use bigchaindb_core::model::{Block, Draft, Output, Profile, Transaction};
use bigchaindb_core::stages::Config;

use super::Occasion;
use super::hand::Hand;
use crate::plan::{Act, Oddity};
use crate::workload::odd::{self, Ground};

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, _: &Config) -> bool {
    matches!(occasion, Occasion::Time)
        && matches!(
            act,
            Act::IncludesInvalid
                | Act::IncludesDoubleSpend
                | Act::IncludesTwice
                | Act::IncludesConflict
                | Act::IncludesGenesis
                | Act::IncludesCreateSpend
                | Act::IncludesOdd
                | Act::ReplaysDecided
        )
}

pub(super) fn perform(_: &Occasion<'_>, hand: &mut Hand<'_>) {
    let blocks = match hand.act {
        Act::IncludesInvalid => invalid(hand).map(|one| vec![one]),
        Act::IncludesDoubleSpend => double_spend(hand),
        Act::IncludesTwice => hand.create().map(|one| vec![vec![one.clone(), one]]),
        Act::IncludesConflict => two_spends(hand).map(|[one, other]| vec![vec![one, other]]),
        Act::IncludesGenesis => genesis(hand).map(|one| vec![one]),
        Act::IncludesCreateSpend => {
            let coin = hand.coin();
            coin.and_then(|coin| crafted(Oddity::CreateSpends, &coin, hand))
                .map(|one| vec![vec![one]])
        }
        Act::IncludesOdd => odd(hand),
        _ => replay(hand).map(|one| vec![one]),
    };
    for transactions in blocks.unwrap_or_default() {
        if let Some(block) = hand.block_of(transactions) {
            hand.submit(block);
        }
    }
}

type Transactions = Vec<Arc<Transaction>>;

/// Two spends of an asset of its own.
fn two_spends(hand: &mut Hand<'_>) -> Option<[Arc<Transaction>; 2]> {
    let coin = hand.coin()?;
    let other = hand.pick(hand.others()).unwrap_or_else(|| hand.me().clone());
    Some([hand.spend(&coin, hand.me())?, hand.spend(&coin, &other)?])
}

/// Two spends in two blocks at once; or one more of what was spent before.
fn double_spend(hand: &mut Hand<'_>) -> Option<Vec<Transactions>> {
    if let Some(coin) = hand.spent_coin()
        && hand.draw().happens(500_000)
    {
        return Some(vec![vec![hand.spend(&coin, hand.me())?]]);
    }
    Some(two_spends(hand)?.map(|one| vec![one]).to_vec())
}

fn invalid(hand: &mut Hand<'_>) -> Option<Transactions> {
    match hand.draw().below(4) {
        // Signed by somebody else.
        0 => {
            let (coin, stranger) = (hand.coin()?, hand.stranger());
            let inputs = vec![Output { txid: coin.id().clone(), cid: 0, oddity: None }];
            let (before, after) =
                (vec![hand.me().to_string()], vec![stranger.public().to_string()]);
            let draft = Draft::transfer(before, after, inputs, hand.uuid(), hand.unix_s);
            let mut signature = Fulfillment::ed25519(stranger.public_bytes());
            let unsigned = draft.transaction().ok()?;
            signature.sign(unsigned.fulfillment_message(0).ok()?.as_bytes(), &stranger);
            Some(vec![Arc::new(unsigned.with_fulfillment(0, &signature).ok()?)])
        }
        // Changed after it was signed.
        1 => {
            let create = hand.create()?;
            let mut document = create.document().clone();
            *document.get_mut("transaction")?.get_mut("timestamp")? = "1".into();
            Some(vec![Arc::new(Transaction::from_document(document).ok()?)])
        }
        // A CREATE by somebody who is no member.
        2 => {
            let stranger = hand.stranger();
            let owners_after = vec![stranger.public().to_string()];
            let draft = Draft::create(stranger.public(), owners_after, hand.uuid(), hand.unix_s);
            let unsigned = draft.transaction().ok()?;
            Some(vec![Arc::new(unsigned.sign(&[&stranger], Profile::Default, &|_| None).ok()?)])
        }
        // What is spent is not decided yet: it stands in the same block.
        _ => {
            let create = hand.create()?;
            let spend = hand.spend(&create, hand.me())?;
            Some(vec![create, spend])
        }
    }
}

/// A GENESIS beside a sound transaction, or alone.
fn genesis(hand: &mut Hand<'_>) -> Option<Transactions> {
    let uuid = hand.uuid();
    let genesis = Block::genesis(hand.keypair, hand.voters(), hand.unix_s, &uuid).ok()?;
    let genesis = genesis.transactions().first()?.clone();
    let create = hand.create()?;
    Some(match hand.draw().below(3) {
        0 => vec![genesis],
        1 => vec![genesis, create],
        _ => vec![create, genesis],
    })
}

fn odd(hand: &mut Hand<'_>) -> Option<Vec<Transactions>> {
    let (_, oddity) = *hand.draw().pick(&Oddity::ALL);
    let coin = hand.coin()?;
    let odd = crafted(oddity, &coin, hand)?;
    let honest = if oddity.spends_again() { hand.spend(&coin, hand.me()) } else { None };
    Some(honest.into_iter().chain([odd]).map(|one| vec![one]).collect())
}

/// A document of odd shape, about an asset of its own.
pub(super) fn crafted(
    oddity: Oddity,
    coin: &Arc<Transaction>,
    hand: &mut Hand<'_>,
) -> Option<Arc<Transaction>> {
    let ground = Ground {
        spent: Some(coin),
        owner: hand.keypair,
        to: hand.me(),
        member: hand.keypair,
        uuid: hand.uuid(),
        timestamp: hand.unix_s,
    };
    odd::craft(oddity, &ground).ok().map(Arc::new)
}

/// What is decided, once more.
fn replay(hand: &mut Hand<'_>) -> Option<Transactions> {
    let decided = hand.purse.decided();
    let id = hand.pick(&decided)?;
    let block = hand.block(&id).filter(|block| !block.is_genesis())?;
    Some(block.transactions().to_vec())
}
