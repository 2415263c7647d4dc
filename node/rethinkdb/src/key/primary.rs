//! What RethinkDB takes for a primary key, or for the value of an index, and what it says of the rest.

use bigchaindb_core::model::Json;

use super::{Bounds, DEEP_MAX, Value, encode};
use crate::reql::{Datum, ErrorKind, deep, reconstructable};

/// The most bytes that RethinkDB's own form of a primary key may have.
const PRIMARY_KEY_MAX: usize = 128;

/// How many bytes of a string are shown that cannot be a key.
const SHOWN_MAX: usize = 20;

/// Why a value cannot be a key.
///
/// Source: RethinkDB 2.4.4, as observed.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The document has no such field.
    #[error("Inserted object must have primary key `{field}`:\n{}", document.pretty())]
    Missing {
        /// The field's name.
        field: Box<str>,
        /// The document.
        document: Datum,
    },
    /// The document's primary key is not the one it is to be written under.
    #[error("Primary key `{field}` cannot be changed (`{old}` -> `{new}`).")]
    Changed {
        /// The field's name.
        field: Box<str>,
        /// The key it is to be written under.
        old: Box<str>,
        /// The document.
        new: Box<str>,
    },
    /// Null or an object.
    #[error(
        "Primary keys must be either a number, string, bool, pseudotype or array (got type {}):\n{}",
        .0.type_name(), .0.pretty_truncated()
    )]
    Kind(Datum),
    /// Null or an object, where an index is asked.
    #[error(
        "Secondary keys must be a number, string, bool, pseudotype, or array (got {} of type {}).",
        .0.pretty_truncated(), .0.type_name()
    )]
    IndexKind(Datum),
    /// An array that holds null or an object.
    #[error(
        "Array keys can only contain numbers, strings, bools,  pseudotypes, or arrays \
        (got {} of type {}).", .0.pretty(), .0.type_name()
    )]
    Inside(Datum),
    /// A string that holds U+0000.
    #[error("String {} (truncated) contains NULL byte at offset {at} in index key.", quoted(text))]
    Nul {
        /// The string.
        text: Box<str>,
        /// Where, in bytes.
        at: usize,
    },
    /// More than 127 bytes.
    #[error("Primary key too long (max {} characters): {}", PRIMARY_KEY_MAX - 1, .0.pretty())]
    TooLong(Datum),
    /// An array in an array in an array, beyond all measure.
    #[error("Keys can only have {DEEP_MAX} arrays one inside the other.")]
    TooDeep,
    /// One of the two bounds of all values, where a value is stored.
    #[error("Cannot use `r.minval` or `r.maxval` in an index key.")]
    Bound,
}

impl KeyError {
    /// The kind of failure that a ReQL client is told of.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Kind(Datum::Null) | Self::IndexKind(Datum::Null) | Self::Inside(Datum::Null) => {
                ErrorKind::NonExistence
            }
            _ => ErrorKind::QueryLogic,
        }
    }
}

/// Whether RethinkDB would take this value for a primary key.
///
/// # Errors
/// If it would not.
pub fn check_primary_key(value: &Datum) -> Result<(), KeyError> {
    encode_primary(value, &mut Vec::new(), Bounds::Refused)
}

/// Whether RethinkDB would look for this value in an index.
///
/// # Errors
/// If it would not.
pub fn check_secondary_key(value: &Datum) -> Result<(), KeyError> {
    encode_secondary(value, &mut Vec::new(), Bounds::Allowed)
}

/// Appends the primary key of a row.
///
/// # Errors
/// If RethinkDB would not take the value for a primary key.
pub(crate) fn encode_primary(
    value: &Datum,
    out: &mut Vec<u8>,
    bounds: Bounds,
) -> Result<(), KeyError> {
    if matches!(value, Datum::Null | Datum::Object(_)) {
        return Err(KeyError::Kind(value.clone()));
    }
    let size = size(value, bounds, DEEP_MAX)?;
    if size > PRIMARY_KEY_MAX {
        return Err(KeyError::TooLong(value.clone()));
    }
    if value.encode(out, bounds) { Ok(()) } else { Err(KeyError::Kind(value.clone())) }
}

/// Appends the primary key of a row that the core wrote.
///
/// # Errors
/// If RethinkDB would not take the value for a primary key.
pub(crate) fn encode_primary_json(value: &Json, out: &mut Vec<u8>) -> Result<(), KeyError> {
    // Almost every key is a short text.
    if let Json::String(text) = value
        && text.len() < PRIMARY_KEY_MAX
        && !text.contains('\0')
    {
        encode(value, out);
        return Ok(());
    }
    // A number that ReQL does not have is nothing that could be a key.
    let datum = Datum::try_from(value).unwrap_or_default();
    encode_primary(&datum, out, Bounds::Refused)
}

/// Appends the value of an index, or one end of a range of values.
///
/// # Errors
/// If nothing in an index has such a value.
pub(crate) fn encode_secondary(
    value: &Datum,
    out: &mut Vec<u8>,
    bounds: Bounds,
) -> Result<(), KeyError> {
    if value.encode(out, bounds) {
        return Ok(());
    }
    // Why not: in an array it is the first item that is to blame.
    let mut at = value;
    for _ in 0..DEEP_MAX {
        match at {
            Datum::MinVal | Datum::MaxVal => return Err(KeyError::Bound),
            Datum::Array(items) => {
                let bad = |item: &&Datum| !item.encode(&mut Vec::new(), bounds);
                at = items.iter().find(bad).unwrap_or(&Datum::Null);
            }
            other if std::ptr::eq(other, value) => return Err(KeyError::IndexKind(other.clone())),
            other => return Err(KeyError::Inside(other.clone())),
        }
    }
    Err(KeyError::TooDeep)
}

/// How many bytes RethinkDB's own form of a primary key has.
fn size(value: &Datum, bounds: Bounds, deep_max: usize) -> Result<usize, KeyError> {
    // There is no key of -0.
    let number = |number: f64| "N0123456789abcdef#".len() + reconstructable(number + 0.0).len();
    let escaped =
        |bytes: &[u8]| bytes.iter().map(|byte| if *byte < 2 { 2 } else { 1 }).sum::<usize>();
    Ok(match value {
        Datum::String(text) => match text.find('\0') {
            Some(at) => return Err(KeyError::Nul { text: (**text).into(), at }),
            None => "S".len() + text.len(),
        },
        Datum::Array(_) if deep_max == 0 => return Err(KeyError::TooDeep),
        Datum::Array(items) => {
            let sizes = items.iter().map(|item| deep(|| size(item, bounds, deep_max - 1)));
            "A".len() + sizes.map(|size| Ok(size? + 1)).sum::<Result<usize, _>>()?
        }
        Datum::Number(value) => number(*value),
        Datum::Bool(_) => "Bt".len(),
        Datum::Binary(bytes) => "PBINARY:".len() + escaped(bytes),
        Datum::Time(time) => "PTIME:".len() + number(time.epoch_s),
        Datum::MinVal | Datum::MaxVal if bounds == Bounds::Refused => return Err(KeyError::Bound),
        Datum::MinVal | Datum::MaxVal => 1,
        Datum::Null | Datum::Object(_) => return Err(KeyError::Inside(value.clone())),
    })
}

/// The start of a string in quotes, what is not printable in hexadecimal digits.
fn quoted(text: &str) -> String {
    let bytes = text.bytes().take(SHOWN_MAX);
    let shown = bytes.map(|byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("\"{}\"", shown.collect::<String>())
}
