//! L1: what was acknowledged is decided in time.

use super::reference::Reference;
use super::{Checker, Findings, Moment};

/// Compares, at the end, when transactions were decided with when they had to be.
pub(super) struct DecidedTransactions {
    within_us: u64,
}

impl DecidedTransactions {
    pub(super) fn new(within_us: u64) -> Self {
        Self { within_us }
    }
}

impl Checker for DecidedTransactions {
    fn invariant(&self) -> &'static str {
        "L1"
    }

    fn statement(&self) -> &'static str {
        "Every acknowledged transaction that did not lose a conflict is decided valid in time after \
         its acknowledgement, or after the last fault was healed."
    }

    fn observe(&mut self, _: &Moment<'_>) {}

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        for (id, accepted) in surroundings.accepted() {
            findings.looked();
            let due_us = accepted.at_us.max(surroundings.healed_at_us()) + self.within_us;
            let seen = reference.transaction(id);
            let valid_at_us = seen.and_then(|seen| seen.valid_at_us);
            let overdue = match valid_at_us {
                Some(at_us) => at_us > due_us,
                None => reference.winner_over(id).is_none(),
            };
            if !overdue {
                continue;
            }
            if let Some(fault) = surroundings.open_fault() {
                findings
                    .doubted(format!("fault {} ({}) was never healed", fault.number, fault.kind));
            } else if valid_at_us.is_none() && surroundings.now_us() < due_us {
                findings
                    .doubted(format!("{id} is not decided, and the log ends before it has to be"));
            } else {
                let since = (due_us - self.within_us).max(accepted.at_us);
                let what = match valid_at_us {
                    Some(at_us) => {
                        format!("{id} was decided only after {} s", (at_us - since) / 1_000_000)
                    }
                    None => format!("{id} was not decided in time"),
                };
                findings.violated(due_us, what, Some(id), &[]);
            }
        }
        findings
    }
}
