//! Blocks that are wrong from outside, whatever is in them.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, NodeKey, to_base58};
use bigchaindb_core::rules::MAX_BLOCK_TRANSACTIONS;
use bigchaindb_core::stages::Config;

use super::Occasion;
use super::hand::Hand;
use crate::plan::Act;

/// Blocks of a flood that are written at once.
const FLOOD: usize = 4;
/// How far the time of a block is off: beyond what voters take, up to a day.
const OFF_S: (u64, u64) = (150, 86_400);

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, _: &Config) -> bool {
    matches!(occasion, Occasion::Time)
        && matches!(
            act,
            Act::WrongVoters
                | Act::EmptyBlock
                | Act::HugeBlock
                | Act::WrongHash
                | Act::WrongSignature
                | Act::FutureBlock
                | Act::PastBlock
                | Act::FloodsBlocks
        )
}

pub(super) fn perform(_: &Occasion<'_>, hand: &mut Hand<'_>) {
    let block = match hand.act {
        Act::HugeBlock => return huge(hand),
        Act::FloodsBlocks => return flood(hand),
        Act::WrongVoters => wrong_voters(hand),
        Act::EmptyBlock => sound(hand).and_then(|block| {
            hand.resealed(&block, |block| set(block, "transactions", Vec::new().into()))
        }),
        Act::WrongHash => {
            let id = hand.hex();
            changed(sound(hand), "id", id.into())
        }
        Act::WrongSignature => wrong_signature(hand),
        Act::FutureBlock => {
            let off_s = hand.draw().between(OFF_S.0, OFF_S.1);
            let time = hand.unix_s + off_s;
            at(time, hand)
        }
        _ => {
            let off_s = hand.draw().between(OFF_S.0, OFF_S.1);
            let time = hand.unix_s - off_s;
            at(time, hand)
        }
    };
    if let Some(block) = block {
        hand.submit(block);
    }
}

/// A block with a CREATE of its own, as it should be.
fn sound(hand: &mut Hand<'_>) -> Option<Block> {
    let create = hand.create()?;
    hand.block_of(vec![create])
}

fn at(unix_s: u64, hand: &mut Hand<'_>) -> Option<Block> {
    let create = hand.create()?;
    Block::create(vec![create], hand.keypair, hand.voters(), unix_s).ok()
}

fn wrong_voters(hand: &mut Hand<'_>) -> Option<Block> {
    let (me, others) = (hand.me().clone(), hand.others());
    let stranger = hand.stranger().public().clone();
    let voters: Vec<NodeKey> = match hand.draw().below(4) {
        0 => vec![me],
        1 => hand.voters().iter().cloned().chain([stranger]).collect(),
        2 => vec![stranger],
        _ => [&[me.clone(), me], others].concat(),
    };
    let create = hand.create()?;
    Block::create(vec![create], hand.keypair, &voters, hand.unix_s).ok()
}

fn wrong_signature(hand: &mut Hand<'_>) -> Option<Block> {
    let block = sound(hand)?;
    match hand.draw().below(3) {
        0 => changed(Some(block), "signature", Json::Null),
        1 => changed(Some(block), "signature", to_base58(&[7; 64]).into()),
        _ => {
            // In the name of another member.
            let other = hand.pick(hand.others())?;
            hand.resealed(&block, |block| set(block, "node_pubkey", other.as_str().into()))
        }
    }
}

/// More transactions than a block may hold, each of them sound.
fn huge(hand: &mut Hand<'_>) {
    if std::mem::replace(&mut hand.purse.once, true) {
        return;
    }
    let creates: Vec<Arc<_>> = (0..=MAX_BLOCK_TRANSACTIONS).filter_map(|_| hand.create()).collect();
    if let Some(block) = hand.block_of(creates) {
        hand.submit(block);
    }
}

/// Many blocks, which others have to find places for.
fn flood(hand: &mut Hand<'_>) {
    for _ in 0..FLOOD {
        if let Some(block) = sound(hand) {
            hand.insert_block(block);
        }
    }
}

/// The block with another field, which its id and signature do not cover.
fn changed(block: Option<Block>, name: &str, value: Json) -> Option<Block> {
    let mut document = block?.document().clone();
    set(&mut document, name, value);
    Block::from_document(document).ok()
}

fn set(object: &mut Json, name: &str, value: Json) {
    if let Json::Object(fields) = object {
        fields.insert(name, value);
    }
}
