//! What a Byzantine member does with votes: its own, others', and those of nobody.

use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Vote, to_base58};
use bigchaindb_core::query::{Change, Query, VoteRow};
use bigchaindb_core::stages::Config;

use super::Occasion;
use super::hand::{Hand, Instead};
use crate::observe::Table;
use crate::plan::Act;

/// A vote is this late.
const LATE_US: (u64, u64) = (500_000, 8_000_000);
/// So many of a voter's keys are squatted at most.
const SQUATTED: u64 = 3;

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, config: &Config) -> bool {
    match act {
        Act::VotesInvalid => {
            matches!(occasion, Occasion::Asks(Query::InsertVote { vote }) if vote.vote.is_valid_vote())
        }
        // Under a later key its core only goes on with what was done to the first.
        Act::VotesTwice | Act::UnsignedVotes | Act::WrongPrevious | Act::StrangersVotes => {
            matches!(occasion, Occasion::Asks(Query::InsertVote { vote })
                if vote.key == Vote::key(vote.vote.block(), config.federation.me(), 0))
        }
        Act::Silent | Act::DelaysVotes => {
            matches!(occasion, Occasion::Asks(Query::InsertVote { .. }))
        }
        Act::ForgesVotes | Act::SquatsVotes => {
            matches!(occasion, Occasion::Hears(Change::Block(_)))
        }
        Act::VotesOnNothing => matches!(occasion, Occasion::Time),
        _ => false,
    }
}

pub(super) fn perform(occasion: &Occasion<'_>, hand: &mut Hand<'_>) {
    match occasion {
        Occasion::Asks(Query::InsertVote { vote }) => own(vote, hand),
        Occasion::Hears(Change::Block(block)) => others(block, hand),
        _ => on_nothing(hand),
    }
}

/// Its own vote is about to be written.
fn own(row: &VoteRow, hand: &mut Hand<'_>) {
    let (block, previous) = (row.vote.block(), row.vote.previous());
    let cast = |previous: &BlockId, valid| {
        Vote::create(hand.keypair, block, previous, valid, hand.unix_s).ok()
    };
    match hand.act {
        Act::VotesInvalid => {
            if let Some(vote) = cast(previous, false) {
                replace(row, vote, hand);
            }
        }
        Act::WrongPrevious => {
            let previous = if hand.draw().happens(500_000) {
                hand.hex().into()
            } else {
                hand.some_previous(block)
            };
            let vote =
                Vote::create(hand.keypair, block, &previous, row.vote.is_valid_vote(), hand.unix_s);
            if let Ok(vote) = vote {
                replace(row, vote, hand);
            }
        }
        Act::VotesTwice => {
            let Some(other) = cast(previous, !row.vote.is_valid_vote()) else { return };
            let second = Vote::key(block, hand.me(), 1);
            let random = hand.uuid().into();
            if hand.draw().happens(500_000) {
                hand.insert_vote(second, other.clone());
            } else {
                hand.insert_vote(second, (*row.vote).clone());
                replace(row, other.clone(), hand);
            }
            hand.insert_vote(random, other);
        }
        Act::UnsignedVotes => {
            let signature = match hand.draw().below(3) {
                0 => Json::Null,
                1 => "no signature".into(),
                _ => to_base58(&[7; 64]).into(),
            };
            let mut document = row.vote.document().clone();
            if let Some(place) = document.get_mut("signature") {
                *place = signature;
            }
            if let Ok(vote) = Vote::from_document(document) {
                replace(row, vote, hand);
            }
        }
        Act::StrangersVotes => {
            let stranger = hand.stranger();
            let vote = Vote::create(&stranger, block, previous, false, hand.unix_s);
            if let Ok(vote) = vote {
                let key = Vote::key(block, stranger.public(), 0);
                hand.insert_vote(key, vote.clone());
                let random = hand.uuid().into();
                hand.insert_vote(random, vote);
            }
        }
        Act::DelaysVotes => {
            let late_us = hand.draw().between(LATE_US.0, LATE_US.1);
            hand.tell(Table::Votes, &row.key);
            hand.instead(Instead::Late(late_us));
        }
        _ => {
            hand.tell(Table::Votes, &row.key);
            hand.instead(Instead::Lost);
        }
    }
}

/// Another vote is written under the key of the one that should have been.
fn replace(row: &VoteRow, vote: Vote, hand: &mut Hand<'_>) {
    hand.tell(Table::Votes, &row.key);
    let vote = VoteRow { key: row.key.clone(), vote: Arc::new(vote) };
    hand.instead(Instead::Other(Query::InsertVote { vote }));
}

/// A block is there: others will vote on it.
fn others(block: &BlockId, hand: &mut Hand<'_>) {
    for voter in hand.others() {
        let valid = hand.draw().happens(250_000);
        let Some(vote) = hand.vote_as(voter, block, valid) else { continue };
        if hand.act == Act::ForgesVotes {
            let random = hand.uuid().into();
            hand.insert_vote(random, vote);
            continue;
        }
        for number in 0..hand.draw().between(1, SQUATTED) {
            let number = u32::try_from(number).expect("they are few");
            hand.insert_vote(Vote::key(block, voter, number), vote.clone());
        }
    }
}

fn on_nothing(hand: &mut Hand<'_>) {
    let block = BlockId::from(hand.hex());
    let previous = hand.some_previous(&block);
    let valid = hand.draw().happens(500_000);
    if let Ok(vote) = Vote::create(hand.keypair, &block, &previous, valid, hand.unix_s) {
        let key = Vote::key(&block, hand.me(), 0);
        hand.insert_vote(key, vote);
    }
}
