//! Reading rows, computing what is to stand in their place, and writing that if they are still there.

use std::sync::Arc;

use super::hook::Hook;
use super::{Options, Row};
use crate::live::Attempt;
use crate::reql::datum::{Datum, deep};
use crate::reql::error::ErrorKind;
use crate::reql::eval::Run;
use crate::reql::eval::stored::{StoredRows, failed};
use crate::reql::eval::table::{ReadMode, Table};
use crate::reql::failure::{Failure, Result};
use crate::{Durability, Swap, Swapped, check_primary_key};

/// How often a row is computed anew because others wrote it meanwhile. Each time somebody's write was
/// done, so that this is not reached but by a query whose function takes longer than others' writes.
const ATTEMPTS_MAX: usize = 1000;
/// An array that is stored has at most so many elements, whatever a query allows.
const STORED_ARRAY_MAX: usize = 100_000;

/// A row that is to be written.
pub(super) struct Wish {
    pub(super) key: Datum,
    /// What is taken for the row at first; null for none.
    pub(super) guess: Guess,
}

/// What stands under a key before anybody has looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guess {
    /// Nothing, most likely.
    Absent,
    /// A row, most likely: it is read.
    Present,
}

/// Whether a failure concerns the row it happened on, and not the whole query.
fn is_of_row(failure: &Failure) -> bool {
    !matches!(failure.kind, ErrorKind::OpIndeterminate | ErrorKind::Internal)
}

/// Writes rows, each with what `compute` makes of its number in `wishes` and what stands there now;
/// what became of them, in the order of the wishes.
pub(super) fn write(
    run: &Run,
    table: &Table,
    options: &Options,
    wishes: &[Wish],
    compute: &mut dyn FnMut(usize, &Datum) -> Result<Datum>,
) -> Result<Vec<Row>> {
    let primary_key = table.rows.primary_key();
    let hook = match table.rows.stored() {
        Some(stored) if !options.ignores_hook => Hook::of(run, stored)?,
        _ => None,
    };
    let mut checked = |number: usize, old: &Datum| {
        let key = &wishes[number].key;
        let mut new = compute(number, old)?;
        if let Some(hook) = &hook {
            new = hook.pass(key, old, new)?;
        }
        check(&primary_key, old, key, &new)?;
        Ok(new)
    };
    let mut done: Vec<Option<Row>> = wishes.iter().map(|_| None).collect();
    match table.rows.stored() {
        Some(stored) => swap(run, stored, options, wishes, &mut done, &mut checked)?,
        None => {
            for (number, wish) in wishes.iter().enumerate() {
                let old = table.rows.get(run, &wish.key, ReadMode::Single)?;
                let written = checked(number, &old).and_then(|new| {
                    if old != new {
                        table.rows.set(run, &old, &new)?;
                    }
                    Ok(new)
                });
                done[number] = Some(match written {
                    Ok(new) => Row::Written { old, new },
                    Err(failure) if is_of_row(&failure) => {
                        Row::Failed { old, message: failure.message }
                    }
                    Err(failure) => return Err(failure),
                });
            }
        }
    }
    Ok(done.into_iter().flatten().collect())
}

