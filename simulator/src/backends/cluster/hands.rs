//! How faults reach nodes on machines of their own: by systemd, by the packet filter there, and by their store.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::store::rethinkdb::Client;
use bigchaindb_core::model::Json;
use tokio::net::TcpStream;

use super::super::real::{self, PROBE_FOR, Recorder, answers, feeds, until};
use super::machine::Machine;
use super::nodes::{Node, standing};
use super::orders::{Cut, Passage, Standing};
use crate::plan::{Fault, FaultKind};

/// A node that is cut off from clients does not answer within this time; others do, far away as they may be.
const SILENCE_LEAST: Duration = Duration::from_millis(800);

/// The federation, in the hands of the nemesis.
pub(super) struct Hands {
    pub(super) nodes: Vec<Node>,
    /// A client of the store.
    pub(super) store: Client,
    /// What cuts nodes off at the moment, with whom.
    pub(super) cuts: Vec<(usize, Cut)>,
    pub(super) recorder: Recorder,
}

impl Hands {
    async fn do_harm(&mut self, fault: &Fault, index: usize) -> io::Result<Vec<Sign>> {
        let node = &mut self.nodes[index];
        let (machine, address) = (node.machine.clone(), node.address);
        Ok(match fault.kind {
            FaultKind::Kill | FaultKind::Lose => {
                node.kill().await?;
                vec![Sign::Runs(machine, address)]
            }
            FaultKind::Pause => {
                node.pause().await?;
                vec![Sign::Moves(machine, address)]
            }
            FaultKind::Partition => {
                let cut = cut(fault)?;
                machine.carry_out(&cut.apply()).await?;
                self.cuts.push((index, cut));
                vec![self.passes(index, cut)]
            }
            FaultKind::FeedAbort => {
                let from: IpAddr = node.heard_from.parse().map_err(io::Error::other)?;
                vec![Sign::Follows(self.store.clone(), feeds::end(&self.store, from).await?)]
            }
            kind => return Err(io::Error::other(format!("this world cannot do {kind:?}"))),
        })
    }

    async fn do_mend(&mut self, fault: &Fault, index: usize) -> io::Result<Vec<Sign>> {
        let node = &mut self.nodes[index];
        let (machine, address) = (node.machine.clone(), node.address);
        Ok(match fault.kind {
            FaultKind::Kill => {
                node.restart().await?;
                vec![Sign::Runs(machine, address)]
            }
            FaultKind::Pause => {
                node.resume().await?;
                vec![Sign::Moves(machine, address)]
            }
            FaultKind::Partition => {
                // Of several that cut alike and overlap, the first has done it for all.
                let (like, mut held) = (cut(fault)?, self.cuts.iter());
                let place = held.position(|(node, cut)| *node == index && cut.is_like(like));
                let place = place.ok_or_else(|| io::Error::other("it was not cut off"))?;
                let (_, cut) = self.cuts.remove(place);
                machine.carry_out(&cut.lift()).await?;
                vec![self.passes(index, cut)]
            }
            // Feeds can be opened again from the start; who is lost is lost.
            _ => Vec::new(),
        })
    }

    fn passes(&self, index: usize, cut: Cut) -> Sign {
        let Node { machine, address, store, .. } = &self.nodes[index];
        let is_cut_otherwise = self.cuts.iter().any(|(node, held)| *node == index && *held != cut);
        Sign::Passes(Way {
            machine: machine.clone(),
            address: *address,
            store: store.clone(),
            cut,
            is_cut_otherwise,
        })
    }

    fn signs(&self, fault: &Fault, done: io::Result<Vec<Sign>>) -> Vec<Sign> {
        done.unwrap_or_else(|error| {
            let (number, name) = (fault.number, fault.kind.nature().name);
            self.recorder.fall_short(format!("fault {number} ({name}) could not be done: {error}"));
            vec![Sign::Never]
        })
    }
}

fn cut(fault: &Fault) -> io::Result<Cut> {
    Cut::of(fault).ok_or_else(|| io::Error::other("it does not say from whom"))
}

