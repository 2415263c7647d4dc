//! Outputs: who spends them, whom they belong to; and payloads by their uuid.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Output, Transaction};
use bigchaindb_core::query::{Query, Range, TransactionsOf};

use super::{Bigchain, Error};

/// Blocks that are looked at in one question: of a thousand transactions each, that is as long as
/// others should wait for it.
const BLOCKS_AT_ONCE: usize = 16;

impl Bigchain {
    /// The transactions with this `data.uuid` in all blocks, invalid ones too; one that is in several
    /// comes as often.
    ///
    /// # Errors
    /// The database's.
    pub async fn get_tx_by_payload_uuid(&self, uuid: &str) -> Result<Vec<Arc<Transaction>>, Error> {
        let found = self.in_blocks(TransactionsOf::PayloadUuid(uuid.to_owned())).await?;
        Ok(found.into_iter().map(|(_, transaction)| transaction).collect())
    }

    /// The transaction that spends an output, unless it is only in invalid blocks.
    ///
    /// # Errors
    /// `DoubleSpend` if there are several; the database's.
    pub async fn get_spent(&self, output: &Output) -> Result<Option<Arc<Transaction>>, Error> {
        let facts = self.gather(vec![], vec![output.clone()]).await?.facts()?;
        let Some(spent) = self.rules.reading().spender(output, &facts)?.cloned() else {
            return Ok(None);
        };
        let known = self.gather(vec![spent.by], vec![]).await?;
        let found = known.gathered.found.into_iter();
        let mut there = found.filter(|(block, _)| *block == spent.block);
        Ok(there.next().map(|(_, transaction)| transaction))
    }

    /// The outputs that belong to this public key and are not spent, so that they can be inputs.
    ///
    /// # Errors
    /// The database's; under `v0.6.0` also where the original cannot read what it meets.
    pub async fn get_owned_ids(&self, owner: &str) -> Result<Vec<Output>, Error> {
        let found = self.in_blocks(TransactionsOf::Owner(owner.to_owned())).await?;
        let ids: BTreeSet<_> =
            found.iter().map(|(_, transaction)| transaction.id().clone()).collect();
        let facts = self.gather(ids.into_iter().collect(), vec![]).await?.facts()?;
        let reading = self.rules.reading();
        let outputs = self.rules.owned(owner, &found, &facts);
        let wanted: BTreeSet<_> = outputs.iter().flatten().cloned().collect();
        let facts = self.gather(vec![], wanted.into_iter().collect()).await?.facts()?;
        let mut unspent = Vec::new();
        for output in outputs {
            let output = output?;
            if reading.spender(&output, &facts)?.is_none() {
                unspent.push(output);
            }
        }
        Ok(unspent)
    }

    /// All pages of these.
    async fn in_blocks(
        &self,
        transactions: TransactionsOf,
    ) -> Result<Vec<(BlockId, Arc<Transaction>)>, Error> {
        let mut found = Vec::new();
        let mut range = Range::first(BLOCKS_AT_ONCE);
        loop {
            let (transactions, page) = (transactions.clone(), range.clone());
            let query = Query::Transactions { transactions, range: page };
            let page = self.store.query(query).await?.into_transactions();
            found.extend(page.found);
            if page.next.is_none() {
                return Ok(found);
            }
            range.after = page.next;
        }
    }
}
