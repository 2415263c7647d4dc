//! A row: a document as the store holds it.
//!
//! A document that is a transaction, a block or a vote is held as what it is, shared with whoever
//! wrote it, and nothing is parsed to read it again. What the row adds to it (`assignee`, a vote's
//! `id`) stands beside it. Every other document is held as plain JSON, or as the value that a ReQL
//! client wrote: the store keeps what anybody writes, and a malformed block is a row like any other.
//! Here: [`Row`]; looking into it (`field`) and its text on disk (`text`, `value`). Not here: where
//! rows are kept (`storage`).

mod field;
mod text;
mod value;

use std::sync::{Arc, OnceLock};

use bigchaindb_core::model::{Block, Json, MAX_DEPTH, Object, Transaction, Vote};
use bigchaindb_core::query::{BacklogRow, VoteRow};

pub(crate) use field::Field;
pub use text::UnreadableRow;
pub(crate) use text::{read, read_part, shape, write, write_part};

use crate::reql::{Datum, deep};

/// What a table's rows are taken for, where their documents allow it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Nothing in particular.
    Plain,
    /// A transaction with an `assignee`.
    Transaction,
    /// A block.
    Block,
    /// A vote with an `id`.
    Vote,
}

/// A document. It never changes.
#[derive(Clone, Debug)]
pub struct Row {
    /// Fields of the document that `body` does not have.
    beside: Object,
    body: Body,
    /// The document as ReQL has it, once somebody has asked for it.
    datum: OnceLock<Datum>,
}

#[derive(Clone, Debug)]
enum Body {
    Plain(Json),
    /// What `datum` has; as JSON, once somebody has asked for that.
    Datum(OnceLock<Json>),
    Transaction(Arc<Transaction>),
    Block(Arc<Block>),
    Vote(Arc<Vote>),
}

impl Row {
    /// Takes a document for a row of a table of that shape; for a plain one if it is nothing such.
    pub fn new(shape: Shape, document: Json) -> Self {
        let taken = match shape {
            Shape::Plain => None,
            Shape::Transaction => apart(&document, "assignee").and_then(|(beside, body)| {
                let transaction = Transaction::from_document(body).ok()?;
                Some(Self::of(beside, Body::Transaction(Arc::new(transaction))))
            }),
            Shape::Block => {
                Block::from_document(document.clone()).ok().map(Arc::new).map(Self::from)
            }
            Shape::Vote => apart(&document, "id").and_then(|(beside, body)| {
                let vote = Vote::from_document(body).ok()?;
                Some(Self::of(beside, Body::Vote(Arc::new(vote))))
            }),
        };
        taken.unwrap_or_else(|| Self::of(Object::new(), Body::Plain(document)))
    }

    /// Takes a value that a client wrote for a row of a table of that shape.
    pub fn of_datum(shape: Shape, datum: Datum) -> Self {
        if shape != Shape::Plain {
            let row = Self::new(shape, json_of(&datum));
            if row.shape() == shape {
                return Self { datum: datum.into(), ..row };
            }
        }
        Self::plain(datum)
    }

    fn plain(datum: Datum) -> Self {
        Self { datum: datum.into(), ..Self::of(Object::new(), Body::Datum(OnceLock::new())) }
    }

    fn of(beside: Object, body: Body) -> Self {
        Self { beside, body, datum: OnceLock::new() }
    }

    /// What the document was taken for.
    pub fn shape(&self) -> Shape {
        match self.body {
            Body::Plain(_) | Body::Datum(_) => Shape::Plain,
            Body::Transaction(_) => Shape::Transaction,
            Body::Block(_) => Shape::Block,
            Body::Vote(_) => Shape::Vote,
        }
    }

    /// The whole document.
    pub fn document(&self) -> Json {
        let mut document = match &self.body {
            Body::Plain(document) => document.clone(),
            Body::Datum(json) => self.json(json).clone(),
            Body::Transaction(transaction) => transaction.document().clone(),
            Body::Block(block) => block.to_document(),
            Body::Vote(vote) => vote.document().clone(),
        };
        if let Json::Object(fields) = &mut document {
            for (name, value) in self.beside.iter() {
                fields.insert(name, value.clone());
            }
        }
        document
    }

    /// The whole document as ReQL has it; made once, and cheap to get again.
    ///
    /// What a node wrote may hold numbers that ReQL has not: those are `null` here.
    pub fn datum(&self) -> Datum {
        let of_document =
            || Datum::try_from(&self.document()).unwrap_or_else(|_| lenient(&self.document()));
        self.datum.get_or_init(of_document).clone()
    }

    /// What a client wrote, as JSON.
    fn json<'a>(&'a self, json: &'a OnceLock<Json>) -> &'a Json {
        json.get_or_init(|| self.datum.get().map_or(Json::Null, json_of))
    }

    /// The waiting transaction, if that is what this is.
    pub fn waiting(&self) -> Option<BacklogRow> {
        let Body::Transaction(transaction) = &self.body else { return None };
        let assignee = self.beside.get("assignee")?.as_str()?.into();
        Some(BacklogRow { transaction: transaction.clone(), assignee })
    }

    /// The block, if that is what this is.
    pub fn block(&self) -> Option<&Arc<Block>> {
        if let Body::Block(block) = &self.body { Some(block) } else { None }
    }

