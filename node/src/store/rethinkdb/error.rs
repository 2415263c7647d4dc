//! What can go wrong between this node and a RethinkDB server.

use std::io;

use bigchaindb_core::query::StoreError;
use bigchaindb_rethinkdb::reql::ErrorKind;
use bigchaindb_rethinkdb::wire::handshake::client::HandshakeError;

/// Why a query has no answer, or a connection cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection can be made.
    #[error("cannot connect to RethinkDB")]
    Connect(#[source] io::Error),
    /// The server does not let us in, or is none that we can talk to.
    #[error("RethinkDB does not let this node in")]
    Handshake(#[from] HandshakeError),
    /// The query was not sent.
    #[error("the query was not sent: {0}")]
    NotSent(String),
    /// The connection went while the query was under way.
    #[error("the connection to RethinkDB was lost: {0}")]
    Lost(String),
    /// The server did not answer in time.
    #[error("no answer from RethinkDB within {ms} ms")]
    TimedOut {
        /// How long was waited.
        ms: u128,
    },
    /// The server says that the query failed.
    #[error("{message}")]
    Query {
        /// In which way.
        kind: ErrorKind,
        /// In its words.
        message: String,
    },
    /// The server said something that is no answer to what was asked.
    #[error("RethinkDB speaks in riddles: {0}")]
    Protocol(String),
}

impl Error {
    /// Whether a write that ended so may have been done.
    pub fn is_indeterminate(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Handshake(_) | Self::NotSent(_) => false,
            Self::Lost(_) | Self::TimedOut { .. } | Self::Protocol(_) => true,
            Self::Query { kind, .. } => {
                matches!(kind, ErrorKind::OpIndeterminate | ErrorKind::Internal)
            }
        }
    }

    /// What happened, with its cause.
    pub fn whole(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }

    /// Whether the connection was lost, or was before anything was sent on it.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::NotSent(_))
    }

    /// The same for one of those whose questions went as one; none if it may be due to another of them.
    pub(super) fn shared(&self) -> Option<Self> {
        Some(match self {
            Self::Connect(_) | Self::Handshake(_) => Self::NotSent(self.whole()),
            Self::NotSent(why) => Self::NotSent(why.clone()),
            Self::Lost(why) => Self::Lost(why.clone()),
            Self::TimedOut { ms } => Self::TimedOut { ms: *ms },
            Self::Protocol(why) => Self::Protocol(why.clone()),
            // Something may have been done, for all of them.
            Self::Query { kind, message } if self.is_indeterminate() => {
                Self::Query { kind: *kind, message: message.clone() }
            }
            Self::Query { .. } => return None,
        })
    }

    /// An answer of another shape than the query has.
    pub(super) fn unexpected(what: &str) -> Self {
        Self::Protocol(format!("expected {what}"))
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let text = error.whole();
        if error.is_indeterminate() {
            StoreError::Indeterminate(text)
        } else {
            StoreError::Refused(text)
        }
    }
}
