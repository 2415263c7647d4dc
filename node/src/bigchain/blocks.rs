//! Blocks: making, judging, writing them; the first of all.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Raised, Transaction};
use bigchaindb_core::query::{BlockHead, BlocksOf, Query, Write};
use bigchaindb_core::rules::Reading;

use super::{Bigchain, Error, fresh_uuid};
use crate::store;

impl Bigchain {
    /// A block of these transactions, which are not judged.
    ///
    /// # Errors
    /// `OperationError` if there are none; if one has no text to be signed.
    pub fn create_block(&self, transactions: Vec<Arc<Transaction>>) -> Result<Block, Error> {
        let voters = self.federation.voters();
        let profile = self.rules.profile();
        Ok(Block::create_as(profile, transactions, &self.keypair, voters, self.now())?)
    }

    /// Judges a block and all it holds as a voter does. One that this node voted on is not looked at
    /// again.
    ///
    /// # Errors
    /// The reason to refuse it, or the first of its transactions that is refused.
    pub async fn validate_block(&self, block: &Block) -> Result<(), Error> {
        if self.has_previous_vote(block).await? {
            return Ok(());
        }
        let original = self.rules.reading() == Reading::Original;
        self.rules.check_block(block, &self.federation).map_err(|reason| {
            if original { Error::Raised(reason.as_original()) } else { Error::Block(reason) }
        })?;
        if original {
            for transaction in block.transactions() {
                self.validate_transaction(transaction).await?;
            }
            return Ok(());
        }
        let mut transactions = block.transactions().iter().map(|one| &**one);
        let needs = self.rules.needs(&mut transactions);
        let known = self.gather(needs.transactions, needs.outputs).await?;
        let facts = known.facts_without(Some(block.id()))?;
        for transaction in block.transactions() {
            let checked = self.rules.check(transaction);
            let mut case = self.case(transaction, &checked, &facts);
            case.at = block.timestamp().unwrap_or(case.at);
            self.rules.judge(case)?;
        }
        Ok(())
    }

    /// Whether a block and all it holds is valid.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_valid_block(&self, block: &Block) -> Result<bool, Error> {
        match self.validate_block(block).await {
            Ok(()) => Ok(true),
            Err(Error::Store(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// The block of this id, whatever became of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn get_block(&self, id: &BlockId) -> Result<Option<Arc<Block>>, Error> {
        let blocks = self.store.query(Query::Blocks { ids: vec![id.clone()] }).await?;
        Ok(blocks.into_blocks().into_iter().next())
    }

    /// Writes a block; one of that id that is there already is left alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn write_block(&self, block: &Block) -> Result<Write, Error> {
        let query = Query::InsertBlock { block: Arc::new(block.clone()) };
        Ok(self.store.query(query).await?.into_written())
    }

    /// A first block, not written yet.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn prepare_genesis_block(&self) -> Result<Block, Error> {
        let (voters, uuid) = (self.federation.voters(), fresh_uuid());
        Ok(Block::genesis(&self.keypair, voters, self.now(), &uuid)?)
    }

    /// Makes the first block of the chain and writes it.
    ///
    /// Its place is claimed before, so that of several nodes that do this at once only one does it;
    /// under `v0.6.0` it is only written, as the original did.
    ///
    /// # Errors
    /// [`Error::GenesisBlockAlreadyExists`] if there is any block.
    pub async fn create_genesis_block(&self) -> Result<Arc<Block>, Error> {
        if !store::is_empty(&*self.store).await? {
            return Err(Error::GenesisBlockAlreadyExists);
        }
        let block = Arc::new(self.prepare_genesis_block()?);
        if self.rules.reading() == Reading::Original {
            self.write_block(&block).await?;
        } else if !store::found_with(&*self.store, block.clone()).await? {
            return Err(Error::GenesisBlockAlreadyExists);
        }
        Ok(block)
    }

    /// The first block of the chain.
    pub(super) async fn genesis(&self) -> Result<Arc<Block>, Error> {
        let heads = self.heads(BlocksOf::All).await?;
        let first = self.first_block(&heads).await?;
        let is_first = |head: &&BlockHead| {
            head.is_genesis && first.as_ref().is_none_or(|first| *first == head.id)
        };
        let missing = || Raised::new("IndexError", "there is no genesis block");
        let head = heads.iter().find(is_first).ok_or_else(missing)?;
        Ok(self.get_block(&head.id).await?.ok_or_else(missing)?)
    }
}
