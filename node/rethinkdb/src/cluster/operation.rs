//! What a client wants of a cluster, as far as it matters to it: which keys, and how.

use super::network::ServerId;
use super::range::KeyRange;

pub use crate::catalog::WriteAcks;
pub use crate::storage::Durability;

/// A table, by a number of its owner's choice.
pub type TableNumber = u32;

/// What a client wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The server that the client is connected to.
    pub server: ServerId,
    /// What has to be reached, all of it.
    pub accesses: Vec<Access>,
    /// Chance, where RethinkDB leaves something to it: which replica answers an outdated read.
    pub entropy: u64,
}

/// Some keys of a table, read or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    /// Which table.
    pub table: TableNumber,
    /// Which of its keys.
    pub keys: Keys,
    /// How.
    pub kind: AccessKind,
}

/// Some primary keys of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keys {
    /// All of them: a scan, a count, a secondary index, a feed.
    All,
    /// These, in RethinkDB's encoding ([`text_key`](super::text_key), [`number_key`](super::number_key)).
    These(Vec<Vec<u8>>),
    /// Those in a range.
    Between(KeyRange),
}

/// How keys are accessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// Read.
    Read(ReadMode),
    /// Written, with the table's write acknowledgements.
    Write(Durability),
    /// Followed by a feed, from now on. The operation's number is the feed's then.
    Follow,
}

/// From where a read is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadMode {
    /// From the primary's memory: may tell of writes that are lost later.
    #[default]
    Single,
    /// From the primary, once a majority has all that was read on disk.
    Majority,
    /// From the memory of any replica.
    Outdated,
}
