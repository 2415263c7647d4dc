//! A server of a cluster, as the queries that come to it know it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::clock::Clock;
use super::follower::{Following, follow};
use super::operation::{Attempt, Interrupted, Refusal, Wanted};
use super::{Live, Presence};
use crate::cluster::{AccessKind, Durability, Keys, ReadMode, ServerId};
use crate::database::DatabaseError;
use crate::feeds::{Change, Wake};
use crate::reql;
use crate::{Swapped, TableId};

/// A server of a cluster. Cloning is cheap; with the last clone the cluster stands still.
#[derive(Clone)]
pub struct Member {
    pub(super) live: Arc<Live>,
    _clock: Arc<Clock>,
    pub(super) id: ServerId,
}

impl Member {
    pub(super) fn new(live: Arc<Live>, clock: Arc<Clock>, id: ServerId) -> Self {
        Self { live, _clock: clock, id }
    }

    /// Reads from a table: `read` is given the changes that it must not see, newest first.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        table: TableId,
        keys: Keys,
        mode: ReadMode,
        interrupted: Interrupted<'_>,
        read: impl Fn(&[Change]) -> Result<T, DatabaseError> + Send + Sync + 'static,
    ) -> Result<T, Refusal> {
        let wanted = Wanted { server: self.id, table, keys, kind: AccessKind::Read(mode) };
        self.live.read(wanted, interrupted, read)
    }

    /// Writes rows of a table, each if it is still what was read.
    pub(crate) fn write(
        &self,
        table: TableId,
        attempts: Vec<Attempt>,
        durability: Durability,
        interrupted: Interrupted<'_>,
    ) -> Result<Vec<Swapped>, Refusal> {
        let keys = Keys::These(attempts.iter().map(Attempt::key).collect());
        let kind = AccessKind::Write(durability);
        let wanted = Wanted { server: self.id, table, keys, kind };
        self.live.write(wanted, attempts, interrupted)
    }

    /// Waits until all that was written to a table is on the disks of most of its replicas.
    pub(crate) fn sync(&self, table: TableId, interrupted: Interrupted<'_>) -> Result<(), Refusal> {
        let kind = AccessKind::Write(Durability::Hard);
        let wanted = Wanted { server: self.id, table, keys: Keys::All, kind };
        self.live.write(wanted, Vec::new(), interrupted).map(drop)
    }

    /// Follows a table from now on; at most so many changes wait for the reader.
    pub(crate) fn follow(
        &self,
        table: TableId,
        queue_max: usize,
        wake: Wake,
        interrupted: Interrupted<'_>,
    ) -> Result<Following, Refusal> {
        let wanted = Wanted { server: self.id, table, keys: Keys::All, kind: AccessKind::Follow };
        follow(&self.live, wanted, queue_max, wake, interrupted)
    }

    /// All servers of the cluster, this one among them.
    pub fn ids(&self) -> impl Iterator<Item = ServerId> + use<> {
        self.live.lock().cluster.servers()
    }

    /// The server of this name.
    pub fn server(&self, name: &str) -> Option<ServerId> {
        self.ids().find(|server| self.name_of(*server) == name)
    }

    /// The servers that this one is connected to, itself among them.
    pub(crate) fn connected(&self) -> Vec<ServerId> {
        let state = self.live.lock();
        let servers = state.cluster.servers();
        servers.filter(|other| state.cluster.is_connected(self.id, *other)).collect()
    }

    /// Whether two servers are connected.
    pub(crate) fn are_connected(&self, one: ServerId, other: ServerId) -> bool {
        self.live.lock().cluster.is_connected(one, other)
    }

    /// What this server's process does, now and later.
    pub(crate) fn presence(&self) -> watch::Receiver<Presence> {
        self.live.presences[usize::from(self.id.0)].subscribe()
    }

    /// A server's name.
    pub fn name_of(&self, server: ServerId) -> &str {
        &self.identity_of(server).name
    }

    /// A server, as it introduces itself.
    pub(crate) fn identity_of(&self, server: ServerId) -> &reql::Server {
        &self.live.servers[usize::from(server.0)]
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}
