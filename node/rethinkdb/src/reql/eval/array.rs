//! Arrays with elements put in, taken out or exchanged; arrays as sets.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::func::Body;
use super::{Call, Func, Step, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::Op;

pub(super) const OPS: &[Op] = &[
    Op::new(number::APPEND, "append", (2, 2), |call| {
        let (mut items, new) = (items(call, 0)?, call.datum(1)?);
        items.push(new);
        array(call, items)
    }),
    Op::new(number::PREPEND, "prepend", (2, 2), |call| {
        let (mut items, new) = (items(call, 0)?, call.datum(1)?);
        items.insert(0, new);
        array(call, items)
    }),
    Op::new(number::INSERT_AT, "insert_at", (3, 3), |call| {
        let (mut items, at) = with_space(call)?;
        items.insert(at, call.datum(2)?);
        array(call, items)
    }),
    Op::new(number::SPLICE_AT, "splice_at", (3, 3), |call| {
        let (mut items, at) = with_space(call)?;
        items.splice(at..at, self::items(call, 2)?);
        array(call, items)
    }),
    Op::new(number::DELETE_AT, "delete_at", (2, 3), delete_at),
    Op::new(number::CHANGE_AT, "change_at", (3, 3), |call| {
        let mut items = items(call, 0)?;
        let at = place(call, 1, items.len())?;
        let new = call.datum(2)?;
        let count = items.len();
        *items.get_mut(at).ok_or_else(|| out_of_bounds(at, count))? = new;
        array(call, items)
    }),
    Op::new(number::SET_INSERT, "set_insert", (2, 2), |call| {
        let (mut items, new) = (items(call, 0)?, call.datum(1)?);
        items.push(new);
        array(call, each_once(items))
    }),
    Op::new(number::SET_UNION, "set_union", (2, 2), |call| {
        let mut items = items(call, 0)?;
        items.extend(self::items(call, 1)?);
        array(call, each_once(items))
    }),
    Op::new(number::SET_INTERSECTION, "set_intersection", (2, 2), |call| {
        let mut left: BTreeSet<_> = items(call, 0)?.into_iter().collect();
        let right = items(call, 1)?;
        array(call, right.into_iter().filter(|item| left.remove(item)).collect())
    }),
    Op::new(number::SET_DIFFERENCE, "set_difference", (2, 2), |call| {
        let left = items(call, 0)?;
        let mut known: BTreeSet<_> = items(call, 1)?.into_iter().collect();
        array(call, left.into_iter().filter(|item| known.insert(item.clone())).collect())
    }),
    Op::new(number::DIFFERENCE, "difference", (2, 2), difference),
];

fn items(call: &Call<'_>, index: usize) -> Result<Vec<Datum>> {
    Ok(call.datum(index)?.expect_array()?.to_vec())
}

fn array(call: &Call<'_>, items: Vec<Datum>) -> Result<Value> {
    Ok(call.datum_value(call.run.array(items)?))
}

fn each_once(items: Vec<Datum>) -> Vec<Datum> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

/// A place among so many; counted from the end if it is negative.
fn place(call: &Call<'_>, index: usize, count: usize) -> Result<usize> {
    let index = call.datum(index)?.expect_integer()?;
    let from_end = || count.checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    let place = if index >= 0 { usize::try_from(index).ok() } else { from_end() };
    place.ok_or_else(|| Failure::missing(format!("Index out of bounds: {index}")))
}

fn out_of_bounds(index: usize, count: usize) -> Box<Failure> {
    Failure::missing(format!("Index `{index}` out of bounds for array of size: `{count}`."))
}

/// An array and a place between its elements.
fn with_space(call: &Call<'_>) -> Result<(Vec<Datum>, usize)> {
    let items = items(call, 0)?;
    let at = place(call, 1, items.len() + 1)?;
    if at > items.len() {
        return Err(out_of_bounds(at, items.len()));
    }
    Ok((items, at))
}

fn delete_at(call: &Call<'_>) -> Result<Value> {
    let mut items = items(call, 0)?;
    let count = items.len();
    let from = place(call, 1, count)?;
    if call.count() == 2 {
        if from >= count {
            return Err(out_of_bounds(from, count));
        }
        items.remove(from);
        return array(call, items);
    }
    let to = place(call, 2, count)?;
    for index in [from, to] {
        if index > count {
            return Err(out_of_bounds(index, count));
        }
    }
    if from > to {
        return Err(Failure::logic(format!(
            "Start index `{from}` is greater than end index `{to}`."
        )));
    }
    items.drain(from..to);
    array(call, items)
}

/// The elements of a sequence that are in no other.
fn difference(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let others = call.seq(1)?.into_items(call.run)?.into_iter().collect();
    let func = Arc::new(Func { place: call.place(), body: Body::NotIn(others) });
    super::sequence::with_step(call, value, Step::Filter { func, default: None }, true)
}
