//! What a feed watches, and what a change of the table means for it.

use std::sync::Arc;

use crate::IndexFunction;
use crate::reql::datum::Datum;
use crate::reql::eval::stored::StoredRows;
use crate::reql::eval::table::{Keys, Sorting, Table, Wanted};
use crate::reql::eval::{Next, Run, Seq, Step};
use crate::reql::failure::{Failure, Place, Result};
use crate::reql::index::compile_index;

/// Rows of a table, and what is made of each.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) table: Arc<Table>,
    pub(crate) wanted: Wanted,
    pub(crate) steps: Vec<(Step, Place)>,
    /// Of all these only so many, the first in their order.
    pub(crate) first: Option<usize>,
}

impl Watch {
    /// The same with more steps.
    pub(crate) fn then(mut self, steps: &[(Step, Place)]) -> Result<Self> {
        let is_filter = |step: &Step| matches!(step, Step::Filter { .. });
        if self.first.is_some() && !steps.iter().all(|(step, _)| is_filter(step)) {
            return Err(Failure::logic(
                "Changefeeds are not supported on queries that have a transformation following a \
                 `limit` term.  Transformations include terms such as `filter`, `map`, `pluck`, etc.  \
                 Consider moving the transformation before the `limit` term.",
            ));
        }
        self.steps.extend_from_slice(steps);
        Ok(self)
    }

    /// The first so many of these.
    pub(crate) fn limit(mut self, count: usize) -> Result<Self> {
        if self.wanted.sorting == Sorting::Unordered {
            return Err(Failure::logic(
                "Cannot get changes on the first elements of an unordered stream.",
            ));
        }
        self.first = Some(self.first.map_or(count, |first| first.min(count)));
        Ok(self)
    }

    /// Whether what is made of a row depends on the row alone.
    pub(super) fn check_deterministic(&self) -> Result<()> {
        for (step, place) in &self.steps {
            let funcs: Vec<_> = match step {
                Step::Map(func) | Step::MapOrSkip(func) => vec![func],
                Step::Filter { func, default } => [func].into_iter().chain(default).collect(),
                Step::ConcatMap(_) => return Err(after("concat_map")),
                Step::Group { .. } => return Err(after("group")),
                Step::Zip => return Err(after("zip")),
            };
            if let Some(func) = funcs.iter().find(|func| !func.determinism().within_a_query()) {
                let message = "Cannot call `changes` after a non-deterministic function.";
                return Err(Failure::logic(message).at(func.place).at(*place));
            }
        }
        Ok(())
    }

    /// The table as the database keeps it.
    pub(super) fn stored(&self) -> Result<&StoredRows> {
        stored(&self.table)
    }

    /// All rows that are watched now, before anything is made of them.
    pub(super) fn rows(&self, run: &Run) -> Result<Seq> {
        let rows = self.table.rows.read(run, &self.wanted, self.table.read_mode)?;
        Ok(Seq::new(rows))
    }

    /// What is made of a row; none if it is left out, or something goes wrong with it.
    pub(super) fn element(&self, run: &Run, row: Datum) -> Option<Datum> {
        if self.steps.is_empty() {
            return Some(row);
        }
        let mut element = with_steps(Seq::of_items(vec![row]), &self.steps).ok()?;
        match element.next_value(run) {
            Ok(Next::Item(element)) => Some(element),
            _ => None,
        }
    }
}

fn with_steps(mut seq: Seq, steps: &[(Step, Place)]) -> Result<Seq> {
    for (step, place) in steps {
        seq = seq.then(step.clone(), *place)?;
    }
    Ok(seq)
}

/// The table as the database keeps it.
pub(super) fn stored(table: &Table) -> Result<&StoredRows> {
    table.rows.stored().ok_or_else(|| Failure::logic("A system table is only looked at."))
}

fn after(name: &str) -> Box<Failure> {
    Failure::logic(format!("Cannot call `changes` after `{name}`."))
}

/// Which rows of a table are among those that are wanted.
pub(super) struct Membership {
    keys: Keys,
    primary_key: Arc<str>,
    /// The index's function, unless it is by primary key.
    values: Option<IndexFunction>,
}

impl Membership {
    pub(super) fn of(watch: &Watch) -> Result<Self> {
        let stored = watch.stored()?;
        let values = match &watch.wanted.index {
            None => None,
            Some(name) => {
                let index = stored.index(name)?;
                Some(compile_index(&index.function, index.multi).map_err(Failure::logic)?)
            }
        };
        let primary_key = stored.table.primary_key.clone();
        Ok(Self { keys: watch.wanted.keys.clone(), primary_key, values })
    }

    /// The values that a row is found under, each as often as it is wanted.
    pub(super) fn found(&self, row: &Datum) -> Vec<Datum> {
        let values = match &self.values {
            Some(values) => values(row),
            None => row.get(&self.primary_key).cloned().into_iter().collect(),
        };
        let copies = |value: &Datum| match &self.keys {
            Keys::Range(range) => usize::from(
                !range.is_empty()
                    && range.contains(value)
                    && crate::check_secondary_key(value).is_ok(),
            ),
            Keys::Each(keys) => {
                keys.iter().find(|(key, _)| key == value).map_or(0, |(_, copies)| *copies)
            }
        };
        let repeated = |value: Datum| {
            let copies = copies(&value);
            std::iter::repeat_n(value, copies)
        };
        values.into_iter().flat_map(repeated).collect()
    }

    /// How often a row is among them.
    pub(super) fn copies(&self, row: &Datum) -> usize {
        self.found(row).len()
    }
}
