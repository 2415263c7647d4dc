//! What is done to each element of a sequence, and what of a sequence is taken.

use std::sync::Arc;

use super::changes::Watch;
use super::func::{Body, Shortcut};
use super::run::Flags;
use super::seq::Endless;
use super::table::Table;
use super::{Call, Func, Kind, Next, Run, Seq, Step, Stream, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Grouping, MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::FILTER, "filter", (2, 2), filter)
        .options(&["default"])
        .grouping(Grouping::Stream),
    Op::new(number::MAP, "map", (2, MANY), map).grouping(Grouping::Stream),
    Op::new(number::CONCAT_MAP, "concatmap", (2, 2), |call| {
        let value = call.arg(0)?;
        with_step(call, value, Step::ConcatMap(call.func(1)?), false)
    })
    .grouping(Grouping::Stream),
    Op::new(number::ZIP, "zip", (1, 1), |call| with_step(call, call.arg(0)?, Step::Zip, false)),
    Op::new(number::LIMIT, "limit", (2, 2), limit),
    Op::new(number::SKIP, "skip", (2, 2), skip),
    Op::new(number::SLICE, "slice", (2, 3), slice).options(&["left_bound", "right_bound"]),
    Op::new(number::IS_EMPTY, "is_empty", (1, 1), is_empty),
    Op::new(number::CONTAINS, "contains", (1, MANY), contains),
    Op::new(number::OFFSETS_OF, "offsets_of", (2, 2), offsets_of),
    Op::new(number::RANGE, "range", (0, 2), range),
    Op::new(number::SAMPLE, "sample", (2, 2), sample).determinism(Determinism::NEVER),
];

/// A sequence with one more step for each element; still a selection if it was one and `keeps` rows.
pub(super) fn with_step(call: &Call<'_>, value: Value, step: Step, keeps: bool) -> Result<Value> {
    let (table, seq) = value.into_seq_with_table(call.run)?;
    let seq = seq.then(step, call.place())?;
    part(call, table.filter(|_| keeps), seq)
}

/// A sequence; a selection if it has a table.
pub(super) fn part(call: &Call<'_>, table: Option<Arc<Table>>, seq: Seq) -> Result<Value> {
    match table {
        Some(table) => Ok(call.value(Kind::Selection(table, seq))),
        None => call.seq_value(seq),
    }
}

/// An argument that is a function, or a value that elements are to equal.
pub(super) fn func_or_equals(call: &Call<'_>, index: usize) -> Result<Arc<Func>> {
    let value = call.arg(index)?;
    if let Kind::Func(func) = value.kind {
        return Ok(func);
    }
    let body = Body::Equals(value.datum(call.run)?);
    Ok(Arc::new(Func { place: call.place(), body }))
}

fn filter(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let func = call.arg_with(1, Flags::LITERAL_OK)?;
    let func = func.into_func_or(Shortcut::Constant, call.run)?;
    // Evaluated only where something is missing.
    let default = call.node.options.get("default");
    let default = default.map(|node| Arc::new(Func::later(node, call.scope)));
    with_step(call, value, Step::Filter { func, default }, true)
}

fn map(call: &Call<'_>) -> Result<Value> {
    let count = call.count() - 1;
    let mut seqs = (0..count).map(|index| call.seq(index)).collect::<Result<Vec<_>>>()?;
    let func = call.func(count)?;
    if let Some(arity) = func.arity().filter(|arity| *arity != count) {
        let arguments = if arity == 1 { "argument" } else { "arguments" };
        let sequences = if count == 1 { "sequence was" } else { "sequences were" };
        return Err(Failure::logic(format!(
            "The function passed to `map` expects {arity} {arguments}, but {count} {sequences} found."
        )));
    }
    if count == 1 {
        let seq = seqs.pop().expect("there is one");
        return call.seq_value(seq.then(Step::Map(func), call.place())?);
    }
    let is_array = seqs.iter().all(Seq::is_array);
    call.seq_value(Seq::array_if(is_array, Box::new(Together { seqs, args: Vec::new(), func })))
}

/// Elements of several sequences, the first with the first and so on, until one ends.
struct Together {
    seqs: Vec<Seq>,
    /// What has come so far for the next element.
    args: Vec<Datum>,
    func: Arc<Func>,
}

impl Stream for Together {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        while let Some(seq) = self.seqs.get_mut(self.args.len()) {
            match seq.next_value(run)? {
                Next::Item(item) => self.args.push(item),
                end => return Ok(end),
            }
        }
        self.func.datum(run, &std::mem::take(&mut self.args)).map(Next::Item)
    }

    fn endless(&self) -> Option<Endless> {
        self.seqs.iter().map(Seq::endless).min().flatten()
    }

    fn is_feed(&self) -> bool {
        self.seqs.iter().any(Seq::is_feed)
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::united_notes(self.seqs.iter().map(Seq::notes))
    }
}

