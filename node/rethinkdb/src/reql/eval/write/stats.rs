//! What became of the rows that a query wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::reql::datum::Datum;
use crate::reql::eval::func::Shortcut;
use crate::reql::eval::{Call, Run, Value};
use crate::reql::failure::{At, Failure, Result};

/// Which rows the client wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::reql::eval) enum Returns {
    Nothing,
    /// Those that changed.
    Changes,
    /// All, those that could not be written too.
    All,
}

/// What became of one row.
#[derive(Clone, Debug)]
pub(in crate::reql::eval) enum Row {
    /// It was this, or null, and is that, or null.
    Written { old: Datum, new: Datum },
    /// It is still this, or null, and why.
    Failed { old: Datum, message: String },
}

/// What became of many.
///
/// Source: RethinkDB manual, `insert`, `update`, `replace`, `delete`.
pub(in crate::reql::eval) struct Stats {
    deleted: usize,
    errors: usize,
    inserted: usize,
    replaced: usize,
    skipped: usize,
    unchanged: usize,
    first_error: Option<String>,
    returns: Returns,
    /// None before any row that can have changes.
    changes: Option<Vec<Datum>>,
    generated: Vec<Datum>,
    generated_beyond: usize,
    are_changes_cut: bool,
    limit: usize,
}

impl Stats {
    pub(in crate::reql::eval) fn new(run: &Run, returns: Returns) -> Self {
        Self {
            deleted: 0,
            errors: 0,
            inserted: 0,
            replaced: 0,
            skipped: 0,
            unchanged: 0,
            first_error: None,
            returns,
            changes: None,
            generated: Vec::new(),
            generated_beyond: 0,
            are_changes_cut: false,
            limit: run.array_limit,
        }
    }

    /// A document that is no row at all: that is told to everyone who wants to see any row.
    pub(in crate::reql::eval) fn refused(&mut self, message: String) {
        if self.returns != Returns::Nothing {
            self.changes.get_or_insert_default();
        }
        self.failed(Datum::Null, message);
    }

    /// The first error is this one, if there was none before.
    pub(in crate::reql::eval) fn blame(&mut self, message: &str) {
        self.first_error.get_or_insert_with(|| message.to_owned());
    }

    fn failed(&mut self, old: Datum, message: String) {
        let error = Datum::from(&*message);
        let fields = [("error", error), ("new_val", old.clone()), ("old_val", old)];
        self.change(|| Datum::fields(fields));
        self.errors += 1;
        self.blame(&message);
    }

    pub(in crate::reql::eval) fn generated(&mut self, key: Datum) {
        if self.generated.len() < self.limit {
            self.generated.push(key);
        } else {
            self.generated_beyond += 1;
        }
    }

    /// One more row.
    pub(in crate::reql::eval) fn add(&mut self, row: Row) {
        if self.returns != Returns::Nothing {
            self.changes.get_or_insert_default();
        }
        match row {
            Row::Written { old, new } => {
                let is_changed = old != new;
                let counter = match (&old, &new) {
                    (Datum::Null, Datum::Null) => &mut self.skipped,
                    (Datum::Null, _) => &mut self.inserted,
                    (_, Datum::Null) => &mut self.deleted,
                    _ if is_changed => &mut self.replaced,
                    _ => &mut self.unchanged,
                };
                *counter += 1;
                if is_changed || self.returns == Returns::All {
                    self.change(|| Datum::fields([("new_val", new), ("old_val", old)]));
                }
            }
            Row::Failed { old, message } if self.returns == Returns::All => {
                self.failed(old, message);
            }
            Row::Failed { message, .. } => {
                self.errors += 1;
                self.blame(&message);
            }
        }
    }

    fn change(&mut self, change: impl FnOnce() -> Datum) {
        let Some(changes) = &mut self.changes else { return };
        if changes.len() < self.limit {
            changes.push(change());
        } else {
            self.are_changes_cut = true;
        }
    }

