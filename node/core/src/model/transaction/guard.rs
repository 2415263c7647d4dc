//! Guards made by hand: an output that a hash, a time, or m of n keys lock, and what opens it.
//!
//! A guard is a [`Fulfillment`] that is not fulfilled yet. Clients put one into an unsigned
//! transaction, which gets a new id; whoever spends the output builds a fulfillment of it over
//! [`Transaction::fulfillment_message`] and puts that in. Not here: signing by the keys that an
//! output's `details` ask for ([`Transaction::sign`]).
//!
//! ```
//! use bigchaindb_core::model::cryptoconditions::Fulfillment;
//! use bigchaindb_core::model::{Draft, Keypair, Output, Profile};
//!
//! let (node, bob) = (Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32]));
//! let secret = Fulfillment::preimage(*b"much secret! wow!");
//! let draft = Draft::create(node.public(), vec![], "some uuid", 1_472_731_200);
//! let locked = draft.transaction().unwrap().with_output(&secret).unwrap();
//! let locked = locked.sign(&[&node], Profile::Default, &|_| None).unwrap();
//!
//! let input = Output { txid: locked.id().clone(), cid: 0, oddity: None };
//! let bobs = vec![bob.public().to_string()];
//! let draft = Draft::transfer(vec![], bobs, vec![input], "another", 1_472_731_201);
//! let opened = draft.transaction().unwrap().with_fulfillment(0, &secret).unwrap();
//! assert_eq!(locked.condition_uri(0), Some(&*secret.condition_uri().unwrap()));
//! assert!(opened.document().to_string().contains("cf:0:"));
//! ```
//!
//! Source: BigchainDB 0.6 docs, "Crypto-Conditions (Advanced)".

use super::super::cryptoconditions::Fulfillment;
use super::super::{Json, Raised};
use super::{Texts, Transaction};

impl Transaction {
    /// The same with another guard for its output `cid`; it gets a new id, and signatures no longer
    /// fit. So clients lock an output by a hash, a time, or m of n keys.
    ///
    /// # Errors
    /// If there is no such output, or the guard has no condition.
    pub fn with_guard(&self, cid: usize, guard: &Fulfillment) -> Result<Self, Raised> {
        let mut body = self.body().clone();
        let conditions = body.get_mut("conditions");
        let condition = match conditions {
            Some(Json::Array(conditions)) => conditions.get_mut(cid),
            _ => None,
        };
        let condition = condition.and_then(|condition| condition.get_mut("condition"));
        *condition.ok_or_else(|| Raised::new("IndexError", "there is no such condition"))? =
            locked_by(guard)?;
        Self::of_body(body)
    }

    /// The same with one output more, which is nobody's: whoever fulfills the guard can spend it. It
    /// gets a new id.
    ///
    /// # Errors
    /// If the conditions are no list, or the guard has no condition.
    pub fn with_output(&self, guard: &Fulfillment) -> Result<Self, Raised> {
        let mut body = self.body().clone();
        let Some(Json::Array(conditions)) = body.get_mut("conditions") else {
            return Err(Raised::new("TypeError", "the conditions are no list"));
        };
        conditions.push(Json::object([
            ("cid", (conditions.len() as u64).into()),
            ("condition", locked_by(guard)?),
            ("owners_after", Json::Null),
        ]));
        Self::of_body(body)
    }

    /// What has to be signed to fulfill what this fulfillment spends.
    ///
    /// # Errors
    /// If there is no such fulfillment, or the transaction has no canonical text.
    pub fn fulfillment_message(&self, fid: usize) -> Result<String, Raised> {
        Texts::of(self)?.message(fid)
    }

    /// The same with this fulfillment; the id stays.
    ///
    /// # Errors
    /// If there is no such place, or the fulfillment is not complete.
    pub fn with_fulfillment(&self, fid: usize, fulfillment: &Fulfillment) -> Result<Self, Raised> {
        let uri = fulfillment.uri()?;
        let mut document = self.document().clone();
        let list = document.get_mut("transaction").and_then(|body| body.get_mut("fulfillments"));
        let place = match list {
            Some(Json::Array(fulfillments)) => fulfillments.get_mut(fid),
            _ => None,
        };
        let place = place.and_then(|place| place.get_mut("fulfillment"));
        *place.ok_or_else(|| Raised::new("IndexError", "there is no such fulfillment"))? =
            uri.into();
        Ok(Self::from_document(document)?)
    }
}

/// A `condition` object. Details that would tell a secret are left out: the URI is enough.
fn locked_by(guard: &Fulfillment) -> Result<Json, Raised> {
    if guard.tells_secret() {
        return Ok(Json::object([("uri", guard.condition_uri()?.into())]));
    }
    details_and_uri(guard)
}

pub(super) fn details_and_uri(guard: &Fulfillment) -> Result<Json, Raised> {
    Ok(Json::object([("details", guard.to_dict()?), ("uri", guard.condition_uri()?.into())]))
}
