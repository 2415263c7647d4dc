//! How faults reach processes: by signals, by the packet filter, on links, and by what the store lets go
//! wrong.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::control::Wrong;
use bigchaindb::store::rethinkdb::Client;
use bigchaindb_core::model::Json;
use rustix::process::Pid;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::real::{self, PROBE_FOR, Recorder, answers, feeds, until};
use super::cuts::{Cut, Cuts};
use super::deaths::Stage;
use super::grip::{Grip, is_off, is_right};
use super::ground::Ground;
use super::limits::{Hungry, Pace};
use super::links::{self, Links, changes_links};
use super::nodes::Nodes;
use super::processes::state;
use super::store::{self, Store, has_moved, is_harmed, refusals, serves};
use crate::faults::Whom;
use crate::plan::{Fault, FaultKind, How};

/// How often it is looked whether a node that comes back has a wrong clock.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// All threads of a process stop within so many times the silence of a probe.
const STOPS_WITHIN: u32 = 6;

/// A datagram that is not lost arrives within this time; on a busy machine the next one may. Others wait
/// meanwhile to send theirs.
const ARRIVES_WITHIN: Duration = Duration::from_millis(200);

/// The federation, in the hands of the nemesis.
pub(super) struct Hands {
    pub(super) nodes: Nodes,
    pub(super) store: Store,
    pub(super) ground: Arc<Ground>,
    pub(super) cuts: Cuts,
    /// None if the plan has nothing to say about them.
    pub(super) links: Option<Links>,
    pub(super) recorder: Recorder,
}

impl Hands {
    async fn harm_node(&mut self, fault: &Fault, node: usize) -> io::Result<Vec<Sign>> {
        let address = self.nodes.address(node);
        let signs = match fault.kind {
            FaultKind::Kill | FaultKind::Lose => {
                let pid = self.nodes.kill(node).await;
                vec![Sign::Listens(address, pid)]
            }
            FaultKind::Pause => {
                let pid = self.nodes.pause(node).await?;
                vec![Sign::Answers(address, pid)]
            }
            FaultKind::Partition => {
                let cut = self.cut(fault, node)?;
                self.cuts.apply(&cut)?;
                vec![Sign::Passes(vec![cut], self.cuts.clone())]
            }
            FaultKind::Crash => {
                let How::AtPoint { point, nth, restart_after_us } = fault.how else {
                    return Err(io::Error::other("it does not say where"));
                };
                let after = Duration::from_micros(restart_after_us);
                let stage = self.nodes.node(node).doom(point, nth, after).await?;
                vec![Sign::Lives(stage, after)]
            }
            FaultKind::ClockSkew
            | FaultKind::ClockDrift
            | FaultKind::ClockJump
            | FaultKind::ClockStop => {
                let wrong = fault.clock().ok_or_else(|| io::Error::other("it does not say how"))?;
                let grip = self.nodes.grip(node);
                let lives = grip.set_clock(Some(wrong)).await;
                vec![Sign::IsRight(grip.clone(), wrong, lives)]
            }
            FaultKind::FeedAbort => {
                let server = self.store.client_of(node);
                // Whose server is gone has no feeds.
                let jobs = match self.store.is_well(node) {
                    true => feeds::end(&server, address.ip()).await?,
                    false => Vec::new(),
                };
                vec![Sign::Follows(server, jobs)]
            }
            FaultKind::SlowNode => {
                let How::Slow { factor, .. } = fault.how else {
                    return Err(io::Error::other("it does not say how slow"));
                };
                self.nodes.limit(node, |limits| limits.slowness = Some(factor)).await?;
                let pace = self.nodes.pace(node);
                let is_there = pace.is_there().await;
                vec![Sign::Moves(pace, is_there)]
            }
            FaultKind::OutOfMemory => {
                let hungry = self.nodes.starve(node).await?;
                hungry.map(Sign::IsFed).into_iter().collect()
            }
            kind => return Err(io::Error::other(format!("this world cannot do {kind:?}"))),
        };
        Ok(signs)
    }

