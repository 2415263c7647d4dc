//! L2: every listed block is decided in time.

use bigchaindb_core::rules::Election;

use super::reference::{Reference, Rules};
use super::{Checker, Findings, Moment};

/// Compares, at the end, when blocks were decided with when they had to be.
pub(super) struct DecidedBlocks {
    within_us: u64,
}

impl DecidedBlocks {
    pub(super) fn new(within_us: u64) -> Self {
        Self { within_us }
    }
}

impl Checker for DecidedBlocks {
    fn invariant(&self) -> &'static str {
        "L2"
    }

    fn statement(&self) -> &'static str {
        "Every block of the list (under v0.6.0: every block) is decided in time after it was listed, \
         or after the last fault was healed. Genesis is exempt."
    }

    fn observe(&mut self, _: &Moment<'_>) {}

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        for (id, block) in reference.blocks() {
            let from_us = match reference.rules() {
                _ if block.document.is_genesis || !block.present => None,
                Rules::Default => block.listed_at_us,
                Rules::Original => Some(block.seen_at_us),
            };
            let Some(from_us) = from_us else { continue };
            findings.looked();
            let due_us = from_us.max(surroundings.healed_at_us()) + self.within_us;
            let open = block.election == Election::Undecided;
            if !open && block.elected_at_us <= due_us {
                continue;
            }
            if let Some(fault) = surroundings.open_fault() {
                findings
                    .doubted(format!("fault {} ({}) was never healed", fault.number, fault.kind));
            } else if open && surroundings.now_us() < due_us {
                findings.doubted(format!(
                    "block {id} is not decided, and the log ends before it has to be"
                ));
            } else {
                let what = if open { "was not decided in time" } else { "was decided too late" };
                findings.violated(due_us, format!("block {id} {what}"), None, &[id]);
            }
        }
        findings
    }
}