fn limit(call: &Call<'_>) -> Result<Value> {
    let (table, seq) = call.arg(0)?.into_seq_with_table(call.run)?;
    let count = call.integer(1)?;
    let Ok(to) = usize::try_from(count) else {
        let message = format!("LIMIT takes a non-negative argument (got {count})");
        return Err(Failure::logic(message));
    };
    part(call, table, seq.part(0, to))
}

fn skip(call: &Call<'_>) -> Result<Value> {
    let bounds = Bounds { left_open: false, left: call.integer(1)?, right_open: false, right: -1 };
    bounds.of(call, call.arg(0)?)
}

fn slice(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let has_end = call.count() == 3;
    let bounds = Bounds {
        left_open: is_open(call, "left_bound", false)?,
        left: call.integer(1)?,
        right_open: has_end && is_open(call, "right_bound", true)?,
        right: if has_end { call.integer(2)? } else { -1 },
    };
    bounds.of(call, value)
}

/// Whether a bound is not part of what is between the two.
pub(super) fn is_open(call: &Call<'_>, name: &str, by_default: bool) -> Result<bool> {
    let Some(value) = call.option(name)? else { return Ok(by_default) };
    match &*value.string(call.run)? {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => {
            let found = value.print_truncated(call.run)?;
            Err(Failure::logic(format!(
                "Expected `open` or `closed` for optarg `{name}` (got `{found}`)."
            )))
        }
    }
}

/// From one place to another; negative ones are counted from the end.
struct Bounds {
    left_open: bool,
    left: i64,
    right_open: bool,
    right: i64,
}

impl Bounds {
    fn of(&self, call: &Call<'_>, value: Value) -> Result<Value> {
        match value.peek(call.run)? {
            Some(Datum::Array(items)) => {
                let (from, to) = self.within(items.len());
                Ok(call.datum_value(items[from..to].to_vec()))
            }
            Some(Datum::Binary(bytes)) => {
                let (from, to) = self.within(bytes.len());
                Ok(call.datum_value(Datum::Binary(bytes[from..to].into())))
            }
            Some(Datum::String(text)) => {
                let (from, to) = self.within(text.chars().count());
                let part: String = text.chars().skip(from).take(to - from).collect();
                Ok(call.datum_value(part))
            }
            Some(other) => {
                let found = other.type_name();
                let message = format!("Expected ARRAY, BINARY, or STRING, but found {found}.");
                Err(Failure::logic(message).at(value.place))
            }
            None if value.is_sequence() => self.of_stream(call, value),
            None => Err(Failure::logic("Cannot slice non-sequences.").at(value.place)),
        }
    }

    /// The same as places in something that has so many elements.
    fn within(&self, len: usize) -> (usize, usize) {
        let place = |index: i64, is_past: bool| match usize::try_from(index) {
            Ok(index) => index.saturating_add(usize::from(is_past)),
            Err(_) => {
                let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                // What is before the first one is neither open nor closed.
                len.checked_sub(from_end).map_or(0, |index| index + usize::from(is_past))
            }
        };
        let to = place(self.right, !self.right_open).min(len);
        (place(self.left, self.left_open).min(to), to)
    }

    fn of_stream(&self, call: &Call<'_>, value: Value) -> Result<Value> {
        let (table, seq) = value.into_seq_with_table(call.run)?;
        let Ok(left) = usize::try_from(self.left) else {
            return Err(Failure::logic("Cannot use a negative left index on a stream."));
        };
        let right = match self.right {
            -1 if self.right_open => {
                return Err(Failure::logic(
                    "Cannot slice to an open right index of -1 on a stream.",
                ));
            }
            -1 => usize::MAX,
            right => match usize::try_from(right) {
                Ok(right) => right.saturating_add(usize::from(!self.right_open)),
                Err(_) => {
                    return Err(Failure::logic("Cannot use a right index < -1 on a stream."));
                }
            },
        };
        part(call, table, seq.part(left + usize::from(self.left_open), right))
    }
}

fn is_empty(call: &Call<'_>) -> Result<Value> {
    let is_empty = !matches!(call.seq(0)?.next_value(call.run)?, Next::Item(_));
    Ok(call.datum_value(is_empty))
}

/// Whether each value, and each function, is met by an element of its own.
fn contains(call: &Call<'_>) -> Result<Value> {
    let seq = call.seq(0)?;
    let (mut values, mut funcs) = (Vec::new(), Vec::new());
    for index in 1..call.count() {
        let value = call.arg(index)?;
        match value.kind {
            Kind::Func(func) => funcs.push(func),
            _ => values.push(value.datum(call.run)?),
        }
    }
    let mut found = false;
    seq.for_each(call.run, |item| {
        if let Some(index) = values.iter().position(|value| *value == item.value) {
            values.swap_remove(index);
        }
        for index in 0..funcs.len() {
            if funcs[index].datum(call.run, std::slice::from_ref(&item.value))?.is_truthy() {
                funcs.swap_remove(index);
                break;
            }
        }
        found = values.is_empty() && funcs.is_empty();
        Ok(!found)
    })?;
    Ok(call.datum_value(found))
}

