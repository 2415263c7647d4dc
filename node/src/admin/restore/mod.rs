//! An archive, brought back into a database.
//!
//! Tables and indexes are made, then the chunks written in the archive's order, each after its sums
//! and its documents were checked. A document that is not what it says (see `check`) is written all
//! the same, as it was in the chain that was backed up, and told of. Nodes may not run meanwhile:
//! blocks come before their places.
//!
//! While it goes on there is a table `restoring` with the archive's id. If it breaks off, running it
//! again with the same archive finishes it: rows that are there already are compared.

mod check;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_core::rules::ConsensusRules;
use serde::Serialize;
use tokio::sync::mpsc;

use super::archive::{ArchiveError, Chunk, Head, Reader};
use super::tables::{Row, has_rows, rows_of, shown};
use super::{AdminError, Finding, Progress};
use crate::store::rethinkdb::schema::{self, RESTORING, TABLES};
use crate::store::rethinkdb::term::{Durability, ReadMode};
use crate::store::rethinkdb::{Client, Term};
use check::Checker;

/// Chunks that are checked and wait to be written.
const AHEAD: usize = 2;

/// What a restore came to.
#[derive(Clone, Default, Serialize, Debug)]
pub struct Restored {
    /// What became of each table's documents.
    pub tables: BTreeMap<&'static str, Counts>,
    /// Documents that are not what they say, and those that stand against what was there.
    pub findings: Vec<Finding>,
}

/// What became of a table's documents.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Debug)]
pub struct Counts {
    /// They are there now.
    pub written: u64,
    /// They were there.
    pub there: u64,
    /// Something else was there, and still is.
    pub conflicts: u64,
}

/// Brings an archive back. With `merge` what is in the database stays there; without, there may be
/// nothing.
///
/// # Errors
/// If the archive is damaged, the database does not answer, or something is in it. What was written
/// up to then stays.
pub async fn restore<R: BufRead + Send + 'static>(
    client: &Client,
    reader: Reader<R>,
    rules: Arc<dyn ConsensusRules>,
    merge: bool,
    progress: &dyn Progress,
) -> Result<Restored, AdminError> {
    let resumed = begin(client, reader.head(), merge).await?;
    let checker = Checker::new(rules, reader.head());
    let (chunks, mut checked) = mpsc::channel::<(Chunk, Vec<Finding>)>(AHEAD);
    let reading = tokio::task::spawn_blocking(move || read(reader, &checker, &chunks));
    let mut task = Task { client, restored: Restored::default(), is_alone: !merge && !resumed };
    let (mut table, mut outcome) = (None, Ok(()));
    while let Some((chunk, findings)) = checked.recv().await {
        task.restored.findings.extend(findings);
        let Some(known) = TABLES.into_iter().find(|name| *name == chunk.table) else {
            let what = "nobody here knows this table: its documents are left out";
            task.restored.findings.push(Finding::new(&chunk.table, "", what));
            continue;
        };
        if table.replace(known) != Some(known) {
            progress.begin(known, None);
        }
        outcome = task.write(known, &chunk).await;
        if outcome.is_err() {
            break;
        }
        progress.advance(chunk.documents().count() as u64);
    }
    // Then the reader ends, too.
    drop(checked);
    let read = reading.await.expect("the reader does not panic");
    outcome?;
    read?;
    for table in TABLES {
        client.value(&Term::table(table, ReadMode::Single).sync()).await?;
    }
    client.value(&Term::database(client.database()).table_drop(RESTORING)).await?;
    Ok(task.restored)
}

