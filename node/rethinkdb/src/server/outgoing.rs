//! What is sent to a client: answers, in the order they are ready.
//!
//! A client that does not read its answers stops its own queries, and nobody else's: no answer is
//! computed for it while too much waits to be sent.

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::options::REQUESTS_MAX;

/// A request's place among those that are answered at a time, given back once the answer is sent.
pub(super) type Slot = OwnedSemaphorePermit;

/// The way to a client. Cloning is cheap; when the last clone is dropped, the writer ends.
#[derive(Clone)]
pub(super) struct Outgoing {
    answers: mpsc::Sender<Answer>,
    unsent: watch::Sender<usize>,
    unsent_max: usize,
}

/// An answer on its way.
struct Answer {
    frame: Vec<u8>,
    /// Given back when the answer is sent.
    _slot: Slot,
}

/// Takes what waits to be sent and sends it.
pub(super) struct Writer {
    answers: mpsc::Receiver<Answer>,
    unsent: watch::Sender<usize>,
}

/// The way to a client, of which at most about so many bytes wait to be sent.
pub(super) fn outgoing(unsent_max: usize) -> (Outgoing, Writer) {
    // Every answer has a slot, so the queue never holds more than there are.
    let (sender, answers) = mpsc::channel(REQUESTS_MAX);
    let unsent = watch::Sender::new(0);
    (Outgoing { answers: sender, unsent: unsent.clone(), unsent_max }, Writer { answers, unsent })
}

impl Outgoing {
    /// Waits until there is room for another answer, or nobody who would send it.
    pub(super) async fn room(&self) {
        let mut unsent = self.unsent.subscribe();
        tokio::select! {
            biased;
            room = unsent.wait_for(|bytes| *bytes < self.unsent_max) => {
                room.expect("this holds a sender");
            }
            () = self.answers.closed() => {}
        }
    }

    /// Queues an answer. Nothing happens if the client is gone.
    pub(super) fn send(&self, frame: Vec<u8>, slot: Slot) {
        let bytes = frame.len();
        self.unsent.send_modify(|unsent| *unsent += bytes);
        if self.answers.try_send(Answer { frame, _slot: slot }).is_err() {
            self.unsent.send_modify(|unsent| *unsent -= bytes);
        }
    }
}

impl Writer {
    /// Sends answers until there is nobody left to give any, then says that there are no more.
    ///
    /// # Errors
    /// If the client is gone.
    pub(super) async fn run(mut self, mut line: impl AsyncWrite + Unpin) -> std::io::Result<()> {
        while let Some(answer) = self.answers.recv().await {
            line.write_all(&answer.frame).await?;
            self.unsent.send_modify(|unsent| *unsent -= answer.frame.len());
            if self.answers.is_empty() {
                line.flush().await?;
            }
        }
        line.shutdown().await
    }
}
