//! Tests that run on the server: is a row what its table is for?
//!
//! They never fail, whatever a row holds: each step is taken only if the one before it found an
//! object or an array. They say what `Transaction::from_document` and `Block::from_document` say.

use super::super::term::{ARRAY, OBJECT, STRING, Term};

/// Whether a row of `backlog` is a waiting transaction.
pub(crate) fn is_waiting(row: &Term) -> Term {
    Term::all([
        row.clone().at("id").is(STRING),
        row.clone().at("transaction").is(OBJECT),
        row.clone().at("assignee").is(STRING),
    ])
}

/// Whether a row of `bigchain` is a block.
pub(crate) fn is_block(row: &Term) -> Term {
    let block = || row.clone().at("block");
    Term::all([
        row.clone().at("id").is(STRING),
        block().is(OBJECT),
        block().at("node_pubkey").is(STRING),
        block().at("voters").is(ARRAY),
        block().at("transactions").is(ARRAY),
        none(block().at("voters"), 11, |voter| !voter.is(STRING)),
        none(block().at("transactions"), 12, |each| !is_transaction(&each)),
    ])
}

fn is_transaction(document: &Term) -> Term {
    Term::all([
        document.clone().is(OBJECT),
        document.clone().at("id").is(STRING),
        document.clone().at("transaction").is(OBJECT),
    ])
}

/// Whether no element of an array is so.
fn none(array: Term, number: u16, so: impl FnOnce(Term) -> Term) -> Term {
    !array.contains(Term::function([number], |[element]| so(element)))
}
