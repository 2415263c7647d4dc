//! Sequences in order, and without duplicates; several sequences as one.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::Watch;
use super::func::{Body, Shortcut};
use super::seq::Endless;
use super::sequence::part;
use super::table::{Slice, Sorting, Yield};
use super::{Call, Func, Kind, Next, Run, Seq, Step, Stream, Value};
use crate::reql::compile::Node;
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::ORDER_BY, "orderby", (1, MANY), order_by).options(&["index"]),
    // Their argument is what counts; `order_by` and `union` look at the term itself.
    Op::new(number::ASC, "asc", (1, 1), |call| call.arg(0)),
    Op::new(number::DESC, "desc", (1, 1), |call| call.arg(0)),
    Op::new(number::DISTINCT, "distinct", (1, 1), distinct).options(&["index"]),
    Op::new(number::UNION, "union", (0, MANY), union).options(&["interleave"]),
];

/// What two elements are compared by, and whether backwards.
struct Measure {
    func: Arc<Func>,
    descending: bool,
}

impl Measure {
    fn new(call: &Call<'_>, value: Value, node: &Node) -> Result<Self> {
        if node.number == number::ARGS {
            return Err(not_with_args());
        }
        let func = value.into_func_or(Shortcut::Field, call.run)?;
        if !func.determinism().within_a_query() {
            return Err(Failure::logic(
                "Sorting by a non-deterministic function is not supported.",
            ));
        }
        Ok(Self { func, descending: node.number == number::DESC })
    }

    /// An element's value; none if something is missing in it, which comes before all others.
    fn of(&self, run: &Run, element: &Datum) -> Result<Option<Datum>> {
        match self.func.datum(run, std::slice::from_ref(element)) {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => answer.map(Some),
        }
    }
}

fn not_with_args() -> Box<Failure> {
    Failure::logic("r.args is not supported in an order_by or union command yet.")
}

/// What an element is compared by, first things first.
type Measured = Vec<Option<Datum>>;

fn measured(run: &Run, measures: &[Measure], element: &Datum) -> Result<Measured> {
    measures.iter().map(|measure| measure.of(run, element)).collect()
}

fn compare(measures: &[Measure], a: &Measured, b: &Measured) -> Ordering {
    for (measure, (a, b)) in measures.iter().zip(a.iter().zip(b)) {
        let order = if measure.descending { b.cmp(a) } else { a.cmp(b) };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn order_by(call: &Call<'_>) -> Result<Value> {
    let mut measures = Vec::new();
    if call.node.args.iter().any(|arg| arg.number == number::ARGS) {
        return Err(not_with_args());
    }
    for (index, node) in call.node.args.iter().enumerate().skip(1) {
        measures.push(Measure::new(call, call.arg(index)?, node)?);
    }
    let value = call.arg(0)?;
    if let Some(index) = call.string_option("index")? {
        return by_index(call, value, index, measures);
    }
    let (table, seq) = value.into_seq_with_table(call.run)?;
    if measures.is_empty() {
        return Err(Failure::logic("Must specify something to order by."));
    }
    let mut items = Vec::new();
    let unsorted = seq.into_items(call.run)?;
    if unsorted.len() < 2 {
        // There is nothing to compare, and so nothing to be found missing.
        return part(call, table, Seq::of_items(unsorted));
    }
    for item in unsorted {
        items.push((measured(call.run, &measures, &item)?, item));
    }
    items.sort_by(|(a, _), (b, _)| compare(&measures, a, b));
    part(call, table, Seq::of_items(items.into_iter().map(|(_, item)| item).collect()))
}

fn by_index(
    call: &Call<'_>,
    value: Value,
    index: Arc<str>,
    measures: Vec<Measure>,
) -> Result<Value> {
    if !matches!(value.kind, Kind::Table(_) | Kind::Slice(_)) {
        if is_empty_array(call, &value)? {
            return call.seq_value(value.into_seq(call.run)?);
        }
        return Err(Failure::logic(
            "Indexed order_by can only be performed on a TABLE or TABLE_SLICE. Make sure order_by \
             comes before any transformations (such as map) or filters.",
        ));
    }
    let descending = call.node.options.get("index").is_some_and(|node| node.number == number::DESC);
    let sorting = if descending { Sorting::Descending } else { Sorting::Ascending };
    let slice = value.slice(call.run)?.sorted(index, sorting)?;
    if measures.is_empty() {
        return Ok(call.value(Kind::Slice(slice)));
    }
    let table = slice.table.clone();
    let (seq, ties, ahead) = (slice.read(call.run, Yield::Pairs)?, Vec::new(), None);
    let sorted = TiesSorted { seq, measures, ties, ahead };
    part(call, Some(table), Seq::new(Box::new(sorted)))
}

fn is_empty_array(call: &Call<'_>, value: &Value) -> Result<bool> {
    Ok(matches!(value.peek(call.run)?, Some(Datum::Array(items)) if items.is_empty()))
}

/// Rows in the order of an index, those with one value in the order of more.
struct TiesSorted {
    seq: Seq,
    measures: Vec<Measure>,
    /// Rows with one value of the index, the first at the end.
    ties: Vec<Datum>,
    /// The first pair with the next value.
    ahead: Option<(Datum, Datum)>,
}

impl Stream for TiesSorted {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(row) = self.ties.pop() {
                return Ok(Next::Item(row));
            }
            let first = match self.ahead.take() {
                Some(first) => first,
                None => match self.pair(run)? {
                    Some(first) => first,
                    None => return Ok(Next::End),
                },
            };
            let mut ties = vec![(measured(run, &self.measures, &first.1)?, first.1)];
            while let Some((value, row)) = self.pair(run)? {
                if value != first.0 {
                    self.ahead = Some((value, row));
                    break;
                }
                ties.push((measured(run, &self.measures, &row)?, row));
                run.check_array_size(ties.len())?;
            }
            ties.sort_by(|(a, _), (b, _)| compare(&self.measures, a, b));
            self.ties = ties.into_iter().map(|(_, row)| row).rev().collect();
        }
    }
}

