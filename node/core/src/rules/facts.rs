//! What is known about the transactions under judgement, and how their blocks were decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Election, InvalidTransaction};
use crate::model::{BlockId, Output, Transaction, TxId};
use crate::query::Gathered;

/// The facts of a judgement: where transactions stand, and who spends which output.
#[derive(Clone, Default, Debug)]
pub struct Facts {
    /// For each wanted transaction, the blocks that hold it; one entry per occurrence.
    pub found: BTreeMap<TxId, Vec<Placed>>,
    /// Those that wait in the backlog.
    pub waiting: BTreeMap<TxId, Arc<Transaction>>,
    /// For each wanted output, its spends; one entry per occurrence.
    pub spends: BTreeMap<Output, Vec<Spent>>,
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The transaction, as that block holds it.
    pub transaction: Arc<Transaction>,
    /// The block.
    pub block: BlockId,
    /// How the block was decided.
    pub election: Election,
}

/// A spend of an output, in a block.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The transaction that spends it.
    pub by: TxId,
    /// The block.
    pub block: BlockId,
    /// How the block was decided.
    pub election: Election,
}

impl Facts {
    /// Weighs what was gathered against the elections. `election` says how a block was decided;
    /// `None` leaves out what is in it (a voter ignores blocks after the one it judges).
    pub fn settle(gathered: Gathered, election: impl Fn(&BlockId) -> Option<Election>) -> Self {
        let mut facts = Self::default();
        for (block, transaction) in gathered.found {
            let Some(election) = election(&block) else { continue };
            let placed = Placed { transaction, block, election };
            facts.found.entry(placed.transaction.id().clone()).or_default().push(placed);
        }
        for spend in gathered.spends {
            let Some(election) = election(&spend.block) else { continue };
            let spent = Spent { by: spend.by, block: spend.block, election };
            facts.spends.entry(spend.output).or_default().push(spent);
        }
        for row in gathered.waiting {
            facts.waiting.insert(row.transaction.id().clone(), row.transaction);
        }
        facts
    }

    /// Whether the transaction stands in no block that may count.
    ///
    /// # Errors
    /// [`InvalidTransaction::AlreadyDecided`], [`InvalidTransaction::AlreadyInBlock`].
    pub fn is_new(&self, id: &TxId) -> Result<(), InvalidTransaction> {
        let placed = self.found.get(id).map(Vec::as_slice).unwrap_or_default();
        let standing = placed.iter().filter(|placed| placed.election != Election::Invalid);
        match standing.min_by_key(|placed| placed.election) {
            None => Ok(()),
            Some(placed) if placed.election == Election::Valid => {
                Err(InvalidTransaction::AlreadyDecided { block: placed.block.clone() })
            }
            Some(placed) => Err(InvalidTransaction::AlreadyInBlock { block: placed.block.clone() }),
        }
    }

    /// The transaction that made an input, out of a block decided valid.
    ///
    /// # Errors
    /// [`InvalidTransaction::InputUndecided`], [`InvalidTransaction::TransactionDoesNotExist`].
    pub fn decided(&self, id: &TxId) -> Result<&Placed, InvalidTransaction> {
        let placed = self.found.get(id).map(Vec::as_slice).unwrap_or_default();
        let standing = placed.iter().filter(|placed| placed.election != Election::Invalid);
        match standing.min_by_key(|placed| placed.election) {
            Some(placed) if placed.election == Election::Valid => Ok(placed),
            Some(Placed { block, .. }) => {
                Err(InvalidTransaction::InputUndecided { txid: id.clone(), block: block.clone() })
            }
            None => Err(InvalidTransaction::TransactionDoesNotExist { txid: id.clone() }),
        }
    }

    /// In how many blocks that were decided invalid the transaction stands.
    pub fn invalid_blocks(&self, id: &TxId) -> usize {
        let placed = self.found.get(id).map(Vec::as_slice).unwrap_or_default();
        let invalid = placed.iter().filter(|placed| placed.election == Election::Invalid);
        invalid.map(|placed| &placed.block).collect::<BTreeSet<_>>().len()
    }

    /// A transaction that stands in several valid blocks.
    pub fn valid_twice(&self) -> Option<&TxId> {
        let is_twice = |placed: &[Placed]| {
            let valid = placed.iter().filter(|placed| placed.election == Election::Valid);
            valid.map(|placed| &placed.block).collect::<BTreeSet<_>>().len() > 1
        };
        self.found.iter().find(|(_, placed)| is_twice(placed)).map(|(id, _)| id)
    }

    /// The transaction, out of an undecided block.
    pub fn undecided(&self, id: &TxId) -> Option<&Placed> {
        let placed = self.found.get(id)?;
        placed.iter().find(|placed| placed.election == Election::Undecided)
    }

    /// Whether no transaction but this one spends the output, in any block that may count.
    ///
    /// # Errors
    /// [`InvalidTransaction::DoubleSpend`].
    pub fn is_unspent(&self, output: &Output, but_by: &TxId) -> Result<(), InvalidTransaction> {
        let spends = self.spends.get(output).map(Vec::as_slice).unwrap_or_default();
        let others = spends.iter().filter(|spent| spent.by != *but_by);
        let standing = others.filter(|spent| spent.election != Election::Invalid);
        match standing.min_by_key(|spent| spent.election) {
            None => Ok(()),
            Some(spent) => Err(InvalidTransaction::DoubleSpend {
                input: output.clone(),
                spent_by: spent.by.clone(),
                block: spent.block.clone(),
                election: spent.election,
            }),
        }
    }
}
