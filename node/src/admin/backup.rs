//! A federation's tables, written into an archive while it runs.
//!
//! What is promised of a chain with a list (profile `default`): the archive is the chain as it was
//! when the list was read first, in the beginning. Every place up to there is in it, with its block
//! and all votes on it that there were when the votes were read, later. Blocks that got their place
//! meanwhile are left out with their votes: so no place, block or vote in the archive leads to one
//! that is not. What has no place even in the end is in it, too, as nobody knows better. With the
//! backlog, which is read before all else, every transaction that was waiting then is in the archive:
//! waiting, or in a block; or it had lost to one in the archive. Where voters have an order each
//! (`mixed`, `v0.6.0`) it is less: every block that there was when `bigchain` was read is in the
//! archive, and all votes on it that there were then; votes on later blocks are left out.
//!
//! All reads are majority reads. In memory is a page of rows, a chunk, and about fifty bytes for each
//! block; and the ids of blocks and votes that were written meanwhile.

use std::collections::BTreeSet;
use std::io::Write;

use bigchaindb_core::rules::Order;
use sha2::{Digest as _, Sha256};

use super::archive::{End, FORMAT, Head, Writer};
use super::tables::{Row, Scan, rows_of};
use super::{AdminError, Progress};
use crate::clock;
use crate::store::rethinkdb::schema::{self, BACKLOG, BIGCHAIN, POSITIONS, VOTES};
use crate::store::rethinkdb::{Client, Term};

/// What is backed up.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Waiting transactions, too.
    pub backlog: bool,
    /// The name of the federation's rules.
    pub consensus_plugin: String,
    /// Where they take the order of blocks from.
    pub order: Order,
    /// The public keys of the federation.
    pub members: Vec<String>,
}

/// Rows that are fetched at once in the end: they may be large blocks.
const LATE_ROWS: usize = 16;

/// Writes an archive; what is in it.
///
/// # Errors
/// If the database does not answer, or the archive cannot be written.
pub async fn backup<W: Write>(
    client: &Client,
    what: &Backup,
    out: W,
    progress: &dyn Progress,
) -> Result<End, AdminError> {
    let head = Head {
        format: FORMAT,
        id: bigchaindb_core::model::uuid(&crate::entropy::<16>()),
        created: clock::now().unix_ms / 1000,
        database: client.database().to_owned(),
        consensus_plugin: what.consensus_plugin.clone(),
        members: what.members.clone(),
    };
    let writer = Writer::new(out, &head).map_err(AdminError::Write)?;
    let mut task = Task { client, writer, progress };
    // The original has none.
    let has_list = schema::tables(client).await?.iter().any(|name| name == POSITIONS);
    if what.backlog {
        task.copy(BACKLOG, |_| Fate::Kept).await?;
    }
    let cut = match what.order {
        Order::List if has_list => Some(List::read(client).await?),
        Order::List | Order::Votes => None,
    };
    let mut blocks = BTreeSet::new();
    let late_blocks = task
        .copy(BIGCHAIN, |row| {
            let block = mark(&row.key);
            match &cut {
                Some(cut) if !cut.blocks.contains(&block) => Fate::Late,
                _ => {
                    blocks.insert(block);
                    Fate::Kept
                }
            }
        })
        .await?;
    let (mut late_votes, mut late_on) = (Vec::new(), Vec::new());
    task.copy(VOTES, |row| match voted_on(row) {
        Some(block) if !blocks.contains(&block) && cut.is_none() => Fate::LeftOut,
        Some(block) if !blocks.contains(&block) => {
            late_votes.push(row.key.clone());
            late_on.push(block);
            Fate::LeftOut
        }
        _ => Fate::Kept,
    })
    .await?;
    if let Some(cut) = cut {
        let now = List::read(client).await?;
        let is_later = |block: &u128| now.blocks.contains(block) && !cut.blocks.contains(block);
        let homeless: Vec<_> =
            late_blocks.into_iter().filter(|key| !is_later(&mark(key))).collect();
        task.add_late(BIGCHAIN, &homeless).await?;
        let votes = late_votes.into_iter().zip(late_on);
        let votes: Vec<_> =
            votes.filter(|(_, block)| !is_later(block)).map(|(key, _)| key).collect();
        task.add_late(VOTES, &votes).await?;
        let is_known = |row: &Row| cut.places.contains(&mark(&row.key));
        task.copy(POSITIONS, |row| if is_known(row) { Fate::Kept } else { Fate::LeftOut }).await?;
    } else if has_list {
        task.copy(POSITIONS, |_| Fate::Kept).await?;
    }
    task.writer.finish().map_err(AdminError::Write)
}

/// What becomes of a row.
enum Fate {
    /// It is in the archive.
    Kept,
    /// It is not.
    LeftOut,
    /// Nobody knows yet.
    Late,
}

struct Task<'a, W> {
    client: &'a Client,
    writer: Writer<W>,
    progress: &'a dyn Progress,
}

impl<W: Write> Task<'_, W> {
    /// Writes those rows of a table that are kept; the keys of those that may still be.
    async fn copy(
        &mut self,
        table: &'static str,
        mut fate: impl FnMut(&Row) -> Fate,
    ) -> Result<Vec<serde_json::Value>, AdminError> {
        self.progress.begin(table, None);
        let (mut scan, mut late) = (Scan::new(self.client, table), Vec::new());
        while let Some(rows) = scan.next().await? {
            self.progress.advance(rows.len() as u64);
            for row in rows {
                match fate(&row) {
                    Fate::Kept => self.add(table, row)?,
                    Fate::LeftOut => {}
                    Fate::Late => late.push(row.key),
                }
            }
        }
        Ok(late)
    }

    /// Writes the rows with these keys.
    async fn add_late(
        &mut self,
        table: &'static str,
        keys: &[serde_json::Value],
    ) -> Result<(), AdminError> {
        for keys in keys.chunks(LATE_ROWS) {
            let mut rows = rows_of(self.client, table, keys).await?;
            rows.sort_by_cached_key(|row| row.key.to_string());
            for row in rows {
                self.add(table, row)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, table: &'static str, row: Row) -> Result<(), AdminError> {
        self.writer.add(table, row.key, &row.text).map_err(AdminError::Write)
    }
}

/// The list of blocks as it is at a moment.
struct List {
    places: BTreeSet<u128>,
    blocks: BTreeSet<u128>,
}

impl List {
    async fn read(client: &Client) -> Result<Self, AdminError> {
        let mut list = Self { places: BTreeSet::new(), blocks: BTreeSet::new() };
        // Genesis stands in its entry, and is not needed here.
        let short = Term::function([1], |[row]| {
            let block = row.clone().at("block").or(Term::null());
            Term::object([("id", row.at("id")), ("block", block)])
        });
        let mut scan = Scan::mapped(client, POSITIONS, short);
        while let Some(rows) = scan.next().await? {
            for row in rows {
                list.places.insert(mark(&row.key));
                list.blocks.extend(field(&row, &["block"]).as_ref().map(mark));
            }
        }
        Ok(list)
    }
}

fn voted_on(row: &Row) -> Option<u128> {
    field(row, &["vote", "voting_for_block"]).as_ref().map(mark)
}

fn field(row: &Row, path: &[&str]) -> Option<serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(&row.text).ok()?;
    path.iter().try_fold(&document, |value, name| value.get(name)).cloned()
}

/// What stands for a key in memory.
fn mark(key: &serde_json::Value) -> u128 {
    let sum = Sha256::digest(key.to_string().as_bytes());
    sum.iter().take(16).fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}
