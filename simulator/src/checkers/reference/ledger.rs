//! The VALID history: which outputs there are, and who has spent them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, TxId};

use super::BlockDocument;

/// What the VALID blocks hold.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    made: BTreeMap<TxId, Made>,
    spent: BTreeMap<(TxId, i128), BTreeSet<TxId>>,
}

/// A transaction in a VALID block.
#[derive(Clone, Debug)]
pub struct Made {
    /// The VALID blocks that hold it.
    blocks: BTreeSet<BlockId>,
    /// The row of the first of them, and where it is in there.
    row: Arc<Json>,
    place: usize,
}

impl Made {
    /// The transaction as this block holds it.
    pub(super) fn in_block(block: &BlockDocument, id: &TxId) -> Option<Self> {
        let place = block.transactions.iter().position(|one| one.id == *id)?;
        let blocks = BTreeSet::from([block.id.clone()]);
        Some(Self { blocks, row: Arc::clone(&block.row), place })
    }

    /// The transaction's document.
    pub fn document(&self) -> &Json {
        let list = self.row.get("block").and_then(|block| block.get("transactions"));
        list.and_then(Json::as_array).and_then(|list| list.get(self.place)).unwrap_or(&Json::Null)
    }

    /// Its outputs, in the order of their numbers.
    pub fn outputs(&self) -> Vec<&Json> {
        let conditions = self.document().get("transaction").and_then(|body| body.get("conditions"));
        let mut conditions: Vec<_> =
            conditions.and_then(Json::as_array).unwrap_or(&[]).iter().collect();
        conditions.sort_by_key(|condition| condition.get("cid").and_then(Json::as_i64));
        conditions
    }

    /// Whether no other VALID block holds it.
    pub fn is_only_in(&self, block: &BlockId) -> bool {
        self.blocks.iter().all(|one| one == block)
    }

    /// The URI that guards an output.
    pub fn guard(&self, cid: i128) -> Option<&str> {
        let output = *self.outputs().get(usize::try_from(cid).ok()?)?;
        output.get("condition")?.get("uri")?.as_str()
    }
}

impl Ledger {
    /// A block became VALID. `output` says which output an input means.
    pub(super) fn add(
        &mut self,
        block: &BlockDocument,
        output: impl Fn(&super::Input) -> (TxId, i128),
    ) {
        for (place, transaction) in block.transactions.iter().enumerate() {
            let made = self.made.entry(transaction.id.clone()).or_insert_with(|| Made {
                blocks: BTreeSet::new(),
                row: Arc::clone(&block.row),
                place,
            });
            made.blocks.insert(block.id.clone());
            for input in &transaction.inputs {
                self.spent.entry(output(input)).or_default().insert(transaction.id.clone());
            }
        }
    }

    /// A block is not VALID any more.
    pub(super) fn take_out(
        &mut self,
        block: &BlockDocument,
        output: impl Fn(&super::Input) -> (TxId, i128),
    ) {
        for transaction in &block.transactions {
            let Some(made) = self.made.get_mut(&transaction.id) else { continue };
            made.blocks.remove(&block.id);
            if !made.blocks.is_empty() {
                continue;
            }
            self.made.remove(&transaction.id);
            for input in &transaction.inputs {
                if let Some(spenders) = self.spent.get_mut(&output(input)) {
                    spenders.remove(&transaction.id);
                }
            }
        }
    }

    /// A transaction, if it is in a VALID block.
    pub fn made(&self, id: &TxId) -> Option<&Made> {
        self.made.get(id)
    }

    /// All transactions in VALID blocks.
    pub fn all(&self) -> impl Iterator<Item = (&TxId, &Made)> {
        self.made.iter()
    }

    /// Who spends an output, in VALID blocks.
    pub fn spenders(&self, output: &(TxId, i128)) -> impl Iterator<Item = &TxId> {
        self.spent.get(output).into_iter().flatten()
    }
}
