//! A row: a document as the store holds it.
//!
//! A document that is a transaction, a block or a vote is held as what it is, shared with whoever
//! wrote it, and nothing is parsed to read it again. What the row adds to it (`assignee`, a vote's
//! `id`) stands beside it. Every other document is held as plain JSON: the store keeps what anybody
//! writes, and a malformed block is a row like any other. Here: [`Row`], looking into it
//! ([`Field`]), and its text on disk. Not here: where rows are kept (`storage`).

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, MalformedDocument, Object, Transaction, Vote};
use bigchaindb_core::query::{BacklogRow, VoteRow};

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

/// A document with its primary key in the field `id`. It never changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Fields of the document that `body` does not have.
    beside: Object,
    body: Body,
}

#[derive(Clone, PartialEq, Debug)]
enum Body {
    Plain(Json),
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
                Some(Self { beside, body: Body::Transaction(Arc::new(transaction)) })
            }),
            Shape::Block => {
                Block::from_document(document.clone()).ok().map(Arc::new).map(Self::from)
            }
            Shape::Vote => apart(&document, "id").and_then(|(beside, body)| {
                let vote = Vote::from_document(body).ok()?;
                Some(Self { beside, body: Body::Vote(Arc::new(vote)) })
            }),
        };
        taken.unwrap_or(Self { beside: Object::new(), body: Body::Plain(document) })
    }

    /// What the document was taken for.
    pub fn shape(&self) -> Shape {
        match self.body {
            Body::Plain(_) => Shape::Plain,
            Body::Transaction(_) => Shape::Transaction,
            Body::Block(_) => Shape::Block,
            Body::Vote(_) => Shape::Vote,
        }
    }

    /// The whole document.
    pub fn document(&self) -> Json {
        let mut document = match &self.body {
            Body::Plain(document) => document.clone(),
            Body::Transaction(transaction) => transaction.document().clone(),
            Body::Block(block) => block.document().clone(),
            Body::Vote(vote) => vote.document().clone(),
        };
        if let Json::Object(fields) = &mut document {
            for (name, value) in self.beside.iter() {
                fields.insert(name, value.clone());
            }
        }
        document
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
            Body::Transaction(transaction) => transaction.document(),
            Body::Block(block) if name == "block" => return Some(Field::Inside(block)),
            Body::Block(block) => block.frame(),
            Body::Vote(vote) => vote.document(),
        };
        document.get(name).map(Field::Json)
    }
}

impl From<Arc<Block>> for Row {
    fn from(block: Arc<Block>) -> Self {
        Self { beside: Object::new(), body: Body::Block(block) }
    }
}

impl From<BacklogRow> for Row {
    fn from(row: BacklogRow) -> Self {
        let beside = beside("assignee", row.assignee.as_str());
        Self { beside, body: Body::Transaction(row.transaction) }
    }
}

impl From<VoteRow> for Row {
    fn from(row: VoteRow) -> Self {
        Self { beside: beside("id", &row.key), body: Body::Vote(row.vote) }
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

/// A value somewhere in a row.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    /// The document itself.
    Row(&'a Row),
    /// A block's field `block`.
    Inside(&'a Block),
    /// A block's field `block.transactions`.
    Transactions(&'a [Arc<Transaction>]),
    /// Anything else.
    Json(&'a Json),
}

impl<'a> Field<'a> {
    /// A field of an object.
    pub(crate) fn get(self, name: &str) -> Option<Field<'a>> {
        match self {
            Self::Row(row) => row.field(name),
            Self::Inside(block) if name == "transactions" => {
                Some(Self::Transactions(block.transactions()))
            }
            Self::Inside(block) => block.frame().get("block")?.get(name).map(Self::Json),
            Self::Transactions(_) => None,
            Self::Json(json) => json.get(name).map(Self::Json),
        }
    }

    /// The items of an array.
    pub(crate) fn items(self) -> Option<impl Iterator<Item = &'a Json>> {
        let (transactions, items): (&[Arc<Transaction>], &[Json]) = match self {
            Self::Transactions(transactions) => (transactions, &[]),
            Self::Json(json) => (&[], json.as_array()?),
            Self::Row(_) | Self::Inside(_) => return None,
        };
        Some(transactions.iter().map(|transaction| transaction.document()).chain(items))
    }

    /// The value, unless it is one that only blocks have.
    pub(crate) fn json(self) -> Option<&'a Json> {
        if let Self::Json(json) = self { Some(json) } else { None }
    }
}

/// A row's text on disk does not read back as a row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a row on disk cannot be read: {0}")]
pub struct UnreadableRow(String);

/// The text of a row, without a block's transactions: they are kept apart, each by itself, so that
/// one can be read without the others.
///
/// A letter says what the row was taken for; then the fields beside the body; then, on the second
/// line, the body.
pub(crate) fn write(row: &Row) -> String {
    let beside = Json::Object(row.beside.clone());
    let (letter, body) = match &row.body {
        Body::Plain(document) => (PLAIN, document),
        Body::Transaction(transaction) => (TRANSACTION, transaction.document()),
        Body::Block(block) => (BLOCK, block.frame()),
        Body::Vote(vote) => (VOTE, vote.document()),
    };
    format!("{letter}{beside}\n{body}")
}

/// The text of one transaction of a block.
pub(crate) fn write_part(transaction: &Transaction) -> String {
    transaction.document().to_string()
}

const PLAIN: char = 'p';
const TRANSACTION: char = 't';
const BLOCK: char = 'b';
const VOTE: char = 'v';

/// What the row of this text was taken for.
pub(crate) fn shape(text: &[u8]) -> Shape {
    match text.first().copied().map(char::from) {
        Some(TRANSACTION) => Shape::Transaction,
        Some(BLOCK) => Shape::Block,
        Some(VOTE) => Shape::Vote,
        _ => Shape::Plain,
    }
}

/// Reads a row back; `parts` are a block's transactions.
///
/// # Errors
/// If the text is not what [`write`] makes.
pub(crate) fn read(text: &[u8], parts: Vec<Arc<Transaction>>) -> Result<Row, UnreadableRow> {
    let line_end = text.iter().position(|byte| *byte == b'\n');
    let line_end = line_end.ok_or_else(|| UnreadableRow("it has one line only".into()))?;
    let Json::Object(beside) = parse(&text[1..line_end])? else {
        return Err(UnreadableRow("its first line is no object".into()));
    };
    let document = parse(&text[line_end + 1..])?;
    let malformed = |error: MalformedDocument| UnreadableRow(error.to_string());
    let body = match shape(text) {
        Shape::Plain => Body::Plain(document),
        Shape::Transaction => {
            Body::Transaction(Transaction::from_document(document).map_err(malformed)?.into())
        }
        Shape::Block => Body::Block(Block::from_frame(document, parts).map_err(malformed)?.into()),
        Shape::Vote => Body::Vote(Vote::from_document(document).map_err(malformed)?.into()),
    };
    Ok(Row { beside, body })
}

/// Reads one transaction of a block back.
///
/// # Errors
/// If the text is not what [`write_part`] makes.
pub(crate) fn read_part(text: &[u8]) -> Result<Arc<Transaction>, UnreadableRow> {
    let transaction = Transaction::from_document(parse(text)?);
    transaction.map(Arc::new).map_err(|error| UnreadableRow(error.to_string()))
}

fn parse(text: &[u8]) -> Result<Json, UnreadableRow> {
    Json::parse(text).map_err(|error| UnreadableRow(error.to_string()))
}
