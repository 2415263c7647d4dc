//! Questions about the list of blocks.

use std::collections::BTreeSet;

use bigchaindb_core::model::{BlockId, Json, Position};
use bigchaindb_core::query::ListEntry;

use super::super::client::Client;
use super::super::rows;
use super::super::schema::{BIGCHAIN, BIGCHAIN_BY_TIMESTAMP, POSITIONS, POSITIONS_BY_BLOCK};
use super::super::term::{OBJECT, STRING};
use super::super::{Error, Term};
use super::{Inserted, KEYS_MAX, blocks, portions, table};
use crate::clock;

/// Places are whole numbers below 2^53: up to there each has a double of its own.
const PLACES_END: u64 = 1 << 53;

/// The last entries of the list whose blocks say how far the list has come: so many that no single
/// author's clock decides.
const NEWEST: usize = 16;

/// Blocks that are older than the newest listed ones by more than this are not looked at, in
/// seconds. A block that is 240 s older cannot become valid any more; and ten minutes' blocks are
/// about as many as a page has.
const UNLISTED_MARGIN_S: u64 = 600;

/// Timestamps are compared as texts: only with those of ten digits (2001 to 2286) that is as
/// numbers.
const TEN_DIGITS: u64 = 1_000_000_000;

/// Claims a place; the entry that has it then.
pub(super) async fn claim(client: &Client, entry: &ListEntry) -> Result<ListEntry, Error> {
    let position = entry.position;
    match super::insert(client, POSITIONS, position.0, &rows::entry_document(entry)).await? {
        Inserted::New => Ok(entry.clone()),
        Inserted::Taken => {
            let row = client.read_value(&table(POSITIONS).get(position.0)).await?;
            let nobodys = || ListEntry { position, block: "".into(), genesis: None };
            Ok(rows::entry(row).unwrap_or_else(nobodys))
        }
    }
}

/// The list from a place on.
pub(super) async fn from(
    client: &Client,
    from: Position,
    limit: usize,
) -> Result<Vec<ListEntry>, Error> {
    client.read_values(&from_term(from, limit), rows::entry).await
}

fn from_term(from: Position, limit: usize) -> Term {
    places(from).ordered_by("id").filter(is_whole()).limit(limit)
}

/// Rows whose key is a number and may be a place.
fn places(from: Position) -> Term {
    table(POSITIONS).between(from.0, PLACES_END)
}

/// Whether a row's key is a whole number.
fn is_whole() -> Term {
    Term::function([1], |[row]| row.clone().at("id").floor().eq(row.at("id")))
}

/// Those of these blocks that have a place.
async fn listed(client: &Client, blocks: &[BlockId]) -> Result<BTreeSet<BlockId>, Error> {
    let mut listed = BTreeSet::new();
    for blocks in blocks.chunks(KEYS_MAX) {
        let blocks = blocks.iter().map(|block| Term::from(block.as_str()));
        listed.extend(client.read_values(&listed_term(blocks), rows::block_id).await?);
    }
    Ok(listed)
}

fn listed_term(blocks: impl Iterator<Item = Term>) -> Term {
    let entries = table(POSITIONS).get_all_by(POSITIONS_BY_BLOCK, blocks);
    entries.map(Term::function([1], |[row]| row.at("block")))
}

/// Blocks without a place, oldest first. To cost the same however long the chain is, only those are
/// looked at that are not much older than the end of the list.
///
/// A block that was overlooked for longer than that (nobody who ran heard of it, or its timestamp
/// is wrong or missing) stays overlooked here. It cannot become valid any more; but its
/// transactions wait for its election, so a node that meets one of them sees to its place.
pub(super) async fn unlisted(client: &Client, limit: usize) -> Result<Vec<BlockId>, Error> {
    let mut unlisted = Vec::new();
    if limit == 0 {
        return Ok(unlisted);
    }
    let since = since(client).await?;
    let connection = client.connection().await?;
    let mut cursor = connection.start(&since_term(since)).await?;
    while let Some(batch) = cursor.next().await? {
        let ids: Vec<_> = batch.values().filter_map(rows::block_id).collect();
        let listed = listed(client, &ids).await?;
        let homeless: Vec<_> = ids.into_iter().filter(|id| !listed.contains(id)).collect();
        for id in blocks::known(client, &homeless).await? {
            unlisted.push(id);
            if unlisted.len() == limit {
                return Ok(unlisted);
            }
        }
    }
    Ok(unlisted)
}

/// From which time on blocks are looked at; none if all are.
async fn since(client: &Client) -> Result<Option<u64>, Error> {
    let newest = client.read_values(&newest_term(), rows::block_id).await?;
    let mut latest = None;
    for ids in portions(newest.iter().map(BlockId::as_str)) {
        let timestamp = |value: Json| value.as_str()?.parse::<u64>().ok();
        let timestamps = client.read_values(&timestamps_term(ids), timestamp).await?;
        latest = latest.max(timestamps.into_iter().max());
    }
    // A timestamp from the future would hide what comes from the present.
    let now = clock::now().unix_ms / 1000;
    let since = latest.map(|latest| latest.min(now).saturating_sub(UNLISTED_MARGIN_S));
    Ok(since.filter(|since| *since >= TEN_DIGITS))
}

/// The blocks of the last entries.
fn newest_term() -> Term {
    places(Position(0))
        .ordered_by_descending("id")
        .limit(NEWEST)
        .map(Term::function([1], |[row]| row.at("block").or(Term::null())))
}

fn timestamps_term(ids: Vec<Term>) -> Term {
    let dated = |row: &Term| {
        let block = row.clone().at("block");
        Term::all([block.clone().is(OBJECT), block.at("timestamp").is(STRING)])
    };
    table(BIGCHAIN)
        .get_all(ids)
        .filter(Term::function([1], |[row]| dated(&row)))
        .map(Term::function([2], |[row]| row.at("block").at("timestamp")))
}

/// The ids of blocks since then, oldest first, then by id.
fn since_term(since: Option<u64>) -> Term {
    let from = since.map_or_else(Term::minval, |since| since.to_string().as_str().into());
    table(BIGCHAIN)
        .between_by(BIGCHAIN_BY_TIMESTAMP, from, Term::maxval())
        .ordered_by(BIGCHAIN_BY_TIMESTAMP)
        .map(Term::function([1], |[row]| row.at("id")))
}
