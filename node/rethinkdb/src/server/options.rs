//! What can be chosen about a server, and its bounds.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What can be chosen about a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen; port 0 means any that is free.
    pub bind: SocketAddr,
    /// The server's name, as in `table_config`.
    pub name: String,
    /// The password of the user `admin`.
    pub admin_password: String,
    /// More users, with their passwords. All may do everything.
    pub users: BTreeMap<String, String>,
    /// How much is too much.
    pub limits: Limits,
}

impl Default for ServerOptions {
    /// As RethinkDB is when it starts, but for the name.
    fn default() -> Self {
        ServerOptions {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 28015)),
            name: "bigchaindb".to_owned(),
            admin_password: String::new(),
            users: BTreeMap::new(),
            limits: LIMITS,
        }
    }
}

/// How much is too much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections at once. One more is closed as soon as it is accepted.
    pub connections: usize,
    /// How long a client may take until it is let in.
    pub handshake: Duration,
    /// Threads that compute answers, of all connections together. A feed that waits needs none.
    pub threads: usize,
    /// Threads that compute answers for one connection: so many leave some for the others.
    pub threads_of_connection: usize,
    /// Queries of one connection that run or have more to give.
    pub queries_of_connection: usize,
    /// Bytes that wait to be sent to a client before no more answers are computed for it. Those that
    /// are being computed meanwhile come on top: one for each thread of the connection.
    pub unsent_bytes: usize,
    /// How long a connection that ends may take to send its last answers.
    pub flush: Duration,
}

/// The bounds that a server has unless told otherwise.
pub const LIMITS: Limits = Limits {
    // Each has a socket, and a process has 1024 files unless its administrator allows more.
    connections: 900,
    // A minute is long even for a password that is hashed on a slow machine.
    handshake: Duration::from_secs(60),
    // Half of what tokio keeps for blocking work.
    threads: 256,
    // Enough for commits in groups to be large.
    threads_of_connection: 64,
    // Far more feeds than a node has.
    queries_of_connection: 10_000,
    // A few batches: one is on its way while the next is computed.
    unsent_bytes: 4 * 1024 * 1024,
    // A client that reads at all has read what fits into its socket's buffer by then.
    flush: Duration::from_secs(5),
};

/// Requests of one connection that are being answered at a time; more are not read. A feed that waits
/// does not count.
///
/// Source: observed on RethinkDB 2.4.4.
pub(super) const REQUESTS_MAX: usize = 1024;
