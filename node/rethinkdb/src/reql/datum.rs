//! A ReQL value.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A value of a query, a document, or a part of one. Cloning is cheap.
///
/// Source: RethinkDB manual, "ReQL data types".
#[derive(Clone, Debug)]
pub enum Datum {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite double.
    Number(f64),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<Vec<Datum>>),
    /// An object, its fields in the order of their bytes. Never a pseudo-type.
    Object(Arc<BTreeMap<Arc<str>, Datum>>),
    /// Bytes: pseudo-type `BINARY`.
    Binary(Arc<[u8]>),
    /// An instant: pseudo-type `TIME`.
    Time(Time),
}

/// An instant with the offset it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC.
    pub epoch_s: f64,
    /// As in `+00:00`.
    pub timezone: Arc<str>,
}
