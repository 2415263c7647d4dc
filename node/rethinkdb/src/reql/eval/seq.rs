//! Sequences: where elements come from, and what is done to each on its way.
//!
//! Elements are made when they are asked for. Only a sequence made of arrays becomes an array, at once.

use std::collections::VecDeque;
use std::sync::Arc;

use super::changes::Watch;
use super::sequence::Part;
use super::table::{Table, Wanted};
use super::{Func, Groups, Run};
use crate::reql::datum::{Array, Datum};
use crate::reql::error::ErrorKind;
use crate::reql::failure::{At, Failure, Place, Result};

/// What a sequence answers when it is asked for its next element.
pub(crate) enum Next<T> {
    Item(T),
    End,
    /// A feed has nothing to tell now; it will wake its reader.
    Pending,
}

/// Why a sequence never ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Endless {
    /// Its elements are made, as many as one likes.
    Made,
    /// It tells of changes.
    Feed,
}

const NOT_A_STREAM: &str =
    "Cannot treat the output of `group` as a stream (did you mean to `ungroup`?).";

/// Where elements come from.
pub(crate) trait Stream: Send {
    /// The next element.
    fn next(&mut self, run: &Run) -> Result<Next<Datum>>;

    /// Why it never ends, if it does not: nothing can be made of all its elements.
    fn endless(&self) -> Option<Endless> {
        None
    }

    /// Whether it tells of changes, and waits for more where others end.
    fn is_feed(&self) -> bool {
        false
    }

    /// Whether it is known, without any work, that there are no more elements: then a client need not
    /// ask for more.
    fn is_over(&self) -> bool {
        false
    }

    /// What a client is told of the feeds within, in the protocol's numbers.
    fn notes(&self) -> Vec<u8> {
        Vec::new()
    }

    /// What a feed of its changes would watch.
    ///
    /// # Errors
    /// There can be none.
    fn watched(&self) -> Result<Vec<Watch>> {
        Err(Failure::logic("Cannot call `changes` on an eager stream."))
    }
}

/// A lazy sequence.
pub(crate) struct Seq {
    source: Box<dyn Stream>,
    steps: Vec<(Step, Place)>,
    /// Elements that a step made more than one of, the innermost last, with the steps still to do.
    open: Vec<Open>,
    is_array: bool,
    /// The last term that had a hand in it.
    place: Option<Place>,
    /// The table that it reads, and which of its rows.
    origin: Option<(Arc<Table>, Wanted)>,
}

/// What is done to each element.
#[derive(Clone)]
pub(crate) enum Step {
    Map(Arc<Func>),
    /// Kept if the function's result is true; what is missing in it counts as `default` says.
    Filter {
        func: Arc<Func>,
        default: Option<Arc<Func>>,
    },
    ConcatMap(Arc<Func>),
    /// The function's result; elements in which something is missing are left out.
    MapOrSkip(Arc<Func>),
    /// Elements belong to the groups of the functions' results.
    Group {
        funcs: Vec<Arc<Func>>,
        /// Whether elements come in pairs with an index's value, which is one more result.
        by_index: bool,
        /// Whether an array as result stands for several groups.
        multi: bool,
    },
    /// What a join has found becomes one object.
    Zip,
}

/// An element and the group it belongs to, if it is in one.
pub(crate) struct Item {
    pub(crate) group: Option<Datum>,
    pub(crate) value: Datum,
}

struct Open {
    items: Items,
    from_step: usize,
}

enum Items {
    Seq(Box<Seq>, Option<Datum>),
    List(VecDeque<Item>),
}

/// The elements of an array, or any others that are there already.
pub(crate) struct List(std::vec::IntoIter<Datum>);

impl List {
    pub(crate) fn new(items: Vec<Datum>) -> Self {
        Self(items.into_iter())
    }
}

impl Stream for List {
    fn next(&mut self, _: &Run) -> Result<Next<Datum>> {
        Ok(self.0.next().map_or(Next::End, Next::Item))
    }

