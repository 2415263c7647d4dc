//! Requests to several nodes: the next one is asked if one does not answer.
//!
//! What can be done twice is repeated: reading, and posting a transaction that has its id already (a
//! node that knows it says 201 again). A CREATE is made anew by each node that gets it, so it goes to
//! the next one only if the node before was not reached.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_load::client::{Answer, Call, Client as Http, NoAnswer};
use hyper::body::Bytes;

use super::ClientError;
use super::error::words;

/// Where a node's API is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// As it was given.
    url: String,
    /// Host and port.
    host: String,
    /// Everything behind that, without a slash at the end.
    path: String,
}

impl Endpoint {
    /// Reads `http://host:port/path`.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`].
    pub fn parse(url: &str) -> Result<Self, ClientError> {
        let wrong = |reason: &str| ClientError::Endpoint {
            endpoint: url.to_owned(),
            reason: reason.to_owned(),
        };
        let rest = url.strip_prefix("http://").ok_or_else(|| wrong("it is no `http://` URL"))?;
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let path = path.trim_end_matches('/');
        if host.is_empty() || path.contains(['?', '#', ' ']) {
            return Err(wrong("it has no host, or more than a path behind it"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = if has_port { host.to_owned() } else { format!("{host}:80") };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { url: url.to_owned(), host, path })
    }
}

/// How long and how often nodes are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retries {
    /// Requests for one thing, at all nodes together.
    pub attempts: usize,
    /// How long a node may take for an answer.
    pub timeout: Duration,
    /// The pause before each node is asked a second time; it doubles from round to round.
    pub pause: Duration,
}

impl Default for Retries {
    /// With one node that is down, sixteen seconds in all: longer than it needs to start again.
    fn default() -> Self {
        Self { attempts: 8, timeout: Duration::from_secs(10), pause: Duration::from_millis(200) }
    }
}

/// The longest pause between two rounds.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// When a request may be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Repeat {
    /// Whatever became of it.
    Always,
    /// If the node has not seen it.
    IfUnseen,
}

#[derive(Clone, Debug)]
pub(super) struct Transport {
    pub(super) retries: Retries,
    http: Http,
    endpoints: Arc<[Endpoint]>,
    /// The node that answered last: it is asked first.
    first: Arc<AtomicUsize>,
}

impl Transport {
    pub(super) async fn to(endpoints: Vec<Endpoint>) -> Result<Self, ClientError> {
        let mut addresses: Vec<SocketAddr> = Vec::with_capacity(endpoints.len());
        for endpoint in &endpoints {
            let wrong =
                |reason: String| ClientError::Endpoint { endpoint: endpoint.url.clone(), reason };
            let address = crate::address::of(&endpoint.host).await;
            addresses.push(address.map_err(|error| wrong(error.to_string()))?);
        }
        if addresses.is_empty() {
            let reason = "no endpoint was given".to_owned();
            return Err(ClientError::Endpoint { endpoint: String::new(), reason });
        }
        let http = Http::new(&addresses);
        let (retries, first) = (Retries::default(), Arc::default());
        Ok(Self { retries, http, endpoints: endpoints.into(), first })
    }

    /// Posts a transaction; the document that the node answers with.
    pub(super) async fn post(&self, text: String, repeat: Repeat) -> Result<Json, ClientError> {
        let body = Bytes::from(text);
        let call = |endpoint: &Endpoint| {
            Call::PostTo(format!("{}/transactions/", endpoint.path), body.clone())
        };
        let (node, answer) = self.ask(call, repeat).await?;
        match answer.status {
            200 | 201 => document(&answer),
            _ => Err(self.refused(node, &answer)),
        }
    }

    /// Reads; none if it is not there.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Json>, ClientError> {
        let call = |endpoint: &Endpoint| Call::Get(format!("{}{path}", endpoint.path));
        let (node, answer) = self.ask(call, Repeat::Always).await?;
        match answer.status {
            200 => document(&answer).map(Some),
            404 => Ok(None),
            _ => Err(self.refused(node, &answer)),
        }
    }

    /// Asks one node after the other until one answers.
    async fn ask(
        &self,
        call: impl Fn(&Endpoint) -> Call,
        repeat: Repeat,
    ) -> Result<(usize, Answer), ClientError> {
        let nodes = self.endpoints.len();
        let first = self.first.load(Ordering::Relaxed);
        let attempts = self.retries.attempts.max(1);
        let mut pause = self.retries.pause;
        let (mut node, mut reason) = (first, String::new());
        for attempt in 0..attempts {
            if attempt > 0 && attempt % nodes == 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            node = (first + attempt) % nodes;
            let endpoint = &self.endpoints[node];
            let answer = self.http.call(node, call(endpoint), self.retries.timeout, || ()).await;
            let seen = match answer {
                Ok(answer) if answer.status < 500 => {
                    self.first.store(node, Ordering::Relaxed);
                    return Ok((node, answer));
                }
                Ok(answer) => {
                    reason = format!("{}: {}", answer.status, said(&answer));
                    true
                }
                Err(failure) => {
                    reason = words(&failure);
                    !matches!(failure, NoAnswer::Unreachable(_))
                }
            };
            if seen && repeat == Repeat::IfUnseen {
                return Err(ClientError::Unsure { node: endpoint.url.clone(), reason });
            }
        }
        let node = self.endpoints[node].url.clone();
        Err(ClientError::NoAnswer { attempts, node, reason })
    }

    fn refused(&self, node: usize, answer: &Answer) -> ClientError {
        let (node, status) = (self.endpoints[node].url.clone(), answer.status);
        ClientError::Refused { node, status, reason: said(answer) }
    }
}

fn document(answer: &Answer) -> Result<Json, ClientError> {
    Json::parse(&answer.body).map_err(|error| ClientError::Odd(error.to_string()))
}

/// The reason that a node gives; if it is no such answer, the answer.
fn said(answer: &Answer) -> String {
    let message = Json::parse(&answer.body).ok();
    let message = message.as_ref().and_then(|body| body.get("message")?.as_str());
    match message {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned(),
    }
}
