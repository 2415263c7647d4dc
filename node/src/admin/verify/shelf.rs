//! Transactions of the chain so far, found by id and by what they spend.
//!
//! In memory are about fifty bytes for each and each of its inputs; the documents wait in a file
//! without a name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Output, Transaction, TxId};
use bigchaindb_core::query::Needs;
use bigchaindb_core::rules::{Election, Facts, Placed, Spent};
use sha2::{Digest as _, Sha256};

/// The chain so far.
pub(super) struct Shelf {
    file: File,
    end: u64,
    /// The blocks, in order, and how they were decided.
    blocks: Vec<(BlockId, Election)>,
    /// A transaction, the number of a block that holds it, and where its text is.
    found: BTreeSet<(u128, u32, u64)>,
    /// An output, the number of a block in which it is spent, and where the text of the spender is.
    spends: BTreeSet<(u128, u32, u64)>,
}

impl Shelf {
    pub(super) fn new() -> io::Result<Self> {
        let (file, end, blocks) = (tempfile::tempfile()?, 0, Vec::new());
        Ok(Self { file, end, blocks, found: BTreeSet::new(), spends: BTreeSet::new() })
    }

    /// Puts the next block's transactions on it.
    pub(super) fn put(
        &mut self,
        block: &BlockId,
        election: Election,
        transactions: &[Arc<Transaction>],
    ) -> io::Result<()> {
        let number = u32::try_from(self.blocks.len()).map_err(io::Error::other)?;
        let mut texts = Vec::new();
        for transaction in transactions {
            let text = transaction.document().to_string();
            let at = self.end + texts.len() as u64;
            texts.extend_from_slice(&(text.len() as u64).to_le_bytes());
            texts.extend_from_slice(text.as_bytes());
            self.found.insert((transaction_mark(transaction.id()), number, at));
            for input in transaction.inputs() {
                self.spends.insert((output_mark(input), number, at));
            }
        }
        self.file.write_all_at(&texts, self.end)?;
        self.end += texts.len() as u64;
        self.blocks.push((block.clone(), election));
        Ok(())
    }

    /// How the block that was put last was decided.
    pub(super) fn decide_last(&mut self, election: Election) {
        if let Some((_, decided)) = self.blocks.last_mut() {
            *decided = election;
        }
    }

    /// The facts there are about what a judgement depends on.
    pub(super) fn facts(&self, needs: &Needs) -> io::Result<Facts> {
        let mut facts = Facts::default();
        for id in &needs.transactions {
            for (number, at) in entries(&self.found, transaction_mark(id)) {
                let (block, election) = self.blocks[number].clone();
                let placed = Placed { transaction: self.read(at)?, block, election };
                facts.found.entry(id.clone()).or_default().push(placed);
            }
        }
        for output in &needs.outputs {
            for (number, at) in entries(&self.spends, output_mark(output)) {
                let (block, election) = self.blocks[number].clone();
                let by = self.read(at)?.id().clone();
                facts.spends.entry(output.clone()).or_default().push(Spent { by, block, election });
            }
        }
        Ok(facts)
    }

    fn read(&self, at: u64) -> io::Result<Arc<Transaction>> {
        let mut length = [0; 8];
        self.file.read_exact_at(&mut length, at)?;
        let length = usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?;
        let mut text = vec![0; length];
        self.file.read_exact_at(&mut text, at + 8)?;
        let document = Json::parse(&text).map_err(|error| io::Error::other(error.to_string()))?;
        let transaction = Transaction::from_document(document).map_err(io::Error::other)?;
        Ok(Arc::new(transaction))
    }
}

fn entries(set: &BTreeSet<(u128, u32, u64)>, mark: u128) -> impl Iterator<Item = (usize, u64)> {
    let all = set.range((mark, 0, 0)..=(mark, u32::MAX, u64::MAX));
    all.map(|&(_, number, at)| (number as usize, at))
}

/// What stands for a transaction.
fn transaction_mark(id: &TxId) -> u128 {
    mark(Sha256::new_with_prefix(id.as_str()))
}

/// What stands for an output.
fn output_mark(Output { txid, cid, oddity }: &Output) -> u128 {
    let sum = Sha256::new_with_prefix(txid.as_str()).chain_update(cid.to_le_bytes());
    mark(sum.chain_update(oddity.as_deref().unwrap_or_default()))
}

fn mark(sum: Sha256) -> u128 {
    let sum = sum.finalize();
    sum.iter().take(16).fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}
