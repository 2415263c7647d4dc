//! From and to a document of the core.

use bigchaindb_core::model::{Json, Object};

use super::{Datum, deep};

/// Why a document of the core is no ReQL value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnreadableDatum {
    /// ReQL has only finite numbers.
    #[error("a number is not finite")]
    NotFinite,
    /// An object with a field `$reql_type$` that names no type, or misses its parts.
    #[error("an object's `$reql_type$` names nothing that it is")]
    BadPseudoType,
}

impl TryFrom<&Json> for Datum {
    type Error = UnreadableDatum;

    /// The value of a document. Integers beyond 2^53 become the nearest double.
    fn try_from(json: &Json) -> Result<Self, UnreadableDatum> {
        Ok(match json {
            Json::Null => Datum::Null,
            Json::Bool(value) => Datum::Bool(*value),
            #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers")]
            Json::Int(value) => Datum::Number(*value as f64),
            Json::BigInt(digits) => finite(digits.parse().unwrap_or(f64::INFINITY))?,
            Json::Float(value) => finite(*value)?,
            Json::String(text) => Datum::String((**text).into()),
            Json::Array(items) => {
                let items: Result<_, _> = deep(|| items.iter().map(Datum::try_from).collect());
                Datum::array(items?)
            }
            Json::Object(object) => {
                let fields: Result<_, _> = deep(|| {
                    let field =
                        |(name, value): (&str, _)| Ok((name.into(), Datum::try_from(value)?));
                    object.iter().map(field).collect()
                });
                Datum::from_fields(fields?).map_err(|_| UnreadableDatum::BadPseudoType)?
            }
        })
    }
}

fn finite(number: f64) -> Result<Datum, UnreadableDatum> {
    if number.is_finite() { Ok(Datum::Number(number)) } else { Err(UnreadableDatum::NotFinite) }
}

impl From<&Datum> for Json {
    /// The document that a client would read this value as: bytes and times as objects with a field
    /// `$reql_type$`, whole numbers as integers.
    fn from(datum: &Datum) -> Self {
        match datum {
            Datum::MinVal | Datum::MaxVal | Datum::Null => Json::Null,
            Datum::Bool(value) => Json::Bool(*value),
            Datum::Number(number) => match super::integer(*number) {
                Some(whole) if whole != 0 || number.is_sign_positive() => Json::from(whole),
                _ => Json::Float(*number),
            },
            Datum::String(text) => Json::from(&**text),
            Datum::Array(items) => deep(|| Json::Array(items.iter().map(Json::from).collect())),
            Datum::Object(object) => deep(|| {
                let field = |(name, value): (&std::sync::Arc<str>, &Datum)| {
                    (Box::from(&**name), Json::from(value))
                };
                Json::Object(object.iter().map(field).collect::<Object>())
            }),
            Datum::Binary(_) | Datum::Time(_) => Json::from(&Datum::object(datum.as_fields())),
        }
    }
}
