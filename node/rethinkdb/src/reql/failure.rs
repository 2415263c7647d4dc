//! A failure on its way out of an evaluation.
//!
//! It starts with or without its place; a term that meets one without gives it its own. At the way
//! out it becomes a [`ReqlError`](super::ReqlError), with a path into the query.

use super::datum::{Datum, integer, reconstructable};
use super::error::ErrorKind;

/// What evaluation answers.
pub(crate) type Result<T> = std::result::Result<T, Box<Failure>>;

/// Which term of a query: the number of its entry in the query's [`Places`](super::term::Places).
pub(crate) type Place = u32;

/// Why an evaluation failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// Where, if a term has claimed it.
    pub(crate) place: Option<Place>,
    /// Whether it is `r.error()` without a text, which `default` and `filter` understand as "go on
    /// with the failure that brought you here".
    pub(crate) is_empty_error: bool,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, message: message.into(), place: None, is_empty_error: false })
    }

    /// Wrong types, bad values: class QUERY_LOGIC.
    pub(crate) fn logic(message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::QueryLogic, message)
    }

    /// Something is missing: class NON_EXISTENCE.
    pub(crate) fn missing(message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::NonExistence, message)
    }

    /// What cannot be done with this value: NON_EXISTENCE if it is null, else QUERY_LOGIC.
    pub(crate) fn of_value(value: &Datum, message: impl Into<String>) -> Box<Self> {
        if value.is_null() { Self::missing(message) } else { Self::logic(message) }
    }

    /// Whether something was missing: class NON_EXISTENCE.
    pub(crate) fn is_missing(&self) -> bool {
        self.kind == ErrorKind::NonExistence
    }

    /// The failure at this place, unless it has one already.
    pub(crate) fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.place.get_or_insert(place);
        self
    }
}

/// Gives a result's failure its place.
pub(crate) trait At {
    fn at(self, place: Place) -> Self;
}

impl<T> At for Result<T> {
    fn at(self, place: Place) -> Self {
        self.map_err(|failure| failure.at(place))
    }
}

/// Reading values of one type, or failing as RethinkDB does.
impl Datum {
    fn expected(&self, wanted: &str) -> Box<Failure> {
        let found = self.type_name();
        Failure::of_value(self, format!("Expected type {wanted} but found {found}."))
    }

    pub(crate) fn expect_str(&self) -> Result<&str> {
        self.as_str().ok_or_else(|| self.expected("STRING"))
    }

    pub(crate) fn expect_number(&self) -> Result<f64> {
        self.as_number().ok_or_else(|| self.expected("NUMBER"))
    }

    pub(crate) fn expect_integer(&self) -> Result<i64> {
        let number = self.expect_number()?;
        integer(number).ok_or_else(|| {
            let why = match number {
                n if n < -super::datum::INTEGER_MAX => " (<-2^53)",
                n if n > super::datum::INTEGER_MAX => " (>2^53)",
                _ => "",
            };
            let digits = reconstructable(number);
            Failure::logic(format!("Number not an integer{why}: {digits}"))
        })
    }

    pub(crate) fn expect_array(&self) -> Result<&[Datum]> {
        self.as_array().ok_or_else(|| self.expected("ARRAY"))
    }

    /// An object's fields; also a literal's.
    pub(crate) fn expect_object(&self) -> Result<&super::datum::Object> {
        if let Datum::Object(object) = self { Ok(object) } else { Err(self.expected("OBJECT")) }
    }

    /// An object's field.
    pub(crate) fn expect_field(&self, name: &str) -> Result<&Datum> {
        self.expect_object()?.get(name).ok_or_else(|| {
            let object = self.pretty();
            Failure::missing(format!("No attribute `{name}` in object:\n{object}"))
        })
    }

    /// A finite number as a value.
    pub(crate) fn finite(number: f64) -> Result<Datum> {
        if number.is_finite() {
            Ok(Datum::Number(number))
        } else {
            let digits = reconstructable(number);
            Err(Failure::logic(format!("Non-finite number: {digits}")))
        }
    }
}
