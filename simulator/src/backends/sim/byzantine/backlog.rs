//! What a Byzantine member does with waiting transactions: those it should put into blocks, those clients
//! give it, those of others, and what never was one.

use std::sync::Arc;

use bigchaindb_core::model::{Json, NodeKey, Object, Transaction};
use bigchaindb_core::query::{Change, Query};
use bigchaindb_core::stages::Config;

use super::hand::{Hand, Instead};
use super::{Occasion, contents};
use crate::observe::Table;
use crate::plan::{Act, Oddity};

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, config: &Config) -> bool {
    let me = config.federation.me();
    match act {
        Act::DropsAssigned => matches!(occasion, Occasion::Asks(Query::InsertBlock { block })
            if block.node_pubkey() == me && !block.is_genesis()),
        Act::AssignsSelf => {
            matches!(occasion, Occasion::Asks(Query::InsertBacklog { assignee, .. })
            if assignee != me)
        }
        Act::AssignsStrangers => {
            matches!(occasion, Occasion::Asks(Query::InsertBacklog { .. }))
        }
        Act::Steals => {
            matches!(occasion, Occasion::Hears(Change::Backlog { old: None, new: Some(row) })
            if row.assignee != *me)
        }
        Act::MalformedBacklog | Act::OddBacklog | Act::WrongIds => {
            matches!(occasion, Occasion::Time)
        }
        _ => false,
    }
}

pub(super) fn perform(occasion: &Occasion<'_>, hand: &mut Hand<'_>) {
    match (hand.act, occasion) {
        (Act::DropsAssigned, Occasion::Asks(Query::InsertBlock { block })) => {
            for transaction in block.transactions() {
                hand.tell(Table::Backlog, transaction.id());
            }
            hand.instead(Instead::Lost);
        }
        (Act::AssignsSelf, Occasion::Asks(Query::InsertBacklog { transaction, .. })) => {
            let me = hand.me().clone();
            assign(transaction, me, hand);
        }
        (Act::AssignsStrangers, Occasion::Asks(Query::InsertBacklog { transaction, .. })) => {
            let stranger = hand.stranger().public().clone();
            assign(transaction, stranger, hand);
        }
        (Act::Steals, Occasion::Hears(Change::Backlog { new: Some(row), .. })) => {
            let transaction = row.transaction.id().clone();
            hand.tell(Table::Backlog, &transaction);
            let (from, to) = (row.assignee.clone(), hand.me().clone());
            hand.ask(Query::Reassign { transaction, from, to });
        }
        (Act::MalformedBacklog, _) => malformed(hand),
        (Act::OddBacklog, _) => odd(hand),
        _ => wrong_id(hand),
    }
}

fn assign(transaction: &Arc<Transaction>, assignee: NodeKey, hand: &mut Hand<'_>) {
    hand.tell(Table::Backlog, transaction.id());
    let transaction = transaction.clone();
    hand.instead(Instead::Other(Query::InsertBacklog { transaction, assignee }));
}

/// Somebody who is to deal with it.
fn victim(hand: &mut Hand<'_>) -> NodeKey {
    let voters = hand.voters();
    hand.pick(voters).unwrap_or_else(|| hand.me().clone())
}

fn malformed(hand: &mut Hand<'_>) {
    let (id, assignee) = (Json::from(hand.hex()), Json::from(victim(hand).as_str()));
    let nothing = || Json::from(Object::new());
    let row = match hand.draw().below(6) {
        0 => Json::object([("id", id)]),
        1 => Json::object([("id", id), ("assignee", assignee)]),
        2 => Json::object([("id", id), ("assignee", assignee), ("transaction", nothing())]),
        3 => Json::object([("id", id), ("assignee", assignee), ("transaction", Json::from(7_i64))]),
        4 => Json::object([
            ("id", id),
            ("assignee", vec![assignee].into()),
            ("transaction", nothing()),
        ]),
        _ => {
            let fulfillments = vec![Json::Null, nothing(), Json::from("cf:4:")];
            let body = Json::object([
                ("fulfillments", fulfillments.into()),
                ("conditions", nothing()),
                ("operation", Json::from(7_i64)),
                ("timestamp", vec![Json::Null].into()),
            ]);
            Json::object([("id", id), ("assignee", assignee), ("transaction", body)])
        }
    };
    hand.insert(Table::Backlog, row);
}

fn odd(hand: &mut Hand<'_>) {
    let (_, oddity) = *hand.draw().pick(&Oddity::ALL);
    let Some(coin) = hand.coin() else { return };
    let Some(odd) = contents::crafted(oddity, &coin, hand) else { return };
    insert(odd, hand);
    if oddity.spends_again()
        && let Some(honest) = hand.spend(&coin, hand.me())
    {
        hand.ask(Query::InsertBacklog { transaction: honest, assignee: hand.me().clone() });
    }
}

/// A transaction under another id: one that waits, or one of its own.
fn wrong_id(hand: &mut Hand<'_>) {
    let waiting = hand.waiting();
    let Some(transaction) = hand.pick(&waiting).or_else(|| hand.create()) else { return };
    let mut document = transaction.document().clone();
    let id = hand.hex();
    if let Some(place) = document.get_mut("id") {
        *place = id.into();
    }
    if let Ok(renamed) = Transaction::from_document(document) {
        insert(Arc::new(renamed), hand);
    }
}

fn insert(transaction: Arc<Transaction>, hand: &mut Hand<'_>) {
    let assignee = victim(hand);
    hand.tell(Table::Backlog, transaction.id());
    hand.ask(Query::InsertBacklog { transaction, assignee });
}
