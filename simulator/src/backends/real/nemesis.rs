//! Who harms and mends: carries out a plan's faults at their moments, and proves that they were real.
//!
//! A fault that no probe can see did not happen: then the run proves nothing about it, and that is
//! a shortfall of the harness. Probes run beside the plan's course and do not hold it up. Some faults wait
//! for an occasion: they count as applied once they have shown, and may never show. Here: when
//! something begins and ends, and for how long a probe looks. What is done, and by which [`Sign`] it is
//! known, is up to the world's [`Hands`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_load::client::{Call, Client, NoAnswer};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Recorder;
use crate::faults::Whom;
use crate::observe::Phase;
use crate::plan::{Fault, FaultKind, How, Plan};

/// A probe of something that should not answer waits this long for it: many times what an answer
/// takes when all is well.
const SILENCE: Duration = Duration::from_millis(150);

/// A probe of something that should answer again asks this often,
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// and for so long at most.
pub(in super::super) const PROBE_FOR: Duration = Duration::from_secs(10);

/// What a world does to its members. Both calls say by which signs a probe knows that it is so.
pub(in super::super) trait Hands {
    /// By what a fault is known.
    type Sign: Sign;

    /// A fault meets a member: the node or server of this index, or 0 if it meets the store.
    fn harm(
        &mut self,
        fault: &Fault,
        member: usize,
    ) -> impl Future<Output = Vec<Self::Sign>> + Send;

    /// The last fault of this sort that held the member is over.
    fn mend(
        &mut self,
        fault: &Fault,
        member: usize,
    ) -> impl Future<Output = Vec<Self::Sign>> + Send;
}

/// By what a fault is known.
pub(in super::super) trait Sign: Send + 'static {
    /// Whether it is missing, for as long as that.
    fn has_died(self, silence: Duration) -> impl Future<Output = bool> + Send;

    /// Whether the fault waits for an occasion, though its kind does not always.
    fn waits(&self) -> bool {
        false
    }

    /// Waits until it shows that a fault has found its occasion: only of faults that wait for one.
    fn shows(self) -> impl Future<Output = ()> + Send;

    /// Whether it is there again within [`PROBE_FOR`].
    fn lives_again(self) -> impl Future<Output = bool> + Send;

    /// Whether the fault did not come about, as in sim: what it wanted was refused at that time.
    fn is_refused(&self) -> bool {
        false
    }
}

/// Carries out the faults of a plan.
pub(in super::super) struct Nemesis<H: Hands> {
    plan: Arc<Plan>,
    hands: H,
    recorder: Recorder,
    /// What holds members at the moment, once for each fault; a member is mended when the last of its
    /// kind ends.
    held: Vec<Hold>,
    /// Faults that did not come about.
    refused: BTreeSet<u32>,
    /// The probes of each fault that are under way; the later one waits for the earlier.
    probes: BTreeMap<u32, JoinHandle<()>>,
    /// Those that wait until a fault finds its occasion.
    waits: BTreeMap<u32, JoinHandle<()>>,
}

/// What holds a member: a sort of fault. Partitions of the store stand each for itself, as they meet
/// more than one.
#[derive(PartialEq, Eq)]
struct Hold {
    kind: FaultKind,
    how: How,
    member: usize,
    partition: Option<u32>,
}

impl Hold {
    fn of(fault: &Fault, member: usize) -> Self {
        let partition = (fault.kind == FaultKind::StorePartition).then_some(fault.number);
        Self { kind: fault.kind, how: fault.how, member, partition }
    }
}

/// A fault begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Harm,
    Mend,
}

impl<H: Hands> Nemesis<H> {
    pub(in super::super) fn new(plan: Arc<Plan>, hands: H, recorder: Recorder) -> Self {
        let (held, refused) = (Vec::new(), BTreeSet::new());
        let (probes, waits) = (BTreeMap::new(), BTreeMap::new());
        Self { plan, hands, recorder, held, refused, probes, waits }
    }

