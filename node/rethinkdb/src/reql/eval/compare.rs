//! Which of two values comes first, and what passes for true.

use std::cmp::Ordering;

use super::{Call, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::Result;
use crate::reql::number;
use crate::reql::op::{MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::EQ, "EQ", (1, MANY), |call| compare(call, Ordering::is_eq)),
    Op::new(number::NE, "NE", (1, MANY), |call| {
        let all_equal = compare(call, Ordering::is_eq)?.bool(call.run)?;
        Ok(call.datum_value(!all_equal))
    }),
    Op::new(number::LT, "LT", (1, MANY), |call| compare(call, Ordering::is_lt)),
    Op::new(number::LE, "LE", (1, MANY), |call| compare(call, Ordering::is_le)),
    Op::new(number::GT, "GT", (1, MANY), |call| compare(call, Ordering::is_gt)),
    Op::new(number::GE, "GE", (1, MANY), |call| compare(call, Ordering::is_ge)),
    Op::new(number::NOT, "not", (1, 1), |call| {
        let value = call.arg(0)?.bool(call.run)?;
        Ok(call.datum_value(!value))
    }),
    Op::new(number::AND, "and", (0, MANY), |call| first_that(call, true, Datum::is_truthy)),
    Op::new(number::OR, "or", (0, MANY), |call| first_that(call, false, |d| !d.is_truthy())),
];

/// Whether each value stands so to the next. Stops at the first that does not.
fn compare(call: &Call<'_>, holds: fn(Ordering) -> bool) -> Result<Value> {
    let mut left = call.datum(0)?;
    for index in 1..call.count() {
        let right = call.datum(index)?;
        if !holds(left.cmp(&right)) {
            return Ok(call.datum_value(false));
        }
        left = right;
    }
    Ok(call.datum_value(true))
}

/// The first argument that decides; the last one if all let one go on.
fn first_that(call: &Call<'_>, of_nothing: bool, go_on: fn(&Datum) -> bool) -> Result<Value> {
    let mut value = call.datum_value(of_nothing);
    for index in 0..call.count() {
        value = call.arg(index)?;
        if !go_on(&value.datum(call.run)?) {
            break;
        }
    }
    Ok(value)
}