impl real::Hands for Hands {
    type Sign = Sign;

    async fn harm(&mut self, fault: &Fault, member: usize) -> Vec<Sign> {
        let done = self.do_harm(fault, member).await;
        self.signs(fault, done)
    }

    async fn mend(&mut self, fault: &Fault, member: usize) -> Vec<Sign> {
        let done = self.do_mend(fault, member).await;
        self.signs(fault, done)
    }
}

/// By what a fault is known.
pub(super) enum Sign {
    /// A node's process is there, and its port is open.
    Runs(Arc<Machine>, SocketAddr),
    /// A node's process does not stand still, and it answers.
    Moves(Arc<Machine>, SocketAddr),
    /// What a node and its store, or clients, send each other arrives.
    Passes(Way),
    /// These feeds go on: the store's jobs are there.
    Follows(Client, Vec<Json>),
    /// What was not done is not seen.
    Never,
}

/// What a partition cuts, seen from the machine whose node it meets, and from here.
pub(super) struct Way {
    machine: Arc<Machine>,
    address: SocketAddr,
    store: String,
    cut: Cut,
    /// Whether other faults cut the same node off.
    is_cut_otherwise: bool,
}

impl Way {
    async fn passage(&self) -> Option<Passage> {
        let said = self.machine.carry_out(&self.cut.probe(&self.store)).await.ok()?;
        Some(Passage::read(&said))
    }

    /// Nothing that should be lost arrives, and some of it was seen to be lost.
    async fn is_closed(&self, silence: Duration) -> bool {
        let silent = !self.cut.is_of_clients() || answers(self.address, silence).await.is_err();
        // Clients have been lost by then, if it is they who are cut off.
        let passage = self.passage().await;
        silent && passage.is_some_and(|passage| !passage.reaches && passage.lost > 0)
    }

    /// The rules are gone, and what they lost arrives, but for what others cut.
    async fn is_open(&self) -> bool {
        let Some(passage) = self.passage().await else { return false };
        let arrives = !self.cut.is_of_store() || passage.reaches;
        let answers =
            async { !self.cut.is_of_clients() || answers(self.address, PROBE_FOR).await.is_ok() };
        !passage.is_cut && (self.is_cut_otherwise || (arrives && answers.await))
    }
}

/// Whether a node's process is as it should not be, if it can be looked at.
async fn is(machine: &Machine, so: fn(Standing) -> bool) -> bool {
    standing(machine).await.is_ok_and(so)
}

impl real::Sign for Sign {
    async fn has_died(self, silence: Duration) -> bool {
        let patience = silence.max(SILENCE_LEAST);
        match self {
            Self::Runs(machine, address) => {
                is(&machine, |node| !node.is_active && node.process.is_none()).await
                    && TcpStream::connect(address).await.is_err()
            }
            Self::Moves(machine, address) => {
                // All threads of a process stop, on a busy machine not at once.
                until(|| is(&machine, |node| node.process == Some('T'))).await
                    && answers(address, patience).await.is_err()
            }
            Self::Passes(way) => way.is_closed(patience).await,
            Self::Follows(store, jobs) => {
                until(|| async { feeds::have_ended(&store, &jobs).await.is_ok_and(|ended| ended) })
                    .await
            }
            Self::Never => false,
        }
    }

    /// No fault of this world waits for an occasion.
    async fn shows(self) {}

    async fn lives_again(self) -> bool {
        let is_alive = || async {
            match &self {
                Self::Runs(_, address) | Self::Moves(_, address) => {
                    answers(*address, PROBE_FOR).await.is_ok()
                }
                Self::Passes(way) => way.is_open().await,
                // What was over at once stays as it is.
                Self::Follows(..) => true,
                Self::Never => false,
            }
        };
        until(is_alive).await
    }

    fn is_refused(&self) -> bool {
        // There was nothing to be ended.
        matches!(self, Self::Follows(_, jobs) if jobs.is_empty())
    }
}
