//! A ReQL value: what documents, arguments and answers are made of.
//!
//! Here: the value itself, its type's name, reading parts of it. Which of two values comes first is in
//! `order`, its text in `json` (on the wire) and `pretty` (in error texts), objects that stand for
//! something else (`$reql_type$`) in `pseudo`, the way from and to a document of the core in
//! `convert`. Start at [`Datum`].
//!
//! Values may nest as deep as a query does: whatever walks one makes sure of its stack by `deep`.

mod convert;
mod json;
mod merge;
mod order;
mod pretty;
mod pseudo;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::failure::{Failure, Result};
pub use convert::UnreadableDatum;
pub(crate) use json::base64;
pub(crate) use pretty::{reconstructable, truncated};
pub(crate) use pseudo::{LITERAL, REQL_TYPE, STRAY_LITERAL, valid_timezone};

/// A value of a query, a document, or a part of one. Cloning is cheap.
///
/// Two values are equal if they compare equal: `1` is `1.0`, `0` is `-0`, and of times only the
/// instant counts. See [`Datum::cmp`].
///
/// Source: RethinkDB manual, "ReQL data types".
#[derive(Clone, Debug, Default)]
pub enum Datum {
    /// Below every other value: a bound, never stored and never sent.
    MinVal,
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite double.
    Number(f64),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Array),
    /// An object; never a pseudo-type that has a variant of its own.
    Object(Object),
    /// Bytes: pseudo-type `BINARY`.
    Binary(Arc<[u8]>),
    /// An instant: pseudo-type `TIME`.
    Time(Time),
    /// Above every other value: a bound, never stored and never sent.
    MaxVal,
}

/// An instant with the offset it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC.
    pub epoch_s: f64,
    /// As in `+00:00`.
    pub timezone: Arc<str>,
}

/// An array's items. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Array(Arc<Vec<Datum>>);

/// An object's fields, in the order of their names' bytes. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Object(Arc<BTreeMap<Arc<str>, Datum>>);

/// How much stack has to be left before a value's next level is walked.
const RED_ZONE: usize = 64 * 1024;
/// How much stack is added when it is not.
const STACK_SEGMENT: usize = 1024 * 1024;

/// Runs `walk`, one level of something that may be deep, with enough stack.
pub(crate) fn deep<R>(walk: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, STACK_SEGMENT, walk)
}

/// Whether dropping one more level needs more stack first.
pub(crate) fn stack_is_low() -> bool {
    stacker::remaining_stack().is_some_and(|left| left < RED_ZONE)
}

impl Drop for Array {
    fn drop(&mut self) {
        if stack_is_low() {
            let items = std::mem::take(&mut self.0);
            stacker::grow(STACK_SEGMENT, || drop(items));
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if stack_is_low() {
            let fields = std::mem::take(&mut self.0);
            stacker::grow(STACK_SEGMENT, || drop(fields));
        }
    }
}

impl Array {
    /// The items, to be changed; copied if someone else has them too.
    pub fn into_vec(mut self) -> Vec<Datum> {
        std::mem::take(Arc::make_mut(&mut self.0))
    }
}

impl Object {
    /// The fields, to be changed; copied if someone else has them too.
    pub fn into_map(mut self) -> BTreeMap<Arc<str>, Datum> {
        std::mem::take(Arc::make_mut(&mut self.0))
    }
}

impl Deref for Array {
    type Target = [Datum];

    fn deref(&self) -> &[Datum] {
        &self.0
    }
}

impl Deref for Object {
    type Target = BTreeMap<Arc<str>, Datum>;

    fn deref(&self) -> &BTreeMap<Arc<str>, Datum> {
        &self.0
    }
}

impl From<Vec<Datum>> for Array {
    fn from(items: Vec<Datum>) -> Self {
        Self(Arc::new(items))
    }
}

impl From<BTreeMap<Arc<str>, Datum>> for Object {
    fn from(fields: BTreeMap<Arc<str>, Datum>) -> Self {
        Self(Arc::new(fields))
    }
}

impl Datum {
    /// An array of these items.
    pub fn array(items: Vec<Datum>) -> Self {
        Datum::Array(items.into())
    }