impl TiesSorted {
    fn pair(&mut self, run: &Run) -> Result<Option<(Datum, Datum)>> {
        let Next::Item(Datum::Array(pair)) = self.seq.next_value(run)? else { return Ok(None) };
        let [value, row] = &*pair else { return Ok(None) };
        Ok(Some((value.clone(), row.clone())))
    }
}

fn distinct(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let index = call.string_option("index")?;
    if matches!(value.kind, Kind::Table(_) | Kind::Slice(_)) {
        let slice = value.slice(call.run)?;
        let primary_key = slice.table.rows.primary_key();
        let by = index.clone().unwrap_or_else(|| primary_key.clone());
        if index.is_some() && by == primary_key {
            let body = Body::Field(Datum::String(by));
            let func = Arc::new(Func { place: call.place(), body });
            let seq = slice.rows(call.run)?.then(Step::Map(func), call.place())?;
            return call.seq_value(seq);
        }
        if slice.index.as_ref().is_none_or(|of_slice| *of_slice == by) {
            return distinct_by(call, slice, by, index.is_some());
        }
    }
    if index.is_some() {
        return Err(Failure::logic("Can only perform an indexed distinct on a TABLE."));
    }
    let mut seen = BTreeSet::new();
    value.into_seq(call.run)?.for_each(call.run, |item| {
        seen.insert(item.value);
        call.run.check_array_size(seen.len())?;
        Ok(true)
    })?;
    Ok(call.datum_value(call.run.array(seen.into_iter().collect())?))
}

/// An index's values, each once; or the rows in the order of the primary key, which are distinct.
fn distinct_by(call: &Call<'_>, slice: Slice, index: Arc<str>, values: bool) -> Result<Value> {
    let slice = match slice.sorting {
        Sorting::Unordered => slice.sorted(index, Sorting::Ascending)?,
        _ => slice,
    };
    let seq = match values {
        false => slice.rows(call.run)?,
        true => {
            let func = Arc::new(Func { place: call.place(), body: Body::First });
            let values = slice.read(call.run, Yield::Pairs)?.then(Step::Map(func), call.place())?;
            Seq::new(Box::new(WithoutRepeats { seq: values, last: None }))
        }
    };
    call.seq_value(seq)
}

/// Elements that differ from the one before.
struct WithoutRepeats {
    seq: Seq,
    last: Option<Datum>,
}

