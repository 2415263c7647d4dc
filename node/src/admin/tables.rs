//! Reading and deleting the rows of whole tables, a page at a time.

use bigchaindb_core::model::Json;
use serde::Deserialize;

use super::AdminError;
use crate::store::rethinkdb::term::{Durability, ReadMode};
use crate::store::rethinkdb::{Client, Cursor, Error, Term};

/// How often a read is taken up again when the connection is lost, without a row in between.
const ATTEMPTS: usize = 3;

/// Rows that are asked for, or deleted, by their keys at once.
const KEYS_MAX: usize = 1000;

/// A row as the server tells it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its primary key.
    pub(super) key: serde_json::Value,
    /// The document.
    pub(super) text: String,
}

impl Row {
    pub(super) fn read(table: &str, text: &[u8]) -> Result<Self, AdminError> {
        let unreadable = || AdminError::Unreadable { table: table.to_owned() };
        let Keyed { id } = serde_json::from_slice(text).map_err(|_| unreadable())?;
        // Alike for all servers, unless it is so deep that only its own server can tell it.
        let text = match Json::parse(text) {
            Ok(document) => document.to_string(),
            Err(_) => String::from_utf8(text.to_vec()).map_err(|_| unreadable())?,
        };
        Ok(Self { key: id, text })
    }
}

/// Whatever else a document has is not looked at, so it may be deep.
#[derive(Deserialize)]
struct Keyed {
    id: serde_json::Value,
}

/// A primary key as a text: itself, if it is one.
pub(super) fn shown(key: &serde_json::Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// A primary key as a term.
pub(super) fn key_term(key: &serde_json::Value) -> Term {
    Term::json_text(&key.to_string())
}

/// All rows of a table by primary key, as a majority has them. A page is what the server sends at
/// once, about a megabyte. If the connection is lost, reading goes on behind the last row.
pub(super) struct Scan {
    client: Client,
    table: &'static str,
    /// What is made of each row; it keeps the field `id`.
    map: Option<Term>,
    last: Option<serde_json::Value>,
    cursor: Option<Cursor>,
}

impl Scan {
    /// Nothing is asked yet.
    pub(super) fn new(client: &Client, table: &'static str) -> Self {
        Self { client: client.clone(), table, map: None, last: None, cursor: None }
    }

    /// Of each row only what a function makes of it: an object with its `id`.
    pub(super) fn mapped(client: &Client, table: &'static str, map: Term) -> Self {
        Self { map: Some(map), ..Self::new(client, table) }
    }

    /// The next rows, perhaps none; `None` once that was all.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>, AdminError> {
        let mut attempt = 1;
        let batch = loop {
            match self.batch().await {
                Err(error) if error.is_lost() && attempt < ATTEMPTS => {
                    attempt += 1;
                    self.cursor = None;
                }
                outcome => break outcome?,
            }
        };
        let Some(batch) = batch else { return Ok(None) };
        let rows: Vec<_> =
            batch.texts().map(|text| Row::read(self.table, text)).collect::<Result<_, _>>()?;
        if let Some(row) = rows.last() {
            self.last = Some(row.key.clone());
        }
        Ok(Some(rows))
    }

    async fn batch(&mut self) -> Result<Option<crate::store::rethinkdb::Batch>, Error> {
        if self.cursor.is_none() {
            let from = self.last.as_ref().map_or_else(Term::minval, key_term);
            let rows = Term::table(self.table, ReadMode::Majority).behind(from).ordered_by("id");
            let rows = match &self.map {
                Some(map) => rows.map(map.clone()),
                None => rows,
            };
            self.cursor = Some(self.client.connection().await?.start(&rows).await?);
        }
        match &mut self.cursor {
            Some(cursor) => cursor.next().await,
            None => Ok(None),
        }
    }
}

/// The rows with these keys, in no order.
pub(super) async fn rows_of(
    client: &Client,
    table: &'static str,
    keys: &[serde_json::Value],
) -> Result<Vec<Row>, AdminError> {
    let mut rows = Vec::new();
    for keys in keys.chunks(KEYS_MAX) {
        let term = Term::table(table, ReadMode::Majority).get_all(keys.iter().map(key_term));
        let connection = client.connection().await?;
        let mut cursor = connection.start(&term).await?;
        while let Some(batch) = cursor.next().await? {
            for text in batch.texts() {
                rows.push(Row::read(table, text)?);
            }
        }
    }
    Ok(rows)
}

/// Deletes rows; those that are not there are no matter.
pub(super) async fn delete(
    client: &Client,
    table: &'static str,
    keys: &[serde_json::Value],
) -> Result<(), AdminError> {
    for keys in keys.chunks(KEYS_MAX) {
        let rows = Term::table(table, ReadMode::Single).get_all(keys.iter().map(key_term));
        let stats = client.value(&rows.delete(Durability::Hard)).await?;
        if let Some(reason) = stats.get("first_error").and_then(Json::as_str) {
            let (table, id) = (table.to_owned(), keys.first().map(shown).unwrap_or_default());
            return Err(AdminError::Refused { table, id, reason: reason.to_owned() });
        }
    }
    Ok(())
}

/// Whether a table has a row.
pub(super) async fn has_rows(client: &Client, table: &'static str) -> Result<bool, Error> {
    let first = Term::table(table, ReadMode::Majority).limit(1).count();
    Ok(client.read_value(&first).await?.as_i64() != Some(0))
}
