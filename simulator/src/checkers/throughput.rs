//! L7: after a fault it goes on as before.

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::{Call, Kind, Record, What};

/// How long it may take after a fault until decisions come as before.
const BACK_WITHIN_US: u64 = 10_000_000;
/// How long decisions are counted, before a fault and after.
const WINDOW_US: u64 = 10_000_000;
/// Fewer in a window than this tell nothing: chance alone moves them by more than a tenth.
const ENOUGH: usize = 400;

/// Notes when something was posted and when decided.
#[derive(Default)]
pub(super) struct Throughput {
    posted: Vec<u64>,
    decided: Vec<u64>,
}

impl Checker for Throughput {
    fn invariant(&self) -> &'static str {
        "L7"
    }

    fn statement(&self) -> &'static str {
        "Ten seconds after a fault is healed transactions are decided at 90 % of the rate of before it, \
         as far as as many are posted. Told only where there are 400 of them in ten seconds."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        if let Record::Operation(operation) = &moment.observed.record
            && (operation.call, operation.kind) == (Call::Post, Kind::Ok)
            && operation.what != What::Duplicate
        {
            self.posted.push(at_us);
        }
        for news in moment.news {
            let News::Elected { block, is: bigchaindb_core::rules::Election::Valid, .. } = news
            else {
                continue;
            };
            let held =
                moment.reference.block(block).map_or(0, |block| block.document.transactions.len());
            self.decided.extend(std::iter::repeat_n(at_us, held));
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let mut peace_since_us = 0;
        for (from_us, until_us) in reference.surroundings().faults() {
            let (before_us, healed_us) = (from_us.saturating_sub(WINDOW_US), until_us);
            let quiet_before = before_us >= peace_since_us + BACK_WITHIN_US || peace_since_us == 0;
            peace_since_us = peace_since_us.max(until_us.unwrap_or(u64::MAX));
            let Some(healed_us) = healed_us else { break };
            let after_us = healed_us + BACK_WITHIN_US;
            let mut faults = reference.surroundings().faults();
            let disturbed = faults.any(|(from, until)| {
                from < after_us + WINDOW_US && until.is_none_or(|until| until > healed_us)
            });
            let (posted, decided) = (before_us, after_us);
            let before = count(&self.decided, posted);
            if disturbed || !quiet_before || before < ENOUGH {
                continue;
            }
            // No more can be decided than was posted, a moment earlier.
            let (posted_before, posted_after) = (
                count(&self.posted, before_us),
                count(&self.posted, decided.saturating_sub(WINDOW_US / 10)),
            );
            if posted_after < ENOUGH {
                continue;
            }
            findings.looked();
            let wanted = before.min(before * posted_after / posted_before.max(1)) * 9 / 10;
            let after = count(&self.decided, after_us);
            if after < wanted {
                let what = format!(
                    "{after} transactions were decided in the ten seconds from {} s on, before the fault \
                     there were {before}",
                    after_us / 1_000_000
                );
                findings.violated(after_us, what, None, &[]);
            }
        }
        findings
    }
}

/// How many of these moments, which are in order, are in the window that begins then.
fn count(moments: &[u64], from_us: u64) -> usize {
    let until = moments.partition_point(|at_us| *at_us < from_us + WINDOW_US);
    until - moments.partition_point(|at_us| *at_us < from_us)
}
