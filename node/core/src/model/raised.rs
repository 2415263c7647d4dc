//! What the original's Python would have raised, and reading documents the way Python does.
//!
//! BigchainDB 0.6.0 checked few shapes: it reached into the document and let Python complain. Which
//! complaint it was decides whether the original answers "invalid" or falls over, so profile `v0.6.0`
//! repeats it. The `default` rules check shapes first and meet none of this.

use super::cryptoconditions::CryptoconditionError;
use super::{CanonicalJsonError, Json, KeyError, MalformedDocument, NotAscii};

/// An exception of Python's own.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{class}: {text}")]
pub struct Raised {
    /// Its class, by Python's name.
    pub class: &'static str,
    /// What it says, in our words where Python's own are not known.
    pub text: String,
}

impl Raised {
    /// An exception of this class.
    pub fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self { class, text: text.into() }
    }

    /// Whether the class is a kind of `ValueError` (`binascii.Error` calls itself `Error`).
    pub fn is_value_error(&self) -> bool {
        matches!(self.class, "ValueError" | "UnicodeEncodeError" | "UnicodeDecodeError" | "Error")
    }
}

impl From<CanonicalJsonError> for Raised {
    fn from(error: CanonicalJsonError) -> Self {
        Self::new("OverflowError", error.to_string())
    }
}

impl From<NotAscii> for Raised {
    fn from(error: NotAscii) -> Self {
        Self::new("UnicodeEncodeError", error.to_string())
    }
}

impl From<KeyError> for Raised {
    fn from(error: KeyError) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

impl From<CryptoconditionError> for Raised {
    fn from(error: CryptoconditionError) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

impl From<MalformedDocument> for Raised {
    fn from(error: MalformedDocument) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

/// `value[key]`.
pub(crate) fn item<'a>(value: &'a Json, key: &str) -> Result<&'a Json, Raised> {
    match value {
        Json::Object(fields) => {
            fields.get(key).ok_or_else(|| Raised::new("KeyError", format!("'{key}'")))
        }
        Json::Array(_) => Err(Raised::new("TypeError", "list indices must be integers")),
        Json::String(_) => Err(Raised::new("TypeError", "string indices must be integers")),
        _ => Err(Raised::new("TypeError", "object is not subscriptable")),
    }
}

/// The place that `list[index]` reads, in a list of this length: negative numbers count from the end,
/// `true` is 1.
pub(crate) fn place(length: usize, index: &Json) -> Result<usize, Raised> {
    let index = match index {
        Json::Int(number) => *number,
        Json::Bool(truth) => i128::from(*truth),
        Json::BigInt(_) => i128::MAX,
        _ => return Err(Raised::new("TypeError", "list indices must be integers")),
    };
    let place = usize::try_from(index).or_else(|_| {
        // Still negative if it reaches before the first item.
        let length = i128::try_from(length).unwrap_or(i128::MAX);
        usize::try_from(index.saturating_add(length))
    });
    let out_of_range = || Raised::new("IndexError", "list index out of range");
    place.ok().filter(|place| *place < length).ok_or_else(out_of_range)
}

/// `value[index]`.
pub(crate) fn element<'a>(value: &'a Json, index: &Json) -> Result<&'a Json, Raised> {
    match (value, index) {
        (Json::Array(items), _) => Ok(&items[place(items.len(), index)?]),
        (Json::Object(_), Json::String(key)) => item(value, key),
        (Json::Object(_), Json::Array(_) | Json::Object(_)) => {
            Err(Raised::new("TypeError", "unhashable type"))
        }
        (Json::Object(_), _) => Err(Raised::new("KeyError", index.to_string())),
        _ => Err(Raised::new("TypeError", "object is not subscriptable")),
    }
}

/// What `for … in value` goes through. An object's keys and a text's characters are strings that
/// nothing of a transaction can be taken from.
pub(crate) fn items(value: &Json) -> Result<&[Json], Raised> {
    match value {
        Json::Array(items) => Ok(items),
        Json::Object(_) | Json::String(_) if !value.is_truthy() => Ok(&[]),
        Json::Object(_) | Json::String(_) => {
            Err(Raised::new("TypeError", "string indices must be integers"))
        }
        _ => Err(Raised::new("TypeError", "object is not iterable")),
    }
}