    fn is_over(&self) -> bool {
        self.0.len() == 0
    }
}

impl Seq {
    /// A stream's elements.
    pub(crate) fn new(source: Box<dyn Stream>) -> Self {
        Self {
            source,
            steps: Vec::new(),
            open: Vec::new(),
            is_array: false,
            place: None,
            origin: None,
        }
    }

    /// These rows of a table.
    pub(crate) fn of_wanted(table: Arc<Table>, wanted: Wanted, rows: Box<dyn Stream>) -> Self {
        Self { origin: Some((table, wanted)), ..Self::new(rows) }
    }

    /// A stream that is made of arrays if the flag is set.
    pub(crate) fn array_if(is_array: bool, source: Box<dyn Stream>) -> Self {
        Self { is_array, ..Self::new(source) }
    }

    /// These elements, as an array.
    pub(crate) fn of_items(items: Vec<Datum>) -> Self {
        Self::array_if(true, Box::new(List(items.into_iter())))
    }

    /// An array's elements.
    pub(crate) fn of_array(array: Array) -> Self {
        Self::of_items(array.into_vec())
    }

    /// The elements of a datum that is an array.
    pub(crate) fn of_datum(datum: Datum) -> Result<Self> {
        match datum {
            Datum::Array(array) => Ok(Self::of_array(array)),
            other => {
                let message = format!("Cannot convert {} to SEQUENCE", other.type_name());
                Err(Failure::of_value(&other, message))
            }
        }
    }

    /// Whether it is made of arrays only.
    pub(crate) fn is_array(&self) -> bool {
        self.is_array
    }

    pub(crate) fn is_grouped(&self) -> bool {
        self.steps.iter().any(|(step, _)| matches!(step, Step::Group { .. }))
    }

    pub(crate) fn endless(&self) -> Option<Endless> {
        self.source.endless()
    }

    pub(crate) fn is_feed(&self) -> bool {
        self.source.is_feed()
    }

    /// Whether it is known that there are no more elements.
    pub(crate) fn is_over(&self) -> bool {
        self.open.is_empty() && self.source.is_over()
    }

    /// What a client is told of the feeds within.
    pub(crate) fn notes(&self) -> Vec<u8> {
        self.source.notes()
    }

    /// The sequence as this term has made it.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// What a feed of its changes would watch.
    ///
    /// # Errors
    /// There can be none.
    pub(crate) fn watched(&self) -> Result<Vec<Watch>> {
        let watches = match &self.origin {
            Some((table, wanted)) => {
                let (table, wanted) = (table.clone(), wanted.clone());
                vec![Watch { table, wanted, steps: Vec::new(), first: None }]
            }
            None => self.source.watched()?,
        };
        watches.into_iter().map(|watch| watch.then(&self.steps)).collect()
    }

    /// The sequence with one more step for each element, of the term at this place.
    ///
    /// # Errors
    /// Groups within groups.
    pub(crate) fn then(mut self, step: Step, place: Place) -> Result<Self> {
        if matches!(step, Step::Group { .. }) && self.is_grouped() {
            let message =
                "Cannot call `group` on the output of `group` (did you mean to `ungroup`?).";
            return Err(Failure::logic(message).at(self.place.unwrap_or(place)));
        }
        self.steps.push((step, place));
        Ok(self.at(place))
    }

    /// The elements from one place on, up to another.
    pub(crate) fn part(self, from: usize, to: usize) -> Self {
        let take = if to == usize::MAX { to } else { to.saturating_sub(from) };
        let is_array = self.is_array;
        Self::array_if(is_array, Box::new(Part { seq: self, skip: from, take }))
    }

