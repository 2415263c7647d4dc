//! Gathering: what is known of transactions and outputs, and how their blocks are decided.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, Output, Position, Raised, TxId};
use bigchaindb_core::query::{BlockHead, BlocksOf, Gathered, Needs, Query, Range, VoteRow};
use bigchaindb_core::rules::{Ballot, Election, Facts, Reading};

use super::{Bigchain, Error};

/// Blocks whose votes are asked for at once.
const BLOCKS_PAGE: usize = 100;

/// Entries in which the list's beginning is looked for. In front of genesis there is only what
/// somebody wrote in mischief.
const LIST_PAGE: usize = 100;

/// What was gathered, and how the blocks in it are decided.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) gathered: Gathered,
    elections: BTreeMap<BlockId, Result<Election, Raised>>,
}

impl Known {
    /// The facts.
    ///
    /// # Errors
    /// The original's exception for a block whose votes it cannot add up.
    pub(super) fn facts(&self) -> Result<Facts, Raised> {
        self.facts_without(None)
    }

    /// The facts, as if a block were not there.
    ///
    /// # Errors
    /// As of [`facts`](Self::facts).
    pub(super) fn facts_without(&self, block: Option<&BlockId>) -> Result<Facts, Raised> {
        let met = self.gathered.blocks().filter(|met| Some(*met) != block);
        let failed = met.filter_map(|met| self.elections.get(met)?.as_ref().err()).next();
        if let Some(raised) = failed {
            return Err(raised.clone());
        }
        let election = |met: &BlockId| {
            let election = self.elections.get(met)?.as_ref().ok()?;
            (Some(met) != block).then_some(*election)
        };
        Ok(Facts::settle(self.gathered.clone(), election))
    }
}

impl Bigchain {
    /// What is known of these transactions and outputs.
    pub(super) async fn gather(
        &self,
        transactions: Vec<TxId>,
        outputs: Vec<Output>,
    ) -> Result<Known, Error> {
        let needs = Needs { transactions, outputs };
        let gathered = self.store.query(Query::Gather(needs)).await?.into_gathered();
        let blocks: BTreeSet<_> = gathered.blocks().cloned().collect();
        let blocks = blocks.into_iter().collect();
        Ok(Known { gathered, elections: self.elections(blocks).await? })
    }

    /// How these blocks are decided; those that do not exist are left out.
    pub(super) async fn elections(
        &self,
        blocks: Vec<BlockId>,
    ) -> Result<BTreeMap<BlockId, Result<Election, Raised>>, Error> {
        let mut elections = BTreeMap::new();
        for blocks in blocks.chunks(BLOCKS_PAGE) {
            let heads = self.heads(BlocksOf::Ids(blocks.to_vec())).await?;
            let blocks = blocks.to_vec();
            let votes = self.store.query(Query::Votes { blocks }).await?.into_votes();
            let first = self.first_block(&heads).await?;
            for head in heads {
                let election = self.election(&head, &votes, first.as_ref());
                elections.insert(head.id, election);
            }
        }
        Ok(elections)
    }

    /// How a block is decided by these votes.
    pub(super) fn election(
        &self,
        head: &BlockHead,
        votes: &[VoteRow],
        first: Option<&BlockId>,
    ) -> Result<Election, Raised> {
        let ballot = Ballot { head, votes, federation: &self.federation, first };
        self.rules.reading().election(&*self.rules, ballot)
    }

    /// With which block the list begins, if that matters to one of these.
    pub(super) async fn first_block(&self, heads: &[BlockHead]) -> Result<Option<BlockId>, Error> {
        let matters = heads.iter().any(|head| head.is_genesis);
        if !matters || self.rules.reading() == Reading::Original {
            return Ok(None);
        }
        let beginning = Query::Positions { from: Position(0), limit: LIST_PAGE };
        let list = self.store.query(beginning).await?.into_positions();
        let genesis = list.into_iter().find_map(|entry| entry.genesis);
        Ok(genesis.map(|block| block.id().clone()))
    }

    /// The heads of blocks, all pages of them.
    pub(super) async fn heads(&self, blocks: BlocksOf) -> Result<Vec<BlockHead>, Error> {
        let mut heads = Vec::new();
        let mut range = Range::first(BLOCKS_PAGE);
        loop {
            let query = Query::Heads { blocks: blocks.clone(), range: range.clone() };
            let page = self.store.query(query).await?.into_heads();
            heads.extend(page.found);
            if page.next.is_none() {
                return Ok(heads);
            }
            range.after = page.next;
        }
    }
}
