//! What a federation does as a whole: the metrics that the harness sends, and nobody else.
//!
//! Nodes cannot: each of them counts what it sees, and their sum would count everything as often as there
//! are nodes. The one table of these names.

use crate::relay::Worth;

/// The name under which they are sent, where a node's stands.
pub const FEDERATION: &str = "federation";

/// A metric of the whole federation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Whole {
    /// Transactions in blocks that were decided valid, once each.
    TxCommitted,
    /// From the moment at which a transaction was meant to be sent until it was decided valid.
    TxCommit,
    /// Transactions that a node said it would keep.
    TxAccepted,
    /// Blocks that some node decided, once each.
    BlockDecided,
    /// Of those, the ones decided invalid.
    BlockInvalid,
    /// Blocks in the table that nobody has decided.
    BlockUndecided,
}

impl Whole {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::TxCommitted,
        Self::TxCommit,
        Self::TxAccepted,
        Self::BlockDecided,
        Self::BlockInvalid,
        Self::BlockUndecided,
    ];

    /// What follows `bigchaindb.federation.`
    pub fn name(self) -> &'static str {
        match self {
            Self::TxCommitted => "tx.committed",
            Self::TxCommit => "tx.commit_ms",
            Self::TxAccepted => "tx.accepted",
            Self::BlockDecided => "block.decided",
            Self::BlockInvalid => "block.invalid",
            Self::BlockUndecided => "block.undecided",
        }
    }

    /// A value of it: so many more, so many milliseconds, or so many now.
    pub fn worth(self, value: f64) -> Worth {
        match self {
            Self::TxCommit => Worth::Timing(value, 1),
            Self::BlockUndecided => Worth::Gauge(value),
            Self::TxCommitted | Self::TxAccepted | Self::BlockDecided | Self::BlockInvalid => {
                Worth::Counter(value)
            }
        }
    }

    /// The whole name, as it goes over the wire.
    pub fn full_name(self) -> String {
        format!("bigchaindb.{FEDERATION}.{}", self.name())
    }
}