    /// The next element.
    pub(crate) fn next(&mut self, run: &Run) -> Result<Next<Item>> {
        loop {
            // Elements may be left out for ever, with nothing evaluated that would notice.
            run.check_interrupted()?;
            let (item, from) = match self.open.last_mut() {
                Some(open) => match open.next(run)? {
                    Next::Item(item) => (item, open.from_step),
                    Next::End => {
                        self.open.pop();
                        continue;
                    }
                    Next::Pending => return Ok(Next::Pending),
                },
                None => match self.source.next(run)? {
                    Next::Item(value) => (Item { group: None, value }, 0),
                    Next::End => return Ok(Next::End),
                    Next::Pending => return Ok(Next::Pending),
                },
            };
            if let Some(item) = self.through(run, item, from)? {
                return Ok(Next::Item(item));
            }
        }
    }

    /// Takes an element through the steps from this one on; none if it is left out, or opened.
    fn through(&mut self, run: &Run, mut item: Item, from: usize) -> Result<Option<Item>> {
        for (index, (step, place)) in self.steps.iter().enumerate().skip(from) {
            let from_step = index + 1;
            match step {
                Step::Map(func) => {
                    item.value = func.datum(run, &[item.value]).at(func.outer(*place))?;
                }
                Step::Filter { func, default } => {
                    if !func.keeps(run, &item.value, default.as_deref()).at(func.outer(*place))? {
                        return Ok(None);
                    }
                }
                Step::MapOrSkip(func) => match func.datum(run, &[item.value]).at(*place) {
                    Ok(value) => item.value = value,
                    Err(failure) if failure.is_missing() => return Ok(None),
                    Err(failure) => return Err(failure),
                },
                Step::ConcatMap(func) => {
                    let place = func.outer(*place);
                    let value = func.call(run, &[item.value]).at(place)?;
                    let seq = Box::new(value.into_seq(run).at(place)?);
                    let items = Items::Seq(seq, item.group);
                    self.open.push(Open { items, from_step });
                    return Ok(None);
                }
                Step::Group { funcs, by_index, multi } => {
                    let mut found = None;
                    if let (true, Datum::Array(pair)) = (*by_index, &item.value)
                        && let [value, row] = &**pair
                    {
                        (found, item.value) = (Some(value.clone()), row.clone());
                    }
                    let mut groups =
                        groups_of(run, funcs, found, *multi, &item.value).at(*place)?;
                    if groups.len() == 1 {
                        item.group = groups.pop();
                        continue;
                    }
                    let value = item.value;
                    let item = |group| Item { group: Some(group), value: value.clone() };
                    let items = Items::List(groups.into_iter().map(item).collect());
                    self.open.push(Open { items, from_step });
                    return Ok(None);
                }
                Step::Zip => item.value = zip(&item.value).at(*place)?,
            }
        }
        Ok(Some(item))
    }

    /// The next element of a sequence that is not grouped.
    pub(crate) fn next_value(&mut self, run: &Run) -> Result<Next<Datum>> {
        self.check_not_grouped()?;
        Ok(match self.next(run)? {
            Next::Item(item) => Next::Item(item.value),
            Next::End => Next::End,
            Next::Pending => Next::Pending,
        })
    }

    fn check_not_grouped(&self) -> Result<()> {
        if self.is_grouped() { Err(Failure::logic(NOT_A_STREAM)) } else { Ok(()) }
    }

