//! Objects: which fields they have, some of them, others merged in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bracket::{Each, object_or_each};
use super::func::Shortcut;
use super::run::Flags;
use super::{Call, Value};
use crate::reql::datum::{Datum, LITERAL, Object, REQL_TYPE, STRAY_LITERAL};
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::PLUCK, "pluck", (1, MANY), |call| {
        object_or_each(call, call.arg(0)?, Each::Map, |object| {
            Ok(paths(call, 1)?.project(&object, false).expect("it is an object"))
        })
    })
    .options(&["_NO_RECURSE_"])
    .grouping(Grouping::Stream),
    Op::new(number::WITHOUT, "without", (1, MANY), |call| {
        object_or_each(call, call.arg(0)?, Each::Map, |object| {
            Ok(paths(call, 1)?.without(&object, false).expect("it is an object"))
        })
    })
    .options(&["_NO_RECURSE_"])
    .grouping(Grouping::Stream),
    Op::new(number::HAS_FIELDS, "has_fields", (1, MANY), |call| {
        object_or_each(call, call.arg(0)?, Each::Filter, |object| {
            Ok(paths(call, 1)?.are_in(&object).into())
        })
    })
    .options(&["_NO_RECURSE_"])
    .grouping(Grouping::Stream),
    Op::new(number::WITH_FIELDS, "with_fields", (1, MANY), with_fields).grouping(Grouping::Stream),
    Op::new(number::MERGE, "merge", (1, MANY), |call| {
        object_or_each(call, call.arg(0)?, Each::Map, |object| merge(call, object))
    })
    .literals_in_args()
    .options(&["_NO_RECURSE_"])
    .grouping(Grouping::Stream),
    Op::new(number::LITERAL, "literal", (0, 1), literal).grouping(Grouping::Whole),
    Op::new(number::KEYS, "keys", (1, 1), |call| {
        let names = fields(call)?.keys().map(|name| Datum::String(name.clone())).collect();
        Ok(call.datum_value(call.run.array(names)?))
    }),
    Op::new(number::VALUES, "values", (1, 1), |call| {
        let values = fields(call)?.values().cloned().collect();
        Ok(call.datum_value(call.run.array(values)?))
    }),
    Op::new(number::OBJECT, "object", (0, MANY), object),
];

/// Which fields are meant, at which depth.
enum Paths {
    Field(Arc<str>),
    All(Vec<Paths>),
    Below(BTreeMap<Arc<str>, Paths>),
}

/// The paths that all arguments from this one on are.
fn paths(call: &Call<'_>, from: usize) -> Result<Paths> {
    Paths::of(&Datum::array(call.data_from(from)?))
}

impl Paths {
    fn of(datum: &Datum) -> Result<Self> {
        Ok(match datum {
            Datum::String(name) => Self::Field(name.clone()),
            Datum::Array(items) => Self::All(items.iter().map(Self::of).collect::<Result<_>>()?),
            Datum::Object(object) => {
                let (mut all, mut below) = (Vec::new(), BTreeMap::new());
                for (name, value) in &**object {
                    match value {
                        Datum::Bool(true) => all.push(Self::Field(name.clone())),
                        value => {
                            below.insert(name.clone(), Self::of(value)?);
                        }
                    }
                }
                if !below.is_empty() || all.is_empty() {
                    all.push(Self::Below(below));
                }
                Self::All(all)
            }
            // A time is the object it is written as.
            Datum::Time(_) => Self::of(&Datum::object(datum.as_fields()))?,
            other => {
                let text = other.pretty();
                return Err(Failure::logic(format!("Invalid path argument `{text}`.")));
            }
        })
    }

    /// A value with these fields only; none if it has none to choose from. Below the first level also
    /// of each element of an array.
    fn project(&self, value: &Datum, also_arrays: bool) -> Option<Datum> {
        match value {
            Datum::Array(items) if also_arrays => {
                let each = items.iter().map(|item| self.project(item, false));
                Some(each.collect::<Option<Vec<_>>>()?.into())
            }
            Datum::Object(object) => Some(Datum::object(self.fields_of(object))),
            _ => None,
        }
    }

    fn fields_of(&self, object: &Object) -> BTreeMap<Arc<str>, Datum> {
        let mut chosen = BTreeMap::new();
        match self {
            Self::Field(name) => {
                chosen.extend(object.get(name).map(|value| (name.clone(), value.clone())));
            }
            Self::All(all) => chosen.extend(all.iter().flat_map(|paths| paths.fields_of(object))),
            Self::Below(below) => {
                for (name, paths) in below {
                    let value = object.get(name).and_then(|value| paths.project(value, true));
                    chosen.extend(value.map(|value| (name.clone(), value)));
                }
            }
        }
        chosen
    }

