//! How much of the machine a member may use, and what shows that it wanted more.
//!
//! Here: the limits, who counts ([`Meter`]), and nodes that are slowed by them or killed. Not here: who holds
//! processes to them: control groups (`processes::cgroups`), or the engine that keeps containers
//! (`docker::container`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::control::Order;
use rustix::process::Pid;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::super::real::answers;
use super::docker;
use super::nodes::Nodes;
use super::processes::cgroups::Group;
use super::program::Running;

/// How often a share of a processor is given out where there is no limit, in microseconds: Linux' own.
pub(super) const PERIOD_US: u32 = 100_000;

/// A member that is slowed gets this much of a processor at a time, in microseconds: the least that Linux
/// gives. Work that takes less is done at once.
pub(super) const SHARE_US: u32 = 1_000;

/// It waits no longer than a second for the next one: so many times as slow it may be made.
pub(super) const SLOWNESS_MAX: u32 = 1_000;

/// A node that is to run out of memory may have this much more than it has, in bytes;
const ROOM: u64 = 16 << 20;

/// and wants so much more.
const GROWS_BY: usize = 64 << 20;

/// So many requests at once take a node longer than its share of a processor lasts, if it is slowed.
const BURST: usize = 16;

/// One that is slowed may take this long for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a member may use; by default all that there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Limits {
    /// It has one processor, for one of so many moments.
    pub(super) slowness: Option<u32>,
    /// The system kills it when it wants more memory than this, in bytes.
    pub(super) memory: Option<u64>,
}

impl Limits {
    /// How long a share of a processor has to last, in microseconds; none if there is no end to it.
    pub(super) fn period_us(self) -> Option<u32> {
        self.slowness.map(|slowness| slowness.clamp(1, SLOWNESS_MAX) * SHARE_US)
    }
}

/// Who counts how often a program ran into its limits.
#[derive(Clone)]
pub(super) enum Meter {
    Group(Group),
    Container(docker::Meter),
}

impl Meter {
    fn group(&self) -> &Group {
        match self {
            Self::Group(group) => group,
            Self::Container(container) => container.group(),
        }
    }

    /// How often the system has killed it because it wanted more memory.
    ///
    /// # Errors
    /// If nobody says.
    async fn outgrown(&self) -> io::Result<u64> {
        match self {
            Self::Group(group) => group.outgrown(),
            Self::Container(container) => container.outgrown().await,
        }
    }
}

impl Nodes {
    /// Changes what a node may use of the machine, in this life and those that follow.
    ///
    /// # Errors
    /// If nobody can hold it to that.
    pub(super) async fn limit(
        &mut self,
        node: usize,
        change: impl Fn(&mut Limits),
    ) -> io::Result<()> {
        let node = self.node(node);
        let limits = {
            let mut limits = node.limits.lock().expect("nobody panics here");
            change(&mut limits);
            *limits
        };
        match node.running.lock().await.as_ref() {
            Some(running) => running.limit(limits).await,
            None => Ok(()),
        }
    }

    /// Has a node want more memory than it may have; the process that does, if there is one.
    ///
    /// # Errors
    /// If nobody can hold it to that, or it does not want any.
    pub(super) async fn starve(&mut self, node: usize) -> io::Result<Option<Hungry>> {
        let (meter, pid) = match self.node(node).running.lock().await.as_ref() {
            None => return Ok(None),
            Some(running) => (running.meter()?, running.pid()),
        };
        let Some(pid) = pid else { return Ok(None) };
        // In a group it has nothing yet of what it had taken before.
        self.limit(node, |limits| limits.memory = None).await?;
        let (used, before) = (meter.group().memory()?, meter.outgrown().await?);
        self.limit(node, |limits| limits.memory = Some(used + ROOM)).await?;
        self.grip(node).ask(Order::Grow { bytes: GROWS_BY }).await?;
        Ok(Some(Hungry { pid, meter, before }))
    }

    /// A node may have all memory again. If it is gone it starts again.
    ///
    /// # Errors
    /// If it does not.
    pub(super) async fn feed(&mut self, node: usize) -> io::Result<()> {
        self.limit(node, |limits| limits.memory = None).await?;
        let gone = {
            let mut running = self.node(node).running.lock().await;
            let is_gone = running.as_mut().is_none_or(|process| process.ended().is_some());
            if !is_gone {
                return Ok(());
            }
            running.take()
        };
        if let Some(gone) = gone {
            let used = gone.kill().await;
            self.node(node).used.add(used);
        }
        self.restart(node).await
    }

    /// How fast a node works.
    pub(super) fn pace(&mut self, node: usize) -> Pace {
        let node = self.node(node);
        Pace { address: node.address, running: node.running.clone() }
    }
}

/// A process that wants more memory than it may have.
pub(super) struct Hungry {
    /// Its number.
    pub(super) pid: Pid,
    meter: Meter,
    /// How many such deaths there were before.
    before: u64,
}

impl Hungry {
    /// Whether the system has killed it for that.
    pub(super) async fn has_died(&self) -> bool {
        self.meter.outgrown().await.is_ok_and(|deaths| deaths > self.before)
    }
}

/// How fast a node works, in all its lives.
#[derive(Clone)]
pub(super) struct Pace {
    address: SocketAddr,
    running: Arc<Mutex<Option<Running>>>,
}

impl Pace {
    /// Whether it lives.
    pub(super) async fn is_there(&self) -> bool {
        self.running.lock().await.is_some()
    }

    /// Whether it is held up when there is something to do: it is given something. None if it is not there,
    /// or nobody says.
    pub(super) async fn is_held_up(&self) -> Option<bool> {
        let meter = self.running.lock().await.as_ref()?.meter().ok()?;
        let before = meter.group().throttled().ok()?;
        let address = self.address;
        let mut burst: JoinSet<_> = (0..BURST).map(|_| answers(address, PATIENCE)).collect();
        while burst.join_next().await.is_some() {}
        Some(meter.group().throttled().ok()? > before)
    }
}
