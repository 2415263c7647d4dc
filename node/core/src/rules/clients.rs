//! What clients are told, where it depends on the rules.
//!
//! Here: how a posted document is read, who is assigned to it, and which kind of answer a refusal
//! becomes. Not here: where a transaction stands (`reading`), when to ask what (`stages::api`), status
//! codes and bodies (the shell).

use std::fmt::Debug;

use super::{Federation, InvalidTransaction};
use crate::model::{Json, MalformedDocument, NodeKey, Transaction};

/// How answers to clients read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wording {
    /// As the documentation has it; a refusal says its reason.
    Documented,
    /// As the code of BigchainDB 0.6.0 had it.
    Original,
}

/// What a node was at when it met a reason to refuse a posted document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Reading the document, or making a CREATE of it.
    Reading,
    /// Judging the transaction, or writing it down.
    Judging,
}

/// What clients are told. What is here holds unless rules say otherwise.
pub trait ClientRules: Send + Sync + Debug {
    /// How answers read.
    fn wording(&self) -> Wording {
        Wording::Documented
    }

    /// Reads what a client posted and is taken as it is.
    ///
    /// # Errors
    /// If it is no transaction at all.
    fn read(&self, posted: Json) -> Result<Transaction, InvalidTransaction> {
        if !matches!(posted, Json::Object(_)) {
            return Err(InvalidTransaction::malformed("document", "has to be an object"));
        }
        Transaction::from_document(posted).map_err(|malformed| match malformed {
            MalformedDocument::Missing { at } => InvalidTransaction::malformed(at, "is missing"),
            MalformedDocument::Kind { at, expected } => {
                InvalidTransaction::malformed(at, format!("has to be {expected}"))
            }
        })
    }

    /// Whether the node fell over this, instead of saying no.
    fn falls_over(&self, _phase: Phase, _reason: &InvalidTransaction) -> bool {
        false
    }

    /// Those who may get a new transaction assigned; never nobody.
    fn assignees<'a>(&self, federation: &'a Federation) -> &'a [NodeKey] {
        federation.voters()
    }
}

/// What the documentation says.
#[derive(Clone, Copy, Debug)]
pub struct Documented;

impl ClientRules for Documented {}