impl Stream for WithoutRepeats {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            match self.seq.next_value(run)? {
                Next::Item(item) if self.last.as_ref() == Some(&item) => (),
                Next::Item(item) => {
                    self.last = Some(item.clone());
                    return Ok(Next::Item(item));
                }
                end => return Ok(end),
            }
        }
    }
}

fn union(call: &Call<'_>) -> Result<Value> {
    let seqs = (0..call.count()).map(|index| call.seq(index)).collect::<Result<Vec<_>>>()?;
    let is_array = seqs.iter().all(Seq::is_array);
    let mut measures = Vec::new();
    if let Some(node) = call.node.options.get("interleave") {
        if node.number == number::MAKE_ARRAY {
            for node in &node.args {
                measures.push(Measure::new(call, call.run.eval(node, call.scope)?, node)?);
            }
        } else {
            let value = call.run.eval(node, call.scope)?;
            if !matches!(value.peek(call.run)?, Some(Datum::Bool(_))) {
                measures.push(Measure::new(call, value, node)?);
            }
        }
    }
    if measures.is_empty() {
        let at = 0;
        return call.seq_value(Seq::array_if(is_array, Box::new(Union { seqs, at })));
    }
    let heads = Vec::new();
    call.seq_value(Seq::array_if(is_array, Box::new(Merged { seqs, measures, heads })))
}

/// Several sequences as one, the first one first; feeds take turns.
pub(super) struct Union {
    seqs: Vec<Seq>,
    at: usize,
}

impl Union {
    pub(super) fn of(seqs: Vec<Seq>) -> Self {
        Self { seqs, at: 0 }
    }
}

impl Stream for Union {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        let mut asked = 0;
        while asked < self.seqs.len() {
            self.at %= self.seqs.len();
            match self.seqs[self.at].next_value(run)? {
                Next::Item(item) => return Ok(Next::Item(item)),
                Next::End => {
                    self.seqs.remove(self.at);
                }
                Next::Pending => {
                    self.at += 1;
                    asked += 1;
                }
            }
        }
        Ok(if self.seqs.is_empty() { Next::End } else { Next::Pending })
    }

    fn endless(&self) -> Option<Endless> {
        self.seqs.iter().filter_map(Seq::endless).max()
    }

    fn is_feed(&self) -> bool {
        self.seqs.iter().any(Seq::is_feed)
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::united_notes(self.seqs.iter().map(Seq::notes))
    }

    fn watched(&self) -> Result<Vec<Watch>> {
        let watches = self.seqs.iter().map(Seq::watched).collect::<Result<Vec<_>>>()?;
        Ok(watches.into_iter().flatten().collect())
    }
}

/// Several sequences in order as one in order.
struct Merged {
    seqs: Vec<Seq>,
    measures: Vec<Measure>,
    /// The first element of each sequence that is not at its end, once they have been read.
    heads: Vec<Option<(Measured, Datum)>>,
}

impl Merged {
    fn head(&mut self, run: &Run, index: usize) -> Result<Option<(Measured, Datum)>> {
        Ok(match self.seqs[index].next_value(run)? {
            Next::Item(item) => Some((measured(run, &self.measures, &item)?, item)),
            _ => None,
        })
    }
}

impl Stream for Merged {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        for index in self.heads.len()..self.seqs.len() {
            let head = self.head(run, index)?;
            self.heads.push(head);
        }
        let mut first: Option<usize> = None;
        for (index, head) in self.heads.iter().enumerate() {
            let Some((here, _)) = head else { continue };
            let is_first = first.is_none_or(|first| match &self.heads[first] {
                Some((best, _)) => compare(&self.measures, here, best).is_lt(),
                None => true,
            });
            if is_first {
                first = Some(index);
            }
        }
        let Some(first) = first else { return Ok(Next::End) };
        let next = self.head(run, first)?;
        let taken = std::mem::replace(&mut self.heads[first], next);
        let (measured, item) = taken.expect("it was the first of all");
        if let Some((next, _)) = &self.heads[first]
            && compare(&self.measures, next, &measured).is_lt()
        {
            return Err(Failure::logic(
                "The streams given as arguments are not ordered by given ordering.",
            ));
        }
        Ok(Next::Item(item))
    }

    fn endless(&self) -> Option<Endless> {
        self.seqs.iter().filter_map(Seq::endless).max()
    }
}
