//! An HTTP/1.1 client of many connections, kept alive, to several nodes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client as Pool};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

/// Requests under way at one node. Further ones wait, and their wait counts: below the number that
/// a node turns away, so that the client does not measure its own crowding.
const UNDER_WAY_MAX: usize = 512;

/// How long a connection may take to open; locally it takes a fraction of a millisecond.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest answer that is read; a transaction with its assignee is shorter than the largest one
/// a node accepts, give or take its spelling.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Sends requests to nodes. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    targets: Arc<[Target]>,
}

#[derive(Debug)]
struct Target {
    address: SocketAddr,
    places: Semaphore,
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
    Unreachable(#[source] legacy::Error),
    /// The connection broke, or what came was not HTTP: the node may have seen the request.
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
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
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(UNDER_WAY_MAX)
            .build(connector);
        let target = |address: &SocketAddr| Target {
            address: *address,
            places: Semaphore::new(UNDER_WAY_MAX),
        };
        Self { pool, targets: addresses.iter().map(target).collect() }
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
        timeout: Duration,
        sent: impl FnOnce(),
    ) -> Result<Answer, NoAnswer> {
        let exchange = async {
            let target = &self.targets[target];
            let _place = target.places.acquire().await.expect("never closed");
            sent();
            let response = self.pool.request(request(target.address, call)).await;
            let response = response.map_err(|error| {
                if error.is_connect() {
                    NoAnswer::Unreachable(error)
                } else {
                    NoAnswer::Broken(Box::new(error))
                }
            })?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(NoAnswer::Broken)?.to_bytes();
            Ok(Answer { status, body })
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::TimedOut(timeout)),
        }
    }
}

/// A call as an HTTP request.
fn request(address: SocketAddr, call: Call) -> Request<Full<Bytes>> {
    let (method, path, body) = match call {
        Call::Post(body) => (Method::POST, "/api/v1/transactions/".to_owned(), body),
        Call::PostTo(path, body) => (Method::POST, path, body),
        Call::Get(path) => (Method::GET, path, Bytes::new()),
    };
    let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(path);
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri.build().expect("an address and a path of ours make a URI");
    request
}
