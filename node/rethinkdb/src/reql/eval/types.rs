//! What kind of value something is, and the same as another kind.

use std::collections::BTreeMap;
use std::str::Utf8Error;

use super::object::add_field;
use super::table::{Db, Slice, Sorting, Table};
use super::{Call, Kind, Value};
use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::failure::{At, Failure, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, Op};
use crate::reql::term::ROOT;
use std::ops::Bound;

pub(super) const OPS: &[Op] = &[
    Op::new(number::TYPE_OF, "typeof", (1, 1), |call| {
        Ok(call.datum_value(type_name(&call.arg(0)?)))
    })
    .grouping(Grouping::Whole),
    Op::new(number::INFO, "info", (1, 1), info).grouping(Grouping::Whole),
    Op::new(number::COERCE_TO, "coerce_to", (2, 2), coerce),
];

/// The type's name as a client asks for it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match &value.kind {
        Kind::Datum(datum) => datum.type_name(),
        Kind::Sequence(seq) if seq.is_grouped() => "GROUPED_STREAM",
        _ => conversion_name(value),
    }
}

/// The type's name as conversions have it.
fn conversion_name(value: &Value) -> &'static str {
    match &value.kind {
        Kind::Db(_) => "DB",
        Kind::Table(_) => "TABLE",
        Kind::Slice(_) => "TABLE_SLICE",
        Kind::Selection(_, seq) if seq.is_array() => "SELECTION<ARRAY>",
        Kind::Selection(..) => "SELECTION<STREAM>",
        Kind::Single(_) => "SELECTION<OBJECT>",
        Kind::Sequence(_) => "STREAM",
        Kind::Func(_) => "FUNCTION",
        Kind::Grouped(_) => "GROUPED_DATA",
        Kind::Datum(datum) => datum_name(datum),
    }
}

fn datum_name(datum: &Datum) -> &'static str {
    match datum {
        Datum::Binary(_) => "BINARY",
        // As conversions go, a time is an object like others.
        Datum::Time(_) => "OBJECT",
        other => other.type_name(),
    }
}

const NAMES: &[&str] = &[
    "DB",
    "TABLE",
    "TABLE_SLICE",
    "SELECTION<STREAM>",
    "SELECTION<ARRAY>",
    "STREAM",
    "SELECTION<OBJECT>",
    "DATUM",
    "FUNCTION",
    "GROUPED_DATA",
    "NULL",
    "BINARY",
    "BOOL",
    "NUMBER",
    "STRING",
    "ARRAY",
    "OBJECT",
    "MINVAL",
    "MAXVAL",
];

/// Whether a value is of this type already.
fn is_already(value: &Value, wanted: &str) -> bool {
    let is_table = matches!(value.kind, Kind::Table(_));
    match wanted {
        "DB" => matches!(value.kind, Kind::Db(_)),
        "TABLE" => is_table,
        "TABLE_SLICE" => is_table || matches!(value.kind, Kind::Slice(_)),
        "SELECTION<STREAM>" => value.is_selection(),
        "STREAM" => value.is_sequence() || value.is_datum(),
        "SELECTION<OBJECT>" => matches!(value.kind, Kind::Single(_)),
        "DATUM" => value.is_datum(),
        "FUNCTION" => matches!(value.kind, Kind::Func(_)),
        "GROUPED_DATA" => matches!(value.kind, Kind::Grouped(_)),
        _ => false,
    }
}

fn coerce(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let datum = value.peek(call.run)?;
    let wanted = call.string(1)?.to_uppercase();
    if !NAMES.contains(&&*wanted) {
        return Err(Failure::logic(format!("Unknown Type: {wanted}")));
    }
    let from = datum.as_ref().map_or_else(|| conversion_name(&value), datum_name);
    if from == wanted || is_already(&value, &wanted) {
        return Ok(value);
    }
    if wanted == "BOOL" {
        return Ok(call.datum_value(!matches!(datum, Some(Datum::Null))));
    }
    if let Some(datum) = &datum
        && let Some(converted) = convert(call, datum, &wanted)?
    {
        return Ok(call.datum_value(converted));
    }
    let is_sequence = match &datum {
        Some(datum) => matches!(datum, Datum::Array(_)),
        None => value.is_sequence(),
    };
    let (place, of_value) = (value.place, Failure::of_value(&datum.unwrap_or(false.into()), ""));
    match &*wanted {
        "ARRAY" | "DATUM" if is_sequence => {
            let seq = value.into_seq(call.run)?;
            if seq.is_grouped() {
                return Ok(call.value(Kind::Grouped(seq.into_groups(call.run)?)));
            }
            // As in RethinkDB, nobody is blamed for too large an array.
            Ok(call.datum_value(seq.into_array(call.run).map_err(
                |failure| match failure.kind {
                    ErrorKind::ResourceLimit => failure.at(ROOT),
                    _ => failure,
                },
            )?))
        }
        "OBJECT" if is_sequence => {
            let mut fields = BTreeMap::new();
            for pair in value.into_seq(call.run)?.into_items(call.run)? {
                let pair = pair.expect_array()?;
                let [name, value] = pair else {
                    let count = pair.len();
                    let message = format!("Expected array of size 2, but got size {count}.");
                    return Err(Failure::logic(message));
                };
                add_field(&mut fields, name.expect_str()?.into(), value.clone(), "coerced object")?;
            }
            Ok(call.datum_value(Datum::from_fields(fields)?))
        }
        _ => {
            let message = format!("Cannot coerce {from} to {wanted}.");
            Err(Failure::new(of_value.kind, message).at(place))
        }
    }
}