fn offsets_of(call: &Call<'_>) -> Result<Value> {
    let func = func_or_equals(call, 1)?;
    let seq = call.seq(0)?;
    let is_array = seq.is_array();
    call.seq_value(Seq::array_if(is_array, Box::new(Offsets { seq, func, at: 0 })))
}

/// The places of those elements that a function is true of.
struct Offsets {
    seq: Seq,
    func: Arc<Func>,
    at: usize,
}

impl Stream for Offsets {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            match self.seq.next_value(run)? {
                Next::Item(item) => {
                    let at = self.at;
                    self.at += 1;
                    if self.func.keeps(run, &item, None)? {
                        return Ok(Next::Item(Datum::count(at)));
                    }
                }
                end => return Ok(end),
            }
        }
    }

    fn endless(&self) -> Option<Endless> {
        self.seq.endless()
    }

    fn is_feed(&self) -> bool {
        self.seq.is_feed()
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::wrapped_notes(self.seq.notes())
    }
}

fn range(call: &Call<'_>) -> Result<Value> {
    let (next, end) = match call.count() {
        0 => (0, None),
        1 => (0, Some(call.integer(0)?)),
        _ => (call.integer(0)?, Some(call.integer(1)?)),
    };
    call.seq_value(Seq::new(Box::new(Range { next, end })))
}

/// Whole numbers, one after the other.
struct Range {
    next: i64,
    end: Option<i64>,
}

impl Stream for Range {
    fn next(&mut self, _: &Run) -> Result<Next<Datum>> {
        if self.end.is_some_and(|end| self.next >= end) {
            return Ok(Next::End);
        }
        if self.next > 1 << 53 {
            return Err(Failure::logic("`range` out of safe double bounds."));
        }
        #[expect(clippy::cast_precision_loss, reason = "it was just checked to be small enough")]
        let item = Datum::Number(self.next as f64);
        self.next += 1;
        Ok(Next::Item(item))
    }

    fn endless(&self) -> Option<Endless> {
        self.end.is_none().then_some(Endless::Made)
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }
}

/// So many elements, each as likely as any other; in any order.
fn sample(call: &Call<'_>) -> Result<Value> {
    let count = call.integer(1)?;
    let Ok(count) = usize::try_from(count) else {
        let message = format!("Number of items to sample must be non-negative, got `{count}`.");
        return Err(Failure::logic(message));
    };
    call.run.check_array_size(count)?;
    let (table, seq) = call.arg(0)?.into_seq_with_table(call.run)?;
    let (mut chosen, mut seen) = (Vec::new(), 0_u64);
    seq.for_each(call.run, |item| {
        seen += 1;
        if chosen.len() < count {
            chosen.push(item.value);
        } else if let Some(place) =
            usize::try_from(call.run.draw_below(seen)?).ok().and_then(|index| chosen.get_mut(index))
        {
            *place = item.value;
        }
        Ok(true)
    })?;
    for index in (1..chosen.len()).rev() {
        let other = call.run.draw_below(index as u64 + 1)?;
        chosen.swap(index, usize::try_from(other).expect("it is below the length"));
    }
    part(call, table, Seq::of_items(chosen))
}

/// Elements between two places.
pub(super) struct Part {
    pub(super) seq: Seq,
    /// How many are still to be left out.
    pub(super) skip: usize,
    /// How many are still to be taken.
    pub(super) take: usize,
}

impl Stream for Part {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if self.take == 0 {
                return Ok(Next::End);
            }
            let item = match self.seq.next_value(run)? {
                Next::Item(item) => item,
                end => return Ok(end),
            };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            if self.take < usize::MAX {
                self.take -= 1;
            }
            return Ok(Next::Item(item));
        }
    }

    fn endless(&self) -> Option<Endless> {
        self.seq.endless().filter(|_| self.take == usize::MAX)
    }

    fn is_over(&self) -> bool {
        self.take == 0 || self.seq.is_over()
    }

    fn is_feed(&self) -> bool {
        self.seq.is_feed()
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::wrapped_notes(self.seq.notes())
    }

    fn watched(&self) -> Result<Vec<Watch>> {
        let mut watches = self.seq.watched()?;
        if self.skip > 0 || self.take == usize::MAX {
            return Err(Failure::logic("Cannot call `changes` on an eager stream."));
        }
        match watches.pop() {
            Some(watch) if watches.is_empty() => Ok(vec![watch.limit(self.take)?]),
            _ => Err(Failure::logic("Cannot call `changes` on a slice of a union.")),
        }
    }
}
