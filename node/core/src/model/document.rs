//! What transactions, blocks and votes share: taking a field out of a document, or saying what is
//! wrong with it.
//!
//! Not here: whether what a field says is acceptable (`rules`).

use super::Json;

/// Why a JSON document is no transaction, block or vote at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MalformedDocument {
    /// A field is missing.
    #[error("`{at}` is missing")]
    Missing {
        /// The field, as a path from the document's root.
        at: &'static str,
    },
    /// A field, or the document itself, is of another kind.
    #[error("{at} has to be {expected}")]
    Kind {
        /// The field, as a path from the document's root.
        at: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

impl MalformedDocument {
    /// The exception class with which BigchainDB 0.6.0 meets such a document.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "KeyError",
            Self::Kind { .. } => "TypeError",
        }
    }
}

/// The field `name` of `value`; `at` is its path.
pub(super) fn field<'a>(
    value: &'a Json,
    name: &str,
    at: &'static str,
) -> Result<&'a Json, MalformedDocument> {
    if !matches!(value, Json::Object(_)) {
        return Err(MalformedDocument::Kind { at, expected: "in an object" });
    }
    value.get(name).ok_or(MalformedDocument::Missing { at })
}

/// The text in the field `name` of `value`.
pub(super) fn text<'a>(
    value: &'a Json,
    name: &str,
    at: &'static str,
) -> Result<&'a str, MalformedDocument> {
    let found = field(value, name, at)?;
    found.as_str().ok_or(MalformedDocument::Kind { at, expected: "a string" })
}

/// The object in the field `name` of `value`.
pub(super) fn object<'a>(
    value: &'a Json,
    name: &str,
    at: &'static str,
) -> Result<&'a Json, MalformedDocument> {
    let found = field(value, name, at)?;
    if !matches!(found, Json::Object(_)) {
        return Err(MalformedDocument::Kind { at, expected: "an object" });
    }
    Ok(found)
}

/// The list in the field `name` of `value`.
pub(super) fn list<'a>(
    value: &'a Json,
    name: &str,
    at: &'static str,
) -> Result<&'a [Json], MalformedDocument> {
    match field(value, name, at)? {
        Json::Array(items) => Ok(items),
        _ => Err(MalformedDocument::Kind { at, expected: "an array" }),
    }
}

/// The document without a field.
pub(super) fn without(mut document: Json, name: &str) -> Json {
    if let Json::Object(fields) = &mut document {
        fields.remove(name);
    }
    document
}

/// The list in the field `name` of the object `within`, swapped for another; nothing happens, and
/// what was to be put in comes back, if there is no such list.
pub(super) fn swap_list(document: &mut Json, within: &str, name: &str, list: &mut Vec<Json>) {
    let place = document.get_mut(within).and_then(|object| object.get_mut(name));
    if let Some(Json::Array(found)) = place {
        std::mem::swap(found, list);
    }
}