/// Makes the tables; whether this goes on with what was begun before.
async fn begin(client: &Client, head: &Head, merge: bool) -> Result<bool, AdminError> {
    let tables = schema::tables(client).await?;
    let mut resumed = false;
    if tables.iter().any(|name| name == RESTORING) {
        let marker = Term::table(RESTORING, ReadMode::Majority);
        let begun = client.read_values(&marker, |row| Some(row.get("id")?.as_str()?.to_owned()));
        if let Some(id) = begun.await?.pop() {
            if id != head.id {
                return Err(AdminError::OtherRestore { id });
            }
            resumed = true;
        }
    }
    if !merge && !resumed {
        for table in TABLES.into_iter().filter(|name| tables.iter().any(|there| there == name)) {
            if has_rows(client, table).await? {
                return Err(AdminError::NotEmpty { table: table.to_owned() });
            }
        }
    }
    schema::init(client, schema::PATIENCE).await?;
    schema::make_table(client, RESTORING, schema::PATIENCE).await?;
    let id = Json::object([("id", head.id.as_str().into())]);
    let marker = Term::table(RESTORING, ReadMode::Single);
    client.value(&marker.insert(Term::json(&id), Durability::Hard)).await?;
    Ok(resumed)
}

/// Reads and checks, as long as somebody writes.
fn read<R: BufRead>(
    mut reader: Reader<R>,
    checker: &Checker,
    chunks: &mpsc::Sender<(Chunk, Vec<Finding>)>,
) -> Result<(), ArchiveError> {
    while let Some(chunk) = reader.chunk()? {
        let findings = checker.check(&chunk);
        if chunks.blocking_send((chunk, findings)).is_err() {
            break;
        }
    }
    Ok(())
}

struct Task<'a> {
    client: &'a Client,
    restored: Restored,
    /// What is there was written by this very run.
    is_alone: bool,
}

impl Task<'_> {
    /// Writes a chunk's documents; where rows are in the way, they are compared.
    async fn write(&mut self, table: &'static str, chunk: &Chunk) -> Result<(), AdminError> {
        let documents: Vec<&str> = chunk.documents().collect();
        let all = Term::json_text(&format!("[{}]", documents.join(",")));
        let insert = Term::table(table, ReadMode::Single).insert(all, Durability::Soft);
        let stats = self.client.value(&insert).await?;
        let inserted = stats.get("inserted").and_then(Json::as_i64).unwrap_or_default();
        let inserted = u64::try_from(inserted).unwrap_or_default();
        self.restored.tables.entry(table).or_default().written += inserted;
        if inserted == documents.len() as u64 {
            return Ok(());
        }
        let reason = stats.get("first_error").and_then(Json::as_str).unwrap_or_default();
        self.compare(table, &documents, inserted, reason).await
    }

    /// Says of each document whether it is there as it should be.
    async fn compare(
        &mut self,
        table: &'static str,
        documents: &[&str],
        inserted: u64,
        reason: &str,
    ) -> Result<(), AdminError> {
        let rows: Vec<_> = documents
            .iter()
            .map(|text| Row::read(table, text.as_bytes()))
            .collect::<Result<_, _>>()?;
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        let there = rows_of(self.client, table, &keys).await?;
        let there: BTreeMap<_, _> =
            there.iter().map(|row| (row.key.to_string(), &row.text)).collect();
        let (mut same, mut conflicts) = (0, 0);
        for row in &rows {
            let id = shown(&row.key);
            match there.get(&row.key.to_string()) {
                Some(text) if **text == row.text => same += 1,
                Some(_) => {
                    conflicts += 1;
                    let what = "another document with this id is there, and stays";
                    self.restored.findings.push(Finding::new(table, id, what));
                }
                None => {
                    let (table, reason) = (table.to_owned(), reason.to_owned());
                    return Err(AdminError::Refused { table, id, reason });
                }
            }
        }
        let counts = self.restored.tables.entry(table).or_default();
        counts.there += same.max(inserted) - inserted;
        counts.conflicts += conflicts;
        if self.is_alone && counts.there > 0 {
            let what = format!("{} documents stand in the archive more than once", counts.there);
            self.restored.findings.push(Finding::new(table, "", what));
        }
        Ok(())
    }
}
