//! The bounded queue of what a node still has to look at, and the gate that a pause closes.
//!
//! Whoever brings an answer or a change waits when the queue is full; a client is turned away.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::stages::{Call, Event, Levels, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// Events that may wait for a node. Enough for a burst; few enough that a request which gets in is
/// looked at within a fraction of a second.
const INBOX_MAX: usize = 4096;

/// What waits for a node.
#[derive(Debug)]
pub(crate) enum Input {
    /// An event, as it is.
    Event(Event),
    /// A client's request, not numbered yet.
    Request(Request),
    /// Somebody wants to know how full the node is.
    Look(oneshot::Sender<Levels>),
}

/// A client's request and where its answer goes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) call: Call,
    pub(crate) waiting: Waiting,
}

/// A client that waits. It counts as under way until it is answered, even if it went away.
#[derive(Debug)]
pub(crate) struct Waiting {
    reply: oneshot::Sender<Response>,
    _under_way: OwnedSemaphorePermit,
}

impl Waiting {
    /// Answers; it does not matter whether anyone still listens.
    pub(crate) fn answer(self, response: Response) {
        let _ = self.reply.send(response);
    }
}

/// The way into a node. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Inbox {
    inputs: mpsc::Sender<Input>,
    requests: Arc<Semaphore>,
    /// How long a request waits for a place.
    line_wait: Duration,
    paused: watch::Receiver<bool>,
}

/// Why a request did not get in or was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Busy {
    /// Too much is under way already.
    #[error("too many requests are under way")]
    Full,
    /// The node stopped before it answered.
    #[error("the node is stopping")]
    Stopping,
}

impl Inbox {
    /// An inbox for so many requests at once (others wait for at most `line_wait`), and the end where the node takes out what comes in.
    /// Answers are held back while `paused` is true.
    pub(crate) fn new(
        requests: usize,
        line_wait: Duration,
        paused: watch::Receiver<bool>,
    ) -> (Self, mpsc::Receiver<Input>) {
        let (inputs, outputs) = mpsc::channel(INBOX_MAX);
        let requests = Arc::new(Semaphore::new(requests));
        (Self { inputs, requests, line_wait, paused }, outputs)
    }

    /// Asks the node for a client.
    ///
    /// # Errors
    /// [`Busy`], if too much is under way for longer than a request waits for a place.
    pub async fn ask(&self, call: Call) -> Result<Response, Busy> {
        let under_way = self.place().await.ok_or(Busy::Full)?;
        let (reply, answer) = oneshot::channel();
        let request = Request { call, waiting: Waiting { reply, _under_way: under_way } };
        self.inputs.try_send(Input::Request(request)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Busy::Full,
            mpsc::error::TrySendError::Closed(_) => Busy::Stopping,
        })?;
        answer.await.map_err(|_| Busy::Stopping)
    }

    /// One of the places for requests. Whoever waits for one holds a connection, so there is an end
    /// of the line.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let requests = self.requests.clone();
        if self.line_wait.is_zero() {
            return requests.try_acquire_owned().ok();
        }
        tokio::time::timeout(self.line_wait, requests.acquire_owned()).await.ok()?.ok()
    }

    /// How full the node is; none if it is gone.
    pub async fn levels(&self) -> Option<Levels> {
        let (tell, told) = oneshot::channel();
        self.inputs.send(Input::Look(tell)).await.ok()?;
        told.await.ok()
    }

    /// Brings an event, waiting for room. Of a node that is gone, nothing is said.
    pub(crate) async fn bring(&self, event: Event) {
        let _ = self.inputs.send(Input::Event(event)).await;
    }

    /// Waits until the node is not paused.
    pub(crate) async fn gate(&self) {
        // An error means that the node is gone: then its gate stays open, for whoever clears up.
        let _ = self.paused.clone().wait_for(|paused| !paused).await;
    }
}
