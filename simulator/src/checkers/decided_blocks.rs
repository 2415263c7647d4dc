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
        "Every block of the list (under v0.6.0 and mixed: every block) is decided once there was time \
         enough without a fault after it was listed. Genesis is exempt."
    }

    fn observe(&mut self, _: &Moment<'_>) {}

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        for (id, block) in reference.blocks() {
            let from_us = match reference.rules() {
                _ if reference.is_first(id) || !block.present => None,
                Rules::Default => block.listed_at_us,
                Rules::Original | Rules::Mixed => Some(block.seen_at_us),
            };
            let Some(from_us) = from_us else { continue };
            findings.looked();
            let due_us = surroundings.due_us(from_us, self.within_us);
            let open = block.election == Election::Undecided;
            match due_us {
                Some(due_us) if !open && block.elected_at_us <= due_us => {}
                None if !open => {}
                Some(due_us) if open && surroundings.now_us() < due_us => {
                    findings.doubted(format!(
                        "block {id} is not decided, and the log ends before it has to be"
                    ));
                }
                Some(due_us) => {
                    let what =
                        if open { "was not decided in time" } else { "was decided too late" };
                    findings.violated(due_us, format!("block {id} {what}"), None, &[id]);
                }
                None => findings.doubted(match surroundings.open_fault() {
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
