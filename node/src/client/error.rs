//! Why a client does not get what it wants: what happened, and what can be done.

use std::time::Duration;

use bigchaindb_core::model::{MalformedDocument, Raised, TxId};
use bigchaindb_core::rules::Status;
use bigchaindb_load::client::NoAnswer;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A client without keys cannot sign.
    #[error(
        "there is no keypair: set `keypair.public` and `keypair.private`, or use a temporary client"
    )]
    KeypairNotFound,
    /// No node can be there.
    #[error("`{endpoint}` is no endpoint: {reason}; one reads `http://localhost:9984/api/v1`")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A node says no. To ask another one would not help.
    #[error("{node} refuses it ({status}): {reason}")]
    Refused {
        /// The endpoint.
        node: String,
        /// The status code.
        status: u16,
        /// Its reason.
        reason: String,
    },
    /// No node answered. Nothing that may be done twice is left undone by trying later.
    #[error("no node answered in {attempts} attempts, the last, {node}: {reason}; try again later")]
    NoAnswer {
        /// How often it was tried.
        attempts: usize,
        /// The last endpoint.
        node: String,
        /// What it did instead.
        reason: String,
    },
    /// A node may have made an asset and did not say so. To post again might make another one.
    #[error(
        "{node} may have made the asset ({reason}); look for it before you post it again: a second \
         post makes a second asset"
    )]
    Unsure {
        /// The endpoint.
        node: String,
        /// What happened.
        reason: String,
    },
    /// What is to be spent is not there.
    #[error("transaction {0} is not to be found, so nothing of it can be spent; is its id right?")]
    NotFound(TxId),
    /// A transaction did not get there in time.
    #[error(
        "after {} ms transaction {id} is {}, not {}; it may still come", patience.as_millis(),
        last.map_or("unknown", Status::word), wanted.word()
    )]
    TooLate {
        /// Which transaction.
        id: TxId,
        /// What was waited for.
        wanted: Status,
        /// What was said last.
        last: Option<Status>,
        /// How long it was waited for.
        patience: Duration,
    },
    /// A transaction is only in invalid blocks, and does not wait.
    #[error("transaction {0} was voted invalid; it has lost to another, or has to be made anew")]
    Lost(TxId),
    /// The transaction cannot be made or signed.
    #[error("the transaction cannot be made: {}", .0.text)]
    Raised(#[from] Raised),
    /// A node's answer is no answer of a BigchainDB node.
    #[error("that is no answer of a BigchainDB node: {0}")]
    Odd(String),
}

impl ClientError {
    /// The class of exception that stands for it in BigchainDB 0.6.0; where that had none, what its
    /// HTTP library raised.
    pub fn class(&self) -> &'static str {
        match self {
            Self::KeypairNotFound => "KeypairNotFoundException",
            Self::Raised(raised) => raised.class,
            Self::NotFound(_) => "TransactionDoesNotExist",
            Self::Endpoint { .. } | Self::Odd(_) => "ValueError",
            Self::Refused { .. } | Self::Lost(_) => "OperationError",
            Self::NoAnswer { .. } | Self::Unsure { .. } => "ConnectionError",
            Self::TooLate { .. } => "Timeout",
        }
    }
}

impl From<MalformedDocument> for ClientError {
    fn from(malformed: MalformedDocument) -> Self {
        Self::Odd(malformed.to_string())
    }
}

/// What a node did instead of answering, in words.
pub(super) fn words(failure: &NoAnswer) -> String {
    use std::error::Error as _;
    let mut text = failure.to_string();
    let mut source = failure.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
