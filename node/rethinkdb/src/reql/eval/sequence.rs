//! What is done to each element of a sequence.

use super::func::Shortcut;
use super::{Call, Func, Kind, Step, Value};
use crate::reql::failure::Result;
use crate::reql::number;
use crate::reql::op::{Grouping, Op};
use std::sync::Arc;

pub(super) const OPS: &[Op] = &[
    Op::new(number::FILTER, "filter", (2, 2), filter)
        .options(&["default"])
        .grouping(Grouping::Stream),
    Op::new(number::CONCAT_MAP, "concatmap", (2, 2), |call| {
        with_step(call, call.arg(0)?, Step::ConcatMap(call.func(1)?), false)
    })
    .grouping(Grouping::Stream),
    Op::new(number::ZIP, "zip", (1, 1), |call| with_step(call, call.arg(0)?, Step::Zip, false)),
];

/// A sequence with one more step for each element; still a selection if it was one and `keeps` rows.
pub(super) fn with_step(call: &Call<'_>, value: Value, step: Step, keeps: bool) -> Result<Value> {
    let (table, seq) = value.into_seq_with_table(call.run)?;
    let seq = seq.then(step, call.place())?;
    match table {
        Some(table) if keeps => Ok(call.value(Kind::Selection(table, seq))),
        _ => call.seq_value(seq),
    }
}

fn filter(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let flags = super::run::Flags::LITERAL_OK;
    let func = call.arg_with(1, flags)?.into_func_or(Shortcut::Constant, call.run)?;
    // Evaluated only where something is missing.
    let default = call.node.options.get("default");
    let default = default.map(|node| Arc::new(Func::later(node, call.scope)));
    with_step(call, value, Step::Filter { func, default }, true)
}