    /// As the client is told.
    pub(in crate::reql::eval) fn into_datum(self) -> Datum {
        let counters = [
            ("deleted", self.deleted),
            ("errors", self.errors),
            ("inserted", self.inserted),
            ("replaced", self.replaced),
            ("skipped", self.skipped),
            ("unchanged", self.unchanged),
        ];
        let counters = counters.map(|(name, count)| (Arc::from(name), Datum::count(count)));
        let mut fields = BTreeMap::from(counters);
        let mut put = |name: &str, value: Datum| fields.insert(name.into(), value);
        if let Some(message) = self.first_error {
            put("first_error", message.into());
        }
        if let Some(changes) = self.changes {
            put("changes", changes.into());
        }
        let mut warnings = Vec::new();
        if self.are_changes_cut {
            warnings.push(too_many_changes(self.limit).into());
        }
        if self.generated_beyond > 0 {
            let (all, shown) = (self.generated_beyond + self.generated.len(), self.generated.len());
            warnings.push(Datum::from(format!(
                "Too many generated keys ({all}), array truncated to {shown}."
            )));
        }
        if !self.generated.is_empty() {
            put("generated_keys", self.generated.into());
        }
        if !warnings.is_empty() {
            put("warnings", warnings.into());
        }
        Datum::object(fields)
    }
}

fn too_many_changes(limit: usize) -> String {
    format!("Too many changes, array truncated to {limit}.")
}

const NOT_A_WRITE: &str = "FOR_EACH expects one or more basic write queries.";

/// Calls a function with every element, and adds up what its writes answer.
pub(super) fn for_each(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let seq = call.seq(0)?;
    let func = call.arg(1)?.into_func_or(Shortcut::Constant, run)?;
    let mut total = BTreeMap::new();
    let mut warnings = BTreeSet::new();
    seq.for_each(run, |item| {
        let value = func.call(run, &[item.value])?;
        let answer = value.datum(run).map_err(|mut failure| {
            failure.message = NOT_A_WRITE.to_owned();
            failure
        })?;
        let not_a_write = |mut failure: Box<Failure>| {
            failure.message = format!("{NOT_A_WRITE}  {}", failure.message);
            failure
        };
        let place = value.place;
        let add = |total: &mut _, warnings: &mut _, answer: &Datum| {
            add(total, answer, run.array_limit, warnings).map_err(not_a_write).at(place)
        };
        match &answer {
            Datum::Object(_) => add(&mut total, &mut warnings, &answer)?,
            answers => {
                let answers = answers.expect_array().map_err(not_a_write).at(place)?;
                for answer in answers {
                    add(&mut total, &mut warnings, answer)?;
                }
            }
        }
        Ok(true)
    })?;
    if !warnings.is_empty() {
        let warnings: Vec<_> = warnings.into_iter().map(Datum::from).collect();
        total.insert("warnings".into(), warnings.into());
    }
    Ok(call.datum_value(Datum::object(total)))
}

type Fields = BTreeMap<Arc<str>, Datum>;

/// Adds what one write answered: numbers are added, arrays put together, of texts the first stays.
fn add(
    total: &mut Fields,
    answer: &Datum,
    limit: usize,
    warnings: &mut BTreeSet<String>,
) -> Result<()> {
    for (name, theirs) in &**answer.expect_object()? {
        let sum = match (total.get(name), theirs) {
            (None, theirs) => theirs.clone(),
            (Some(Datum::Number(mine)), Datum::Number(theirs)) => Datum::finite(mine + theirs)?,
            (Some(Datum::Array(mine)), Datum::Array(theirs)) => {
                if mine.len() + theirs.len() > limit {
                    warnings.insert(too_many_changes(limit));
                }
                Datum::array(mine.iter().chain(theirs.iter()).take(limit).cloned().collect())
            }
            (Some(mine @ Datum::String(_)), Datum::String(_)) => mine.clone(),
            (Some(mine), theirs) => {
                return Err(Failure::logic(format!(
                    "Cannot merge statistics `{}` (type {}) and `{}` (type {}).",
                    mine.pretty_truncated(),
                    mine.type_name(),
                    theirs.pretty_truncated(),
                    theirs.type_name()
                )));
            }
        };
        total.insert(name.clone(), sum);
    }
    Ok(())
}
