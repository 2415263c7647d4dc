//! S18: the chain begins once.

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Looks for blocks that are, or hold, a genesis.
#[derive(Default)]
pub(super) struct OneGenesis {
    findings: Findings,
    first: Option<BlockId>,
    /// All that members wrote who keep to the rules, with their times.
    seen: Vec<(u64, BlockId)>,
}

impl Checker for OneGenesis {
    fn invariant(&self) -> &'static str {
        "S18"
    }

    fn statement(&self) -> &'static str {
        "There is exactly one genesis block, and no other VALID block holds a GENESIS transaction."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        for news in moment.news {
            match news {
                News::Block(id) => {
                    if !moment.reference.block(id).is_some_and(|block| block.document.is_genesis) {
                        continue;
                    }
                    self.first.get_or_insert_with(|| {
                        self.findings.looked();
                        id.clone()
                    });
                    let block = moment.reference.block(id).expect("seen above");
                    let (author, sealed) = (&block.document.author, block.sealed);
                    let known = self.seen.iter().any(|(_, seen)| seen == id);
                    if !known && sealed && !moment.reference.is_byzantine(author) {
                        self.seen.push((at_us, id.clone()));
                    }
                }
                News::Elected { block: id, is: Election::Valid, .. } => {
                    let Some(block) = moment.reference.block(id) else { continue };
                    let mut transactions = block.document.transactions.iter();
                    let intruder = transactions.find(|one| &*one.operation == "GENESIS");
                    let begins = match moment.reference.rules() {
                        Rules::Default => moment.reference.begins_with(id),
                        _ => self.first.as_ref() == Some(id),
                    };
                    if let (Some(intruder), false) = (intruder, begins) {
                        let what = format!("block {id} is VALID and holds a GENESIS");
                        self.findings.violated(at_us, what, Some(&intruder.id), &[id]);
                    }
                }
                _ => {}
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        // The list may be seen after the block that it begins with.
        let first = reference.beginning().or(self.first.as_ref());
        for (at_us, id) in &self.seen {
            if let Some(first) = first.filter(|first| *first != id) {
                let what = format!("block {id} is a second genesis beside {first}");
                self.findings.violated(*at_us, what, None, &[first, id]);
            }
        }
        if self.first.is_none() {
            if reference.surroundings().ended() {
                let at_us = reference.surroundings().now_us();
                self.findings.violated(at_us, "there is no genesis block".into(), None, &[]);
            } else {
                self.findings.doubted("no genesis block was seen, and the log has no end");
            }
        }
        std::mem::take(&mut self.findings)
    }
}
