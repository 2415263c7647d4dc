//! Nodes that are told to die at a point of their work, and start again after a while.
//!
//! One that comes to the point says so with its last words, and is gone: both are needed before it counts.
//! One that does not come there in time is told to live on. Not here: what a node does to die
//! (`bigchaindb::control`).

use std::io;
use std::time::Duration;

use bigchaindb::control::Order;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::nodes::Node;
use crate::plan::Point;

/// How often it is looked whether a node is gone.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A node that does not die after all is alive this long after it was told so: one that was just about to
/// has died by then.
const SPARED: Duration = Duration::from_millis(60);

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// It lives.
    Awaited,
    /// It is gone.
    Dead,
    /// It has come back.
    Back,
}

/// Somebody who waits for a node to die, and starts it again.
pub(super) struct Dying {
    stage: watch::Receiver<Stage>,
    task: JoinHandle<()>,
}

impl Drop for Dying {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    /// It is to die there, and to start again so much later.
    ///
    /// # Errors
    /// If it does not take that from us.
    pub(super) async fn doom(
        &mut self,
        at: Point,
        nth: u32,
        restart_after: Duration,
    ) -> io::Result<watch::Receiver<Stage>> {
        self.grip.ask(Order::Die { at, nth }).await?;
        let (tell, stage) = watch::channel(Stage::Awaited);
        let node = self.copy();
        let task = tokio::spawn(async move {
            if node.dies(at).await {
                tell.send_replace(Stage::Dead);
                sleep(restart_after).await;
                while node.live_again().await.is_err() {
                    sleep(LOOK_EVERY).await;
                }
                node.rise().await;
                tell.send_replace(Stage::Back);
            }
        });
        self.dying = Some(Dying { stage: stage.clone(), task });
        Ok(stage)
    }

    /// It is to live on. If it has died already: how far it has come.
    pub(super) async fn spare(&mut self) -> Option<watch::Receiver<Stage>> {
        let stage = self.dying.as_ref()?.stage.clone();
        if *stage.borrow() == Stage::Awaited && self.grip.ask(Order::Stay).await.is_ok() {
            sleep(SPARED).await;
            if *stage.borrow() == Stage::Awaited {
                self.dying = None;
                return None;
            }
        }
        Some(stage)
    }

    /// Waits until it is gone; whether that was at this point.
    async fn dies(&self, at: Point) -> bool {
        loop {
            sleep(LOOK_EVERY).await;
            let mut running = self.running.lock().await;
            if running.as_mut().is_some_and(|process| process.ended().is_some()) {
                // With it goes all that it has said, and we have heard it.
                if let Some(process) = running.take() {
                    process.kill().await;
                }
                return *self.last_words.lock().expect("nobody panics here") == Some(at);
            }
        }
    }
}
