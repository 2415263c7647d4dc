//! Values from texts and bytes, and from chance: JSON, bytes, UUIDs, random numbers.

use sha1::{Digest as _, Sha1};

use super::{Call, Value};
use crate::Uuid;
use crate::reql::datum::{Datum, integer, reconstructable};
use crate::reql::failure::{At, Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Op};
use crate::reql::term::datum_of;
use crate::reql::text::Text;

pub(super) const OPS: &[Op] = &[
    Op::new(number::JSON, "json", (1, 1), json),
    Op::new(number::TO_JSON_STRING, "to_json_string", (1, 1), |call| {
        let datum = call.datum(0)?;
        datum.check_sendable()?;
        Ok(call.datum_value(datum.to_json()))
    }),
    Op::new(number::BINARY, "binary", (1, 1), |call| {
        let value = call.arg(0)?;
        match value.datum(call.run)? {
            Datum::Binary(_) => Ok(value),
            other => Ok(call.datum_value(Datum::Binary(other.expect_str()?.as_bytes().into()))),
        }
    }),
    Op::new(number::UUID, "uuid", (0, 1), uuid).determinism(Determinism::WITH_ARGUMENTS),
    Op::new(number::RANDOM, "random", (0, 2), random)
        .options(&["float"])
        .determinism(Determinism::NEVER),
];

/// How much of a text that is no JSON is shown.
const SHOWN_BYTES: usize = 40;

fn json(call: &Call<'_>) -> Result<Value> {
    let text = call.string(0)?;
    if text.contains('\0') {
        return Err(Failure::logic("Encountered unescaped null byte in JSON string."));
    }
    match Text::parse(text.as_bytes()) {
        Ok(parsed) => {
            let datum = datum_of(parsed)?;
            check_arrays(call, &datum)?;
            Ok(call.datum_value(datum))
        }
        Err(wrong) => {
            let mut shown = text.to_string();
            if shown.len() > SHOWN_BYTES {
                let end = (0..=SHOWN_BYTES - 3).rev().find(|end| shown.is_char_boundary(*end));
                shown.truncate(end.unwrap_or(0));
                shown.push_str("...");
            }
            Err(Failure::logic(format!("Failed to parse \"{shown}\" as JSON: {wrong}")))
        }
    }
}

fn check_arrays(call: &Call<'_>, datum: &Datum) -> Result<()> {
    match datum {
        Datum::Array(items) => {
            call.run.check_array_size(items.len())?;
            crate::reql::datum::deep(|| items.iter().try_for_each(|item| check_arrays(call, item)))
        }
        Datum::Object(object) => crate::reql::datum::deep(|| {
            object.values().try_for_each(|value| check_arrays(call, value))
        }),
        _ => Ok(()),
    }
}

/// The namespace of RethinkDB's UUIDs of texts.
const NAMESPACE: [u8; 16] = [
    0x91, 0x46, 0x1c, 0x99, 0xf8, 0x9d, 0x49, 0xd2, 0xaf, 0x96, 0xd8, 0xe2, 0xe1, 0x4e, 0x9b, 0x58,
];

fn uuid(call: &Call<'_>) -> Result<Value> {
    if call.count() == 0 {
        return Ok(call.datum_value(call.run.new_uuid()?));
    }
    Ok(call.datum_value(named_uuid(NAMESPACE, &call.string(0)?).to_string()))
}

/// The UUID of a name, version 5.
pub(super) fn named_uuid(namespace: [u8; 16], name: &str) -> Uuid {
    let digest = Sha1::new().chain_update(namespace).chain_update(name.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}

fn random(call: &Call<'_>) -> Result<Value> {
    let is_float = call.bool_option("float")?.unwrap_or(call.count() == 0);
    if is_float { random_float(call) } else { random_integer(call) }
}

fn random_float(call: &Call<'_>) -> Result<Value> {
    let (lower, upper) = match call.count() {
        0 => (0.0, 1.0),
        1 => (0.0, call.number(0)?),
        _ => (call.number(0)?, call.number(1)?),
    };
    // As many as fit into a double's digits.
    const STEPS: u64 = 1 << 53;
    #[expect(clippy::cast_precision_loss, reason = "all of them are doubles")]
    let share = call.run.draw_below(STEPS)? as f64 / STEPS as f64;
    // Two terms, because the difference may be too large for a double.
    let number = lower * (1.0 - share) + upper * share;
    // Neither may rounding lead out of the bounds.
    let is_within = (lower <= number && number < upper) || (upper < number && number <= lower);
    Ok(call.datum_value(if is_within { number } else { lower }))
}

fn random_integer(call: &Call<'_>) -> Result<Value> {
    let bound = |index: usize, name: &str| {
        let number = call.number(index)?;
        integer(number).ok_or_else(|| {
            let digits = reconstructable(number);
            Failure::logic(format!(
                "{name} bound ({digits}) could not be safely converted to an integer."
            ))
        })
    };
    let (lower, upper) = match call.count() {
        0 => {
            return Err(Failure::logic("Generating a random integer requires one or two bounds."));
        }
        1 => (0, bound(0, "Upper")?),
        _ => (bound(0, "Lower")?, bound(1, "Upper")?),
    };
    let Some(count) = upper.checked_sub(lower).and_then(|count| u64::try_from(count).ok()) else {
        return Err(not_less(lower, upper));
    };
    if count == 0 {
        return Err(not_less(lower, upper));
    }
    let drawn = lower + call.run.draw_below(count).at(call.place())?.cast_signed();
    #[expect(clippy::cast_precision_loss, reason = "both bounds are doubles, and it is between")]
    Ok(call.datum_value(drawn as f64))
}

fn not_less(lower: i64, upper: i64) -> Box<Failure> {
    Failure::logic(format!("Lower bound ({lower}) is not less than upper bound ({upper})."))
}
