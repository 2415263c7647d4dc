//! What a Byzantine member does with the list of blocks: places not claimed, claimed for nothing, claimed
//! with rubbish; and more than one beginning.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, Position};
use bigchaindb_core::query::{ListEntry, Query};
use bigchaindb_core::stages::Config;

use super::Occasion;
use super::hand::{Hand, Instead};
use crate::observe::Table;
use crate::plan::Act;

/// Places far ahead are so far beyond the end.
const AHEAD: (u64, u64) = (2, 12);
/// So many beginnings besides its core's own.
const BEGINNINGS: u64 = 2;

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, _: &Config) -> bool {
    let claims = |begins| matches!(occasion, Occasion::Asks(Query::Claim { entry }) if entry.genesis.is_some() == begins);
    match act {
        Act::NeverLists | Act::ClaimsTwice => claims(false),
        Act::EquivocatesGenesis => claims(true) || matches!(occasion, Occasion::Time),
        Act::ClaimsNothing | Act::ClaimsAhead | Act::ClaimsRubbish => {
            matches!(occasion, Occasion::Time)
        }
        _ => false,
    }
}

pub(super) fn perform(occasion: &Occasion<'_>, hand: &mut Hand<'_>) {
    match (hand.act, occasion) {
        (Act::NeverLists, Occasion::Asks(Query::Claim { entry })) => {
            hand.tell(Table::Positions, entry.position.0);
            hand.instead(Instead::Lost);
        }
        (Act::ClaimsTwice, Occasion::Asks(Query::Claim { entry })) => {
            let position = entry.position.next();
            hand.claim(ListEntry { position, ..entry.clone() });
        }
        (Act::ClaimsNothing, _) => {
            let (position, block) = (hand.end_of_list(), hand.hex().into());
            hand.claim(ListEntry { position, block, genesis: None });
        }
        (Act::ClaimsAhead, _) => {
            let ahead = hand.draw().between(AHEAD.0, AHEAD.1);
            let position = Position(hand.end_of_list().0 + ahead);
            let block = if hand.draw().happens(500_000) {
                hand.hex().into()
            } else {
                let nothing = hand.hex().into();
                hand.some_previous(&nothing)
            };
            hand.claim(ListEntry { position, block, genesis: None });
        }
        (Act::ClaimsRubbish, _) => rubbish(hand),
        _ => begin_again(hand),
    }
}

/// A row in the next place that is no entry, or beside the places.
fn rubbish(hand: &mut Hand<'_>) {
    let id = Json::from(hand.end_of_list().0);
    let text = Json::from(hand.hex());
    let row = match hand.draw().below(7) {
        0 => Json::object([("id", id)]),
        1 => Json::object([("id", id), ("block", Json::from(7_i64))]),
        2 => Json::object([("id", id), ("block", text), ("genesis", Json::from(true))]),
        3 => Json::object([("id", id), ("block", text), ("more", vec![Json::Null].into())]),
        4 => Json::object([("id", Json::from(-1_i64)), ("block", text)]),
        5 => Json::object([("id", Json::Float(0.5)), ("block", text)]),
        _ => Json::object([("id", text.clone()), ("block", text)]),
    };
    hand.insert(Table::Positions, row);
}

/// Other beginnings of a chain than the one there is, or will be.
fn begin_again(hand: &mut Hand<'_>) {
    let end = hand.end_of_list();
    for n in 0..BEGINNINGS {
        let uuid = hand.uuid();
        let genesis = Block::genesis(hand.keypair, hand.voters(), hand.unix_s, &uuid);
        let Ok(genesis) = genesis.map(Arc::new) else { return };
        hand.insert_block((*genesis).clone());
        let (position, block) = (Position(end.0 + n), genesis.id().clone());
        hand.claim(ListEntry { position, block, genesis: Some(genesis) });
    }
}