    /// An object of these fields, as they are: a field `$reql_type$` is not looked at.
    pub fn object(fields: BTreeMap<Arc<str>, Datum>) -> Self {
        Datum::Object(fields.into())
    }

    /// An object of these fields; of two with one name the last wins.
    pub fn fields<const N: usize>(fields: [(&str, Datum); N]) -> Self {
        Datum::object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A whole number. Beyond 2^53 the nearest double.
    pub fn count(number: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers than doubles")]
        Datum::Number(number as f64)
    }

    /// The name ReQL has for this value's type, as in `NULL` or `PTYPE<TIME>`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Datum::MinVal => "MINVAL",
            Datum::Null => "NULL",
            Datum::Bool(_) => "BOOL",
            Datum::Number(_) => "NUMBER",
            Datum::String(_) => "STRING",
            Datum::Array(_) => "ARRAY",
            Datum::Object(object) if object.contains_key(REQL_TYPE) => "PTYPE<LITERAL>",
            Datum::Object(_) => "OBJECT",
            Datum::Binary(_) => "PTYPE<BINARY>",
            Datum::Time(_) => "PTYPE<TIME>",
            Datum::MaxVal => "MAXVAL",
        }
    }

    /// Whether a test passes that has this result: all but false and null.
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Datum::Null | Datum::Bool(false))
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// An object's field.
    pub fn get(&self, name: &str) -> Option<&Datum> {
        if let Datum::Object(object) = self { object.get(name) } else { None }
    }

    /// A string's text.
    pub fn as_str(&self) -> Option<&str> {
        if let Datum::String(text) = self { Some(text) } else { None }
    }

    /// A number.
    pub fn as_number(&self) -> Option<f64> {
        if let Datum::Number(number) = self { Some(*number) } else { None }
    }

    /// A number that is whole and within ±2^53.
    pub fn as_integer(&self) -> Option<i64> {
        self.as_number().and_then(integer)
    }

    /// An array's items.
    pub fn as_array(&self) -> Option<&[Datum]> {
        if let Datum::Array(items) = self { Some(items) } else { None }
    }

    /// An object's fields.
    pub fn as_object(&self) -> Option<&BTreeMap<Arc<str>, Datum>> {
        if let Datum::Object(fields) = self { Some(fields) } else { None }
    }

    /// Whether this can be sent to a client: bounds cannot.
    pub(crate) fn check_sendable(&self) -> Result<()> {
        match self {
            Datum::MinVal => Err(Failure::logic("Cannot convert `r.minval` to JSON.")),
            Datum::MaxVal => Err(Failure::logic("Cannot convert `r.maxval` to JSON.")),
            Datum::Array(items) => deep(|| items.iter().try_for_each(Datum::check_sendable)),
            Datum::Object(object) => deep(|| object.values().try_for_each(Datum::check_sendable)),
            _ => Ok(()),
        }
    }

    /// The instant of so many seconds after 1970, shown in UTC.
    pub fn utc(epoch_s: f64) -> Self {
        Datum::Time(Time { epoch_s, timezone: "+00:00".into() })
    }
}

/// The largest whole number below which every whole number is a double.
pub(crate) const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// The whole number that a double is, if it is one and within ±2^53.
pub(crate) fn integer(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small enough")]
    let whole = (number.abs() <= INTEGER_MAX && number.fract() == 0.0).then_some(number as i64);
    whole
}

impl From<bool> for Datum {
    fn from(value: bool) -> Self {
        Datum::Bool(value)
    }
}

impl From<f64> for Datum {
    fn from(value: f64) -> Self {
        Datum::Number(value)
    }
}

impl From<i32> for Datum {
    fn from(value: i32) -> Self {
        Datum::Number(value.into())
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Datum::String(text.into())
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Datum::String(text.into())
    }
}

impl From<Vec<Datum>> for Datum {
    fn from(items: Vec<Datum>) -> Self {
        Datum::array(items)
    }
}
