//! What is made of all elements of a sequence: of each group its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::func::{Body, Shortcut};
use super::seq::Endless;
use super::sequence::func_or_equals;
use super::table::{Single, Slice, Sorting, Yield};
use super::{Call, Func, Kind, Next, Run, Seq, Step, Stream, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Failure, Place, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, MANY, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::COUNT, "count", (1, 2), count).grouping(Grouping::Stream),
    Op::new(number::SUM, "sum", (1, 2), |call| by_function(call, total))
        .options(&["index"])
        .grouping(Grouping::Stream),
    Op::new(number::AVG, "avg", (1, 2), |call| by_function(call, average))
        .options(&["index"])
        .grouping(Grouping::Stream),
    Op::new(number::MIN, "min", (1, 2), |call| extreme(call, Sorting::Ascending))
        .options(&["index"])
        .grouping(Grouping::Stream),
    Op::new(number::MAX, "max", (1, 2), |call| extreme(call, Sorting::Descending))
        .options(&["index"])
        .grouping(Grouping::Stream),
    Op::new(number::REDUCE, "reduce", (2, 2), reduce).options(&["base"]).grouping(Grouping::Stream),
    Op::new(number::FOLD, "fold", (3, 3), fold)
        .options(&["emit", "final_emit"])
        .grouping(Grouping::Stream),
    Op::new(number::GROUP, "group", (1, MANY), group)
        .options(&["index", "multi"])
        .grouping(Grouping::Stream),
    Op::new(number::UNGROUP, "ungroup", (1, 1), ungroup).grouping(Grouping::Whole),
];

/// What is made of the elements of one group, one after the other.
trait Sum {
    /// One more element; answers whether it counts at all.
    fn add(&mut self, run: &Run, element: Datum) -> Result<bool>;

    fn finish(self) -> Result<Datum>;
}

/// Adds up a sequence; of a grouped one, each group in which an element counts.
fn add_up<S: Sum>(call: &Call<'_>, seq: Seq, new: impl Fn() -> S) -> Result<Value> {
    let mut groups = BTreeMap::<Option<Datum>, (S, bool)>::new();
    let is_grouped = seq.is_grouped();
    if !is_grouped {
        groups.insert(None, (new(), true));
    }
    let place = call.place();
    seq.for_each(call.run, |item| {
        let (sum, counts) = groups.entry(item.group).or_insert_with(|| (new(), false));
        *counts |= sum.add(call.run, item.value).at(place)?;
        Ok(true)
    })?;
    if !is_grouped {
        let (sum, _) = groups.remove(&None).expect("it was put there");
        return Ok(call.datum_value(sum.finish()?));
    }
    let counting = groups.into_iter().filter(|(_, (_, counts))| *counts);
    let finished = counting.map(|(group, (sum, _))| Ok((group.unwrap_or_default(), sum.finish()?)));
    Ok(call.value(Kind::Grouped(finished.collect::<Result<_>>()?)))
}

struct Count(usize);

impl Sum for Count {
    fn add(&mut self, _: &Run, _: Datum) -> Result<bool> {
        self.0 += 1;
        Ok(true)
    }

    fn finish(self) -> Result<Datum> {
        Ok(Datum::count(self.0))
    }
}

fn count(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    if call.count() == 2 {
        let func = func_or_equals(call, 1)?;
        let step = Step::Filter { func, default: None };
        let seq = value.into_seq(call.run)?.then(step, call.place())?;
        return add_up(call, seq, || Count(0));
    }
    match value.peek(call.run)? {
        Some(Datum::Binary(bytes)) => Ok(call.datum_value(Datum::count(bytes.len()))),
        Some(Datum::String(text)) => Ok(call.datum_value(Datum::count(text.chars().count()))),
        Some(Datum::Object(object)) => Ok(call.datum_value(Datum::count(object.len()))),
        _ => add_up(call, value.into_seq(call.run)?, || Count(0)),
    }
}

/// What is compared or added of an element: a function's value, or itself.
type Measure = Option<Arc<Func>>;

/// What is to be measured of an element; none if something is missing in it.
fn measured(run: &Run, measure: &Measure, element: &Datum) -> Result<Option<Datum>> {
    let Some(func) = measure else { return Ok(Some(element.clone())) };
    match func.datum(run, std::slice::from_ref(element)) {
        Err(failure) if failure.is_missing() => Ok(None),
        answer => answer.map(Some),
    }
}

/// A number to be added up; none if it is missing, or null.
fn number_of(run: &Run, measure: &Measure, element: &Datum) -> Result<Option<f64>> {
    match measured(run, measure, element)? {
        None | Some(Datum::Null) => Ok(None),
        Some(value) => value.expect_number().map(Some),
    }
}