    /// Calls `each` with every element, until it answers false.
    ///
    /// # Errors
    /// The sequence never ends.
    pub(crate) fn for_each(
        mut self,
        run: &Run,
        mut each: impl FnMut(Item) -> Result<bool>,
    ) -> Result<()> {
        self.check_end()?;
        while let Next::Item(item) = self.next(run)? {
            if !each(item)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether it ends, so that something can be made of all its elements.
    pub(crate) fn check_end(&self) -> Result<()> {
        let failure = match self.endless() {
            None => return Ok(()),
            Some(Endless::Feed) => Failure::logic(
                "Cannot call a terminal (`reduce`, `count`, etc.) on an infinite stream (such as a \
                 changefeed).",
            ),
            Some(Endless::Made) => Failure::logic(
                "Cannot use an infinite stream with an aggregation function (`reduce`, `count`, etc.) \
                 or coerce it to an array.",
            ),
        };
        Err(match self.place {
            Some(place) => failure.at(place),
            None => failure,
        })
    }

    /// All elements, as many as an array may have.
    pub(crate) fn into_items(self, run: &Run) -> Result<Vec<Datum>> {
        self.check_not_grouped()?;
        let mut items = Vec::new();
        self.for_each(run, |item| {
            items.push(item.value);
            run.check_array_size(items.len())?;
            Ok(true)
        })?;
        Ok(items)
    }

    /// All elements in an array.
    pub(crate) fn into_array(self, run: &Run) -> Result<Datum> {
        Ok(Datum::array(self.into_items(run)?))
    }

    /// All groups, each with an array of its elements.
    pub(crate) fn into_groups(self, run: &Run) -> Result<Groups> {
        let mut groups = std::collections::BTreeMap::<Datum, Vec<Datum>>::new();
        let (mut count, limit) = (0, run.array_limit);
        self.for_each(run, |item| {
            groups.entry(item.group.unwrap_or_default()).or_default().push(item.value);
            count += 1;
            if count > limit {
                return Err(Failure::new(
                    ErrorKind::ResourceLimit,
                    format!(
                        "Grouped data over size limit `{limit}`.  Try putting a reduction (like \
                         `.reduce` or `.count`) on the end."
                    ),
                ));
            }
            Ok(true)
        })?;
        Ok(groups.into_iter().map(|(group, items)| (group, Datum::array(items))).collect())
    }
}

impl Stream for Seq {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        self.next_value(run)
    }

    fn endless(&self) -> Option<Endless> {
        Seq::endless(self)
    }

    fn is_feed(&self) -> bool {
        Seq::is_feed(self)
    }

    fn is_over(&self) -> bool {
        Seq::is_over(self)
    }

    fn notes(&self) -> Vec<u8> {
        Seq::notes(self)
    }

    fn watched(&self) -> Result<Vec<Watch>> {
        Seq::watched(self)
    }
}

impl Open {
    fn next(&mut self, run: &Run) -> Result<Next<Item>> {
        Ok(match &mut self.items {
            Items::List(items) => items.pop_front().map_or(Next::End, Next::Item),
            Items::Seq(seq, group) => match seq.next_value(run)? {
                Next::Item(value) => Next::Item(Item { group: group.clone(), value }),
                Next::End => Next::End,
                Next::Pending => Next::Pending,
            },
        })
    }
}

/// The groups that an element belongs to: what is missing in a function counts as null.
fn groups_of(
    run: &Run,
    funcs: &[Arc<Func>],
    found: Option<Datum>,
    multi: bool,
    value: &Datum,
) -> Result<Vec<Datum>> {
    let mut parts = Vec::with_capacity(funcs.len());
    for func in funcs {
        parts.push(match func.datum(run, std::slice::from_ref(value)) {
            Err(failure) if failure.is_missing() => Datum::Null,
            answer => answer?,
        });
    }
    parts.extend(found);
    let group = |mut parts: Vec<Datum>| match parts.len() {
        1 => parts.pop().unwrap_or_default(),
        _ => Datum::array(parts),
    };
    if !multi {
        return Ok(vec![group(parts)]);
    }
    // Every combination of one element of each array.
    let mut groups = vec![Vec::new()];
    for part in &parts {
        let choices = match part {
            Datum::Array(items) if items.is_empty() => &[Datum::Null][..],
            Datum::Array(items) => items,
            other => std::slice::from_ref(other),
        };
        let mut longer = Vec::with_capacity(groups.len() * choices.len());
        for group in &groups {
            for choice in choices {
                longer.push(group.iter().chain([choice]).cloned().collect());
            }
        }
        run.check_array_size(longer.len())?;
        groups = longer;
    }
    Ok(groups.into_iter().map(group).collect())
}

fn zip(joined: &Datum) -> Result<Datum> {
    let Some(left) = joined.get("left") else {
        return Err(Failure::logic("ZIP can only be called on the result of a join."));
    };
    Ok(match joined.get("right") {
        Some(right) => left.merge(right)?,
        None => left.clone(),
    })
}
