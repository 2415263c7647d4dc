//! The blocks that have no position in the list, by age: a view kept beside the tables, so that
//! asking for them costs what is found, however long the chain is.

use bigchaindb_core::model::{BlockId, Json};

use crate::batch::{Batch, after};
use crate::catalog::{BIGCHAIN, POSITIONS, POSITIONS_BY_BLOCK};
use crate::feeds::Change;
use crate::key::{self, Key};
use crate::row::{Field, Row};
use crate::storage::{Direction, Slot, Space, StorageError};

/// Follows the changes of rows, and keeps something beside the tables true.
pub(crate) type View = fn(&mut Batch<'_>, &Change) -> Result<(), StorageError>;

/// Keeps the view true.
pub(crate) fn follow(batch: &mut Batch<'_>, change: &Change) -> Result<(), StorageError> {
    if change.table.number == BIGCHAIN.number {
        if let Some(entry) = change.old.as_deref().and_then(entry) {
            batch.mark(entry, Slot::Empty);
        }
        if let Some(new) = &change.new {
            place(batch, new)?;
        }
    } else if change.table.number == POSITIONS.number {
        for row in [&change.old, &change.new].into_iter().flatten() {
            let Some(block) = row.root().get("block").and_then(Field::json) else { continue };
            let mut of_block = Space::rows(BIGCHAIN).key();
            if key::encode(block, &mut of_block)
                && let Some(block) = batch.row(&of_block)?
            {
                place(batch, &block)?;
            }
        }
    }
    Ok(())
}

/// The first of them, oldest first, then by id.
pub(crate) fn first(batch: &Batch<'_>, limit: usize) -> Result<Vec<BlockId>, StorageError> {
    let prefix = Space::view(BIGCHAIN).key();
    let keys = batch.keys(&prefix, &after(&prefix), Direction::Ascending, limit)?;
    let ids = keys.iter().map(|entry| {
        let timestamp = prefix.len() + key::length(&entry[prefix.len()..]);
        let id = key::text(&entry[timestamp..]).expect("a block's id is a text");
        BlockId::from(id)
    });
    Ok(ids.collect())
}

/// Puts a block into the view or takes it out.
fn place(batch: &mut Batch<'_>, block: &Row) -> Result<(), StorageError> {
    let (Some(entry), Some(id)) = (entry(block), block.block().map(|block| block.id())) else {
        return Ok(());
    };
    let listed = !batch.entries_under(POSITIONS_BY_BLOCK, id.as_str(), 1)?.is_empty();
    batch.mark(entry, if listed { Slot::Empty } else { Slot::Entry });
    Ok(())
}

/// A block's place in the view. One without a timestamp is older than all others: it must not be
/// overlooked either.
fn entry(row: &Row) -> Option<Key> {
    let block = row.block()?;
    let mut entry = Space::view(BIGCHAIN).key();
    let start = entry.len();
    let timestamp = block.frame().get("block")?.get("timestamp").unwrap_or(&Json::Null);
    if !key::encode(timestamp, &mut entry) {
        entry.truncate(start);
        key::encode_array(&mut entry, |_| true);
    }
    key::encode_text(block.id().as_str(), &mut entry);
    Some(entry.into())
}
