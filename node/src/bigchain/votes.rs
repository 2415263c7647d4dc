//! Votes and elections.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Vote};
use bigchaindb_core::query::{BlockHead, BlocksOf, Query, Range, VoteRow};
use bigchaindb_core::rules::{Election, Reading};

use super::{Bigchain, Error, fresh_uuid};

/// Votes that are looked at in one question.
const VOTES_AT_ONCE: usize = 1000;

/// Blocks that are looked at in one question.
const BLOCKS_AT_ONCE: usize = 500;

/// Whole blocks in one answer.
const BLOCKS_PAGE: usize = 16;

impl Bigchain {
    /// Whether this node voted on a block.
    ///
    /// # Errors
    /// Under `v0.6.0` `ImproperVoteError` if its vote is badly signed, `MultipleVotesError` if there
    /// are two; the database's.
    pub async fn has_previous_vote(&self, block: &Block) -> Result<bool, Error> {
        let head = BlockHead::of(block);
        let votes = self.own_votes(vec![head.id.clone()]).await?;
        Ok(self.rules.reading().has_voted(&*self.rules, &head, self.me(), &votes)?)
    }

    /// This node's vote on a block, not written yet.
    ///
    /// # Errors
    /// `CyclicBlockchainError` if the block is to be its own predecessor.
    pub fn vote(&self, block: &BlockId, previous: &BlockId, decision: bool) -> Result<Vote, Error> {
        Ok(Vote::create(&self.keypair, block, previous, decision, self.now())?)
    }

    /// Writes a vote, under the key that is the voter's for this block; the vote that stands then: a
    /// node has one vote on a block, and the first it casts stays. Under `v0.6.0` the key is a random
    /// one, and so nothing prevents a second vote.
    ///
    /// # Errors
    /// The database's.
    pub async fn write_vote(&self, vote: &Vote) -> Result<VoteRow, Error> {
        let (block, voter, mine) = (vote.block(), vote.voter(), Arc::new(vote.clone()));
        if self.rules.reading() == Reading::Original {
            let vote = VoteRow { key: fresh_uuid().into(), vote: mine };
            return Ok(self.store.query(Query::InsertVote { vote }).await?.into_vote_written());
        }
        let mut rows = Vec::new();
        for number in 0.. {
            let row = VoteRow { key: Vote::key(block, voter, number), vote: mine.clone() };
            let stands = self.store.query(Query::InsertVote { vote: row }).await?;
            let stands = stands.into_vote_written();
            let is_this = stands.vote == mine;
            rows.push(stands.clone());
            if is_this || self.rules.vote_of(block, voter, &rows).is_some() {
                return Ok(stands);
            }
            // Somebody has put something else there: the next key is the voter's.
        }
        unreachable!("there are more numbers than rows")
    }

    /// The block this node voted on last; genesis if it never voted. None if that block is not in the
    /// database.
    ///
    /// # Errors
    /// `IndexError` if there is no genesis block either, `CyclicBlockchainError` if its votes name
    /// one another as previous; the database's.
    pub async fn get_last_voted_block(&self) -> Result<Option<Arc<Block>>, Error> {
        let (mut votes, mut range) = (Vec::new(), Range::first(VOTES_AT_ONCE));
        loop {
            let query = Query::VotesBy { voter: self.me().clone(), range: range.clone() };
            let page = self.store.query(query).await?.into_votes_by();
            votes.extend(page.found);
            if page.next.is_none() {
                break;
            }
            range.after = page.next;
        }
        let last = self.rules.reading().last_voted(&*self.rules, self.me(), &votes)?;
        let Some(id) = last else { return Ok(Some(self.genesis().await?)) };
        self.get_block(&id).await
    }

    /// The blocks this node has still to vote on, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn get_unvoted_blocks(&self) -> Result<Vec<Arc<Block>>, Error> {
        let reading = self.rules.reading();
        let (mut heads, mut range) = (Vec::new(), Range::first(BLOCKS_AT_ONCE));
        loop {
            let query = Query::Heads { blocks: BlocksOf::All, range: range.clone() };
            let page = self.store.query(query).await?.into_heads();
            let ids = page.found.iter().map(|head| head.id.clone()).collect();
            let votes = self.own_votes(ids).await?;
            heads.extend(reading.unvoted(&*self.rules, page.found, self.me(), &votes));
            if page.next.is_none() {
                break;
            }
            range.after = page.next;
        }
        // Each page is in order; now all of them are.
        let heads = reading.unvoted(&*self.rules, heads, self.me(), &[]);
        let mut blocks = Vec::new();
        for heads in heads.chunks(BLOCKS_PAGE) {
            let ids: Vec<_> = heads.iter().map(|head| head.id.clone()).collect();
            let query = Query::Blocks { ids: ids.clone() };
            let mut found = self.store.query(query).await?.into_blocks();
            found.sort_by_key(|block| ids.iter().position(|id| id == block.id()));
            blocks.extend(found);
        }
        Ok(blocks)
    }

    /// How a block is decided.
    ///
    /// # Errors
    /// Under `v0.6.0` `MultipleVotesError` if somebody voted twice or there are more votes than
    /// voters; the database's.
    pub async fn block_election_status(&self, block: &Block) -> Result<Election, Error> {
        let head = BlockHead::of(block);
        let blocks = vec![head.id.clone()];
        let votes = self.store.query(Query::Votes { blocks }).await?.into_votes();
        let first = self.first_block(std::slice::from_ref(&head)).await?;
        Ok(self.election(&head, &votes, first.as_ref())?)
    }

    /// This node's votes on these blocks.
    async fn own_votes(&self, blocks: Vec<BlockId>) -> Result<Vec<VoteRow>, Error> {
        let query = Query::VotesOn { voter: self.me().clone(), blocks };
        Ok(self.store.query(query).await?.into_votes())
    }
}
