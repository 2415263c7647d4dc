//! How many transactions the nodes say are decided valid: a block counts once every node has said so.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Report;
use tokio::sync::watch;

/// What nodes have reported.
pub(crate) struct Decided {
    nodes: usize,
    /// Blocks that were written or decided by some, not by all.
    blocks: Mutex<BTreeMap<BlockId, Said>>,
    transactions: watch::Sender<usize>,
}

#[derive(Default)]
struct Said {
    /// How many transactions it holds, once its author has said so.
    transactions: Option<usize>,
    /// How many nodes say that it is valid.
    valid: usize,
}

impl Decided {
    pub(crate) fn by(nodes: usize) -> Self {
        Self { nodes, blocks: Mutex::default(), transactions: watch::Sender::new(0) }
    }

    /// What a node reports.
    pub(crate) fn hear(&self, report: Report) {
        let mut blocks = self.blocks.lock().expect("nobody panics here");
        let block = match report {
            Report::BlockWritten { block, transactions } => {
                blocks.entry(block.clone()).or_default().transactions = Some(transactions);
                block
            }
            Report::Decided { block, election: Election::Valid } => {
                blocks.entry(block.clone()).or_default().valid += 1;
                block
            }
            _ => return,
        };
        if let Some(Said { transactions: Some(more), valid }) = blocks.get(&block)
            && *valid == self.nodes
        {
            let more = *more;
            blocks.remove(&block);
            self.transactions.send_modify(|number| *number += more);
        }
    }

    pub(crate) fn transactions(&self) -> usize {
        *self.transactions.borrow()
    }

    /// Waits until there are so many.
    pub(crate) async fn until(&self, number: usize) {
        let reached = self.transactions.subscribe().wait_for(|now| *now >= number).await.is_ok();
        assert!(reached, "the sender is ours");
    }
}
