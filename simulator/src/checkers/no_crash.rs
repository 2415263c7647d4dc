//! S17: nothing falls over by itself.

use super::reference::Reference;
use super::{Checker, Findings, Moment};
use crate::observe::{Befell, Record};

/// Listens for what befalls nodes.
#[derive(Default)]
pub(super) struct NoCrash {
    findings: Findings,
}

impl Checker for NoCrash {
    fn invariant(&self) -> &'static str {
        "S17"
    }

    fn statement(&self) -> &'static str {
        "No node ends, and no part of one falls over, unless a fault kills it."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Record::Node(event) = &moment.observed.record else { return };
        let node = &*event.node;
        let what = match event.event {
            Befell::Started => return self.findings.looked(),
            Befell::Failed => format!("{node} fell over: {}", event.text),
            Befell::Killed if !moment.reference.surroundings().meets(node, |_| true) => {
                format!("{node} ended, and no fault was to kill it")
            }
            _ => return,
        };
        // What a Byzantine member does to itself is its own affair, and so is what another program does.
        let ours = !moment.reference.is_external(node);
        if ours && !moment.reference.is_byzantine_name(node) {
            self.findings.violated(moment.observed.at_us, what, None, &[]);
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}
