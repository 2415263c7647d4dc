//! What is evaluated, and whether at all: values in arrays, functions called, branches, defaults.

use super::func::Shortcut;
use super::{Call, Kind, Value};
use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::MAKE_ARRAY, "make_array", (0, MANY), make_array),
    Op::new(number::ARGS, "args", (1, 1), args),
    Op::new(number::FUNCALL, "funcall", (1, MANY), funcall),
    Op::new(number::BRANCH, "branch", (3, MANY), branch),
    Op::new(number::ERROR, "error", (0, 1), error),
    Op::new(number::DEFAULT, "error", (2, 2), default).grouping(Grouping::Whole),
    Op::new(number::MINVAL, "minval", (0, 0), |call| Ok(call.datum_value(Datum::MinVal))),
    Op::new(number::MAXVAL, "maxval", (0, 0), |call| Ok(call.datum_value(Datum::MaxVal))),
];

fn make_array(call: &Call<'_>) -> Result<Value> {
    let items = call.data_from(0)?;
    Ok(call.datum_value(call.run.array(items)?))
}

/// What `r.args` stands for is put into the arguments of the term around; alone it is an array.
fn args(call: &Call<'_>) -> Result<Value> {
    let value = call.arg_with(0, call.flags)?;
    value.datum(call.run)?.expect_array()?;
    Ok(value)
}

fn funcall(call: &Call<'_>) -> Result<Value> {
    let func = call.arg(0)?.into_func_or(Shortcut::Constant, call.run)?;
    if call.count() == 1 {
        return func.call(call.run, &[]);
    }
    let first = call.arg(1)?;
    let mut args = vec![Datum::Null];
    args.extend(call.data_from(2)?);
    let groups = match first.kind {
        Kind::Grouped(groups) => groups,
        Kind::Sequence(seq) if seq.is_grouped() => seq.into_groups(call.run)?,
        kind => {
            args[0] = Value { kind, place: first.place }.datum(call.run)?;
            return func.call(call.run, &args);
        }
    };
    let mut results = super::Groups::new();
    for (group, datum) in groups {
        args[0] = datum;
        results.insert(group, func.datum(call.run, &args)?);
    }
    Ok(call.value(Kind::Grouped(results)))
}

fn branch(call: &Call<'_>) -> Result<Value> {
    if call.count().is_multiple_of(2) {
        let message = "Cannot call `branch` term with an even number of arguments.";
        return Err(Failure::logic(message));
    }
    let last = call.count() - 1;
    for index in (0..last).step_by(2) {
        if call.arg(index)?.bool(call.run)? {
            return call.arg(index + 1);
        }
    }
    call.arg(last)
}

fn error(call: &Call<'_>) -> Result<Value> {
    if call.count() == 0 {
        let mut empty = Failure::logic("Empty ERROR term outside a default block.");
        empty.is_empty_error = true;
        return Err(empty);
    }
    Err(Failure::new(ErrorKind::User, &*call.string(0)?))
}

/// The first argument; the second if that is null or something is missing in it.
fn default(call: &Call<'_>) -> Result<Value> {
    let tried = call.arg(0).and_then(|value| match value.peek(call.run)? {
        Some(Datum::Null) => Ok((value, true)),
        _ => Ok((value, false)),
    });
    let (message, otherwise) = match tried {
        Ok((value, false)) => return Ok(value),
        Ok((null, true)) => (Datum::Null, Ok(null)),
        Err(failure) if failure.is_missing() => (Datum::from(&*failure.message), Err(failure)),
        Err(failure) => return Err(failure),
    };
    let value = call.arg(1).and_then(|value| match value.kind {
        Kind::Func(func) => func.call(call.run, &[message]),
        _ => Ok(value),
    });
    match value {
        Err(empty) if empty.is_empty_error => otherwise,
        value => value,
    }
}
