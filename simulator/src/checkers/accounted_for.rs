//! S11: what was acknowledged is not lost.

use std::collections::BTreeMap;

use bigchaindb_core::model::TxId;
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::Record;

/// Follows every acknowledged transaction.
pub(super) struct AccountedFor {
    findings: Findings,
    within_us: u64,
    /// Acknowledged, but neither waiting nor in a block that could become VALID: since when.
    nowhere: BTreeMap<TxId, u64>,
}

impl AccountedFor {
    pub(super) fn new(within_us: u64) -> Self {
        Self { findings: Findings::default(), within_us, nowhere: BTreeMap::new() }
    }
}

impl Checker for AccountedFor {
    fn invariant(&self) -> &'static str {
        "S11"
    }

    fn statement(&self) -> &'static str {
        "Every acknowledged transaction is at rest in exactly one VALID block, or lost a conflict to \
         one that is, or ran out of time; and it is never nowhere for long."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let (at_us, reference) = (moment.observed.at_us, moment.reference);
        if let Record::Operation(operation) = &moment.observed.record
            && let Some(id) = &operation.tx
        {
            self.locate(at_us, id, reference);
        }
        for news in moment.news {
            match news {
                News::Moved(id) => self.locate(at_us, id, reference),
                News::Elected { block, .. } => {
                    let block = reference.block(block).into_iter();
                    for transaction in block.flat_map(|block| &block.document.transactions) {
                        self.locate(at_us, &transaction.id, reference);
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
        let surroundings = reference.surroundings();
        let now_us = surroundings.now_us();
        for (id, accepted) in surroundings.accepted() {
            self.findings.looked();
            let valid = reference.blocks_of(id, Election::Valid);
            if valid.len() == 1 || (valid.is_empty() && self.may_be_gone(id, now_us, reference)) {
                continue;
            }
            if !surroundings.at_rest(accepted.at_us, self.within_us) {
                self.end_absence(now_us, id, reference);
                self.findings.doubted(format!(
                    "{id} is not decided, and the log ends before all is at rest"
                ));
                continue;
            }
            let place = match reference.transaction(id) {
                _ if !valid.is_empty() => format!("in {} VALID blocks", valid.len()),
                Some(seen) if seen.waiting => "still waiting".to_owned(),
                Some(seen) if !seen.blocks.is_empty() => "in no VALID block".to_owned(),
                _ => "nowhere".to_owned(),
            };
            let what = format!("{id}, acknowledged by {}, is {place}", accepted.node);
            self.findings.violated(now_us, what, Some(id), &valid);
        }
        std::mem::take(&mut self.findings)
    }
}

impl AccountedFor {
    /// Whether a transaction that is in no VALID block may be so; if its time has run out, only if that
    /// had happened when it was last somewhere.
    fn may_be_gone(&self, id: &TxId, now_us: u64, reference: &Reference) -> bool {
        match self.nowhere.get(id) {
            Some(since_us) => reference.may_be_gone(id, *since_us),
            None => {
                reference.winner_over(id).is_some() || {
                    let waits = reference.transaction(id).is_some_and(|seen| seen.waiting);
                    !waits && reference.may_be_gone(id, now_us)
                }
            }
        }
    }

    /// Notes whether an acknowledged transaction is somewhere.
    fn locate(&mut self, at_us: u64, id: &TxId, reference: &Reference) {
        if !reference.surroundings().accepted().contains_key(id) {
            return;
        }
        let somewhere = reference.transaction(id).is_some_and(|seen| seen.waiting)
            || !reference.blocks_of(id, Election::Valid).is_empty()
            || !reference.blocks_of(id, Election::Undecided).is_empty();
        if somewhere {
            self.end_absence(at_us, id, reference);
        } else {
            self.nowhere.entry(id.clone()).or_insert(at_us);
        }
    }

    fn end_absence(&mut self, at_us: u64, id: &TxId, reference: &Reference) {
        let Some(since_us) = self.nowhere.remove(id) else { return };
        let long = at_us.saturating_sub(since_us) > self.within_us;
        if long && !reference.may_be_gone(id, since_us) {
            let what =
                format!("{id}, acknowledged, was nowhere for {} s", (at_us - since_us) / 1_000_000);
            self.findings.violated(since_us, what, Some(id), &[]);
        }
    }
}
