//! How faults reach nodes of this process: they are killed, paused, cut off by a switch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::LocalFederation;
use bigchaindb::store::{FeedStream, Store};
use bigchaindb_core::query::{Feed, Query, StoreError};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::real::{self, PROBE_FOR, Recorder, answers, until};
use crate::observe::Befell;
use crate::plan::{Fault, FaultKind};

/// The federation, in the hands of the nemesis.
pub(super) struct Hands {
    pub(super) federation: LocalFederation,
    pub(super) recorder: Recorder,
}

impl real::Hands for Hands {
    type Sign = Sign;

    async fn harm(&mut self, fault: &Fault, node: usize) -> Vec<Sign> {
        let address = self.federation.addresses()[node];
        match fault.kind {
            FaultKind::Kill | FaultKind::Lose => {
                // That it had panicked before is found out at the end: it does not answer then.
                let _ = self.federation.kill(node).await;
                self.recorder.tell_node(node, Befell::Killed, "");
                vec![Sign::Listens(address)]
            }
            FaultKind::Pause => {
                if let Some(handle) = self.federation.node(node) {
                    handle.pause();
                }
                self.recorder.tell_node(node, Befell::Paused, "");
                vec![Sign::Answers(address)]
            }
            FaultKind::Partition => {
                self.federation.link(node).cut();
                vec![Sign::Reaches(self.federation.store_of(node))]
            }
            FaultKind::FeedAbort => {
                let feed = self.federation.store_of(node).open(Feed::Positions).await;
                self.federation.link(node).break_feeds();
                vec![Sign::Follows(feed)]
            }
            kind => {
                self.recorder.fall_short(format!("this world cannot do the fault {kind:?}"));
                Vec::new()
            }
        }
    }

    async fn mend(&mut self, fault: &Fault, node: usize) -> Vec<Sign> {
        let address = self.federation.addresses()[node];
        match fault.kind {
            FaultKind::Kill => match self.federation.restart(node).await {
                Ok(()) => {
                    self.recorder.tell_node(node, Befell::Started, "");
                    vec![Sign::Answers(address)]
                }
                Err(error) => {
                    self.recorder.fall_short(format!("cannot start a node on {address}: {error}"));
                    Vec::new()
                }
            },
            FaultKind::Pause => {
                if let Some(handle) = self.federation.node(node) {
                    handle.resume();
                }
                self.recorder.tell_node(node, Befell::Resumed, "");
                vec![Sign::Answers(address)]
            }
            FaultKind::Partition => {
                self.federation.link(node).heal();
                vec![Sign::Reaches(self.federation.store_of(node))]
            }
            // Feeds can be opened again from the start; who is lost is lost.
            _ => Vec::new(),
        }
    }
}

/// By what a fault is known.
pub(super) enum Sign {
    /// A node's port is open.
    Listens(SocketAddr),
    /// A node answers requests.
    Answers(SocketAddr),
    /// The store can be reached.
    Reaches(Arc<dyn Store>),
    /// A feed goes on.
    Follows(Result<FeedStream, StoreError>),
}

impl real::Sign for Sign {
    async fn has_died(self, silence: Duration) -> bool {
        match self {
            Self::Listens(address) => TcpStream::connect(address).await.is_err(),
            Self::Answers(address) => answers(address, silence).await.is_err(),
            Self::Reaches(store) => timeout(silence, question(&*store)).await.is_err(),
            Self::Follows(Ok(mut feed)) => {
                let end = async { while feed.next().await.is_some() {} };
                timeout(PROBE_FOR, end).await.is_ok()
            }
            // Another fault was quicker; this one met no open feed.
            Self::Follows(Err(_)) => true,
        }
    }

    /// No fault of this world waits for an occasion.
    async fn shows(self) {}

    async fn lives_again(self) -> bool {
        let is_alive = || async {
            match &self {
                Self::Listens(address) | Self::Answers(address) => {
                    answers(*address, PROBE_FOR).await.is_ok()
                }
                Self::Reaches(store) => question(&**store).await.is_ok(),
                Self::Follows(_) => true,
            }
        };
        until(is_alive).await
    }
}

/// Asks the store for nothing.
async fn question(store: &dyn Store) -> Result<(), StoreError> {
    store.query(Query::KnownBlocks { ids: Vec::new() }).await.map(drop)
}