    /// Carries out all faults; the run's clock stands at 0 at `began`. Gives the hands back.
    pub(in super::super) async fn run(mut self, began: Instant) -> H {
        let plan = self.plan.clone();
        let turns = plan.faults.iter().enumerate().flat_map(|(index, fault)| {
            [(fault.at_us, index, Turn::Harm), (fault.mended_us(), index, Turn::Mend)]
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
        self.hands
    }

    async fn harm(&mut self, fault: &Fault) {
        self.recorder.tell_fault(&self.plan, fault, Phase::Planned);
        let mut signs = Vec::new();
        for member in members(fault) {
            let hold = Hold::of(fault, member);
            if !self.held.contains(&hold) {
                signs.extend(self.hands.harm(fault, member).await);
            }
            self.held.push(hold);
        }
        if signs.iter().any(Sign::is_refused) {
            self.refused.insert(fault.number);
            return;
        }
        if fault.kind.nature().waits_for_occasion() || signs.iter().any(Sign::waits) {
            return self.wait(fault, signs);
        }
        self.recorder.tell_fault(&self.plan, fault, Phase::Applied);
        let lasts = Duration::from_micros(fault.until_us - fault.at_us);
        let silence = SILENCE.min(lasts / 2);
        self.probe(fault, Phase::Verified, signs, Some(silence));
    }

    /// Waits beside the plan's course until the fault shows at one of those that it met.
    fn wait(&mut self, fault: &Fault, signs: Vec<H::Sign>) {
        let (plan, fault, recorder) = (self.plan.clone(), fault.clone(), self.recorder.clone());
        let number = fault.number;
        let mut shows: JoinSet<()> = signs.into_iter().map(Sign::shows).collect();
        let wait = tokio::spawn(async move {
            if shows.join_next().await.is_some() {
                recorder.tell_fault(&plan, &fault, Phase::Applied);
                recorder.tell_fault(&plan, &fault, Phase::Verified);
            }
        });
        self.waits.insert(number, wait);
    }

    async fn mend(&mut self, fault: &Fault) {
        let mut signs = Vec::new();
        for member in members(fault) {
            let hold = Hold::of(fault, member);
            if let Some(place) = self.held.iter().position(|held| *held == hold) {
                self.held.swap_remove(place);
            }
            if !self.held.contains(&hold) {
                signs.extend(self.hands.mend(fault, member).await);
            }
        }
        if let Some(wait) = self.waits.remove(&fault.number) {
            // What has not shown by now never does.
            wait.abort();
            let _ = wait.await;
        }
        if !self.refused.remove(&fault.number) {
            self.probe(fault, Phase::Healed, signs, None);
        }
    }

    /// Looks for all signs beside the plan's course, that they are missing for so long or else there
    /// again; tells of `phase` once they are as they should.
    fn probe(
        &mut self,
        fault: &Fault,
        phase: Phase,
        signs: Vec<H::Sign>,
        silence: Option<Duration>,
    ) {
        let (plan, fault, recorder) = (self.plan.clone(), fault.clone(), self.recorder.clone());
        let (number, earlier) = (fault.number, self.probes.remove(&fault.number));
        let probe = tokio::spawn(async move {
            if let Some(earlier) = earlier {
                earlier.await.expect("a probe does not panic");
            }
            let mut all = true;
            for sign in signs {
                all &= match silence {
                    Some(silence) => sign.has_died(silence).await,
                    None => sign.lives_again().await,
                };
            }
            if all {
                recorder.tell_fault(&plan, &fault, phase);
            } else {
                let name = fault.kind.nature().name;
                recorder.fall_short(format!("fault {number} ({name}) could not be {phase}"));
            }
        });
        self.probes.insert(number, probe);
    }
}

/// Whom a fault meets, one by one.
fn members(fault: &Fault) -> Vec<usize> {
    match fault.kind.nature().whom {
        Whom::Nodes => fault.nodes.clone(),
        // Who is apart from whom is a matter of all that are met.
        Whom::Servers if fault.kind != FaultKind::StorePartition => fault.servers.clone(),
        Whom::Servers | Whom::Store => vec![0],
    }
}

/// Asks until it is so, for [`PROBE_FOR`] at most; whether it was.
pub(in super::super) async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) -> bool {
    let becomes_so = async {
        while !is_so().await {
            sleep(PROBE_EVERY).await;
        }
    };
    timeout(PROBE_FOR, becomes_so).await.is_ok()
}

/// Asks a node who it is.
pub(in super::super) async fn answers(
    address: SocketAddr,
    patience: Duration,
) -> Result<(), NoAnswer> {
    let client = Client::new(&[address]);
    client.call(0, Call::Get("/".to_owned()), patience, || ()).await.map(drop)
}
