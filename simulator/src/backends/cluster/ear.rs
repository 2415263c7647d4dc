//! What a node says in the journal of its machine, heard while it says it.
//!
//! Nothing is missed: it is told from a place in the journal on, and should the line to the machine be lost, it is told
//! once more and what was heard already is passed over. systemd's own lines tell when a node has ended. Not here: what a
//! node means by its lines (`real::said`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::real::Recorder;
use super::super::real::said::Said;
use super::machine::Machine;
use super::orders;
use crate::observe::Befell;

/// A line that was lost is taken up again after this long.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

/// What a node has said is in the journal, and here, within this time.
const HEARD_WITHIN: Duration = Duration::from_secs(3);

/// Whoever listens to a node, until it is dropped.
pub(super) struct Ear {
    heard: Arc<Heard>,
    deaths: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

/// What is known of a node by what was heard.
#[derive(Default)]
struct Heard {
    /// Whether somebody here sees to it that the node ends, and tells of that.
    is_ours_to_end: AtomicBool,
    /// Whether it has ended by itself, and its machine starts it again.
    fell: AtomicBool,
}

/// What systemd says of a node's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// It runs.
    Began,
    /// It is gone.
    Ended,
}

impl Turn {
    /// What a line of a unit's journal says of it.
    fn read(line: &str) -> Option<Self> {
        if line.starts_with("INFO:bigchaindb:BigchainDB Version ") {
            return Some(Self::Began);
        }
        let rest = line.strip_prefix(orders::UNIT)?.strip_prefix(".service: ")?;
        rest.starts_with("Main process exited").then_some(Self::Ended)
    }
}

impl Ear {
    /// Listens to a node from a place in its machine's journal on.
    pub(super) fn listen(
        machine: Arc<Machine>,
        cursor: &str,
        node: usize,
        recorder: Recorder,
    ) -> Self {
        let heard = Arc::new(Heard::default());
        let (tell, deaths) = watch::channel(0);
        let listener = Listener {
            command: orders::follow(cursor),
            machine,
            node,
            recorder,
            heard: heard.clone(),
            deaths: tell,
            lines: 0,
        };
        Self { heard, deaths, task: tokio::spawn(listener.run()) }
    }

    /// The node is about to be ended from here: that is nothing to be told of.
    pub(super) fn mind(&mut self) {
        self.heard.is_ours_to_end.store(true, Ordering::Release);
        self.deaths.mark_unchanged();
    }

    /// Waits until it was heard that the node has ended, and so all that it had said; for a while at most.
    pub(super) async fn hear_out(&mut self) {
        // One that did not run says nothing.
        let _ = timeout(HEARD_WITHIN, self.deaths.changed()).await;
    }

    /// The node lives again: if it ends now, it does so by itself.
    pub(super) fn mind_no_more(&self) {
        self.heard.is_ours_to_end.store(false, Ordering::Release);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Listener {
    machine: Arc<Machine>,
    command: String,
    node: usize,
    recorder: Recorder,
    heard: Arc<Heard>,
    deaths: watch::Sender<u64>,
    /// How many lines were heard so far.
    lines: usize,
}

impl Listener {
    async fn run(mut self) {
        loop {
            // However it ends, it is taken up again.
            let _ = self.listen().await;
            sleep(LISTEN_AGAIN).await;
        }
    }

    async fn listen(&mut self) -> std::io::Result<()> {
        let mut child = self.machine.follow(&self.command)?;
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
        let (mut line, mut place) = (Vec::new(), 0);
        while said.read_until(b'\n', &mut line).await? > 0 {
            place += 1;
            if place > self.lines {
                self.lines = place;
                self.hear(String::from_utf8_lossy(&line).trim_end());
            }
            line.clear();
        }
        Ok(())
    }

    fn hear(&self, line: &str) {
        match Turn::read(line) {
            Some(Turn::Ended) => {
                if !self.heard.is_ours_to_end.load(Ordering::Acquire) {
                    self.heard.fell.store(true, Ordering::Release);
                    self.recorder.tell_node(self.node, Befell::Killed, "it ended by itself");
                }
                self.deaths.send_modify(|deaths| *deaths += 1);
            }
            Some(Turn::Began) if self.heard.fell.swap(false, Ordering::AcqRel) => {
                self.recorder.tell_node(self.node, Befell::Started, "its machine started it again");
            }
            _ => {
                if let Some(said) = Said::read(line) {
                    said.tell(&self.recorder, self.node);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_says_when_a_node_begins_and_ends() {
        for (line, turn) in [
            ("INFO:bigchaindb:BigchainDB Version 0.6.0", Some(Turn::Began)),
            (
                "bigchaindb.service: Main process exited, code=killed, status=9/KILL",
                Some(Turn::Ended),
            ),
            ("bigchaindb.service: Failed with result 'signal'.", None),
            ("bigchaindb-database.service: Main process exited, code=exited, status=4", None),
            ("WARNING:bigchaindb:bigchaindb.service: Main process exited", None),
            ("", None),
        ] {
            assert_eq!(Turn::read(line), turn, "{line}");
        }
    }
}
