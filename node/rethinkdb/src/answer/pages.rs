//! The pages that the library asks for.

use std::collections::BTreeSet;

use bigchaindb_core::model::{BlockId, Json, NodeKey};
use bigchaindb_core::query::{
    Answer, BlockHead, BlockIndex, BlocksOf, Page, Range, TransactionsOf,
};

use super::text_row;
use crate::batch::{Batch, BatchError, after};
use crate::catalog::{
    BIGCHAIN, BIGCHAIN_BY_PAYLOAD, BIGCHAIN_BY_TIMESTAMP, BIGCHAIN_BY_TRANSACTION, IndexId,
    TableId, VOTES, VOTES_BY_BLOCK,
};
use crate::key;
use crate::storage::{Direction, Space, StorageError};

pub(super) fn heads(
    batch: &Batch<'_>,
    blocks: &BlocksOf,
    range: &Range,
) -> Result<Answer, BatchError> {
    let Page { found: ids, next } = block_ids(batch, blocks, range)?;
    let mut found = Vec::new();
    for id in ids {
        let row = text_row(batch, BIGCHAIN, &id)?;
        found.extend(row.and_then(|row| row.block().map(|block| BlockHead::of(block))));
    }
    Ok(Answer::Heads(Page { found, next }))
}

/// An owner has no index here: all blocks are looked at, as the original did.
pub(super) fn transactions(
    batch: &Batch<'_>,
    wanted: &TransactionsOf,
    range: &Range,
) -> Result<Answer, BatchError> {
    let blocks = match wanted {
        TransactionsOf::PayloadUuid(uuid) => BlocksOf::Index(BlockIndex::PayloadUuid, uuid.clone()),
        TransactionsOf::Owner(_) => BlocksOf::All,
    };
    let Page { found: ids, next } = block_ids(batch, &blocks, range)?;
    let mut found = Vec::new();
    for id in ids {
        let row = text_row(batch, BIGCHAIN, &id)?;
        let Some(block) = row.as_ref().and_then(|row| row.block()) else { continue };
        let of_block = block.transactions().iter().filter(|one| wanted.has(one));
        found.extend(of_block.map(|one| (BlockId::from(&*id), one.clone())));
    }
    Ok(Answer::Transactions(Page { found, next }))
}

pub(super) fn votes_on(
    batch: &Batch<'_>,
    voter: &NodeKey,
    blocks: &[BlockId],
) -> Result<Answer, BatchError> {
    let mut votes = Vec::new();
    for block in blocks {
        let mut prefix = Space::index(VOTES_BY_BLOCK).key();
        let both = [block.as_str(), voter.as_str()].map(Json::from);
        key::encode_start_of_array(&both, &mut prefix);
        let rows = batch.rows_of(&batch.entries(VOTES_BY_BLOCK, &prefix, usize::MAX)?)?;
        votes.extend(rows.iter().filter_map(|row| row.vote()));
    }
    Ok(Answer::Votes(votes))
}

pub(super) fn votes_by(
    batch: &Batch<'_>,
    voter: &NodeKey,
    range: &Range,
) -> Result<Answer, BatchError> {
    let Page { found: keys, next } = texts(batch, VOTES, range)?;
    let mut found = Vec::new();
    for key in keys {
        let vote = text_row(batch, VOTES, &key)?.and_then(|row| row.vote());
        found.extend(vote.filter(|row| row.vote.voter() == voter));
    }
    Ok(Answer::VotesBy(Page { found, next }))
}

/// The ids of rows that may be such blocks.
fn block_ids(
    batch: &Batch<'_>,
    blocks: &BlocksOf,
    range: &Range,
) -> Result<Page<String>, BatchError> {
    let ids: BTreeSet<String> = match blocks {
        BlocksOf::All => return Ok(texts(batch, BIGCHAIN, range)?),
        BlocksOf::Ids(ids) => ids.iter().map(ToString::to_string).collect(),
        BlocksOf::Index(index, value) => {
            let entries = batch.entries_under(index_id(*index), value, usize::MAX)?;
            entries.iter().filter_map(|entry| key::text(entry.id())).collect()
        }
    };
    let after = range.after.as_deref();
    let behind = ids.into_iter().filter(|id| after.is_none_or(|after| &**id > after));
    Ok(page(behind.take(range.rows()).collect(), range))
}

fn index_id(index: BlockIndex) -> IndexId {
    match index {
        BlockIndex::Timestamp => BIGCHAIN_BY_TIMESTAMP,
        BlockIndex::TransactionId => BIGCHAIN_BY_TRANSACTION,
        BlockIndex::PayloadUuid => BIGCHAIN_BY_PAYLOAD,
    }
}

/// The primary keys of a table that are texts.
fn texts(batch: &Batch<'_>, table: TableId, range: &Range) -> Result<Page<String>, StorageError> {
    let space = Space::rows(table).key();
    let mut from = space.clone();
    key::encode_text(range.after.as_deref().unwrap_or_default(), &mut from);
    if range.after.is_some() {
        from.push(0);
    }
    let keys = batch.keys(&from, &after(&space), Direction::Ascending, range.rows())?;
    let texts = keys.iter().filter_map(|key| key::text(&key[space.len()..]));
    Ok(page(texts.collect(), range))
}

/// A page of these rows, which are all there are unless they are as many as may be looked at.
fn page(found: Vec<String>, range: &Range) -> Page<String> {
    let is_full = found.len() == range.rows();
    let next = found.last().filter(|_| is_full).map(|last| last.as_str().into());
    Page { found, next }
}
