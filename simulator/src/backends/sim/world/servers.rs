//! What faults do to the store: to its servers, the links between them, its tables.

use bigchaindb_rethinkdb::cluster::{Harm, Process, ServerId};

use super::World;
use crate::plan::{Direction, Fault, FaultKind, How};

impl World<'_> {
    /// A fault meets the store; whether there is anything to be seen of it. Tables that cannot be moved
    /// now say so, and stay.
    pub(super) fn harm_store(&mut self, index: usize, fault: &Fault) -> bool {
        match fault.kind {
            FaultKind::Reconfigure => return self.reconfigure(fault),
            FaultKind::StoreFull => {
                for server in self.servers(fault) {
                    self.store.set_full(server, Some(index));
                }
            }
            FaultKind::StoreSlow => {
                for server in self.servers(fault) {
                    self.store.set_slow(server, factor(fault));
                }
            }
            _ => {
                for harm in self.harms(fault) {
                    let told = self.store.harm(self.now(), harm);
                    self.hear(told);
                }
            }
        }
        true
    }

    /// A fault leaves the store.
    pub(super) fn mend_store(&mut self, fault: &Fault) {
        match fault.kind {
            FaultKind::StoreFull => {
                for server in self.servers(fault) {
                    self.store.set_full(server, None);
                }
            }
            FaultKind::StoreSlow => {
                for server in self.servers(fault) {
                    self.store.set_slow(server, 1);
                }
            }
            _ => {
                for cure in self.cures(fault) {
                    let told = self.store.harm(self.now(), cure);
                    self.hear(told);
                }
            }
        }
    }

    /// Tables move; whether some did.
    fn reconfigure(&mut self, fault: &Fault) -> bool {
        let shape = match fault.how {
            How::Tables(shape) => Some(shape),
            _ => None,
        };
        let before = self.store.layouts();
        let told = self.store.reconfigure(self.now(), shape);
        self.hear(told);
        self.store.layouts() != before
    }

    /// What a fault does to servers.
    fn harms(&self, fault: &Fault) -> Vec<Harm> {
        let servers = self.servers(fault).into_iter();
        match fault.kind {
            FaultKind::StoreKill => servers.map(Harm::Kill).collect(),
            FaultKind::StoreRestart => servers.map(Harm::Stop).collect(),
            FaultKind::StorePause => servers.map(Harm::Pause).collect(),
            FaultKind::PowerLoss => servers.map(Harm::PowerLoss).collect(),
            FaultKind::StoreSlowLink => {
                servers.map(|server| Harm::Slow(server, factor(fault))).collect()
            }
            FaultKind::StorePartition => {
                self.cuts(fault).into_iter().map(|(from, to)| Harm::Cut(from, to)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What mends it.
    fn cures(&self, fault: &Fault) -> Vec<Harm> {
        let servers = self.servers(fault).into_iter();
        match fault.kind {
            FaultKind::StoreKill | FaultKind::StoreRestart | FaultKind::PowerLoss => {
                servers.map(Harm::Start).collect()
            }
            FaultKind::StorePause => servers.map(Harm::Resume).collect(),
            FaultKind::StoreSlowLink => servers.map(|server| Harm::Slow(server, 1)).collect(),
            FaultKind::StorePartition => {
                self.cuts(fault).into_iter().map(|(from, to)| Harm::Heal(from, to)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The probe: is the fault real?
    pub(super) fn is_store_harmed(&self, fault: &Fault) -> bool {
        let mut servers = self.servers(fault).into_iter();
        let mut all =
            |process| servers.by_ref().all(|server| self.store.process(server) == process);
        match fault.kind {
            FaultKind::StoreKill | FaultKind::StoreRestart | FaultKind::PowerLoss => {
                all(Process::Down)
            }
            FaultKind::StorePause => all(Process::Paused),
            FaultKind::StorePartition => {
                let mut cuts = self.cuts(fault).into_iter();
                cuts.all(|(from, to)| self.store.is_cut(from, to))
            }
            FaultKind::StoreSlowLink => servers.all(|server| self.store.link_slowness(server) > 1),
            FaultKind::StoreSlow => servers.all(|server| self.store.slowness(server) > 1),
            // Tables that did not move are known by then; nodes were looked at.
            _ => true,
        }
    }

    /// The probe: is it over? What another fault cuts as well stays cut.
    pub(super) fn is_store_mended(&self, fault: &Fault) -> bool {
        let mut servers = self.servers(fault).into_iter();
        match fault.kind {
            FaultKind::StoreKill
            | FaultKind::StoreRestart
            | FaultKind::PowerLoss
            | FaultKind::StorePause => {
                servers.all(|server| self.store.process(server) == Process::Up)
            }
            FaultKind::StorePartition => {
                let mut cuts = self.cuts(fault).into_iter();
                cuts.all(|(from, to)| {
                    self.store.is_cut(from, to) == self.store.is_held_cut(from, to)
                })
            }
            FaultKind::StoreSlowLink => servers.all(|server| self.store.link_slowness(server) == 1),
            FaultKind::StoreSlow => servers.all(|server| self.store.slowness(server) == 1),
            FaultKind::StoreFull => servers.all(|server| !self.store.is_full(server)),
            _ => true,
        }
    }

    /// The servers that a fault meets.
    pub(super) fn servers(&self, fault: &Fault) -> Vec<ServerId> {
        let servers = self.store.servers();
        fault.servers.iter().map(|&server| servers[server]).collect()
    }

    /// The links that a partition cuts, each way on its own.
    fn cuts(&self, fault: &Fault) -> Vec<(ServerId, ServerId)> {
        let How::Apart { form, direction } = fault.how else { return Vec::new() };
        let servers = self.store.servers();
        let apart = form.apart(&fault.servers, servers.len()).into_iter();
        let apart = apart.map(|(one, other)| (servers[one], servers[other]));
        let mut cuts = Vec::new();
        for (one, other) in apart {
            if direction != Direction::In {
                cuts.push((one, other));
            }
            if direction != Direction::Out {
                cuts.push((other, one));
            }
        }
        cuts
    }
}

/// How many times as long something takes.
fn factor(fault: &Fault) -> u32 {
    match fault.how {
        How::Slow { factor, .. } => factor,
        _ => 1,
    }
}
