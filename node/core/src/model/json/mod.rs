//! A JSON document: the values a Python program had in its hands, and the bytes it made of them.
//!
//! Here: the value itself, reading fields out of it, building it. Reading text is in `parse`, writing
//! it in `write` (canonical bytes, which are hashed and signed, and a lossless text for everything
//! else), the digits of a double in `float`, copying and comparing in `deep`. Not here: what a document has to contain (`rules`).
//! Start at [`Json::parse`] and [`Json::canonical`].
//!
//! Nothing here recurses, but for dropping a document: [`MAX_DEPTH`] levels need 0.5 MiB of stack for
//! that in a debug build.

mod deep;
mod float;
mod object;
mod parse;
mod write;

pub use object::Object;
pub use parse::ParseJsonError;
pub use write::CanonicalJsonError;
pub(crate) use write::write_name;

/// How many arrays and objects may be open at once while parsing.
///
/// The original's writer stops at 2048 levels. A little more is read, so that what is too deep to be
/// written is a document that can be judged, and little enough that dropping the deepest one fits a
/// thread's usual stack of 2 MiB several times over.
pub const MAX_DEPTH: usize = 2100;

/// A JSON value.
///
/// Two values are equal if they are written alike: `1` is not `1.0`, `0.0` is not `-0.0`, and NaN
/// equals itself.
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// An integer that `Int` cannot hold: its decimal digits, perhaps after a minus sign, with no
    /// zero in front.
    BigInt(Box<str>),
    /// A double; also `NaN`, `Infinity` and `-Infinity`, which Python reads and writes.
    Float(f64),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// An object of these fields; of two with one name the last wins.
    ///
    /// ```
    /// use bigchaindb_core::model::Json;
    /// let body = Json::object([("version", Json::from(1_i64)), ("data", Json::Null)]);
    /// assert_eq!(body.canonical().unwrap(), r#"{"data":null,"version":1}"#);
    /// ```
    pub fn object<K: Into<Box<str>>, const N: usize>(fields: [(K, Json); N]) -> Json {
        Json::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An object's field.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// An object's field, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        if let Json::Object(object) = self { object.get_mut(key) } else { None }
    }

    /// A string's text.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self { Some(text) } else { None }
    }

    /// An integer, if it fits; never a float or a truth value.
    pub fn as_i64(&self) -> Option<i64> {
        if let Json::Int(value) = self { i64::try_from(*value).ok() } else { None }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(value) = self { Some(*value) } else { None }
    }

    /// An array's items.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Json::Array(items) = self { Some(items) } else { None }
    }

    /// An object's fields.
    pub fn as_object(&self) -> Option<&Object> {
        if let Json::Object(object) = self { Some(object) } else { None }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// Whether Python's `if` would take this for true: not null, false, zero or empty.
    pub fn is_truthy(&self) -> bool {
        match self {
            Json::Null => false,
            Json::Bool(value) => *value,
            Json::Int(value) => *value != 0,
            Json::BigInt(_) => true,
            Json::Float(value) => *value != 0.0,
            Json::String(text) => !text.is_empty(),
            Json::Array(items) => !items.is_empty(),
            Json::Object(object) => !object.is_empty(),
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::String(text.into())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Json::Int(value.into())
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Json::Int(value.into())
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Json::Array(items)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Json::Object(object)
    }
}
