//! Who harms and mends: carries out a plan's faults, and proves that they were real.
//!
//! A fault that no probe can see did not happen: then the run proves nothing about it, and that is
//! a shortfall of the harness. Probes run beside the plan's course and do not hold it up.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::LocalFederation;
use bigchaindb::store::{FeedStream, Store};
use bigchaindb_core::query::{Feed, Query, StoreError};
use bigchaindb_load::client::{Call, Client, NoAnswer};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::recorder::Recorder;
use crate::observe::{Befell, Phase};
use crate::plan::{Fault, FaultKind, Plan};

/// A probe of something that should not answer waits this long for it: many times what an answer
/// takes when all is well.
const SILENCE: Duration = Duration::from_millis(150);

/// A probe of something that should answer again asks this often,
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// and for so long at most.
const PROBE_FOR: Duration = Duration::from_secs(10);

/// Carries out the faults of a plan.
pub(super) struct Nemesis {
    plan: Arc<Plan>,
    federation: LocalFederation,
    recorder: Recorder,
    /// How many faults of a kind hold a node at the moment; it is mended when the last one ends.
    held: BTreeMap<(FaultKind, usize), u32>,
    /// The probes of each fault that are under way; the later one waits for the earlier.
    probes: BTreeMap<u32, JoinHandle<()>>,
}

/// A fault begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Harm,
    Mend,
}

impl Nemesis {
    pub(super) fn new(plan: Arc<Plan>, federation: LocalFederation, recorder: Recorder) -> Self {
        Self { plan, federation, recorder, held: BTreeMap::new(), probes: BTreeMap::new() }
    }

    /// Carries out all faults; the run's clock stands at 0 at `began`. Gives the federation back.
    pub(super) async fn run(mut self, began: Instant) -> LocalFederation {
        let plan = self.plan.clone();
        let turns = plan.faults.iter().enumerate().flat_map(|(index, fault)| {
            [(fault.at_us, index, Turn::Harm), (fault.until_us, index, Turn::Mend)]
        });
        let mut turns: Vec<_> = turns.collect();
        turns.sort_unstable();
        for (at_us, index, turn) in turns {
            sleep_until(began + Duration::from_micros(at_us)).await;
            match turn {
                Turn::Harm => self.harm(&plan.faults[index]).await,
                Turn::Mend => self.mend(&plan.faults[index]).await,
            }
        }
        for probe in self.probes.into_values() {
            // It only asks and writes down.
            probe.await.expect("a probe does not panic");
        }
        self.federation
    }

    async fn harm(&mut self, fault: &Fault) {
        self.recorder.tell_fault(&self.plan, fault, Phase::Planned);
        let mut signs = Vec::new();
        for &node in &fault.nodes {
            let held = self.held.entry((fault.kind, node)).or_default();
            *held += 1;
            if *held == 1 {
                self.harm_node(fault.kind, node, &mut signs).await;
            }
        }
        self.recorder.tell_fault(&self.plan, fault, Phase::Applied);
        let lasts = Duration::from_micros(fault.until_us - fault.at_us);
        let silence = SILENCE.min(lasts / 2);
        self.probe(fault, Phase::Verified, signs, move |sign| async move {
            sign.has_died(silence).await
        });
    }

    async fn harm_node(&mut self, kind: FaultKind, node: usize, signs: &mut Vec<Sign>) {
        let address = self.federation.addresses()[node];
        match kind {
            FaultKind::Kill | FaultKind::Lose => {
                // That it had panicked before is found out at the end: it does not answer then.
                let _ = self.federation.kill(node).await;
                self.recorder.tell_node(node, Befell::Killed, "");
                signs.push(Sign::Listens(address));
            }
            FaultKind::Pause => {
                if let Some(handle) = self.federation.node(node) {
                    handle.pause();
                }
                self.recorder.tell_node(node, Befell::Paused, "");
                signs.push(Sign::Answers(address));
            }
            FaultKind::Partition => {
                self.federation.link(node).cut();
                signs.push(Sign::Reaches(self.federation.store_of(node)));
            }
            FaultKind::FeedAbort => {
                let feed = self.federation.store_of(node).open(Feed::Positions).await;
                self.federation.link(node).break_feeds();
                signs.push(Sign::Follows(feed));
            }
            _ => self.recorder.fall_short(format!("this world cannot do the fault {kind:?}")),
        }
    }

