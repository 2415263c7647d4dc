//! Why a document is refused: a variant per decision a caller could take.
//!
//! [`InvalidTransaction::is_final`] is the question the stages ask: is it worth trying again?
//! [`Raised`] stands for what the original's Python raised by itself; profile `v0.6.0` only.

use crate::model::{BlockId, MalformedDocument, NodeKey, Output, Raised, TxId};

use super::Election;

/// Why a transaction is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidTransaction {
    /// The document is not of the documented shape, or says what the store would not give back
    /// unchanged.
    #[error("{at}: {reason}")]
    Malformed {
        /// Where: a path from the document's root.
        at: String,
        /// What is wrong there.
        reason: String,
    },
    /// The id is not the hash of the body.
    #[error("the id is not the hash of the transaction, {computed}")]
    InvalidHash {
        /// What the id has to be.
        computed: TxId,
    },
    /// A fulfillment does not open the condition it is meant for.
    #[error("fulfillment {fid} does not fulfill its condition")]
    InvalidSignature {
        /// Which fulfillment, from 0.
        fid: usize,
    },
    /// A fulfillment cannot be read.
    #[error("fulfillment {fid} cannot be read: {reason}")]
    UnreadableFulfillment {
        /// Which fulfillment, from 0.
        fid: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A fulfillment opens another condition than the one that guards its input.
    #[error("the fulfillment of {}/{} opens another condition than the one that guards it", .input.txid, .input.cid)]
    WrongCondition {
        /// What was to be spent.
        input: Output,
    },
    /// A fulfillment will open its condition, but not at this time.
    #[error("fulfillment {fid} does not fulfill its condition at Unix time {at}")]
    NotAtThisTime {
        /// Which fulfillment, from 0.
        fid: usize,
        /// The time it was judged at, in Unix seconds.
        at: u64,
    },
    /// A CREATE by somebody who is no member.
    #[error("only federation nodes can use the operation `CREATE`, and {owner} is none")]
    NotAMember {
        /// Who made it.
        owner: NodeKey,
    },
    /// The transaction that made an input is in no block, or in invalid ones only.
    #[error("input `{txid}` does not exist in the bigchain")]
    TransactionDoesNotExist {
        /// The transaction that is missed.
        txid: TxId,
    },
    /// The transaction that made an input is in a block that is not decided.
    #[error("input `{txid}` is in block {block}, which is not decided yet")]
    InputUndecided {
        /// The transaction that made the input.
        txid: TxId,
        /// The block it is in.
        block: BlockId,
    },
    /// The input's transaction has no such output.
    #[error("transaction {} has no condition {}", .input.txid, .input.cid)]
    NoSuchOutput {
        /// What was to be spent.
        input: Output,
    },
    /// An input is spent by another transaction.
    #[error("input {}/{} was already spent by {spent_by}, in block {block}", .input.txid, .input.cid)]
    DoubleSpend {
        /// What was to be spent.
        input: Output,
        /// Who spent it.
        spent_by: TxId,
        /// In which block.
        block: BlockId,
        /// How that block is decided: valid, or not yet.
        election: Election,
    },
    /// The transaction is in a block decided valid.
    #[error("the transaction is already in block {block}")]
    AlreadyDecided {
        /// Which block.
        block: BlockId,
    },
    /// The transaction is in a block that is not decided.
    #[error("the transaction is already in block {block}, which is not decided yet")]
    AlreadyInBlock {
        /// Which block.
        block: BlockId,
    },
    /// A rule that a plugin adds says no, for ever.
    #[error("{0}")]
    Plugin(String),
    /// What the original's Python raised. Profile `v0.6.0`.
    #[error(transparent)]
    Raised(#[from] Raised),
}

impl InvalidTransaction {
    pub(super) fn malformed(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { at: at.into(), reason: reason.into() }
    }

    /// Whether no future can make the transaction valid. Otherwise it is only too early: an input
    /// or its spender is in a block that is not decided, or the input is not there yet.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Malformed { .. }
            | Self::InvalidHash { .. }
            | Self::InvalidSignature { .. }
            | Self::UnreadableFulfillment { .. }
            | Self::WrongCondition { .. }
            | Self::NotAMember { .. }
            | Self::NoSuchOutput { .. }
            | Self::AlreadyDecided { .. }
            | Self::Plugin(_)
            | Self::Raised(_) => true,
            Self::DoubleSpend { election, .. } => *election == Election::Valid,
            Self::NotAtThisTime { .. }
            | Self::TransactionDoesNotExist { .. }
            | Self::InputUndecided { .. }
            | Self::AlreadyInBlock { .. } => false,
        }
    }

    /// The class of exception that stands for it in BigchainDB 0.6.0; where that had none, the
    /// nearest.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "ValueError",
            Self::InvalidHash { .. } => "InvalidHash",
            Self::InvalidSignature { .. }
            | Self::UnreadableFulfillment { .. }
            | Self::WrongCondition { .. }
            | Self::NotAtThisTime { .. } => "InvalidSignature",
            Self::NotAMember { .. } => "OperationError",
            Self::TransactionDoesNotExist { .. } | Self::InputUndecided { .. } => {
                "TransactionDoesNotExist"
            }
            Self::NoSuchOutput { .. } => "IndexError",
            Self::DoubleSpend { .. } => "DoubleSpend",
            Self::AlreadyDecided { .. } | Self::AlreadyInBlock { .. } | Self::Plugin(_) => {
                "Exception"
            }
            Self::Raised(raised) => raised.class,
        }
    }

    /// Whether `is_valid_transaction` of the original answers "no" to it. What it does not expect
    /// becomes a 500 there, or kills a pipeline.
    pub fn is_expected(&self) -> bool {
        match self {
            Self::Raised(raised) => raised.is_value_error() || raised.class == "DoubleSpend",
            _ => true,
        }
    }

    /// The exception that stands for it in BigchainDB 0.6.0, with its text.
    pub fn as_original(&self) -> Raised {
        let text = match self {
            Self::NotAMember { .. } => {
                "Only federation nodes can use the operation `CREATE`".to_owned()
            }
            Self::DoubleSpend { input: Output { txid, cid, .. }, .. } => {
                format!("input `{{'txid': '{txid}', 'cid': {cid}}}` was already spent")
            }
            Self::InvalidHash { .. } | Self::InvalidSignature { .. } => String::new(),
            Self::Raised(raised) => raised.text.clone(),
            other => other.to_string(),
        };
        Raised::new(self.class(), text)
    }
}

