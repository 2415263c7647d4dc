//! A JSON document.

use std::fmt;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// An integer too large for `Int`, as text.
    BigInt(Box<str>),
    /// A double.
    Float(f64),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

/// An object: keys sorted by their UTF-8 bytes, each once.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Object(Vec<(Box<str>, Json)>);

impl Json {
    /// An object's field.
    pub fn get(&self, key: &str) -> Option<&Json> {
        let Json::Object(Object(fields)) = self else { return None };
        let at = fields.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(&fields[at].1)
    }

    /// A string's text.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self { Some(text) } else { None }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