/// A datum as another, if there is such a conversion.
fn convert(call: &Call<'_>, datum: &Datum, wanted: &str) -> Result<Option<Datum>> {
    Ok(Some(match (datum, wanted) {
        (Datum::Binary(bytes), "STRING") => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => return Err(not_utf8(bytes, &error)),
        },
        (Datum::String(text), "BINARY") => Datum::Binary(text.as_bytes().into()),
        (datum, "STRING") => {
            datum.check_sendable()?;
            datum.to_json().into()
        }
        (Datum::Object(_) | Datum::Time(_), "ARRAY") => {
            let pair = |(name, value)| Datum::array(vec![Datum::String(name), value]);
            call.run.array(datum.as_fields().into_iter().map(pair).collect())?
        }
        (Datum::String(text), "NUMBER") => match number_of(text.trim_start()) {
            Some(number) => Datum::finite(number)?,
            None => {
                return Err(Failure::logic(format!("Could not coerce `{text}` to NUMBER.")));
            }
        },
        _ => return Ok(None),
    }))
}

/// A number as C reads it: decimal, or hexadecimal after `0x`.
fn number_of(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers than doubles")]
        Some(digits) => Some(sign * u64::from_str_radix(digits, 16).ok()? as f64),
        None => text.parse().ok(),
    }
}

/// What is said of bytes that are no text.
fn not_utf8(bytes: &[u8], error: &Utf8Error) -> Box<Failure> {
    const SHOWN_BYTES: usize = 20;
    let start = error.valid_up_to();
    let good = error.error_len().unwrap_or(bytes.len() - start);
    let why = match bytes[start] {
        0x80..0xc0 | 0xf8.. => "Invalid initial byte seen",
        0xc0 | 0xc1 => "Overlong encoding seen",
        _ if error.error_len().is_none() => "Expected continuation byte, saw end of string",
        _ => "Expected continuation byte, saw something else",
    };
    let at = start + good - 1;
    let shown = String::from_utf8_lossy(&bytes[..at.min(SHOWN_BYTES)]).into_owned();
    Failure::logic(format!(
        "String `{shown}` (truncated) is not a UTF-8 string; {why} at position {at}."
    ))
}

fn info(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let mut info = BTreeMap::from([("type".into(), type_name(&value).into())]);
    let mut add = |name: &str, datum: Datum| {
        info.insert(name.into(), datum);
    };
    match &value.kind {
        Kind::Db(db) => return Ok(call.datum_value(of_db(db))),
        Kind::Table(table) => return Ok(call.datum_value(of_table(call, table)?)),
        Kind::Slice(slice) => {
            add("table", of_table(call, &slice.table)?);
            of_slice(slice, &mut add);
        }
        Kind::Selection(table, _) => add("table", of_table(call, table)?),
        Kind::Single(single) => add("table", of_table(call, &single.table)?),
        Kind::Func(func) => add("source_code", func.print().into()),
        Kind::Sequence(_) | Kind::Grouped(_) => (),
        Kind::Datum(Datum::Null | Datum::MinVal | Datum::MaxVal) => (),
        Kind::Datum(datum) => {
            if let Datum::Binary(bytes) = datum {
                add("count", Datum::count(bytes.len()));
            }
            add("value", datum.pretty().into());
        }
    }
    Ok(call.datum_value(Datum::object(info)))
}

fn of_db(db: &Db) -> Datum {
    Datum::fields([
        ("id", Datum::String(db.id.clone())),
        ("name", Datum::String(db.name.clone())),
        ("type", "DB".into()),
    ])
}

fn of_table(call: &Call<'_>, table: &Table) -> Result<Datum> {
    let indexes = table.rows.indexes().into_iter().map(Datum::String).collect();
    let estimates = table.rows.estimates(call.run).at(call.place())?;
    Ok(Datum::fields([
        ("db", of_db(&table.db)),
        ("doc_count_estimates", Datum::array(estimates)),
        ("id", Datum::String(table.rows.id())),
        ("indexes", Datum::array(indexes)),
        ("name", Datum::String(table.name.clone())),
        ("primary_key", Datum::String(table.rows.primary_key())),
        ("type", "TABLE".into()),
    ]))
}

fn of_slice(slice: &Slice, add: &mut impl FnMut(&str, Datum)) {
    add("index", slice.index.clone().map_or(Datum::Null, Datum::String));
    let sorting = match slice.sorting {
        Sorting::Unordered => "UNORDERED",
        Sorting::Ascending => "ASCENDING",
        Sorting::Descending => "DESCENDING",
    };
    add("sorting", sorting.into());
    let bounds = [("left_bound", &slice.range.from), ("right_bound", &slice.range.to)];
    for (name, bound) in bounds {
        let (value, kind) = match bound {
            Bound::Unbounded => (None, "unbounded"),
            Bound::Included(value) => (Some(value), "closed"),
            Bound::Excluded(value) => (Some(value), "open"),
        };
        let kind = match (value, name) {
            (None, _) => kind,
            (Some(Datum::MinVal), "left_bound") | (Some(Datum::MaxVal), "right_bound") => {
                "unbounded"
            }
            (Some(Datum::MinVal | Datum::MaxVal), _) => "unachievable",
            (Some(value), _) => {
                add(name, value.clone());
                kind
            }
        };
        add(&format!("{name}_type"), kind.into());
    }
}