    async fn mend_node(&mut self, fault: &Fault, node: usize) -> io::Result<Vec<Sign>> {
        let address = self.nodes.address(node);
        match fault.kind {
            FaultKind::Kill => self.nodes.restart(node).await?,
            FaultKind::Pause => self.nodes.resume(node).await?,
            FaultKind::Partition => {
                let cut = self.cut(fault, node)?;
                self.cuts.lift(&cut)?;
                return Ok(vec![Sign::Passes(vec![cut], self.cuts.clone())]);
            }
            FaultKind::Crash => {
                if let Some(stage) = self.nodes.node(node).spare().await
                    && let How::AtPoint { restart_after_us, .. } = fault.how
                {
                    return Ok(vec![Sign::Lives(stage, Duration::from_micros(restart_after_us))]);
                }
            }
            FaultKind::ClockSkew
            | FaultKind::ClockDrift
            | FaultKind::ClockJump
            | FaultKind::ClockStop => {
                let wrong = fault.clock().ok_or_else(|| io::Error::other("it does not say how"))?;
                let grip = self.nodes.grip(node);
                let lives = grip.set_clock(None).await;
                return Ok(vec![Sign::IsRight(grip.clone(), wrong, lives)]);
            }
            FaultKind::SlowNode => {
                self.nodes.limit(node, |limits| limits.slowness = None).await?;
                return Ok(vec![Sign::Moves(self.nodes.pace(node), true)]);
            }
            FaultKind::OutOfMemory => self.nodes.feed(node).await?,
            // Feeds can be opened again from the start; who is lost is lost.
            _ => return Ok(Vec::new()),
        }
        Ok(vec![Sign::Answers(address, None)])
    }

    /// A fault changes what passes on links.
    fn change_links(
        &self,
        fault: &Fault,
        member: usize,
        change: fn(&Links, &Fault, usize, usize) -> Vec<links::harms::Sign>,
    ) -> io::Result<Vec<Sign>> {
        let links = self.links.as_ref().ok_or_else(|| io::Error::other("there are no links"))?;
        let signs = change(links, fault, member, self.store.servers());
        if signs.is_empty() {
            return Err(io::Error::other("no node asks this server"));
        }
        Ok(signs.into_iter().map(Sign::Link).collect())
    }

    fn cut(&self, fault: &Fault, node: usize) -> io::Result<Cut> {
        let cut = Cut::of_node(fault, node, &self.ground, &self.store);
        cut.ok_or_else(|| io::Error::other("nodes have no network namespaces"))
    }

    /// Servers in processes of their own lose each other, or find each other again.
    fn part_servers(&self, fault: &Fault, does_cut: bool) -> io::Result<Vec<Sign>> {
        let cuts = Cut::between_servers(fault, &self.ground, self.store.servers());
        let cuts = cuts.ok_or_else(|| io::Error::other("servers have no network namespaces"))?;
        for cut in &cuts {
            if does_cut { self.cuts.apply(cut)? } else { self.cuts.lift(cut)? }
        }
        Ok(vec![Sign::Passes(cuts, self.cuts.clone())])
    }

    fn is_between_processes(&self, fault: &Fault) -> bool {
        fault.kind == FaultKind::StorePartition && self.store.is_in_processes()
    }

    fn signs(&self, fault: &Fault, done: io::Result<Vec<Sign>>) -> Vec<Sign> {
        done.unwrap_or_else(|error| {
            let (number, name) = (fault.number, fault.kind.nature().name);
            self.recorder.fall_short(format!("fault {number} ({name}) could not be done: {error}"));
            vec![Sign::Never]
        })
    }
}

impl real::Hands for Hands {
    type Sign = Sign;

    async fn harm(&mut self, fault: &Fault, member: usize) -> Vec<Sign> {
        let done = match fault.kind.nature().whom {
            _ if changes_links(fault.kind) => self.change_links(fault, member, Links::harm),
            Whom::Nodes => self.harm_node(fault, member).await,
            Whom::Servers if self.is_between_processes(fault) => self.part_servers(fault, true),
            Whom::Servers | Whom::Store => of_store(self.store.harm(fault, member).await),
        };
        self.signs(fault, done)
    }

