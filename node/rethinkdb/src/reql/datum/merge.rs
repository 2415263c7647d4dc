//! One value merged into another: objects field by field, everything else replaced.

use super::pseudo::{REQL_TYPE, STRAY_LITERAL};
use super::{Datum, deep};
use crate::reql::failure::{Failure, Result};

impl Datum {
    /// This value with another merged into it: of objects each field, at every level; else the other.
    ///
    /// What `r.literal` made replaces, or takes the field away if it was made of nothing.
    ///
    /// # Errors
    /// An object and a literal: there is no field to be replaced.
    ///
    /// Source: RethinkDB manual, `merge`, `literal`.
    pub(crate) fn merge(&self, other: &Datum) -> Result<Datum> {
        match (self, other) {
            (Datum::Object(_), Datum::Object(_)) if other.is_literal() => {
                Err(Failure::logic(STRAY_LITERAL))
            }
            _ => Ok(self.merge_below(other)),
        }
    }

    fn merge_below(&self, other: &Datum) -> Datum {
        let (Datum::Object(mine), Datum::Object(theirs)) = (self, other) else {
            return other.without_literals().unwrap_or_default();
        };
        deep(|| {
            let mut fields = (**mine).clone();
            for (name, value) in &**theirs {
                let merged = match (fields.get(name), value) {
                    (Some(old), Datum::Object(_)) if !value.is_literal() => {
                        Some(old.merge_below(value))
                    }
                    _ => value.without_literals(),
                };
                match merged {
                    Some(value) => fields.insert(name.clone(), value),
                    None => fields.remove(name),
                };
            }
            Datum::object(fields)
        })
    }

    fn holds_literals(&self) -> bool {
        match self {
            Datum::Object(object) => {
                object.contains_key(REQL_TYPE)
                    || deep(|| object.values().any(Datum::holds_literals))
            }
            Datum::Array(items) => deep(|| items.iter().any(Datum::holds_literals)),
            _ => false,
        }
    }

    /// This value with literals replaced by what they hold; none if this is one that holds nothing.
    fn without_literals(&self) -> Option<Datum> {
        match self {
            plain if !plain.holds_literals() => Some(plain.clone()),
            Datum::Object(object) if object.contains_key(REQL_TYPE) => {
                object.get("value").and_then(Datum::without_literals)
            }
            Datum::Object(object) => deep(|| {
                let field = |(name, value): (&std::sync::Arc<str>, &Datum)| {
                    Some((name.clone(), value.without_literals()?))
                };
                Some(Datum::object(object.iter().filter_map(field).collect()))
            }),
            Datum::Array(items) => deep(|| {
                Some(Datum::array(items.iter().filter_map(Datum::without_literals).collect()))
            }),
            plain => Some(plain.clone()),
        }
    }
}