/// Computes and swaps, until every row was written or cannot be.
fn swap(
    run: &Run,
    stored: &StoredRows,
    options: &Options,
    wishes: &[Wish],
    done: &mut [Option<Row>],
    compute: &mut dyn FnMut(usize, &Datum) -> Result<Datum>,
) -> Result<()> {
    let (database, table) = (&stored.database, stored.table.id);
    let durability = options.durability.unwrap_or_else(|| stored_durability(stored));
    let mut open = Vec::with_capacity(wishes.len());
    for (number, wish) in wishes.iter().enumerate() {
        let row = match wish.guess {
            Guess::Absent => None,
            Guess::Present => database.get(table, &wish.key).map_err(|error| failed(&error))?,
        };
        open.push((number, row));
    }
    let mut is_begun = false;
    for _ in 0..ATTEMPTS_MAX {
        let (mut attempts, mut tried) = (Vec::with_capacity(open.len()), Vec::new());
        for (number, row) in open.drain(..) {
            let old = row.as_ref().map_or(Datum::Null, |row| row.datum());
            let key = || wishes[number].key.clone();
            let outcome = match compute(number, &old) {
                Ok(new) if new != old => {
                    let (key, document) = (key(), (!new.is_null()).then(|| new.clone()));
                    attempts.push(Attempt::Write(Swap {
                        table,
                        key,
                        expected: row,
                        new: document,
                    }));
                    tried.push((number, Row::Written { old, new }));
                    continue;
                }
                // Nothing is written, and no feed hears of it.
                Ok(new) => Row::Written { old, new },
                Err(failure) if is_of_row(&failure) => {
                    Row::Failed { old, message: failure.message }
                }
                Err(failure) => return Err(failure),
            };
            if stored.member.is_none() {
                done[number] = Some(outcome);
            } else {
                // The primary has to be asked all the same.
                attempts.push(Attempt::Keep { key: key(), row });
                tried.push((number, outcome));
            }
        }
        if attempts.is_empty() {
            return Ok(());
        }
        let swapped = stored.write(run, attempts, durability).map_err(|mut failure| {
            // Not for certain undone: an earlier attempt may have written some of the rows.
            if is_begun && failure.kind == ErrorKind::OpFailed {
                failure.kind = ErrorKind::OpIndeterminate;
            }
            failure
        })?;
        for ((number, row), swapped) in tried.into_iter().zip(swapped) {
            match swapped {
                Swapped::Done => {
                    is_begun = true;
                    done[number] = Some(row);
                }
                Swapped::Conflict(row) => open.push((number, row)),
            }
        }
        if open.is_empty() {
            return Ok(());
        }
    }
    for (number, row) in open {
        let old = row.map_or(Datum::Null, |row| row.datum());
        let message = "Cannot perform write: others write the same row all the time.".to_owned();
        done[number] = Some(Row::Failed { old, message });
    }
    Ok(())
}

/// What the table gives a write that asks for nothing.
fn stored_durability(stored: &StoredRows) -> Durability {
    let catalog = stored.database.catalog();
    catalog.table_of(stored.table.id).unwrap_or(&stored.table).config.durability
}

/// Whether a value can stand under a key, in place of another or of nothing.
fn check(primary_key: &str, old: &Datum, key: &Datum, new: &Datum) -> Result<()> {
    if new.is_null() {
        return Ok(());
    }
    if !matches!(new, Datum::Object(_)) {
        let (kind, text) = (new.type_name(), new.pretty());
        return Err(Failure::logic(format!(
            "Inserted value must be an OBJECT (got {kind}):\n{text}"
        )));
    }
    check_has_key(primary_key, new)?;
    if new.get(primary_key) != Some(key) {
        let change = match (old, new.pretty()) {
            (Datum::Null, new) => format!("(null -> {new})"),
            (old, new) => format!("(`{}` -> `{new}`).", old.pretty()),
        };
        return Err(Failure::logic(format!(
            "Primary key `{primary_key}` cannot be changed {change}"
        )));
    }
    check_storable(new)
}

fn check_has_key(primary_key: &str, document: &Datum) -> Result<()> {
    if document.expect_object()?.contains_key(primary_key) {
        return Ok(());
    }
    let text = document.pretty();
    Err(Failure::logic(format!("Inserted object must have primary key `{primary_key}`:\n{text}")))
}

/// The key of a document that is to be inserted.
pub(super) fn key_of(primary_key: &Arc<str>, document: &Datum) -> Result<Datum> {
    check_has_key(primary_key, document)?;
    let key = document.expect_field(primary_key)?;
    check_storable(key)?;
    check_primary_key(key).map_err(|wrong| Failure::new(wrong.kind(), wrong.to_string()))?;
    Ok(key.clone())
}

/// Whether a value may be kept: not every one that a query can have is.
fn check_storable(value: &Datum) -> Result<()> {
    match value {
        Datum::Array(items) if items.len() > STORED_ARRAY_MAX => {
            Err(Failure::logic("Array too large for disk writes (limit 100,000 elements)."))
        }
        Datum::Array(items) => deep(|| items.iter().try_for_each(check_storable)),
        Datum::Object(fields) => deep(|| fields.values().try_for_each(check_storable)),
        Datum::MinVal | Datum::MaxVal => {
            Err(Failure::logic("`r.minval` and `r.maxval` cannot be written to disk."))
        }
        _ => Ok(()),
    }
}
