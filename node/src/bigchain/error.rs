//! Why a question or a write of the library fails.

use bigchaindb_core::model::{CyclicVote, MakeBlockError, Raised, SignError};
use bigchaindb_core::query::StoreError;
use bigchaindb_core::rules::{InvalidBlock, InvalidTransaction, UnknownRules};

/// Why it fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A transaction is refused.
    #[error(transparent)]
    Transaction(#[from] InvalidTransaction),
    /// A block is refused.
    #[error(transparent)]
    Block(#[from] InvalidBlock),
    /// A document cannot be made, or what is in the database cannot be read.
    #[error(transparent)]
    Raised(#[from] Raised),
    /// A node without keys has nothing to say.
    #[error("there is no keypair: set `keypair.public` and `keypair.private`")]
    KeypairNotFound,
    /// The configured rules do not exist.
    #[error(transparent)]
    UnknownRules(#[from] UnknownRules),
    /// There is a block already, or somebody is making the first one.
    #[error("Cannot create the Genesis block")]
    GenesisBlockAlreadyExists,
}

impl Error {
    /// The class of exception that stands for it in BigchainDB 0.6.0; where that had none, the
    /// nearest.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Store(_) => "RqlRuntimeError",
            Self::Transaction(error) => error.class(),
            Self::Block(error) => error.class(),
            Self::Raised(raised) => raised.class,
            Self::KeypairNotFound => "KeypairNotFoundException",
            Self::UnknownRules(_) => "ResolutionError",
            Self::GenesisBlockAlreadyExists => "GenesisBlockAlreadyExistsError",
        }
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        Self::Raised(error.into())
    }
}

impl From<MakeBlockError> for Error {
    fn from(error: MakeBlockError) -> Self {
        Self::Raised(Raised::new(error.class(), error.to_string()))
    }
}

impl From<CyclicVote> for Error {
    fn from(error: CyclicVote) -> Self {
        Self::Raised(Raised::new(error.class(), error.to_string()))
    }
}
