//! S2: a transaction is in one VALID block at most.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, TxId};
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};

/// Remembers which VALID blocks hold a transaction.
pub(super) struct OneValidBlock {
    findings: Findings,
    valid: BTreeMap<TxId, BTreeSet<BlockId>>,
    within_us: u64,
}

impl OneValidBlock {
    pub(super) fn new(within_us: u64) -> Self {
        Self { findings: Findings::default(), valid: BTreeMap::new(), within_us }
    }
}

impl Checker for OneValidBlock {
    fn invariant(&self) -> &'static str {
        "S2"
    }

    fn statement(&self) -> &'static str {
        "A transaction is in at most one VALID block, once; at rest in at most one that is not INVALID."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Elected { block: id, was, is } = news else { continue };
            let Some(block) = moment.reference.block(id) else { continue };
            let transactions = block.document.transactions.iter().map(|one| &one.id);
            if *is == Election::Valid {
                transactions.for_each(|transaction| self.add(transaction, id, moment));
            } else if *was == Election::Valid {
                for transaction in transactions {
                    if let Some(blocks) = self.valid.get_mut(transaction) {
                        blocks.remove(id);
                    }
                }
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let surroundings = reference.surroundings();
        let at_rest = surroundings.at_rest(0, self.within_us);
        for (transaction, seen) in reference.transactions() {
            let valid = reference.blocks_of(transaction, Election::Valid);
            let open = reference.blocks_of(transaction, Election::Undecided);
            if seen.blocks.is_empty() || open.is_empty() || valid.len() + open.len() < 2 {
                continue;
            }
            if at_rest {
                let blocks: Vec<_> = valid.into_iter().chain(open).collect();
                let what = format!(
                    "{transaction} is in {} blocks that are not INVALID, with all at rest",
                    blocks.len()
                );
                self.findings.violated(surroundings.now_us(), what, Some(transaction), &blocks);
            } else {
                self.findings
                    .doubted("a transaction is in several open blocks, and the log ends before all is at rest");
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl OneValidBlock {
    fn add(&mut self, transaction: &TxId, id: &BlockId, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        let blocks = self.valid.entry(transaction.clone()).or_default();
        if !blocks.insert(id.clone()) {
            let what = format!("{transaction} is twice in one VALID block");
            self.findings.violated(at_us, what, Some(transaction), &[id]);
        } else if blocks.len() > 1 {
            let what = format!("{transaction} is in {} VALID blocks", blocks.len());
            let blocks: Vec<_> = blocks.iter().collect();
            self.findings.violated(at_us, what, Some(transaction), &blocks);
        } else {
            self.findings.looked();
        }
    }
}
