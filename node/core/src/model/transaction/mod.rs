//! A transaction: what it says, how it is made, which texts of it are hashed and signed.
//!
//! Here: [`Transaction`], the document with its accessors. Accessors are lenient: whatever is not
//! of the documented shape is simply not there. Not here: whether it is acceptable (`rules`).

mod draft;
mod guard;
mod sign;
mod sorted;
mod texts;

pub use draft::Draft;
pub(crate) use draft::signature_of;
pub use sign::SignError;
pub use texts::Texts;

use std::fmt;

use super::document::{self, MalformedDocument};
use super::{Json, Output, TxId};

/// A transaction, with its whole document. It never changes.
///
/// Source: BigchainDB 0.6 docs, "The Transaction Model".
#[derive(Clone)]
pub struct Transaction {
    id: TxId,
    document: Json,
    inputs: Vec<Output>,
}

/// Its id alone: who wants to see the document asks for it.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction({})", self.id)
    }
}

impl PartialEq for Transaction {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl Transaction {
    /// Takes a document for a transaction.
    ///
    /// # Errors
    /// If it is no object with a string `id` and an object `transaction`. All else is left to the
    /// rules.
    pub fn from_document(document: Json) -> Result<Self, MalformedDocument> {
        let id = document::text(&document, "id", "id")?.into();
        Self::named(id, document)
    }

    /// Takes a document without a proper `id` for a transaction, to be judged and no more: it goes
    /// by the empty id, which is no transaction's.
    ///
    /// # Errors
    /// If it has no object `transaction`.
    pub(crate) fn unnamed(document: Json) -> Result<Self, MalformedDocument> {
        Self::named("".into(), document)
    }

    fn named(id: TxId, document: Json) -> Result<Self, MalformedDocument> {
        let body = document::object(&document, "transaction", "transaction")?;
        let inputs = list(body, "fulfillments").iter().filter_map(input).collect();
        Ok(Self { id, inputs, document })
    }

    /// Its id, as the document says it.
    pub fn id(&self) -> &TxId {
        &self.id
    }

    /// The whole document.
    pub fn document(&self) -> &Json {
        &self.document
    }

    /// The object `transaction`: all that the id covers.
    pub fn body(&self) -> &Json {
        self.document.get("transaction").expect("from_document saw it")
    }

    /// `CREATE`, `TRANSFER`, `GENESIS`, or whatever it says.
    pub fn operation(&self) -> Option<&str> {
        self.body().get("operation")?.as_str()
    }

    /// When it was made, as it says: Unix seconds, in decimal.
    pub fn timestamp(&self) -> Option<&str> {
        self.body().get("timestamp")?.as_str()
    }

    /// What it spends: the non-null `input`s of its fulfillments, in order.
    pub fn inputs(&self) -> &[Output] {
        &self.inputs
    }

    /// Its fulfillments; none if that is no list.
    pub fn fulfillments(&self) -> &[Json] {
        list(self.body(), "fulfillments")
    }

    /// Its conditions; none if that is no list.
    pub fn conditions(&self) -> &[Json] {
        list(self.body(), "conditions")
    }

    /// The URI that guards the output `cid`: that of the first condition which names that number.
    pub fn condition_uri(&self, cid: i64) -> Option<&str> {
        let wanted = Json::Int(cid.into());
        let named = |condition: &&Json| condition.get("cid") == Some(&wanted);
        self.conditions().iter().find(named)?.get("condition")?.get("uri")?.as_str()
    }
}

fn list<'a>(body: &'a Json, name: &str) -> &'a [Json] {
    if let Some(Json::Array(items)) = body.get(name) { items } else { &[] }
}

/// The output that a fulfillment spends.
fn input(fulfillment: &Json) -> Option<Output> {
    let input = fulfillment.get("input")?;
    (!input.is_null()).then(|| Output::of_input(input))
}

impl Output {
    /// The output that an `input` names.
    pub fn of_input(input: &Json) -> Self {
        let txid = input.get("txid").and_then(Json::as_str);
        let cid = input.get("cid").and_then(whole);
        let plain = txid.is_some() && cid.is_some() && fields(input) == 2;
        // Compared by value, as the store does: not by canonical text, which a U+0000 cuts short.
        let oddity = (!plain).then(|| by_value(input).to_string().into());
        Self { txid: txid.unwrap_or_default().into(), cid: cid.unwrap_or_default(), oddity }
    }
}

/// The integer a number is equal to, as the store compares numbers.
fn whole(number: &Json) -> Option<i64> {
    by_value(number).as_i64()
}

/// The value with every whole float as an integer: equal values, as the store compares them, become
/// the same document.
fn by_value(value: &Json) -> Json {
    let mut value = value.clone();
    // Not by recursion: a document may be deep.
    let mut places = vec![&mut value];
    while let Some(place) = places.pop() {
        match place {
            Json::Float(float) if float.fract() == 0.0 && float.abs() <= EXACT => {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
                let int = *float as i64;
                *place = Json::Int(int.into());
            }
            Json::Array(items) => places.extend(items),
            Json::Object(fields) => places.extend(fields.values_mut()),
            _ => {}
        }
    }
    value
}

/// Up to here every whole number has a double of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn fields(value: &Json) -> usize {
    if let Json::Object(fields) = value { fields.len() } else { 0 }
}