    /// A value without these fields; none if it can have none.
    fn without(&self, value: &Datum, also_arrays: bool) -> Option<Datum> {
        match value {
            Datum::Array(items) if also_arrays => {
                let each = items.iter().map(|item| self.without(item, false));
                Some(each.collect::<Option<Vec<_>>>()?.into())
            }
            Datum::Object(object) => {
                let mut fields = (**object).clone();
                self.remove_from(&mut fields);
                Some(Datum::object(fields))
            }
            _ => None,
        }
    }

    fn remove_from(&self, fields: &mut BTreeMap<Arc<str>, Datum>) {
        match self {
            Self::Field(name) => {
                fields.remove(name);
            }
            Self::All(all) => all.iter().for_each(|paths| paths.remove_from(fields)),
            Self::Below(below) => {
                for (name, paths) in below {
                    if let Some(value) = fields.get_mut(name)
                        && let Some(rest) = paths.without(value, true)
                    {
                        *value = rest;
                    }
                }
            }
        }
    }

    /// Whether a value has all of these fields, and none of them null.
    fn are_in(&self, value: &Datum) -> bool {
        match self {
            Self::Field(name) => value.get(name).is_some_and(|value| !value.is_null()),
            Self::All(all) => all.iter().all(|paths| paths.are_in(value)),
            Self::Below(below) => {
                matches!(value, Datum::Object(_))
                    && below.iter().all(|(name, paths)| {
                        value.get(name).is_some_and(|value| paths.are_in(value))
                    })
            }
        }
    }
}

/// What has all of these fields, with these fields only.
fn with_fields(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let having = call.as_other(number::HAS_FIELDS, value)?;
    let having = (having.op.eval)(&having)?;
    let pluck = call.as_other(number::PLUCK, having)?;
    (pluck.op.eval)(&pluck)
}

fn merge(call: &Call<'_>, object: Datum) -> Result<Datum> {
    let mut merged = object;
    for index in 1..call.count() {
        let value = call.arg_with(index, Flags::LITERAL_OK)?;
        let place = value.place;
        let other = if value.is_datum() {
            value.datum(call.run)?
        } else {
            let func = value.into_func_or(Shortcut::Constant, call.run)?;
            func.call_with(call.run, &[merged.clone()], Flags::LITERAL_OK)?.datum(call.run)?
        };
        if let Datum::Time(_) = other {
            let kind = other.type_name();
            let message = format!("Cannot merge objects of type `{kind}`.");
            return Err(Failure::logic(message).at(place));
        }
        merged = merged.merge(&other)?;
    }
    Ok(merged)
}

fn literal(call: &Call<'_>) -> Result<Value> {
    if !call.flags.literal_ok {
        return Err(Failure::logic(STRAY_LITERAL));
    }
    let mut fields = BTreeMap::from([(REQL_TYPE.into(), LITERAL.into())]);
    if call.count() == 1 {
        fields.insert("value".into(), call.datum(0)?);
    }
    Ok(call.datum_value(Datum::from_fields_or_literal(fields, true)?))
}

/// The fields of the only argument.
fn fields(call: &Call<'_>) -> Result<Object> {
    let value = call.arg(0)?;
    match value.datum(call.run)? {
        Datum::Object(object) if !object.contains_key(REQL_TYPE) => Ok(object),
        other => {
            let (name, kind) = (call.op.name, other.type_name());
            let message = format!("Cannot call `{name}` on objects of type `{kind}`.");
            Err(Failure::logic(message).at(value.place))
        }
    }
}

fn object(call: &Call<'_>) -> Result<Value> {
    let count = call.count();
    if !count.is_multiple_of(2) {
        return Err(Failure::logic(format!(
            "OBJECT expects an even number of arguments (but found {count})."
        )));
    }
    let mut fields = BTreeMap::new();
    for index in (0..count).step_by(2) {
        let (name, value) = (call.string(index)?, call.datum(index + 1)?);
        add_field(&mut fields, name, value, "object")?;
    }
    Ok(call.datum_value(Datum::from_fields(fields)?))
}

/// One more field of an object.
///
/// # Errors
/// It has one of this name.
pub(super) fn add_field(
    fields: &mut BTreeMap<Arc<str>, Datum>,
    name: Arc<str>,
    value: Datum,
    what: &str,
) -> Result<()> {
    if let Some(old) = fields.get(&name) {
        let (old, new) = (old.pretty_truncated(), value.pretty_truncated());
        let name = Datum::String(name).pretty();
        return Err(Failure::logic(format!(
            "Duplicate key {name} in {what}.  (got {old} and {new} as values)"
        )));
    }
    fields.insert(name, value);
    Ok(())
}