    async fn mend(&mut self, fault: &Fault, member: usize) -> Vec<Sign> {
        let done = match fault.kind.nature().whom {
            _ if changes_links(fault.kind) => self.change_links(fault, member, Links::mend),
            Whom::Nodes => self.mend_node(fault, member).await,
            Whom::Servers if self.is_between_processes(fault) => self.part_servers(fault, false),
            Whom::Servers if self.cuts.are_any() && self.store.is_in_processes() => {
                // A server that joins others serves nobody before it sees one of them.
                let mended = self.store.mend(fault, member).await;
                let runs = self.store.pid(member).map(store::Sign::Moves);
                mended.map(|_| runs.map(Sign::Store).into_iter().collect())
            }
            Whom::Servers | Whom::Store => of_store(self.store.mend(fault, member).await),
        };
        self.signs(fault, done)
    }
}

fn of_store(done: io::Result<Vec<store::Sign>>) -> io::Result<Vec<Sign>> {
    Ok(done?.into_iter().map(Sign::Store).collect())
}

/// By what a fault is known.
pub(super) enum Sign {
    /// A node's port is open, and its process is there.
    Listens(SocketAddr, Option<Pid>),
    /// A node answers requests, and its process does not stand still.
    Answers(SocketAddr, Option<Pid>),
    /// What a member and others send each other arrives, but for what other faults cut.
    Passes(Vec<Cut>, Cuts),
    /// These feeds go on: the store's jobs are there.
    Follows(Client, Vec<Json>),
    /// A node that is to die lives, or does again so long after it died.
    Lives(watch::Receiver<Stage>, Duration),
    /// A node's clock is right, and not wrong that way; whether it was there to be told.
    IsRight(Grip, Wrong, bool),
    /// A node is not held up when it has something to do; whether it was there to be slowed.
    Moves(Pace, bool),
    /// A node has the memory that it wants.
    IsFed(Hungry),
    /// What passes on a link passes as it should.
    Link(links::harms::Sign),
    /// What was not done is not seen.
    Never,
    /// How a server of the store fares.
    Store(store::Sign),
}

impl real::Sign for Sign {
    async fn has_died(self, silence: Duration) -> bool {
        match self {
            Self::Listens(address, pid) => {
                pid.and_then(state).is_none() && TcpStream::connect(address).await.is_err()
            }
            Self::Answers(address, pid) => {
                // One that has not stopped yet may still answer.
                comes_to_rest(pid, silence).await && answers(address, silence).await.is_err()
            }
            Self::Passes(these, cuts) => cuts.are_seen(&these, silence).await,
            Self::Follows(server, jobs) => {
                until(|| async { feeds::have_ended(&server, &jobs).await.is_ok_and(|ended| ended) })
                    .await
            }
            Self::Lives(stage, _) => *stage.borrow() != Stage::Awaited,
            Self::IsRight(grip, wrong, _) => until(|| is_off(&grip, wrong)).await,
            Self::Moves(pace, _) => until(|| async { pace.is_held_up().await == Some(true) }).await,
            Self::IsFed(hungry) => {
                until(|| async { state(hungry.pid).is_none() && hungry.has_died().await }).await
            }
            Self::Link(sign) => until(|| sign.is_missing()).await,
            Self::Never => false,
            Self::Store(store::Sign::Moves(pid)) => comes_to_rest(Some(pid), silence).await,
            Self::Store(store::Sign::Serves(server)) => serves(server, silence).await.is_err(),
            Self::Store(store::Sign::Fits(door, id, before)) => {
                refusals(door, &id).await.is_ok_and(|refused| refused > before)
            }
            Self::Store(store::Sign::Harms(door, id)) => {
                is_harmed(door, &id).await.is_ok_and(|harmed| harmed)
            }
            Self::Store(store::Sign::HasRoom(disk)) => disk.is_full(),
            Self::Store(store::Sign::Lies(moved)) => until(|| has_moved(&moved)).await,
            Self::Store(store::Sign::Refused) => false,
        }
    }

