//! An HTTP/1.1 client of many connections, kept alive, to several nodes.
//!
//! Not here: the wire (`connection`).

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::connection::{Broken, Connection, request};

/// Requests under way at one node. Further ones wait, and their wait counts: below the number that
/// a node turns away, so that the client does not measure its own crowding.
const UNDER_WAY_MAX: usize = 512;

/// How long a connection may take to open; locally it takes a fraction of a millisecond.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends requests to nodes. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    targets: Arc<[Target]>,
}

#[derive(Debug)]
struct Target {
    address: SocketAddr,
    /// What requests call it.
    host: String,
    places: Semaphore,
    /// Open connections that nobody uses; the one that was used last is used first.
    idle: Mutex<Vec<Connection>>,
}

/// What is asked of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `POST /api/v1/transactions/` with this body.
    Post(Bytes),
    /// `POST` of this body to this path.
    PostTo(String, Bytes),
    /// `GET` of this path.
    Get(String),
}

/// What a node answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The connection could not be opened: the node has not seen the request.
    #[error("no connection: {0}")]
    Unreachable(#[source] io::Error),
    /// The connection broke, or what came was not HTTP: the node may have seen the request.
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    /// Nothing came in time: the node may have seen the request.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
}

impl NoAnswer {
    /// Whether the node may have seen the request.
    pub fn is_ambiguous(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }
}

impl Client {
    /// A client of the nodes at these addresses; calls name them by their place in the list.
    pub fn new(addresses: &[SocketAddr]) -> Self {
        let target = |address: &SocketAddr| Target {
            address: *address,
            host: address.to_string(),
            places: Semaphore::new(UNDER_WAY_MAX),
            idle: Mutex::default(),
        };
        Self { targets: addresses.iter().map(target).collect() }
    }

    /// How many nodes there are.
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Asks a node. `sent` is called as soon as a connection's turn has come.
    ///
    /// # Errors
    /// [`NoAnswer`]; whatever status code a node answers with is an answer.
    ///
    /// # Panics
    /// If there is no such target.
    pub async fn call(
        &self,
        target: usize,
        call: Call,
        patience: Duration,
        sent: impl FnOnce(),
    ) -> Result<Answer, NoAnswer> {
        let exchange = async {
            let target = &self.targets[target];
            let _place = target.places.acquire().await.expect("never closed");
            sent();
            target.exchange(&call).await
        };
        match timeout(patience, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::TimedOut(patience)),
        }
    }
}

impl Target {
    async fn exchange(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let request = request(&self.host, call);
        // One that the node closed in the meantime tells so.
        while let Some(idle) = self.take_idle() {
            if !idle.is_quiet() {
                continue;
            }
            match self.exchange_on(idle, &request).await {
                // Closed in this very moment; what is only read may be asked for again.
                Err(Broken { answered: false, .. }) if matches!(call, Call::Get(_)) => break,
                done => return done.map_err(|broken| NoAnswer::Broken(broken.error)),
            }
        }
        let opened = timeout(CONNECT_TIMEOUT, Connection::open(self.address)).await;
        let late = |_| io::ErrorKind::TimedOut.into();
        let fresh = opened.map_err(late).flatten().map_err(NoAnswer::Unreachable)?;
        let done = self.exchange_on(fresh, &request).await;
        done.map_err(|broken| NoAnswer::Broken(broken.error))
    }

    /// A connection that broke is not used again, nor is one that nobody waited for.
    async fn exchange_on(
        &self,
        mut connection: Connection,
        request: &[u8],
    ) -> Result<Answer, Broken> {
        let (answer, keeps) = connection.exchange(request).await?;
        if keeps {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(answer)
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
