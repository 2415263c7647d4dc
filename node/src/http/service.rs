//! How a node serves its clients: every bound and wait of the HTTP API, with its reason.

use std::time::Duration;

/// How a node serves its clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// How clients reach the API, as `GET /` says it; unless given, what the node listens on.
    pub api_endpoint: Option<String>,
    /// The largest body that is read. A thousand outputs fit; a block of a thousand such does not
    /// fit the store, but nor does any client need it.
    pub body_bytes: usize,
    /// All bodies together that are held at once. A document takes about sixteen times the memory
    /// of its text at worst, so they stay within a gigabyte.
    pub bodies_bytes: usize,
    /// The longest request line, as Gunicorn's `limit_request_line`.
    pub line_bytes: usize,
    /// The most header fields of a request, as Gunicorn's `limit_request_fields`.
    pub fields: usize,
    /// Connections that are kept open; further ones wait in the listener's backlog. More than the
    /// requests that are taken at once, so that whoever is turned away is told so.
    pub connections: usize,
    /// Connections that wait until they are taken up, as Gunicorn's `backlog`; the system may hold fewer
    /// (Linux: `net.core.somaxconn`). Whoever finds no place there tries again a second later, or is reset.
    pub backlog: usize,
    /// How long a connection may take until the head of its next request is there: both for idle
    /// ones and for those who send it byte by byte.
    pub head_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long a request may take from the end of its head to its answer.
    pub request_timeout: Duration,
    /// How long a client may leave an answer lying that does not fit into the sockets' buffers.
    pub write_timeout: Duration,
    /// How long a request waits for one of the node's places if all are taken.
    pub line_wait: Duration,
    /// How long requests under way may take to be answered once the node is told to stop.
    pub drain_timeout: Duration,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            api_endpoint: None,
            body_bytes: 1 << 20,
            bodies_bytes: 64 << 20,
            line_bytes: 4094,
            fields: 100,
            connections: 8192,
            backlog: 2048,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            line_wait: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
