//! Numbers, and what `+` and `*` also mean: texts and arrays joined, arrays repeated, times moved.

use super::{Call, Value};
use crate::reql::datum::{Datum, Time};
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::ADD, "ADD", (1, MANY), |call| fold(call, add)),
    Op::new(number::SUB, "SUB", (1, MANY), |call| fold(call, subtract)),
    Op::new(number::MUL, "MUL", (1, MANY), |call| fold(call, multiply)),
    Op::new(number::DIV, "DIV", (1, MANY), |call| fold(call, divide)),
    Op::new(number::MOD, "mod", (2, 2), modulo),
    Op::new(number::FLOOR, "floor", (1, 1), |call| rounded(call, f64::floor)),
    Op::new(number::CEIL, "ceil", (1, 1), |call| rounded(call, f64::ceil)),
    Op::new(number::ROUND, "round", (1, 1), |call| rounded(call, f64::round)),
    Op::new(number::BIT_AND, "BIT_AND", (1, MANY), |call| fold_bits(call, |a, b| a & b)),
    Op::new(number::BIT_OR, "BIT_OR", (1, MANY), |call| fold_bits(call, |a, b| a | b)),
    Op::new(number::BIT_XOR, "BIT_XOR", (1, MANY), |call| fold_bits(call, |a, b| a ^ b)),
    Op::new(number::BIT_NOT, "BIT_NOT", (1, 1), |call| whole(call, !bits(call, 0)?)),
    Op::new(number::BIT_SAL, "BIT_SAL", (2, 2), shift_left),
    Op::new(number::BIT_SAR, "BIT_SAR", (2, 2), shift_right),
];

type Step = fn(&Call<'_>, Datum, Datum) -> Result<Datum>;

fn fold(call: &Call<'_>, step: Step) -> Result<Value> {
    let mut sum = call.datum(0)?;
    for index in 1..call.count() {
        sum = step(call, sum, call.datum(index)?)?;
    }
    Ok(call.datum_value(sum))
}

fn add(call: &Call<'_>, left: Datum, right: Datum) -> Result<Datum> {
    match (left, right) {
        (Datum::Time(time), seconds) | (seconds, Datum::Time(time)) => {
            Ok(moved(&time, seconds.expect_number()?))
        }
        (Datum::String(left), right) => Ok(format!("{left}{}", right.expect_str()?).into()),
        (Datum::Array(left), right) => {
            let right = right.expect_array()?;
            call.run.check_array_size(left.len() + right.len())?;
            let mut items = left.into_vec();
            items.extend_from_slice(right);
            Ok(items.into())
        }
        (left, right) => Datum::finite(left.expect_number()? + right.expect_number()?),
    }
}

fn subtract(_: &Call<'_>, left: Datum, right: Datum) -> Result<Datum> {
    match (&left, &right) {
        (Datum::Time(a), Datum::Time(b)) => {
            Ok(Datum::Number(((a.epoch_s - b.epoch_s) * 1000.0).round() / 1000.0))
        }
        (Datum::Time(time), seconds) => Ok(moved(time, -seconds.expect_number()?)),
        _ => Datum::finite(left.expect_number()? - right.expect_number()?),
    }
}

fn moved(time: &Time, seconds: f64) -> Datum {
    Datum::time(time.epoch_s + seconds, time.timezone.clone())
}

fn multiply(call: &Call<'_>, left: Datum, right: Datum) -> Result<Datum> {
    let (array, times) = match (left, right) {
        (Datum::Array(array), times) | (times, Datum::Array(array)) => (array, times),
        (left, right) => return Datum::finite(left.expect_number()? * right.expect_number()?),
    };
    let Ok(times) = usize::try_from(times.expect_integer()?) else {
        return Err(Failure::logic("Cannot multiply an ARRAY by a negative number."));
    };
    call.run.check_array_size(array.len().saturating_mul(times))?;
    let items = std::iter::repeat_n(&*array, times).flatten().cloned();
    Ok(items.collect::<Vec<_>>().into())
}

fn divide(_: &Call<'_>, left: Datum, right: Datum) -> Result<Datum> {
    let (left, right) = (left.expect_number()?, right.expect_number()?);
    if right == 0.0 {
        return Err(Failure::logic("Cannot divide by zero."));
    }
    Datum::finite(left / right)
}

fn modulo(call: &Call<'_>) -> Result<Value> {
    let (left, right) = (call.integer(0)?, call.integer(1)?);
    match left.checked_rem(right) {
        Some(rest) => whole(call, rest),
        None => Err(Failure::logic("Cannot take a number modulo 0.")),
    }
}

fn rounded(call: &Call<'_>, round: fn(f64) -> f64) -> Result<Value> {
    Ok(call.datum_value(round(call.number(0)?)))
}

fn whole(call: &Call<'_>, number: i64) -> Result<Value> {
    #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers than doubles")]
    Ok(call.datum_value(number as f64))
}

/// An argument's bits: all but 2^53 itself is closed under the operations on them.
fn bits(call: &Call<'_>, index: usize) -> Result<i64> {
    let number = call.integer(index)?;
    match number {
        n if n < 1 << 53 => Ok(n),
        n => Err(Failure::logic(format!("Integer too large: {n}"))),
    }
}

fn fold_bits(call: &Call<'_>, step: fn(i64, i64) -> i64) -> Result<Value> {
    let mut sum = bits(call, 0)?;
    for index in 1..call.count() {
        sum = step(sum, bits(call, index)?);
    }
    whole(call, sum)
}

fn shift_by(call: &Call<'_>) -> Result<u32> {
    let places = call.integer(1)?;
    if places < 0 {
        return Err(Failure::logic("Cannot bit-shift by a negative value"));
    }
    Ok(u32::try_from(places).unwrap_or(u32::MAX))
}

fn shift_left(call: &Call<'_>) -> Result<Value> {
    let (number, places) = (bits(call, 0)?, shift_by(call)?);
    #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers than doubles")]
    let number = number as f64;
    // Doubles end at 2^1024.
    let factor = 2_f64.powi(i32::try_from(places.min(1100)).expect("it is small"));
    let shifted = if number == 0.0 { 0.0 } else { number * factor };
    Ok(call.datum_value(Datum::finite(shifted)?))
}

fn shift_right(call: &Call<'_>) -> Result<Value> {
    let (number, places) = (bits(call, 0)?, shift_by(call)?);
    whole(call, number >> places.min(63))
}
