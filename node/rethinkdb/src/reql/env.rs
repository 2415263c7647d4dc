//! The world around a query.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::eval::Scratch;
use crate::jobs::Jobs;
use crate::{Database, Member};

/// What a query runs in. Cloning is cheap.
#[derive(Clone)]
pub struct Env {
    /// Where documents are kept.
    pub database: Database,
    /// Called when a feed that said it had nothing to tell has news; must not block.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// Has `wake` called at the latest after this time, once the query has said that it has nothing to
    /// tell.
    pub wake_within: Arc<dyn Fn(Duration) + Send + Sync>,
    /// Set when the client stopped the query or went away: long evaluations look at it.
    pub interrupted: Arc<AtomicBool>,
    /// Seconds since 1970-01-01 UTC; a query takes place at one instant.
    pub clock: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Fills a buffer with bytes that nobody can foretell: for generated keys and samples.
    pub entropy: Entropy,
    /// The server that the query came to.
    pub server: Arc<Server>,
    /// The queries that are running, for the system table `jobs`.
    pub jobs: Arc<Jobs>,
    /// The documents of the system table `_debug_scratch`.
    pub scratch: Arc<Scratch>,
    /// The way to the rows, if that server is one of several; one alone has its database to itself.
    pub member: Option<Member>,
}

/// Fills a buffer with bytes that nobody can foretell.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The server that a query came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// Its UUID as text.
    pub id: String,
    /// As in `table_config`.
    pub name: String,
}

impl Env {
    /// Databases or tables were made, changed or dropped: the cluster is to know.
    pub(crate) fn catalog_changed(&self) {
        if let Some(member) = &self.member {
            member.follow_catalog();
        }
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("server", &self.server).finish_non_exhaustive()
    }
}
