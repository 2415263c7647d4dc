//! What can be wrong with a condition or a fulfillment.

use crate::model::{KeyError, NotAscii};

/// Why a condition or fulfillment cannot be read, written or judged.
///
/// Texts are the original's where it had one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CryptoconditionError {
    /// A text that is no condition's.
    #[error("Serialized condition must start with \"cc:\"")]
    ConditionPrefix,
    /// A text that is no condition's.
    #[error("Invalid condition format")]
    ConditionFormat,
    /// A text that is no fulfillment's.
    #[error("Serialized fulfillment must start with \"cf:\"")]
    FulfillmentPrefix,
    /// A text that is no fulfillment's.
    #[error("Invalid fulfillment format")]
    FulfillmentFormat,
    /// Base64 of an impossible length.
    #[error("Incorrect padding")]
    Base64,
    /// A type that is none of 0, 2, 4, 98 and 99.
    #[error("Type {0} is not supported")]
    Type(u64),
    /// A condition without a hash.
    #[error("a condition has no hash")]
    EmptyHash,
    /// A condition's bitmask of more than 32 bits.
    #[error("Bitmask too large to be safely represented")]
    BitmaskTooLarge,
    /// A condition's bitmask with features nobody knows.
    #[error("Condition requested unsupported feature suites")]
    UnknownFeatures,
    /// A condition whose fulfillment may be longer than 65,535 bytes.
    #[error("Condition requested too large of a max fulfillment size")]
    MaxLengthTooLarge,
    /// Bytes end too early.
    #[error("Tried to read {wanted} bytes, but only {available} bytes available")]
    OutOfData {
        /// How many the next item needs.
        wanted: u64,
        /// How many are left.
        available: usize,
    },
    /// A number, or a length, of more than six bytes.
    #[error("UInt of length {0} too large to parse as integer(max: 6)")]
    UIntTooLong(usize),
    /// A number above 255 was to be written.
    #[error("bytes must be in range(0, 256)")]
    AboveByte,
    /// A number that does not fit its place was to be written.
    #[error("UInt {value} doesn not fit in {width} bytes")]
    TooWide {
        /// The number.
        value: u64,
        /// The place, in bytes.
        width: usize,
    },
    /// A part is shown and left out at once.
    #[error("Subconditions may not provide both subcondition and fulfillment.")]
    BothShownAndLeftOut,
    /// A part is neither shown nor left out.
    #[error("Subconditions must provide either subcondition or fulfillment.")]
    NeitherShownNorLeftOut,
    /// A part's weight has to be 1 or more.
    #[error("Invalid weight: {0}")]
    Weight(i128),
    /// A threshold without parts has no condition.
    #[error("Requires subconditions")]
    NoParts,
    /// All parts together do not reach the threshold.
    #[error("Insufficient subconditions/weights to meet the threshold")]
    Insufficient,
    /// The parts that are shown do not reach the threshold, so it cannot be written.
    #[error("'set'")]
    NotEnoughShown,
    /// A signature is missing, so it cannot be written.
    #[error("buffer must be of type bytearray")]
    Unsigned,
    /// A timeout has to be a Unix time.
    #[error("Expire time must be conform UTC unix time, was: {0}")]
    ExpireTime(String),
    /// It cannot be judged without knowing the time.
    #[error("message must be of unix time format, was: {0}")]
    NoTime(String),
    /// A timeout's text says no number.
    #[error("could not convert string to float: '{0}'")]
    NoNumber(String),
    /// A preimage or timeout is not text.
    #[error("the bytes are not UTF-8")]
    NotUtf8,
    /// The message is not ASCII. Profile `v0.6.0` only.
    #[error(transparent)]
    NotAscii(#[from] NotAscii),
    /// A key or signature in a dict.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A dict lacks a field.
    #[error("'{0}'")]
    Missing(&'static str),
    /// A dict's field is of another kind.
    #[error("`{field}` has to be {expected}")]
    Kind {
        /// The field.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// It could be spelled otherwise. Profile `default` only.
    #[error("not in the one form it has: {0}")]
    Spelling(&'static str),
    /// Nested deeper than [`MAX_NESTING`](super::MAX_NESTING).
    #[error("conditions nest too deep")]
    TooDeep,
    /// More parts than [`MAX_PARTS`](super::MAX_PARTS).
    #[error("a condition has too many parts")]
    TooManyParts,
}

impl CryptoconditionError {
    /// The exception class with which BigchainDB 0.6.0 meets such a thing.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Base64 => "Error",
            Self::OutOfData { .. } | Self::UIntTooLong(_) => "OverflowError",
            Self::BothShownAndLeftOut
            | Self::NeitherShownNorLeftOut
            | Self::Unsigned
            | Self::Kind { .. } => "TypeError",
            Self::NotEnoughShown | Self::Missing(_) => "KeyError",
            Self::NotUtf8 => "UnicodeDecodeError",
            Self::NotAscii(_) => "UnicodeEncodeError",
            Self::TooDeep | Self::TooManyParts => "RecursionError",
            Self::Key(error) => error.class(),
            _ => "ValueError",
        }
    }

    /// Whether that class is a kind of `ValueError`, which the original takes for "invalid".
    pub fn is_value_error(&self) -> bool {
        matches!(self.class(), "ValueError" | "Error" | "UnicodeDecodeError" | "UnicodeEncodeError")
    }
}
