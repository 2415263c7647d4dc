//! What a client is told when the cluster cannot do what it asks, to the letter.
//!
//! Source: RethinkDB 2.4.4, as observed.

use std::fmt;

use super::range::KeyRange;
use crate::reql::ErrorKind;

/// Why the cluster does not do what a client asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The primary was there when the operation was sent, and is gone.
    LostPrimary,
    /// Nobody that the client's server can see is primary for these keys.
    NoPrimary(KeyRange),
    /// The primary cannot see a majority of the replicas.
    NoQuorum,
    /// The primary is about to leave its office to another one.
    HandingOver,
    /// Two servers claim to be primary.
    TwoPrimaries,
    /// The primary lost sight of the majority while the operation was under way.
    LostSecondaries,
    /// No replica, for an outdated read.
    NoReplica,
    /// The replica of an outdated read is gone.
    LostReplica,
    /// The client's own server is down: connection refused.
    ServerDown,
    /// The client's own server died: connection reset.
    ServerDied,
}

/// How an operation failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationError {
    /// Why.
    pub failure: Failure,
    /// Whether it was a write, or else a read.
    pub write: bool,
    /// Whether it may have been done all the same, in whole or in part.
    pub indeterminate: bool,
}

impl OperationError {
    /// The kind of error that a ReQL client is told of; none if its connection is gone.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self.failure {
            Failure::ServerDown | Failure::ServerDied => None,
            _ if self.indeterminate => Some(ErrorKind::OpIndeterminate),
            _ => Some(ErrorKind::OpFailed),
        }
    }
}

impl std::error::Error for OperationError {}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind().is_some() {
            f.write_str(if self.write {
                "Cannot perform write: "
            } else {
                "Cannot perform read: "
            })?;
        }
        self.reason().fmt(f)
    }
}

/// Why an operation failed, without what it was.
pub struct Reason<'a>(&'a OperationError);

impl OperationError {
    /// Why, for a text that says by itself what failed.
    pub fn reason(&self) -> Reason<'_> {
        Reason(self)
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OperationError { failure, write, .. } = self.0;
        match (failure, write) {
            (Failure::LostPrimary, _) => f.write_str("lost contact with primary replica"),
            (Failure::NoPrimary(range), _) => {
                write!(f, "primary replica for shard {range} not available")
            }
            (Failure::NoQuorum, true) => f.write_str(
                "The primary replica isn't connected to a quorum of replicas. The write was not \
                 performed.",
            ),
            (Failure::NoQuorum, false) => f.write_str(
                "The primary replica isn't connected to a quorum of replicas. The read was not \
                 performed, you can do an outdated read using `read_mode=\"outdated\"`.",
            ),
            (Failure::HandingOver, true) => f.write_str(
                "The primary replica is currently changing from one replica to another. The write \
                 was not performed. This error should go away in a couple of seconds.",
            ),
            (Failure::HandingOver, false) => f.write_str(
                "The primary replica is currently changing from one replica to another. The read \
                 could not be guaranteed as committed. This error should go away in a couple of \
                 seconds.",
            ),
            (Failure::TwoPrimaries, _) => f.write_str("too many primary replicas available"),
            (Failure::LostSecondaries, true) => f.write_str(
                "The primary replica lost contact with the secondary replicas. The write may or \
                 may not have been performed.",
            ),
            (Failure::LostSecondaries, false) => f.write_str(
                "The primary replica lost contact with the secondary replicas. The read could not \
                 be guaranteed as committed.",
            ),
            (Failure::NoReplica, _) => f.write_str("no replica is available"),
            (Failure::LostReplica, _) => f.write_str("lost contact with replica"),
            (Failure::ServerDown, _) => f.write_str("connection refused"),
            (Failure::ServerDied, _) => f.write_str("connection reset by peer"),
        }
    }
}

/// What the client of a feed is told when a primary behind it leaves its office. Class OP_FAILED.
pub const FEED_ABORTED: &str = "Changefeed aborted (unavailable).";
