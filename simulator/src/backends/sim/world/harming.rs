//! What goes wrong: faults begin, are looked at, and end.

use bigchaindb_rethinkdb::cluster::{Harm, Process, ServerId};

use super::World;
use crate::observe::{Befell, Phase};
use crate::plan::{Direction, Fault, FaultKind};
use crate::workload;

impl World<'_> {
    /// A fault begins.
    pub(super) fn harm(&mut self, index: usize) {
        self.tell_fault(index, Phase::Planned);
        let fault = self.plan.faults[index].clone();
        for &node in &fault.nodes {
            self.harm_node(node, fault.kind);
        }
        for harm in self.harms(&fault) {
            let told = self.store.harm(self.now(), harm);
            self.hear(told);
        }
        if fault.kind == FaultKind::Reconfigure && !self.reconfigure(&fault) {
            return;
        }
        self.tell_fault(index, Phase::Applied);
        let nodes = fault.nodes.iter().all(|&node| self.is_harmed(node, fault.kind));
        if nodes && self.is_store_harmed(&fault) {
            self.tell_fault(index, Phase::Verified);
        }
    }

    /// Tables move; whether some did. Those that cannot be moved now say so, and stay.
    fn reconfigure(&mut self, fault: &Fault) -> bool {
        let before = self.store.layouts();
        let told = self.store.reconfigure(self.now(), fault.shape);
        self.hear(told);
        self.store.layouts() != before
    }

    fn harm_node(&mut self, node: usize, kind: FaultKind) {
        match kind {
            FaultKind::Kill => self.kill(node),
            FaultKind::Pause => {
                self.nodes[node].pause();
                self.tell_node(node, Befell::Paused, "");
            }
            FaultKind::Partition => {
                self.nodes[node].cut = true;
                self.close_feeds(node);
            }
            FaultKind::FeedAbort => self.close_feeds(node),
            _ => unreachable!("this fault meets servers"),
        }
    }

    /// The probe: is the fault real?
    fn is_harmed(&self, node: usize, kind: FaultKind) -> bool {
        let node = &self.nodes[node];
        match kind {
            FaultKind::Kill => !node.is_up(),
            FaultKind::Pause => !node.is_running(),
            FaultKind::Partition => node.cut && node.feeds.is_empty(),
            FaultKind::FeedAbort => node.feeds.is_empty(),
            _ => unreachable!("this fault meets servers"),
        }
    }

    /// What a fault does to the store's servers.
    fn harms(&self, fault: &Fault) -> Vec<Harm> {
        let servers = self.servers(fault);
        let each = |harm: fn(ServerId) -> Harm| servers.iter().copied().map(harm).collect();
        match fault.kind {
            FaultKind::StoreKill => each(Harm::Kill),
            FaultKind::StoreRestart => each(Harm::Stop),
            FaultKind::StorePause => each(Harm::Pause),
            FaultKind::PowerLoss => each(Harm::PowerLoss),
            FaultKind::StorePartition => {
                self.cuts(fault).into_iter().map(|(from, to)| Harm::Cut(from, to)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What mends it.
    fn cures(&self, fault: &Fault) -> Vec<Harm> {
        let servers = self.servers(fault);
        let each = |harm: fn(ServerId) -> Harm| servers.iter().copied().map(harm).collect();
        match fault.kind {
            FaultKind::StoreKill | FaultKind::StoreRestart | FaultKind::PowerLoss => {
                each(Harm::Start)
            }
            FaultKind::StorePause => each(Harm::Resume),
            FaultKind::StorePartition => {
                self.cuts(fault).into_iter().map(|(from, to)| Harm::Heal(from, to)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_store_harmed(&self, fault: &Fault) -> bool {
        let all = |process| {
            self.servers(fault).into_iter().all(|server| self.store.process(server) == process)
        };
        match fault.kind {
            FaultKind::StoreKill | FaultKind::StoreRestart | FaultKind::PowerLoss => {
                all(Process::Down)
            }
            FaultKind::StorePause => all(Process::Paused),
            FaultKind::StorePartition => {
                self.cuts(fault).into_iter().all(|(from, to)| self.store.is_cut(from, to))
            }
            // Tables that did not move are known by then; nodes were looked at.
            _ => true,
        }
    }

    fn servers(&self, fault: &Fault) -> Vec<ServerId> {
        let servers = self.store.servers();
        fault.servers.iter().map(|&server| servers[server]).collect()
    }

    /// The links that a partition cuts: between the servers it meets and all others.
    fn cuts(&self, fault: &Fault) -> Vec<(ServerId, ServerId)> {
        let inside = self.servers(fault);
        let all = self.store.servers();
        let others = || all.iter().copied().filter(|server| !inside.contains(server));
        let mut cuts = Vec::new();
        for &server in &inside {
            for other in others() {
                if fault.direction != Some(Direction::In) {
                    cuts.push((server, other));
                }
                if fault.direction != Some(Direction::Out) {
                    cuts.push((other, server));
                }
            }
        }
        cuts
    }

    /// A fault ends.
    pub(super) fn mend(&mut self, index: usize) {
        let fault = self.plan.faults[index].clone();
        for &node in &fault.nodes {
            match fault.kind {
                FaultKind::Kill => self.start(node),
                FaultKind::Pause => self.resume(node),
                FaultKind::Partition => self.nodes[node].cut = false,
                _ => {}
            }
        }
        for cure in self.cures(&fault) {
            let told = self.store.harm(self.now(), cure);
            self.hear(told);
        }
        self.tell_fault(index, Phase::Healed);
    }

    fn kill(&mut self, node: usize) {
        for subscription in self.nodes[node].feeds.values() {
            self.store.unsubscribe(*subscription);
        }
        self.nodes[node].kill();
        self.tell_node(node, Befell::Killed, "");
        let broken = self.under_way.iter().filter(|(_, asked)| **asked == node);
        for call in broken.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.answered(call, workload::Answer::Lost("connection reset".into()));
        }
    }

    fn resume(&mut self, node: usize) {
        self.tell_node(node, Befell::Resumed, "");
        let start = self.nodes[node].starts;
        for event in self.nodes[node].resume() {
            self.reach(node, start, event);
        }
    }
}