    async fn mend(&mut self, fault: &Fault) {
        let mut signs = Vec::new();
        for &node in &fault.nodes {
            let held = self.held.entry((fault.kind, node)).or_default();
            *held -= 1;
            if *held == 0 {
                self.mend_node(fault.kind, node, &mut signs).await;
            }
        }
        self.probe(fault, Phase::Healed, signs, |sign| async move { sign.lives_again().await });
    }

    async fn mend_node(&mut self, kind: FaultKind, node: usize, signs: &mut Vec<Sign>) {
        let address = self.federation.addresses()[node];
        match kind {
            FaultKind::Kill => match self.federation.restart(node).await {
                Ok(()) => {
                    self.recorder.tell_node(node, Befell::Started, "");
                    signs.push(Sign::Answers(address));
                }
                Err(error) => {
                    self.recorder.fall_short(format!("cannot start a node on {address}: {error}"));
                }
            },
            FaultKind::Pause => {
                if let Some(handle) = self.federation.node(node) {
                    handle.resume();
                }
                self.recorder.tell_node(node, Befell::Resumed, "");
                signs.push(Sign::Answers(address));
            }
            FaultKind::Partition => {
                self.federation.link(node).heal();
                signs.push(Sign::Reaches(self.federation.store_of(node)));
            }
            // Feeds can be opened again from the start; who is lost is lost.
            _ => {}
        }
    }

    /// Looks for all signs beside the plan's course; tells of `phase` once they are as they should.
    fn probe<F>(
        &mut self,
        fault: &Fault,
        phase: Phase,
        signs: Vec<Sign>,
        is_as_it_should: impl Fn(Sign) -> F + Send + 'static,
    ) where
        F: Future<Output = bool> + Send + 'static,
    {
        let (plan, fault, recorder) = (self.plan.clone(), fault.clone(), self.recorder.clone());
        let (number, earlier) = (fault.number, self.probes.remove(&fault.number));
        let probe = tokio::spawn(async move {
            if let Some(earlier) = earlier {
                earlier.await.expect("a probe does not panic");
            }
            let mut all = true;
            for sign in signs {
                all &= is_as_it_should(sign).await;
            }
            if all {
                recorder.tell_fault(&plan, &fault, phase);
            } else {
                let kind = fault.kind;
                recorder.fall_short(format!("fault {number} ({kind:?}) could not be {phase}"));
            }
        });
        self.probes.insert(number, probe);
    }
}

/// By what a fault is known.
enum Sign {
    /// A node's port is open.
    Listens(SocketAddr),
    /// A node answers requests.
    Answers(SocketAddr),
    /// The store can be reached.
    Reaches(Arc<dyn Store>),
    /// A feed goes on.
    Follows(Result<FeedStream, StoreError>),
}

impl Sign {
    /// Whether it is missing, for as long as that.
    async fn has_died(self, silence: Duration) -> bool {
        match self {
            Self::Listens(address) => TcpStream::connect(address).await.is_err(),
            Self::Answers(address) => ask(address, silence).await.is_err(),
            Self::Reaches(store) => timeout(silence, question(&*store)).await.is_err(),
            Self::Follows(Ok(mut feed)) => {
                let end = async { while feed.next().await.is_some() {} };
                timeout(PROBE_FOR, end).await.is_ok()
            }
            // Another fault was quicker; this one met no open feed.
            Self::Follows(Err(_)) => true,
        }
    }

    /// Whether it is there again within [`PROBE_FOR`].
    async fn lives_again(self) -> bool {
        let alive = async {
            loop {
                let is_alive = match &self {
                    Self::Listens(address) | Self::Answers(address) => {
                        ask(*address, PROBE_FOR).await.is_ok()
                    }
                    Self::Reaches(store) => question(&**store).await.is_ok(),
                    Self::Follows(_) => true,
                };
                if is_alive {
                    break;
                }
                sleep(PROBE_EVERY).await;
            }
        };
        timeout(PROBE_FOR, alive).await.is_ok()
    }
}

/// Asks a node who it is.
async fn ask(address: SocketAddr, patience: Duration) -> Result<(), NoAnswer> {
    let client = Client::new(&[address]);
    client.call(0, Call::Get("/".to_owned()), patience, || ()).await.map(drop)
}

/// Asks the store for nothing.
async fn question(store: &dyn Store) -> Result<(), StoreError> {
    store.query(Query::KnownBlocks { ids: Vec::new() }).await.map(drop)
}
