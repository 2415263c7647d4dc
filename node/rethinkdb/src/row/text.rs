//! A row's text on disk.

use std::sync::{Arc, OnceLock};

use bigchaindb_core::model::{Block, Json, MalformedDocument, Transaction, Vote};

use super::{Body, Row, Shape, value};

/// A row's text on disk does not read back as a row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a row on disk cannot be read: {0}")]
pub struct UnreadableRow(String);

impl UnreadableRow {
    /// There is less of it than there has to be.
    pub(crate) fn cut_off() -> Self {
        Self("it is cut off".to_owned())
    }
}

/// The text of a row, without a block's transactions: they are kept apart, each by itself, so that
/// one can be read without the others.
///
/// A letter says what the row was taken for; then the fields beside the body; then, on the second
/// line, the body. What a client wrote has its value's bytes behind the letter instead.
pub(crate) fn write(row: &Row) -> Vec<u8> {
    let (letter, body) = match &row.body {
        Body::Datum(_) => {
            let mut bytes = vec![DATUM];
            let datum = row.datum.get().expect("a row that a client wrote has its datum");
            value::write(datum, &mut bytes);
            return bytes;
        }
        Body::Plain(document) => (PLAIN, document),
        Body::Transaction(transaction) => (TRANSACTION, transaction.document()),
        Body::Block(block) => (BLOCK, block.frame()),
        Body::Vote(vote) => (VOTE, vote.document()),
    };
    let beside = Json::Object(row.beside.clone());
    format!("{}{beside}\n{body}", char::from(letter)).into_bytes()
}

/// The text of one transaction of a block.
pub(crate) fn write_part(transaction: &Transaction) -> String {
    transaction.document().to_string()
}

const PLAIN: u8 = b'p';
const TRANSACTION: u8 = b't';
const BLOCK: u8 = b'b';
const VOTE: u8 = b'v';
const DATUM: u8 = b'd';

/// What the row of this text was taken for.
pub(crate) fn shape(text: &[u8]) -> Shape {
    match text.first().copied() {
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
    if let Some((&DATUM, bytes)) = text.split_first() {
        let datum =
            value::read(bytes).ok_or_else(|| UnreadableRow("its value is cut off".into()))?;
        return Ok(Row::plain(datum));
    }
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
    Ok(Row { beside, body, datum: OnceLock::new() })
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
