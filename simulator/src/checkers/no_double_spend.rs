//! S1: every output is spent once at most.

use std::collections::BTreeMap;

use bigchaindb_core::model::{BlockId, TxId};
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};

/// Remembers which outputs VALID blocks spend.
#[derive(Default)]
pub(super) struct NoDoubleSpend {
    findings: Findings,
    /// The spends of each output, in VALID blocks.
    spends: BTreeMap<(TxId, i128), Vec<(TxId, BlockId)>>,
}

impl Checker for NoDoubleSpend {
    fn invariant(&self) -> &'static str {
        "S1"
    }

    fn statement(&self) -> &'static str {
        "No double spend: every output is spent by at most one transaction in VALID blocks, and once."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Elected { block, was, is } = news else { continue };
            if *is == Election::Valid {
                self.add(block, moment);
            } else if *was == Election::Valid {
                self.spends.values_mut().for_each(|spends| spends.retain(|(_, at)| at != block));
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

impl NoDoubleSpend {
    fn add(&mut self, id: &BlockId, moment: &Moment<'_>) {
        let Some(block) = moment.reference.block(id) else { return };
        for transaction in &block.document.transactions {
            let mut own = Vec::new();
            for input in &transaction.inputs {
                let output = moment.reference.output(input);
                let name = format!("output {} of {}", output.1, output.0);
                let spends = self.spends.entry(output.clone()).or_default();
                // The same transaction in a second block is not a second spend, but another matter.
                let earlier = spends.iter().find(|(other, _)| *other != transaction.id);
                if let Some((other, at)) = earlier {
                    self.findings.violated(
                        moment.observed.at_us,
                        format!("{name} is spent by {other} and by {}", transaction.id),
                        Some(&transaction.id),
                        &[at, id],
                    );
                }
                if own.contains(&output) {
                    self.findings.violated(
                        moment.observed.at_us,
                        format!("{name} is spent twice by {}", transaction.id),
                        Some(&transaction.id),
                        &[id],
                    );
                }
                if spends.is_empty() {
                    self.findings.looked();
                }
                spends.push((transaction.id.clone(), id.clone()));
                own.push(output);
            }
        }
    }
}
