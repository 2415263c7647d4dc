//! Questions about votes.

use bigchaindb_core::model::{BlockId, NodeKey};
use bigchaindb_core::query::VoteRow;
use bigchaindb_rethinkdb::nobodys_vote;

use super::super::client::Client;
use super::super::rows;
use super::super::schema::{VOTES, VOTES_BY_BLOCK, VOTES_BY_BLOCK_AND_VOTER};
use super::super::{Error, Term};
use super::{Inserted, KEYS_MAX, table};

/// Inserts a vote; the row that has its key then.
pub(super) async fn insert(client: &Client, vote: &VoteRow) -> Result<VoteRow, Error> {
    let document = rows::vote_document(vote);
    match super::insert(client, VOTES, &*vote.key, &document).await? {
        Inserted::New => Ok(vote.clone()),
        Inserted::Taken => {
            let row = client.read_value(&table(VOTES).get(&*vote.key)).await?;
            Ok(rows::vote(row).unwrap_or_else(|| nobodys_vote(&vote.key)))
        }
    }
}

/// All votes on these blocks.
pub(super) async fn on(client: &Client, blocks: &[BlockId]) -> Result<Vec<VoteRow>, Error> {
    let mut votes = Vec::new();
    for blocks in blocks.chunks(KEYS_MAX) {
        let blocks = blocks.iter().map(|block| Term::from(block.as_str()));
        let term = table(VOTES).get_all_by(VOTES_BY_BLOCK, blocks);
        votes.extend(client.read_values(&term, rows::vote).await?);
    }
    Ok(votes)
}

/// The votes of one voter on these blocks.
pub(super) async fn of(
    client: &Client,
    voter: &NodeKey,
    blocks: &[BlockId],
) -> Result<Vec<VoteRow>, Error> {
    let mut votes = Vec::new();
    for blocks in blocks.chunks(KEYS_MAX) {
        let keys = blocks.iter().map(|id| Term::array([id.as_str().into(), voter.as_str().into()]));
        let term = table(VOTES).get_all_by(VOTES_BY_BLOCK_AND_VOTER, keys);
        votes.extend(client.read_values(&term, rows::vote).await?);
    }
    Ok(votes)
}
