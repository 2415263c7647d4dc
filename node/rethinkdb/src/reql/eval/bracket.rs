//! A field of an object, an element of a sequence; of a sequence of objects, the field of each.

use super::table::Single;
use super::{Call, Func, Kind, Next, Step, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::GET_FIELD, "get_field", (2, 2), get_field)
        .options(&["_NO_RECURSE_"])
        .grouping(Grouping::Stream),
    Op::new(number::BRACKET, "bracket", (2, 2), bracket)
        .options(&["_NO_RECURSE_"])
        .grouping(Grouping::Stream),
    Op::new(number::NTH, "nth", (2, 2), |call| nth(call, call.arg(0)?, &call.arg(1)?)),
];

/// What becomes of each element of a sequence that a term for objects is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Each {
    /// The term's value for it.
    Map,
    /// Itself, if the term's value for it is true.
    Filter,
    /// The term's value for it, if nothing is missing.
    MapOrSkip,
}

/// A term for objects, given an object or a sequence of objects.
pub(super) fn object_or_each(
    call: &Call<'_>,
    value: Value,
    each: Each,
    of_object: impl FnOnce(Datum) -> Result<Datum>,
) -> Result<Value> {
    let name = call.op.name;
    match value.peek(call.run)? {
        Some(object @ Datum::Object(_)) if !object.is_literal() => {
            return Ok(call.datum_value(of_object(object)?));
        }
        Some(typed @ (Datum::Time(_) | Datum::Object(_))) => {
            let kind = typed.type_name();
            let message = format!("Cannot call `{name}` on objects of type `{kind}`.");
            return Err(Failure::logic(message).at(value.place));
        }
        Some(Datum::Array(_)) => (),
        None if value.is_sequence() => (),
        _ => {
            let text = value.print_truncated(call.run)?;
            let message = format!("Cannot perform {name} on a non-object non-sequence `{text}`.");
            return Err(value.failure(call.run, message));
        }
    }
    if call.is_element {
        return Err(Failure::logic(format!("Cannot perform {name} on a sequence of sequences.")));
    }
    let func = std::sync::Arc::new(Func::of_element(call));
    let step = match each {
        Each::Map => Step::Map(func),
        Each::Filter => Step::Filter { func, default: None },
        Each::MapOrSkip => Step::MapOrSkip(func),
    };
    super::sequence::with_step(call, value, step, each == Each::Filter)
}

fn get_field(call: &Call<'_>) -> Result<Value> {
    object_or_each(call, call.arg(0)?, Each::MapOrSkip, |object| {
        Ok(object.expect_field(&call.string(1)?)?.clone())
    })
}

fn bracket(call: &Call<'_>) -> Result<Value> {
    let (value, key) = (call.arg(0)?, call.arg(1)?);
    match key.datum(call.run)? {
        Datum::Number(_) => nth(call, value, &key),
        Datum::String(name) => object_or_each(call, value, Each::MapOrSkip, |object| {
            Ok(object.expect_field(&name)?.clone())
        }),
        other => {
            let found = other.type_name();
            let message = format!(
                "Expected NUMBER or STRING as second argument to `bracket` but found {found}."
            );
            Err(Failure::of_value(&other, message))
        }
    }
}

/// An element by its number, from the end if that is negative.
fn nth(call: &Call<'_>, value: Value, index: &Value) -> Result<Value> {
    let wanted = index.integer(call.run)?;
    let out_of_bounds = || Failure::missing(format!("Index out of bounds: {wanted}"));
    if let Some(Datum::Array(items)) = value.peek(call.run)? {
        return match item_of(&items, wanted) {
            Some(item) => Ok(call.datum_value(item.clone())),
            None => Err(out_of_bounds()),
        };
    }
    let (table, mut seq) = value.into_seq_with_table(call.run)?;
    if wanted < -1 {
        return Err(Failure::logic(format!("Cannot use an index < -1 ({wanted}) on a stream.")));
    }
    let found = if wanted >= 0 {
        let mut left = wanted;
        loop {
            match seq.next_value(call.run)? {
                Next::Item(item) if left == 0 => break Some(item),
                Next::Item(_) => left -= 1,
                _ => break None,
            }
        }
    } else {
        let mut last = None;
        seq.for_each(call.run, |item| {
            last = Some(item.value);
            Ok(true)
        })?;
        last
    };
    let found = found.ok_or_else(out_of_bounds)?;
    Ok(match table {
        Some(table) => call.value(Kind::Single(Box::new(Single::of_row(table, found)))),
        None => call.datum_value(found),
    })
}

fn item_of(items: &[Datum], index: i64) -> Option<&Datum> {
    let from_end = || usize::try_from(index.unsigned_abs()).ok();
    match usize::try_from(index) {
        Ok(index) => items.get(index),
        Err(_) => items.len().checked_sub(from_end()?).and_then(|index| items.get(index)),
    }
}

/// What `value.get_field(name)` is for a name that stands for that function, as in `max("age")`.
pub(super) fn of_datum(value: &Datum, name: &Datum, is_element: bool) -> Result<Datum> {
    const NAME: &str = "get_field";
    match value {
        Datum::Object(_) if !value.is_literal() => {
            Ok(value.expect_field(name.expect_str()?)?.clone())
        }
        Datum::Array(items) if !is_element => {
            let mut found = Vec::new();
            for item in &**items {
                match of_datum(item, name, true) {
                    Err(failure) if failure.is_missing() => (),
                    value => found.push(value?),
                }
            }
            Ok(found.into())
        }
        Datum::Array(_) => {
            Err(Failure::logic(format!("Cannot perform {NAME} on a sequence of sequences.")))
        }
        Datum::Time(_) | Datum::Object(_) => {
            let kind = value.type_name();
            Err(Failure::logic(format!("Cannot call `{NAME}` on objects of type `{kind}`.")))
        }
        other => {
            let text = other.pretty_truncated();
            let message = format!("Cannot perform {NAME} on a non-object non-sequence `{text}`.");
            Err(Failure::of_value(other, message))
        }
    }
}
