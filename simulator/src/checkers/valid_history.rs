//! S4: what is VALID is valid.

use std::collections::BTreeSet;

use bigchaindb_core::model::{BlockId, Json, TxId};
use bigchaindb_core::rules::Election;

use super::reference::validator::examine;
use super::reference::{Input, News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Where the order of the log is not that of events, an input may be seen to be VALID so much later
/// than what spends it.
const SEEN_WITHIN_US: u64 = 2_000_000;

/// A block may be so far ahead of a voter's clock, and behind the last VALID one, in seconds; a
/// member whose clock is off by more than the last counts as lost. Under `default`.
const TOLERANCE: u64 = 120;
const CLOCKS_OFF: u64 = 50;

/// Judges every transaction of a block that becomes VALID by what was VALID before.
#[derive(Default)]
pub(super) struct ValidHistory {
    findings: Findings,
    /// Spends of what was not VALID yet.
    early: Vec<(u64, BlockId, TxId, TxId)>,
}

impl Checker for ValidHistory {
    fn invariant(&self) -> &'static str {
        "S4"
    }

    fn statement(&self) -> &'static str {
        "Every transaction in a VALID block is valid by what was VALID before it: its inputs are there \
         and opened, at the block's time; a CREATE is by a member and spends nothing; there are as many \
         outputs as inputs; no GENESIS comes later; and (under default) that time is not far from when \
         it was voted on, nor long before the last VALID one."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Elected { block, is: Election::Valid, .. } = news else { continue };
            self.block(moment.observed.at_us, block, moment.reference);
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        for (at_us, block, transaction, input) in std::mem::take(&mut self.early) {
            let valid_at_us = reference.transaction(&input).and_then(|seen| seen.valid_at_us);
            if valid_at_us.is_none_or(|valid_at_us| valid_at_us > at_us + SEEN_WITHIN_US) {
                self.report(at_us, &block, &transaction, &missing(&input));
            }
        }
        if reference.rules() == Rules::Default {
            self.times(reference);
        }
        std::mem::take(&mut self.findings)
    }
}

impl ValidHistory {
    /// Holds the times of blocks in the list against when they were elected, and those before them.
    fn times(&mut self, reference: &Reference) {
        let mut known = BTreeSet::new();
        // Of the last VALID block before.
        let mut before: Option<u64> = None;
        for (place, id) in reference.positions() {
            // Where a block stands a second time is nobody's place.
            if !reference.is_counted(*place) || !known.insert(id) {
                continue;
            }
            let block = reference.block(id).filter(|block| block.present);
            let at = block.and_then(|block| block.document.timestamp());
            let (Some(block), Some(at)) = (block, at) else { continue };
            if block.election != Election::Valid {
                continue;
            }
            let earlier = before.replace(at);
            if reference.begins_with(id) {
                continue;
            }
            let elected = reference.unix_s(block.elected_at_us);
            let wrong = if at > elected + TOLERANCE + CLOCKS_OFF {
                format!("its time is {} s after its election", at - elected)
            } else if let Some(before) = earlier.filter(|before| *before > at + TOLERANCE) {
                format!(
                    "its time is {} s before that of the last VALID block before it",
                    before - at
                )
            } else {
                continue;
            };
            let what = format!("block {id} is VALID, but {wrong}");
            self.findings.violated(block.elected_at_us, what, None, &[id]);
        }
    }

    fn block(&mut self, at_us: u64, id: &BlockId, reference: &Reference) {
        let Some(block) = reference.block(id) else { return };
        let at = block.document.timestamp().unwrap_or(0);
        let begins = reference.begins_with(id);
        for (place, document) in block.document.documents().iter().enumerate() {
            self.findings.looked();
            let transaction = &block.document.transactions[place].id;
            let is_member = |key: &_| reference.federation().contains(key);
            let first = begins && place == 0;
            let examined = examine(document, is_member, at, first, reference.signatures());
            let odd = examined.odd.filter(|_| reference.rules() == Rules::Default);
            if let Some(wrong) = examined.wrong.or(odd) {
                self.report(at_us, id, transaction, &wrong);
                continue;
            }
            for (input, opens) in examined.spends {
                self.input(at_us, id, transaction, &input, &opens, reference);
            }
        }
    }

    fn input(
        &mut self,
        at_us: u64,
        id: &BlockId,
        transaction: &TxId,
        input: &Input,
        opens: &str,
        reference: &Reference,
    ) {
        let output = reference.output(input);
        let made_here = reference
            .block(id)
            .is_some_and(|block| block.document.transactions.iter().any(|one| one.id == output.0));
        let Some(made) = reference.history_of(&output.0) else {
            if reference.surroundings().is_exact() {
                return self.report(at_us, id, transaction, &missing(&output.0));
            }
            let early = (at_us, id.clone(), transaction.clone(), output.0);
            return self.early.push(early);
        };
        if made_here && made.is_only_in(id) {
            let wrong = format!("it spends {} of the same block", output.0);
            return self.report(at_us, id, transaction, &wrong);
        }
        match made.guard(output.1) {
            None => {
                let wrong = format!("{} has no output {}", output.0, output.1);
                self.report(at_us, id, transaction, &wrong);
            }
            Some(guard) if guard != opens => {
                let wrong = format!(
                    "it opens another condition than that of output {} of {}",
                    output.1, output.0
                );
                self.report(at_us, id, transaction, &wrong);
            }
            Some(_) => {}
        }
    }

    fn report(&mut self, at_us: u64, block: &BlockId, transaction: &TxId, wrong: &str) {
        let what = format!("{transaction} is in VALID block {block}, but {wrong}");
        self.findings.violated(at_us, what, Some(transaction), &[block]);
    }
}

fn missing(input: &TxId) -> String {
    format!("it spends an output of {input}, which was in no VALID block")
}

/// Whether a document says nothing but what is documented; used where it was refused.
pub(super) fn has_documented_fields(document: &Json) -> bool {
    document
        .as_object()
        .is_some_and(|fields| fields.iter().map(|(name, _)| name).eq(["id", "transaction"]))
}
