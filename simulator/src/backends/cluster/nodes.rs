//! The nodes of a run on machines of their own: what can be done to each, and how it is seen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Json, NodeKey};
use bigchaindb_load::client::{Call, Client};
use tokio::time::{Instant, sleep};

use super::super::real::Recorder;
use super::ear::Ear;
use super::machine::Machine;
use super::orders::{self, Standing};
use crate::observe::Befell;

/// How long a node may take to answer, after its machine was told to start it.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How long an answer may take of a node that is starting.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A node, and the machine on which it runs.
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) machine: Arc<Machine>,
    /// Where its API is.
    pub(super) address: SocketAddr,
    /// From where its store hears it,
    pub(super) heard_from: String,
    /// and where it finds that.
    pub(super) store: String,
    pub(super) ear: Ear,
    pub(super) recorder: Recorder,
}

impl Node {
    /// It is killed, and stays so.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        let ran = standing(&self.machine).await?.process.is_some();
        self.ear.mind();
        self.machine.carry_out(&orders::kill()).await?;
        if ran {
            self.ear.hear_out().await;
            self.recorder.tell_node(self.index, Befell::Killed, "");
        }
        Ok(())
    }

    /// It starts again. It runs from now on; it answers when it can.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        self.machine.carry_out(&orders::start()).await?;
        self.ear.mind_no_more();
        self.recorder.tell_node(self.index, Befell::Started, "");
        Ok(())
    }

    /// It stands still.
    pub(super) async fn pause(&mut self) -> io::Result<()> {
        self.machine.carry_out(&orders::pause()).await?;
        self.recorder.tell_node(self.index, Befell::Paused, "");
        Ok(())
    }

    /// It goes on.
    pub(super) async fn resume(&mut self) -> io::Result<()> {
        self.machine.carry_out(&orders::resume()).await?;
        self.recorder.tell_node(self.index, Befell::Resumed, "");
        Ok(())
    }
}

/// How the node on a machine is.
pub(super) async fn standing(machine: &Machine) -> io::Result<Standing> {
    let said = machine.carry_out(&orders::look()).await?;
    Standing::read(&said).ok_or_else(|| {
        io::Error::other(format!("`systemctl show` on {} says: {said}", machine.host().name))
    })
}

/// Waits until the node at this address answers, and says whether it is who it should be.
///
/// # Errors
/// It does not answer in time, or has another key.
pub(super) async fn ready(address: SocketAddr, key: &NodeKey) -> io::Result<()> {
    let client = Client::new(&[address]);
    let until = Instant::now() + READY_WITHIN;
    loop {
        let answer = client.call(0, Call::Get("/".to_owned()), ANSWER_WITHIN, || ()).await;
        if let Ok(answer) = answer {
            let said = Json::parse(&answer.body).unwrap_or(Json::Null);
            return match said.get("public_key").and_then(Json::as_str) {
                Some(there) if there == key.as_str() => Ok(()),
                there => {
                    let there = there.unwrap_or("none");
                    let what = format!("the node at {address} has the key {there}, and not {key}");
                    Err(io::Error::other(what))
                }
            };
        }
        if Instant::now() > until {
            return Err(io::Error::other(format!("nobody answers at {address}")));
        }
        sleep(ASK_EVERY).await;
    }
}
