//! Making the first block of a chain, before any node runs.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Keypair, Position, uuid};
use bigchaindb_core::query::{ListEntry, Query, StoreError};
use bigchaindb_core::rules::Federation;

use super::Store;
use crate::clock;

/// Makes the genesis block, unless there is a block or somebody has begun to make one; whether it
/// did. Nodes do the same at their first start, but one that runs the original needs it before.
///
/// # Errors
/// [`StoreError`], or its [`Refused`](StoreError::Refused) if no block can be signed.
pub async fn found(
    store: &dyn Store,
    keypair: &Keypair,
    federation: &Federation,
) -> Result<bool, StoreError> {
    if !is_empty(store).await? {
        return Ok(false);
    }
    let refused = |error: &dyn std::error::Error| StoreError::Refused(error.to_string());
    let uuid = uuid(&crate::entropy::<16>());
    let block = Block::genesis(keypair, federation.voters(), clock::now().unix_ms / 1000, &uuid);
    found_with(store, Arc::new(block.map_err(|error| refused(&error))?)).await
}

/// Whether there is no block, and nobody has begun to make one.
///
/// # Errors
/// [`StoreError`].
pub async fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    let listed = store.query(Query::Positions { from: Position(0), limit: 1 }).await?;
    let blocks = store.query(Query::UnlistedBlocks { limit: 1 }).await?;
    Ok(listed.into_positions().is_empty() && blocks.into_block_ids().is_empty())
}

/// Claims the first place for this genesis block and writes it, or finishes what whoever was faster
/// began; whether it is this one.
///
/// # Errors
/// [`StoreError`].
pub async fn found_with(store: &dyn Store, block: Arc<Block>) -> Result<bool, StoreError> {
    let (position, id) = (Position(0), block.id().clone());
    let entry = ListEntry { position, block: id.clone(), genesis: Some(block) };
    let claimed = store.query(Query::Claim { entry }).await?.into_claimed();
    if let Some(block) = claimed.genesis {
        store.query(Query::InsertBlock { block }).await?;
    }
    Ok(claimed.block == id)
}
