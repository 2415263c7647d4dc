//! Numbers as RethinkDB keeps them: all are doubles, and whole ones come back as integers.
//!
//! The engine would keep what it is given. The rules see to it that nothing is written that would come
//! back otherwise; if they do not, a transaction's id is no longer that of its text, and it is lost.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, Transaction};
use bigchaindb_core::query::Query;

/// Up to here every whole number has a double of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The same write, with documents as they will come back.
pub(super) fn as_kept(query: Query) -> Query {
    match query {
        Query::InsertBacklog { transaction, assignee } => {
            Query::InsertBacklog { transaction: kept(&transaction), assignee }
        }
        Query::InsertBlock { block } => {
            let is_kept = |one: &Arc<Transaction>| !is_rewritten(one.document());
            if block.transactions().iter().all(is_kept) {
                return Query::InsertBlock { block };
            }
            let transactions = block.transactions().iter().map(kept).collect();
            let rewritten = Block::from_frame(block.frame().clone(), transactions);
            Query::InsertBlock { block: rewritten.map_or(block, Arc::new) }
        }
        other => other,
    }
}

fn kept(transaction: &Arc<Transaction>) -> Arc<Transaction> {
    if !is_rewritten(transaction.document()) {
        return transaction.clone();
    }
    let mut document = transaction.document().clone();
    // Not by recursion: a document may be deep.
    let mut places = vec![&mut document];
    while let Some(place) = places.pop() {
        if let Some(number) = rewritten(place) {
            *place = number;
            continue;
        }
        match place {
            Json::Array(items) => places.extend(items),
            Json::Object(fields) => places.extend(fields.values_mut()),
            _ => {}
        }
    }
    Transaction::from_document(document).map_or_else(|_| transaction.clone(), Arc::new)
}

fn is_rewritten(document: &Json) -> bool {
    let mut places = vec![document];
    while let Some(place) = places.pop() {
        if rewritten(place).is_some() {
            return true;
        }
        match place {
            Json::Array(items) => places.extend(items),
            Json::Object(fields) => places.extend(fields.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    false
}

/// How a number comes back, if in another way than it was written.
fn rewritten(number: &Json) -> Option<Json> {
    match number {
        Json::Float(float) if float.fract() == 0.0 && float.abs() <= EXACT => {
            let is_minus_zero = *float == 0.0 && float.is_sign_negative();
            #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
            let whole = *float as i64;
            (!is_minus_zero).then(|| whole.into())
        }
        #[expect(clippy::cast_precision_loss, reason = "that is what happens to it")]
        Json::Int(int) if int.unsigned_abs() > 1 << 53 => Some(Json::Float(*int as f64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_doubles_do() {
        for (written, back) in [
            (Json::Float(1.0), Some(Json::Int(1))),
            (Json::Float(0.0), Some(Json::Int(0))),
            (Json::Float(-0.0), None),
            (Json::Float(1.5), None),
            (Json::Float(1e17), None),
            (Json::Int(1 << 53), None),
            (Json::Int((1 << 53) + 1), Some(Json::Float(EXACT))),
            (Json::from("1.0"), None),
        ] {
            assert_eq!(rewritten(&written), back, "{written}");
            let list = vec![Json::Null, vec![written].into()];
            assert_eq!(is_rewritten(&list.into()), back.is_some());
        }
    }
}
