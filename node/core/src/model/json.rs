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

    /// An object's field, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let Json::Object(Object(fields)) = self else { return None };
        let at = fields.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(&mut fields[at].1)
    }

    /// A string's text.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self { Some(text) } else { None }
    }
}

impl Object {
    /// Its fields, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(self.0.remove(at).1)
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Box<str>, Json)> for Object {
    /// The last of equal keys wins.
    fn from_iter<I: IntoIterator<Item = (Box<str>, Json)>>(fields: I) -> Self {
        let fields: std::collections::BTreeMap<_, _> = fields.into_iter().collect();
        Self(fields.into_iter().collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
