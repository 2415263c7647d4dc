//! S4: what is VALID is valid.

use bigchaindb_core::model::{BlockId, Json, TxId};
use bigchaindb_core::rules::Election;

use super::reference::validator::examine;
use super::reference::{Input, News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Where the order of the log is not that of events, an input may be seen to be VALID so much later
/// than what spends it.
const SEEN_WITHIN_US: u64 = 2_000_000;

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
         outputs as inputs; no GENESIS comes later."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Elected { block, is: Election::Valid, .. } = news else { continue };
            self.block(moment.observed.at_us, block, moment.reference);
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        for (at_us, block, transaction, input) in std::mem::take(&mut self.early) {
            let valid_at_us = reference.transaction(&input).and_then(|seen| seen.valid_at_us);
            if valid_at_us.is_none_or(|valid_at_us| valid_at_us > at_us + SEEN_WITHIN_US) {
                self.report(at_us, &block, &transaction, &missing(&input));
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl ValidHistory {
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
