//! Names for documents, members and places in the list of blocks.
//!
//! Two ids that could be swapped are two types. All are cheap to clone.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as the documents spell it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id! {
    /// A transaction's id: 64 lower-case hex digits, Keccak-256 of its canonical body.
    TxId
}
text_id! {
    /// A block's id: 64 lower-case hex digits, Keccak-256 of its canonical body.
    BlockId
}
text_id! {
    /// A member's public key: base58 of 32 bytes.
    NodeKey
}

/// A block's place in the federation's one list of blocks; genesis stands at 0.
///
/// Profile `default` only: in the original the order exists in the votes alone.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position(pub u64);

impl Position {
    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One output of a transaction, as an `input` names it.
///
/// `cid` is the number of the condition. `oddity` is the canonical text of an `input` object that
/// says more, or other, than those two (an extra key, a `cid` that is no integer): the original
/// takes such a one for another output, the `default` rules refuse it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Output {
    /// The transaction that made the output.
    pub txid: TxId,
    /// Which of its conditions guards it.
    pub cid: i64,
    /// The whole `input` object's canonical text where it is not exactly `{"txid", "cid"}`.
    pub oddity: Option<Arc<str>>,
}
