//! Transactions: making, signing, judging, writing and finding them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{
    BlockId, Draft, Json, Keypair, NodeKey, Output, Texts, Transaction, TxId,
};
use bigchaindb_core::query::{BlockHead, BlockIndex, BlocksOf, Query, Range, Write};
use bigchaindb_core::rules::{Case, Checked, Election, Facts, InvalidTransaction, Reading, Status};

use super::{Bigchain, Error, fresh_uuid};

/// A transaction that was found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// Where it stands.
    pub status: Status,
    /// Whose turn it is with it, while it waits.
    pub assignee: Option<NodeKey>,
}

/// What came of writing a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Whose turn it is with it, if it was not there before.
    pub assignee: NodeKey,
    /// Whether it was written; it is left alone if it waits already.
    pub write: Write,
}

impl Bigchain {
    /// An unsigned transaction. Without inputs it has one output; with inputs one for each. Several
    /// new owners have to sign together; without any, the output is still to be given a guard.
    ///
    /// # Errors
    /// If the payload is neither object nor null, or an owner is no public key.
    pub fn create_transaction(
        &self,
        owners_before: &[&str],
        owners_after: &[&str],
        inputs: Vec<Output>,
        operation: &str,
        payload: Json,
    ) -> Result<Transaction, Error> {
        let texts = |owners: &[&str]| owners.iter().map(ToString::to_string).collect();
        let draft = Draft {
            operation: operation.to_owned(),
            owners_before: texts(owners_before),
            owners_after: texts(owners_after),
            inputs,
            payload,
            uuid: fresh_uuid(),
            timestamp: self.now(),
        };
        Ok(draft.transaction()?)
    }

    /// The transaction, signed with these keys for every input.
    ///
    /// # Errors
    /// If a key is missing or has no place in a condition, or an input is not to be found.
    pub async fn sign_transaction(
        &self,
        transaction: &Transaction,
        keys: &[&Keypair],
    ) -> Result<Transaction, Error> {
        let inputs: BTreeSet<_> =
            transaction.inputs().iter().map(|input| input.txid.clone()).collect();
        let mut previous = BTreeMap::new();
        if !inputs.is_empty() {
            let facts = self.gather(inputs.iter().cloned().collect(), vec![]).await?.facts()?;
            for id in inputs {
                let found = self.rules.reading().standing(&id, &facts)?;
                previous.extend(found.map(|(_, transaction)| (id, transaction)));
            }
        }
        let find = |id: &TxId| previous.get(id).cloned();
        Ok(transaction.sign(keys, self.rules.profile(), &find)?)
    }

    /// [`create_transaction`](Self::create_transaction) and
    /// [`sign_transaction`](Self::sign_transaction) in one: from one owner to another.
    ///
    /// # Errors
    /// As of these.
    pub async fn create_and_sign_transaction(
        &self,
        key: &Keypair,
        owner_after: &str,
        inputs: Vec<Output>,
        operation: &str,
        payload: Json,
    ) -> Result<Transaction, Error> {
        let owner_before = [key.public().as_str()];
        let transaction =
            self.create_transaction(&owner_before, &[owner_after], inputs, operation, payload)?;
        self.sign_transaction(&transaction, &[key]).await
    }

    /// Whether every fulfillment opens what it is meant for, whatever else may be wrong.
    ///
    /// # Errors
    /// What the original raises on odd documents.
    pub async fn validate_fulfillments(&self, transaction: &Transaction) -> Result<bool, Error> {
        let ids = transaction.inputs().iter().map(|input| input.txid.clone());
        let facts = self.gather(ids.collect(), vec![]).await?.facts()?;
        let checked = self.rules.check(transaction);
        Ok(self.rules.validate_fulfillments(self.case(transaction, &checked, &facts))?)
    }

    /// Checks that the id is the hash, and that every fulfillment opens what it is meant for.
    ///
    /// # Errors
    /// [`InvalidTransaction::InvalidHash`], [`InvalidTransaction::InvalidSignature`].
    pub async fn check_hash_and_signature(&self, transaction: &Transaction) -> Result<(), Error> {
        let computed = Texts::of(transaction)?.id();
        if computed != *transaction.id() {
            return Err(self.refused(InvalidTransaction::InvalidHash { computed }));
        }
        if !self.validate_fulfillments(transaction).await? {
            return Err(self.refused(InvalidTransaction::InvalidSignature { fid: 0 }));
        }
        Ok(())
    }

    /// Judges a transaction as a voter does, now.
    ///
    /// # Errors
    /// The reason to refuse it.
    pub async fn validate_transaction(&self, transaction: &Transaction) -> Result<(), Error> {
        self.verdict(transaction).await?.map_err(|reason| self.refused(reason))
    }

    async fn verdict(
        &self,
        transaction: &Transaction,
    ) -> Result<Result<(), InvalidTransaction>, Error> {
        let needs = self.rules.needs(&mut std::iter::once(transaction));
        let checked = self.rules.check(transaction);
        let mut known = self.gather(needs.transactions, needs.outputs).await?;
        let judge = |facts: &Facts| self.rules.judge(self.case(transaction, &checked, facts));
        if self.rules.reading() == Reading::Clean {
            return Ok(judge(&known.facts()?));
        }
        // The original comes to the votes on a block only when it looks for an input, and never asks
        // where the transaction itself stands. What is wrong before that is said first.
        match judge(&Facts::default()) {
            Err(InvalidTransaction::TransactionDoesNotExist { .. }) => {
                known.gathered.found.retain(|(_, found)| found.id() != transaction.id());
                Ok(judge(&known.facts()?))
            }
            verdict => Ok(verdict),
        }
    }