impl From<MalformedDocument> for InvalidTransaction {
    fn from(malformed: MalformedDocument) -> Self {
        Self::Raised(malformed.into())
    }
}

/// Why a block is refused, whatever its transactions say.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidBlock {
    /// The document is not of the documented shape.
    #[error("{at}: {reason}")]
    Malformed {
        /// Where: a path from the document's root.
        at: &'static str,
        /// What is wrong there.
        reason: &'static str,
    },
    /// It holds what its id does not cover.
    #[error("document: {reason}")]
    Uncovered {
        /// What that is.
        reason: &'static str,
    },
    /// The id is not the hash of the block.
    #[error("the id is not the hash of the block, {computed}")]
    InvalidHash {
        /// What the id has to be.
        computed: BlockId,
    },
    /// Not signed by the node that it names.
    #[error("the block is not signed by {node}")]
    InvalidSignature {
        /// Who should have signed.
        node: NodeKey,
    },
    /// Made by somebody who is no member.
    #[error("only federation nodes can create blocks, and {node} is none")]
    NotAMember {
        /// Who made it.
        node: NodeKey,
    },
    /// Its voters are not exactly the federation.
    #[error("the block's voters are not exactly the {members} members of the federation")]
    Voters {
        /// How many members there are.
        members: usize,
    },
    /// Without transactions, or with too many.
    #[error(
        "the block holds {count} transactions; 1 to {} are allowed",
        super::MAX_BLOCK_TRANSACTIONS
    )]
    Size {
        /// How many it holds.
        count: usize,
    },
    /// A transaction stands in it twice.
    #[error("transaction {txid} is in the block more than once")]
    Repeated {
        /// Which one.
        txid: TxId,
    },
    /// An output is spent in it twice.
    #[error("{}/{} is spent in the block more than once", .output.txid, .output.cid)]
    Conflict {
        /// Which output.
        output: Output,
    },
    /// A GENESIS transaction where none belongs, or none where one does.
    #[error("a GENESIS transaction is the only one of the first block, and stands nowhere else")]
    Genesis,
    /// The genesis block's transaction is refused.
    #[error("the genesis transaction is refused: {0}")]
    Transaction(#[source] Box<InvalidTransaction>),
    /// A rule that a plugin adds says no, for ever.
    #[error("{0}")]
    Plugin(String),
    /// What the original's Python raised. Profile `v0.6.0`.
    #[error(transparent)]
    Raised(#[from] Raised),
}

impl InvalidBlock {
    /// Whether no row with this id can hold a block that is right: the id covers what is wrong.
    /// Otherwise it is this row that is wrong, and the block may yet be found.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Uncovered { .. } | Self::InvalidHash { .. } | Self::InvalidSignature { .. }
        )
    }

    /// The class of exception that stands for it in BigchainDB 0.6.0; where that had none, the
    /// nearest.
    pub fn class(&self) -> &'static str {
        match self {
            Self::InvalidHash { .. } => "InvalidHash",
            Self::InvalidSignature { .. } => "InvalidSignature",
            Self::Raised(raised) => raised.class,
            Self::Transaction(inner) => inner.class(),
            _ => "OperationError",
        }
    }

    /// The exception that stands for it in BigchainDB 0.6.0, with its text.
    pub fn as_original(&self) -> Raised {
        let text = match self {
            Self::NotAMember { .. } => "Only federation nodes can create blocks".to_owned(),
            Self::InvalidSignature { .. } => "Invalid block signature".to_owned(),
            Self::InvalidHash { .. } => String::new(),
            Self::Raised(raised) => raised.text.clone(),
            other => other.to_string(),
        };
        Raised::new(self.class(), text)
    }
}