fn by_function(
    call: &Call<'_>,
    sum: fn(&Call<'_>, Seq, Measure) -> Result<Value>,
) -> Result<Value> {
    let value = call.arg(0)?;
    let index = call.option("index")?;
    let measure = measure(call)?;
    if index.is_some() {
        check_not_both(call, &measure)?;
        return Err(Failure::logic(format!("Cannot call {} on an index.", call.op.name)));
    }
    sum(call, value.into_seq(call.run)?, measure)
}

fn measure(call: &Call<'_>) -> Result<Measure> {
    if call.count() < 2 {
        return Ok(None);
    }
    call.arg(1)?.into_func_or(Shortcut::Field, call.run).map(Some)
}

fn check_not_both(call: &Call<'_>, measure: &Measure) -> Result<()> {
    if measure.is_some() {
        let name = call.op.name;
        let message = format!("Cannot provide both a function and an index to {name}.");
        return Err(Failure::logic(message));
    }
    Ok(())
}

struct Total {
    measure: Measure,
    sum: f64,
    count: usize,
}

impl Total {
    fn take(&mut self, run: &Run, element: &Datum) -> Result<bool> {
        let Some(number) = number_of(run, &self.measure, element)? else { return Ok(false) };
        self.sum += number;
        self.count += 1;
        Ok(true)
    }
}

impl Sum for Total {
    fn add(&mut self, run: &Run, element: Datum) -> Result<bool> {
        self.take(run, &element)
    }

    fn finish(self) -> Result<Datum> {
        Datum::finite(self.sum)
    }
}

fn total(call: &Call<'_>, seq: Seq, measure: Measure) -> Result<Value> {
    add_up(call, seq, || Total { measure: measure.clone(), sum: 0.0, count: 0 })
}

struct Average(Total);

impl Sum for Average {
    fn add(&mut self, run: &Run, element: Datum) -> Result<bool> {
        self.0.take(run, &element)
    }

    fn finish(self) -> Result<Datum> {
        if self.0.count == 0 {
            return Err(of_nothing("average", "avg"));
        }
        #[expect(clippy::cast_precision_loss, reason = "so many elements nobody waits for")]
        Datum::finite(self.0.sum / self.0.count as f64)
    }
}

fn of_nothing(what: &str, name: &str) -> Box<Failure> {
    Failure::missing(format!(
        "Cannot take the {what} of an empty stream.  (If you passed `{name}` a field name, it may be \
         that no elements of the stream had that field.)"
    ))
}

fn average(call: &Call<'_>, seq: Seq, measure: Measure) -> Result<Value> {
    add_up(call, seq, || Average(Total { measure: measure.clone(), sum: 0.0, count: 0 }))
}

/// The element whose measure comes before, or after, that of all others.
struct Extreme {
    name: &'static str,
    measure: Measure,
    sorting: Sorting,
    /// The element and its measure.
    best: Option<(Datum, Datum)>,
}

impl Sum for Extreme {
    fn add(&mut self, run: &Run, element: Datum) -> Result<bool> {
        let Some(measure) = measured(run, &self.measure, &element)? else { return Ok(false) };
        let is_better = match (&self.best, self.sorting) {
            (None, _) => true,
            (Some((_, best)), Sorting::Descending) => measure > *best,
            (Some((_, best)), _) => measure < *best,
        };
        if is_better {
            self.best = Some((element, measure));
        }
        Ok(true)
    }

    fn finish(self) -> Result<Datum> {
        match self.best {
            Some((element, _)) => Ok(element),
            None => Err(of_nothing(self.name, self.name)),
        }
    }
}

fn extreme(call: &Call<'_>, sorting: Sorting) -> Result<Value> {
    let value = call.arg(0)?;
    let (index, measure) = (call.string_option("index")?, measure(call)?);
    let name = call.op.name;
    let is_whole_table = matches!(value.kind, Kind::Table(_));
    if index.is_some() || (measure.is_none() && is_whole_table) {
        if index.is_some() {
            check_not_both(call, &measure)?;
        }
        let mut slice = Slice::all(value.table(call.run)?.clone());
        (slice.index, slice.sorting) = (index, sorting);
        let of_none = format!("`{name}` found no entries in the specified index.");
        return Ok(call.value(Kind::Single(Box::new(Single::of_first(slice, of_none)))));
    }
    let new = || Extreme { name, measure: measure.clone(), sorting, best: None };
    add_up(call, value.into_seq(call.run)?, new)
}

struct Reduction {
    func: Arc<Func>,
    sum: Option<Datum>,
}

impl Sum for Reduction {
    fn add(&mut self, run: &Run, element: Datum) -> Result<bool> {
        self.sum = Some(match self.sum.take() {
            Some(sum) => self.func.datum(run, &[sum, element])?,
            None => element,
        });
        Ok(true)
    }

    fn finish(self) -> Result<Datum> {
        self.sum.ok_or_else(|| {
            Failure::missing("Cannot reduce over an empty stream.").at(self.func.place)
        })
    }
}

fn reduce(call: &Call<'_>) -> Result<Value> {
    let (seq, func) = (call.seq(0)?, call.func(1)?);
    add_up(call, seq, || Reduction { func: func.clone(), sum: None })
}

fn fold(call: &Call<'_>) -> Result<Value> {
    let (seq, mut sum, func) = (call.seq(0)?, call.datum(1)?, call.func(2)?);
    if func.arity().is_some_and(|arity| arity != 2) {
        return Err(Failure::logic(
            "The accumulator function passed to `fold` should expect 2 arguments",
        ));
    }
    let emit = call.option("emit")?.map(|emit| emit.into_func(call.run)).transpose()?;
    let last = call.option("final_emit")?.map(|last| last.into_func(call.run)).transpose()?;
    if let Some(emit) = emit {
        let is_array = seq.is_array();
        let emitted = Default::default();
        let folded = Folded { seq, sum, func, emit, last, emitted, place: call.place() };
        return call.seq_value(Seq::array_if(is_array, Box::new(folded)));
    }
    seq.for_each(call.run, |item| {
        let before = std::mem::take(&mut sum);
        sum = func.datum(call.run, &[before, item.value])?;
        Ok(true)
    })?;
    Ok(call.datum_value(match last {
        Some(last) => last.datum(call.run, &[sum])?,
        None => sum,
    }))
}

/// What a fold emits on its way.
struct Folded {
    seq: Seq,
    sum: Datum,
    func: Arc<Func>,
    emit: Arc<Func>,
    last: Option<Arc<Func>>,
    emitted: std::collections::VecDeque<Datum>,
    place: Place,
}

impl Stream for Folded {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.emitted.pop_front() {
                return Ok(Next::Item(item));
            }
            let emitted = match self.seq.next_value(run)? {
                Next::Item(item) => {
                    let sum = self.func.datum(run, &[self.sum.clone(), item.clone()])?;
                    let before = std::mem::replace(&mut self.sum, sum.clone());
                    self.emit.datum(run, &[before, item, sum])?
                }
                Next::End => match self.last.take() {
                    Some(last) => last.datum(run, std::slice::from_ref(&self.sum))?,
                    None => return Ok(Next::End),
                },
                Next::Pending => return Ok(Next::Pending),
            };
            self.emitted.extend(emitted.expect_array().at(self.place)?.iter().cloned());
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

fn group(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let mut funcs = Vec::new();
    for index in 1..call.count() {
        funcs.push(call.arg(index)?.into_func_or(Shortcut::Field, call.run)?);
    }
    let index = call.string_option("index")?;
    let mut by_index = false;
    let seq = match index {
        Some(index) => {
            let table = value.table(call.run)?.clone();
            let is_primary = index == table.rows.primary_key();
            let mut slice = Slice::all(table);
            if is_primary {
                let body = Body::Field(Datum::String(index));
                funcs.push(Arc::new(Func { place: call.place(), body }));
                slice.rows(call.run)?
            } else {
                by_index = true;
                (slice.index, slice.sorting) = (Some(index), Sorting::Ascending);
                slice.read(call.run, Yield::Pairs)?
            }
        }
        None => value.into_seq(call.run)?,
    };
    if funcs.is_empty() && !by_index {
        return Err(Failure::logic("Cannot group by nothing."));
    }
    let multi = call.bool_option("multi")?.unwrap_or(false);
    let seq = seq.then(Step::Group { funcs, by_index, multi }, call.place())?;
    Ok(call.value(Kind::Sequence(seq)))
}

fn ungroup(call: &Call<'_>) -> Result<Value> {
    let value = call.arg(0)?;
    let groups = match value.kind {
        Kind::Grouped(groups) => groups,
        Kind::Sequence(seq) if seq.is_grouped() => seq.into_groups(call.run)?,
        _ => return Err(value.wrong_kind("GROUPED_DATA", call.run)),
    };
    let object = |(group, reduction)| Datum::fields([("group", group), ("reduction", reduction)]);
    Ok(call.datum_value(call.run.array(groups.into_iter().map(object).collect())?))
}