    /// A transaction is refused. Under `v0.6.0` in the original's words.
    pub(super) fn refused(&self, reason: InvalidTransaction) -> Error {
        match self.rules.reading() {
            Reading::Clean => Error::Transaction(reason),
            Reading::Original => Error::Raised(reason.as_original()),
        }
    }

    pub(super) fn case<'a>(
        &'a self,
        transaction: &'a Transaction,
        checked: &'a Checked,
        facts: &'a Facts,
    ) -> Case<'a> {
        Case { transaction, checked, facts, at: self.now(), federation: &self.federation }
    }

    /// Whether a transaction is valid, now.
    ///
    /// # Errors
    /// The database's; under `v0.6.0` also what the original does not catch.
    pub async fn is_valid_transaction(&self, transaction: &Transaction) -> Result<bool, Error> {
        match self.verdict(transaction).await? {
            Ok(()) => Ok(true),
            Err(reason) if reason.is_expected() || self.rules.reading() == Reading::Clean => {
                Ok(false)
            }
            Err(reason) => Err(self.refused(reason)),
        }
    }

    /// Puts a transaction into the backlog, for another node than this one if there is one; under
    /// `default` for any. It is not judged, but what the database would change is refused.
    ///
    /// # Errors
    /// [`InvalidTransaction::Malformed`], with the place; the database's.
    pub async fn write_transaction(&self, transaction: &Transaction) -> Result<Written, Error> {
        self.rules.can_be_kept(transaction)?;
        let voters = self.federation.voters();
        let others = voters.split_last().map_or(&[][..], |(_, others)| others);
        let candidates = match self.rules.reading() {
            Reading::Original if !others.is_empty() => others,
            _ => voters,
        };
        let draw = u128::from_le_bytes(crate::entropy()) % candidates.len() as u128;
        let assignee = candidates[usize::try_from(draw).unwrap_or_default()].clone();
        let transaction = Arc::new(transaction.clone());
        let query = Query::InsertBacklog { transaction, assignee: assignee.clone() };
        let write = self.store.query(query).await?.into_written();
        Ok(Written { assignee, write })
    }

    /// The transaction of this id, unless it is only in invalid blocks.
    ///
    /// # Errors
    /// The database's; under `v0.6.0` also where the original cannot read it.
    pub async fn get_transaction(&self, id: &TxId) -> Result<Option<Arc<Transaction>>, Error> {
        let found = self.find_transaction(id).await?;
        let found = found.filter(|found| found.status != Status::Invalid);
        Ok(found.map(|found| found.transaction))
    }

    /// Where a transaction stands.
    ///
    /// # Errors
    /// As of [`get_transaction`](Self::get_transaction).
    pub async fn get_status(&self, id: &TxId) -> Result<Option<Status>, Error> {
        Ok(self.find_transaction(id).await?.map(|found| found.status))
    }

    /// The transaction of this id and where it stands; what `get_transaction` answers with
    /// `include_status`.
    ///
    /// # Errors
    /// As of [`get_transaction`](Self::get_transaction).
    pub async fn find_transaction(&self, id: &TxId) -> Result<Option<Found>, Error> {
        let known = self.gather(vec![id.clone()], vec![]).await?;
        let standing = self.rules.reading().standing(id, &known.facts()?)?;
        Ok(standing.map(|(status, transaction)| {
            let waiting = known.gathered.waiting.first().filter(|_| status == Status::Backlog);
            let assignee = waiting.map(|row| row.assignee.clone());
            Found { transaction, status, assignee }
        }))
    }

    /// The blocks that hold a transaction and how each is decided; none if there is no such block.
    ///
    /// # Errors
    /// As of [`get_transaction`](Self::get_transaction).
    pub async fn get_blocks_status_containing_tx(
        &self,
        id: &TxId,
    ) -> Result<Option<BTreeMap<BlockId, Election>>, Error> {
        let facts = self.gather(vec![id.clone()], vec![]).await?.facts()?;
        let blocks = self.rules.reading().blocks(id, &facts)?;
        Ok((!blocks.is_empty()).then_some(blocks))
    }

    /// What elections need to know of the blocks that one of the original's indexes has under this
    /// value.
    ///
    /// # Errors
    /// The database's.
    pub async fn search_block_election_on_index(
        &self,
        value: &str,
        index: BlockIndex,
    ) -> Result<Vec<BlockHead>, Error> {
        self.heads(BlocksOf::Index(index, value.to_owned())).await
    }

    /// Whether a transaction is in a block, whatever became of that.
    ///
    /// # Errors
    /// The database's.
    pub async fn transaction_exists(&self, id: &TxId) -> Result<bool, Error> {
        let blocks = BlocksOf::Index(BlockIndex::TransactionId, id.to_string());
        let query = Query::Heads { blocks, range: Range::first(1) };
        Ok(!self.store.query(query).await?.into_heads().found.is_empty())
    }
}