    /// One of the block's transactions, if this is a block that has so many.
    pub(crate) fn part(&self, number: u32) -> Option<Arc<Transaction>> {
        self.block()?.transactions().get(usize::try_from(number).ok()?).cloned()
    }

    /// The vote, if that is what this is.
    pub fn vote(&self) -> Option<VoteRow> {
        let Body::Vote(vote) = &self.body else { return None };
        let key = self.beside.get("id")?.as_str()?.into();
        Some(VoteRow { key, vote: vote.clone() })
    }

    /// About how many bytes the document has as text.
    pub(crate) fn weight(&self) -> usize {
        let of_body = match &self.body {
            Body::Plain(document) => weight_of_json(document),
            Body::Datum(_) => self.datum.get().map_or(0, weight_of_datum),
            Body::Transaction(transaction) => weight_of_json(transaction.document()),
            Body::Block(block) => {
                let transactions = block.transactions().iter();
                transactions.map(|part| weight_of_json(part.document())).sum()
            }
            Body::Vote(vote) => weight_of_json(vote.document()),
        };
        LEAF + of_body
    }

    /// The document, to look into.
    pub(crate) fn root(&self) -> Field<'_> {
        Field::Row(self)
    }

    fn field(&self, name: &str) -> Option<Field<'_>> {
        if let Some(value) = self.beside.get(name) {
            return Some(Field::Json(value));
        }
        let document = match &self.body {
            Body::Plain(document) => document,
            Body::Datum(json) => self.json(json),
            Body::Transaction(transaction) => transaction.document(),
            Body::Block(block) if name == "block" => return Some(Field::Inside(block)),
            Body::Block(block) => block.frame(),
            Body::Vote(vote) => vote.document(),
        };
        document.get(name).map(Field::Json)
    }
}

/// Rows are equal if their documents are: as JSON if the core wrote both, else as ReQL has them.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        let same_body = match (&self.body, &other.body) {
            (Body::Plain(one), Body::Plain(other)) => one == other,
            (Body::Transaction(one), Body::Transaction(other)) => one == other,
            (Body::Block(one), Body::Block(other)) => one == other,
            (Body::Vote(one), Body::Vote(other)) => one == other,
            _ => return self.datum() == other.datum(),
        };
        same_body && self.beside == other.beside
    }
}

/// What a value weighs that has no text of its own, and what every value weighs besides its text.
const LEAF: usize = 8;

fn weight_of_json(json: &Json) -> usize {
    LEAF + match json {
        Json::String(text) | Json::BigInt(text) => text.len(),
        Json::Array(items) => items.iter().map(weight_of_json).sum(),
        Json::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + weight_of_json(value)).sum()
        }
        Json::Null | Json::Bool(_) | Json::Int(_) | Json::Float(_) => 0,
    }
}

fn weight_of_datum(datum: &Datum) -> usize {
    LEAF + match datum {
        Datum::String(text) => text.len(),
        Datum::Binary(bytes) => bytes.len(),
        Datum::Array(items) => deep(|| items.iter().map(weight_of_datum).sum()),
        Datum::Object(fields) => {
            deep(|| fields.iter().map(|(name, value)| name.len() + weight_of_datum(value)).sum())
        }
        _ => 0,
    }
}

/// A client's value as JSON; null if it is nested deeper than the core reads: to the core it is no
/// document at all.
fn json_of(datum: &Datum) -> Json {
    if is_deeper(datum, MAX_DEPTH) { Json::Null } else { Json::from(datum) }
}

fn is_deeper(datum: &Datum, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return matches!(datum, Datum::Array(_) | Datum::Object(_));
    };
    match datum {
        Datum::Array(items) => deep(|| items.iter().any(|item| is_deeper(item, levels))),
        Datum::Object(fields) => deep(|| fields.values().any(|value| is_deeper(value, levels))),
        _ => false,
    }
}

/// A document that no client could have written: what ReQL does not have is null, and an object is
/// an object, whatever it says of its type.
fn lenient(json: &Json) -> Datum {
    match json {
        Json::Array(items) => deep(|| Datum::array(items.iter().map(lenient).collect())),
        Json::Object(fields) => deep(|| {
            Datum::object(
                fields.iter().map(|(name, value)| (name.into(), lenient(value))).collect(),
            )
        }),
        leaf => Datum::try_from(leaf).unwrap_or_default(),
    }
}

impl From<Arc<Block>> for Row {
    fn from(block: Arc<Block>) -> Self {
        Self::of(Object::new(), Body::Block(block))
    }
}

impl From<BacklogRow> for Row {
    fn from(row: BacklogRow) -> Self {
        let beside = beside("assignee", row.assignee.as_str());
        Self::of(beside, Body::Transaction(row.transaction))
    }
}

impl From<VoteRow> for Row {
    fn from(row: VoteRow) -> Self {
        Self::of(beside("id", &row.key), Body::Vote(row.vote))
    }
}

fn beside(name: &str, value: &str) -> Object {
    [(name.into(), Json::from(value))].into_iter().collect()
}

/// A document without one of its fields, and that field, if it is a text.
fn apart(document: &Json, name: &str) -> Option<(Object, Json)> {
    let text = document.get(name)?.as_str()?;
    let mut rest = document.clone();
    if let Json::Object(fields) = &mut rest {
        fields.remove(name);
    }
    Some((beside(name, text), rest))
}
