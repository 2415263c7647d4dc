//! A server that RethinkDB's drivers can talk to.
//!
//! Here: a listener and what happens on its connections: who is let in, which query runs when, which
//! answer goes out. Not here: what the bytes mean ([`wire`](crate::wire)), what a query means
//! ([`reql`](mod@crate::reql)), where documents are kept ([`Database`]). This is the one place of the
//! crate that has sockets, threads, a clock and chance.
//!
//! In the order a query meets them: `listen` (connections are accepted), `connection` and
//! `frames` (its frame is read), `tokens` (what else its token is used for), `query` (it runs, batch after batch),
//! `evaluation` (one batch, on a thread), `outgoing` (its answers are sent). Several servers that are one
//! are in `cluster`. Start at [`Server::bind`].

mod cluster;
mod connection;
mod evaluation;
mod frames;
mod listen;
mod options;
mod outgoing;
mod query;
mod tokens;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

pub use options::{LIMITS, Limits, ServerOptions};

use crate::jobs::Jobs;
use crate::reql;
use crate::wire::scram::SALT_BYTES;
use crate::wire::scram::server::{Accounts, Credentials};
use crate::{Database, Member};

/// A server. Dropping it ends it at once; [`shutdown`](Server::shutdown) is the polite way.
pub struct Server {
    local_addr: SocketAddr,
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    listener: JoinHandle<()>,
}

/// How much a server has to do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Connections, those that are not let in yet among them.
    pub connections: usize,
    /// Queries that run or have more to give.
    pub queries: usize,
    /// Threads that are computing an answer.
    pub evaluations: usize,
}

/// What all connections of a server share.
struct Shared {
    database: Database,
    limits: Limits,
    accounts: Arc<Accounts>,
    identity: Arc<reql::Server>,
    jobs: Arc<Jobs>,
    scratch: Arc<reql::Scratch>,
    /// One permit for each thread that may compute an answer.
    threads: Arc<Semaphore>,
    connections: AtomicUsize,
    /// Its place among several servers, if there are.
    member: Option<Member>,
    /// Whether it does what the process of that server does: it may stand still, or be down.
    is_gated: bool,
}

impl Server {
    /// Starts to listen, in the tokio runtime that this is called in.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn bind(database: Database, options: ServerOptions) -> io::Result<Server> {
        let listener = listen::bind(options.bind).await?;
        let local_addr = listener.local_addr()?;
        let identity = identity(&options);
        let shared = share(database, options, identity, None);
        let (closing, closed) = watch::channel(false);
        let listener = tokio::spawn(listen::listen(listener, shared.clone(), closed));
        Ok(Server { local_addr, shared, closing, listener })
    }

    /// Where it listens: the port, if any was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// How much it has to do at the moment.
    pub fn usage(&self) -> Usage {
        Usage {
            connections: self.shared.connections.load(Ordering::Relaxed),
            queries: self.shared.jobs.count(),
            evaluations: self.shared.limits.threads - self.shared.threads.available_permits(),
        }
    }

    /// Ends it: no more connections are accepted and no more queries read, running queries are broken
    /// off and their clients told so. Returns once nothing works on the database any more.
    pub async fn shutdown(mut self) {
        self.closing.send_replace(true);
        // A listener that panicked listens no more either.
        let _ended = (&mut self.listener).await;
        let all = u32::try_from(self.shared.limits.threads).unwrap_or(u32::MAX);
        let _idle = self.shared.threads.acquire_many(all).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn identity(options: &ServerOptions) -> Arc<reql::Server> {
    Arc::new(reql::Server { id: uuid(), name: options.name.clone() })
}

/// What the connections of a server are to share.
fn share(
    database: Database,
    options: ServerOptions,
    identity: Arc<reql::Server>,
    member: Option<Member>,
) -> Arc<Shared> {
    let mut accounts = Accounts::default();
    accounts.set(Accounts::ADMIN, credentials(&options.admin_password));
    for (user, password) in &options.users {
        accounts.set(user, credentials(password));
    }
    Arc::new(Shared {
        database,
        accounts: Arc::new(accounts),
        identity,
        jobs: Arc::default(),
        scratch: Arc::default(),
        threads: Arc::new(Semaphore::new(options.limits.threads)),
        connections: AtomicUsize::new(0),
        limits: options.limits,
        is_gated: member.is_some(),
        member,
    })
}

/// What is kept of a password.
fn credentials(password: &str) -> Credentials {
    let mut salt = [0; SALT_BYTES];
    entropy(&mut salt);
    Credentials::new(password, salt)
}

/// Fills a buffer with bytes that nobody can foretell.
fn entropy(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system has random bytes");
}

/// A random UUID.
fn uuid() -> String {
    let mut bytes = [0; 16];
    entropy(&mut bytes);
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{number:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Seconds since 1970-01-01 UTC.
#[expect(clippy::disallowed_methods, reason = "the server is where a query meets the clock")]
fn now_s() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
