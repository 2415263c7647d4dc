//! What goes wrong: faults begin, are looked at, and end.
//!
//! Most faults are there at once, and a look shows it. Some wait for an occasion: a node that comes to a
//! certain point, an answer that can be lost. They count as applied when they have shown, and if no
//! occasion came, they never were. Not here: what is done to nodes (`nodes`), to the store (`servers`).

use super::{Course, World};
use crate::faults::Whom;
use crate::observe::Phase;
use crate::plan::{Fault, FaultKind};

impl World<'_> {
    /// A fault begins.
    pub(super) fn harm(&mut self, index: usize) {
        self.tell_fault(index, Phase::Planned);
        let fault = self.plan.faults[index].clone();
        if fault.kind.nature().waits_for_occasion() {
            self.courses[index] = Course::Armed;
        } else {
            // What it met can be seen before it is done.
            self.meets(&fault);
        }
        for &node in &fault.nodes {
            self.harm_node(index, node, &fault);
        }
        if !self.harm_store(index, &fault) || self.courses[index] != Course::Waits {
            return;
        }
        self.courses[index] = Course::Holds;
        self.tell_fault(index, Phase::Applied);
        if fault.kind == FaultKind::ClockDrift {
            // It shows after a while.
            let midst_us = fault.at_us.midpoint(fault.until_us);
            return self.kernel.at(midst_us, super::Event::Look(index));
        }
        self.look(index);
    }

    /// Somebody looks whether a fault is real.
    pub(super) fn look(&mut self, index: usize) {
        let fault = &self.plan.faults[index];
        let nodes = fault.nodes.iter().all(|&node| self.is_harmed(node, fault));
        if nodes && self.is_store_harmed(fault) {
            self.tell_fault(index, Phase::Verified);
        }
    }

    /// A fault that waited for its occasion has shown.
    pub(super) fn shows(&mut self, index: usize) {
        if self.courses[index] == Course::Armed {
            self.meets(&self.plan.faults[index].clone());
            self.courses[index] = Course::Holds;
            self.tell_fault(index, Phase::Applied);
            self.tell_fault(index, Phase::Verified);
        }
    }

    /// Remembers what those had under way who are met now.
    pub(super) fn meets(&mut self, fault: &Fault) {
        let met: Vec<usize> = match fault.kind.nature().whom {
            Whom::Nodes => fault.nodes.clone(),
            Whom::Store => (0..self.plan.nodes.len()).collect(),
            Whom::Servers => {
                let servers = self.servers(fault);
                let asks = |node: &usize| servers.contains(&self.store.server_of(*node));
                (0..self.plan.nodes.len()).filter(asks).collect()
            }
        };
        for node in met {
            self.coverage.meets(fault.kind, self.nodes[node].under_way.values().copied());
        }
    }

    /// A fault ends.
    pub(super) fn mend(&mut self, index: usize) {
        let fault = self.plan.faults[index].clone();
        let course = std::mem::replace(&mut self.courses[index], Course::Over);
        if course == Course::Over || fault.kind == FaultKind::Crash && course == Course::Holds {
            // It died, and starts again in its time.
            return;
        }
        for &node in &fault.nodes {
            self.mend_node(node, &fault);
        }
        self.mend_store(&fault);
        self.healed(index);
    }

    /// A node that died at a point of its work starts again.
    pub(super) fn restart(&mut self, index: usize) {
        self.courses[index] = Course::Over;
        for node in self.plan.faults[index].nodes.clone() {
            if !self.nodes[node].is_up() {
                self.start(node);
            }
        }
        self.healed(index);
    }

    /// Tells that a fault is over, if a look shows so.
    fn healed(&mut self, index: usize) {
        let fault = &self.plan.faults[index];
        let nodes = fault.nodes.iter().all(|&node| self.is_mended(node, fault));
        if nodes && self.is_store_mended(fault) {
            self.tell_fault(index, Phase::Healed);
        } else {
            let (number, name) = (fault.number, fault.kind.nature().name);
            self.shortfalls.push(format!("fault {number} ({name}) could not be healed").into());
        }
    }
}
