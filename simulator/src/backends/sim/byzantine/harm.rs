//! What a Byzantine member does to rows that others have written: it changes and deletes them.
//!
//! Blocks, votes and entries of the list are put back by whoever sees it. A waiting transaction that is
//! deleted is gone: nobody else has it, so a client's acknowledgement is worth nothing then.

use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_core::stages::Config;

use super::Occasion;
use super::hand::Hand;
use crate::backends::sim::store::raw::What;
use crate::observe::{Table, row_id};
use crate::plan::Act;

pub(super) fn fits(act: Act, occasion: &Occasion<'_>, _: &Config) -> bool {
    matches!(occasion, Occasion::Time) && aim(act).is_some()
}

/// Which table an act is about, and whether it deletes.
fn aim(act: Act) -> Option<(Table, bool)> {
    Some(match act {
        Act::EditsBlocks => (Table::Bigchain, false),
        Act::DeletesBlocks => (Table::Bigchain, true),
        Act::EditsVotes => (Table::Votes, false),
        Act::DeletesVotes => (Table::Votes, true),
        Act::EditsPlaces => (Table::Positions, false),
        Act::DeletesPlaces => (Table::Positions, true),
        Act::DeletesBacklog => (Table::Backlog, true),
        _ => return None,
    })
}

pub(super) fn perform(_: &Occasion<'_>, hand: &mut Hand<'_>) {
    let Some((table, deletes)) = aim(hand.act) else { return };
    let mut rows = hand.rows(table);
    let me = hand.me().clone();
    rows.retain(|row| author(table, row) != Some(me.as_str()));
    let Some(row) = hand.pick(&rows) else { return };
    let (Some(key), Some(id)) = (row_id(&row), row.get("id")) else { return };
    hand.tell(table, key);
    if deletes {
        return hand.write(table, What::Delete(id.clone()));
    }
    let edited = edited(table, &row, hand);
    hand.write(table, What::Put(edited));
}

fn author(table: Table, row: &Json) -> Option<&str> {
    match table {
        Table::Bigchain => row.get("block")?.get("node_pubkey")?.as_str(),
        Table::Votes => row.get("node_pubkey")?.as_str(),
        Table::Positions | Table::Backlog => None,
    }
}

/// The row with something else in it, under the same key.
fn edited(table: Table, row: &Arc<Json>, hand: &mut Hand<'_>) -> Json {
    let mut edited = (**row).clone();
    let hex = Json::from(hand.hex());
    let id = row.get("id").cloned().unwrap_or(Json::Null);
    let way = hand.draw().below(3);
    match (table, way) {
        // Nothing of it is left.
        (_, 0) => return Json::object([("id", id)]),
        (Table::Bigchain, 1) => put(edited.get_mut("block"), "timestamp", "1".into()),
        (Table::Bigchain, _) => {
            // Somebody else owns what was passed on.
            let transactions =
                edited.get_mut("block").and_then(|block| block.get_mut("transactions"));
            if let Some(Json::Array(transactions)) = transactions
                && let Some(first) = transactions.first_mut()
            {
                let body = first.get_mut("transaction");
                put(
                    body.and_then(|body| body.get_mut("data")),
                    "payload",
                    Json::object([("mine", hex)]),
                );
            }
        }
        (Table::Votes, 1) => {
            let vote = edited.get("vote");
            let valid = vote.and_then(|vote| vote.get("is_block_valid")?.as_bool());
            let flipped = Json::from(valid == Some(false));
            put(edited.get_mut("vote"), "is_block_valid", flipped);
        }
        (Table::Votes, _) => put(Some(&mut edited), "signature", hex),
        (_, _) => put(Some(&mut edited), "block", hex),
    }
    edited
}

fn put(object: Option<&mut Json>, name: &str, value: Json) {
    if let Some(Json::Object(fields)) = object {
        fields.insert(name, value);
    }
}