    fn waits(&self) -> bool {
        // Nobody lives by a dead node's clock, or at its pace.
        matches!(self, Self::IsRight(_, _, false) | Self::Moves(_, false))
    }

    async fn shows(self) {
        match self {
            Self::Link(sign) => sign.shows().await,
            Self::Store(store::Sign::Fits(door, id, before)) => {
                while !refusals(door, &id).await.is_ok_and(|refused| refused > before) {
                    sleep(LOOK_EVERY).await;
                }
            }
            Self::Moves(pace, _) => {
                while pace.is_held_up().await != Some(true) {
                    sleep(LOOK_EVERY).await;
                }
            }
            Self::Store(store::Sign::HasRoom(disk)) => {
                while !disk.is_full() {
                    sleep(LOOK_EVERY).await;
                }
            }
            Self::IsRight(grip, wrong, _) => {
                while !is_off(&grip, wrong).await {
                    sleep(LOOK_EVERY).await;
                }
            }
            Self::Lives(mut stage, _) => {
                if stage.wait_for(|stage| *stage != Stage::Awaited).await.is_err() {
                    std::future::pending().await
                }
            }
            // What was not done never shows.
            _ => std::future::pending().await,
        }
    }

    async fn lives_again(self) -> bool {
        if matches!(self, Self::Never) {
            return false;
        }
        if let Self::Lives(mut stage, after) = self {
            let back = stage.wait_for(|stage| *stage == Stage::Back);
            return timeout(after + PROBE_FOR, back).await.is_ok_and(|back| back.is_ok());
        }
        let is_alive = || async {
            match &self {
                Self::Listens(address, _) | Self::Answers(address, _) => {
                    answers(*address, PROBE_FOR).await.is_ok()
                }
                Self::Passes(these, cuts) => cuts.are_lifted(these, ARRIVES_WITHIN).await,
                // What was over at once stays as it is.
                Self::Follows(..) | Self::Store(store::Sign::Lies(_) | store::Sign::Refused) => {
                    true
                }
                Self::Link(sign) => sign.is_there().await,
                // One that is not there has the right clock when it comes.
                Self::IsRight(grip, _, lives) => !lives || is_right(grip).await,
                Self::Moves(pace, _) => match pace.is_held_up().await {
                    Some(is_held_up) => !is_held_up,
                    // One that is not there has nothing to be held up at.
                    None => !pace.is_there().await,
                },
                Self::Lives(..) | Self::IsFed(_) => true,
                Self::Never => false,
                Self::Store(store::Sign::Moves(pid)) => !stands_still(*pid),
                Self::Store(store::Sign::Serves(server)) => {
                    serves(*server, PROBE_FOR).await.is_ok()
                }
                Self::Store(store::Sign::Fits(..)) => true,
                Self::Store(store::Sign::HasRoom(disk)) => !disk.is_full(),
                Self::Store(store::Sign::Harms(door, id)) => {
                    is_harmed(*door, id).await.is_ok_and(|harmed| !harmed)
                }
            }
        };
        until(is_alive).await
    }

    fn is_refused(&self) -> bool {
        match self {
            // There was nothing to be ended.
            Self::Follows(_, jobs) => jobs.is_empty(),
            Self::Store(store::Sign::Refused) => true,
            _ => false,
        }
    }
}

/// Whether a process is gone or stands still: each of its threads stops by itself, on a busy machine not
/// at once.
async fn comes_to_rest(pid: Option<Pid>, silence: Duration) -> bool {
    let rests = |pid| state(pid).is_none() || stands_still(pid);
    let rest = until(|| async { pid.is_none_or(rests) });
    timeout(STOPS_WITHIN * silence, rest).await.is_ok_and(|rests| rests)
}

/// Whether signals have stopped a process.
fn stands_still(pid: Pid) -> bool {
    state(pid) == Some('T')
}
