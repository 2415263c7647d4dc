//! Questions about blocks.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId};
use bigchaindb_core::query::Answer;

use super::super::client::Client;
use super::super::rows;
use super::super::schema::BIGCHAIN;
use super::super::{Error, Term};
use super::shape::is_block;
use super::{portions, table};

pub(super) async fn insert(client: &Client, block: &Block) -> Result<Answer, Error> {
    super::insert(client, BIGCHAIN, block.id().as_str(), block.document()).await.map(Answer::from)
}

pub(super) async fn whole(client: &Client, ids: &[BlockId]) -> Result<Vec<Arc<Block>>, Error> {
    let mut blocks = Vec::new();
    for ids in portions(ids.iter().map(BlockId::as_str)) {
        blocks.extend(client.read_values(&table(BIGCHAIN).get_all(ids), rows::block).await?);
    }
    Ok(blocks)
}

/// Those of these ids that are a block's, in the order they were asked for.
pub(super) async fn known(client: &Client, ids: &[BlockId]) -> Result<Vec<BlockId>, Error> {
    let mut known = std::collections::BTreeSet::new();
    for ids in portions(ids.iter().map(BlockId::as_str)) {
        known.extend(client.read_values(&known_term(ids), rows::block_id).await?);
    }
    Ok(ids.iter().filter(|id| known.contains(*id)).cloned().collect())
}

fn known_term(ids: Vec<Term>) -> Term {
    table(BIGCHAIN)
        .get_all(ids)
        .filter(Term::function([1], |[row]| is_block(&row)))
        .map(Term::function([2], |[row]| row.at("id")))
}
