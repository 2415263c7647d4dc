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
        "Every acknowledged transaction that did not lose a conflict, or run out of time, is decided \
         valid once there was time enough without a fault after its acknowledgement."
    }

    fn observe(&mut self, _: &Moment<'_>) {}

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        for (id, accepted) in surroundings.accepted() {
            findings.looked();
            let due_us = surroundings.due_us(accepted.at_us, self.within_us);
            let valid_at_us = reference.transaction(id).and_then(|seen| seen.valid_at_us);
            match (valid_at_us, due_us) {
                (Some(at_us), Some(due_us)) if at_us > due_us => {
                    let since_us = due_us - self.within_us;
                    let what =
                        format!("{id} was decided only after {} s", (at_us - since_us) / 1_000_000);
                    findings.violated(due_us, what, Some(id), &[]);
                }
                (Some(_), _) => {}
                // Who lost a conflict is decided by the one who won it.
                (None, _) if reference.winner_over(id).is_some() => {}
                (None, _) if reference.is_deleted(id) => {}
                // Its time may have run out before a block was made of it.
                (None, Some(due_us)) if reference.is_expired(id, due_us) => {}
                (None, Some(due_us)) if surroundings.now_us() >= due_us => {
                    let what = format!("{id} was not decided in time");
                    findings.violated(due_us, what, Some(id), &[]);
                }
                (None, Some(_)) => findings
                    .doubted(format!("{id} is not decided, and the log ends before it has to be")),
                (None, None) => findings.doubted(match surroundings.open_fault() {
                    Some(fault) => {
                        format!("fault {} ({}) was never healed", fault.number, fault.kind)
                    }
                    None => "more was posted than could be worked off".to_owned(),
                }),
            }
        }
        findings
    }
}
