//! What befalls a cluster, and what it wants done about it.

use super::failure::OperationError;
use super::layout::ShardLayout;
use super::network::ServerId;
use super::operation::{TableNumber, WriteAcks};
#[expect(unused_imports, reason = "for the links in the documentation")]
use super::{Cluster, FEED_ABORTED};

/// What a cluster has to know of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableSpec {
    /// Its database's name.
    pub db: String,
    /// Its name.
    pub name: String,
    /// Whose word acknowledges a write.
    pub acks: WriteAcks,
    /// Its shards, by key.
    pub layout: Vec<ShardLayout>,
}

/// Something that befalls servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// The process is killed: what it had not handed to the operating system is lost.
    Kill(ServerId),
    /// The machine loses its power: what was not on the platter is lost.
    PowerLoss(ServerId),
    /// The process ends in an orderly way: nothing is lost.
    Stop(ServerId),
    /// The process starts.
    Start(ServerId),
    /// The process stands still.
    Pause(ServerId),
    /// The process goes on.
    Resume(ServerId),
    /// What one sends to the other is swallowed.
    Cut(ServerId, ServerId),
    /// It gets through again.
    Heal(ServerId, ServerId),
    /// What is replicated to or from it takes so many times as long; 1 is as usual.
    Slow(ServerId, u32),
}

/// What a cluster wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect<U> {
    /// An operation is to be done now, and reported with [`Cluster::performed`].
    Perform {
        /// The operation's number.
        number: u64,
        /// The shards it is to be done on: not all, if others are silent or refused.
        shards: Vec<(TableNumber, usize)>,
        /// What the replicas that answer an outdated read have not seen yet, newest first: it is to
        /// be answered as if these changes had not been made.
        unseen: Vec<U>,
    },
    /// An operation is over.
    Answer {
        /// Its number.
        number: u64,
        /// Whether it was done.
        outcome: Result<(), OperationError>,
    },
    /// These changes have the acknowledgements that their writes are to have; oldest first.
    Acknowledged(Vec<U>),
    /// These changes are lost; newest first, as they have to be undone.
    Lost(Vec<Undone<U>>),
    /// A feed ends.
    FeedEnded {
        /// The number of the operation that opened it.
        number: u64,
        /// Whether its client lost its connection with it. Else it is told [`FEED_ABORTED`].
        server_died: bool,
    },
    /// What could not get through to a feed's client ([`Cluster::hears`]) may now.
    FeedFlows {
        /// The number of the operation that opened it.
        number: u64,
    },
}

/// A change that is lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undone<U> {
    /// Which.
    pub what: U,
    /// Whether it had its acknowledgements.
    pub acknowledged: bool,
}

/// What a write changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written<U> {
    /// In which table.
    pub table: TableNumber,
    /// Under which primary key, in RethinkDB's encoding.
    pub key: Vec<u8>,
    /// How it is undone.
    pub undo: U,
}
