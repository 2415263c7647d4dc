//! `update`, `replace` and `delete`.

use std::sync::Arc;

use super::rows::{Guess, Wish, write};
use super::{BATCH_ROWS_MAX, Options, Stats};
use crate::reql::datum::Datum;
use crate::reql::eval::func::Shortcut;
use crate::reql::eval::run::Flags;
use crate::reql::eval::table::Table;
use crate::reql::eval::{Call, Kind, Next, Seq, Value};
use crate::reql::failure::{At, Failure, Result};
use crate::reql::op::Determinism;

type Compute<'a> = dyn FnMut(&Datum) -> Result<Datum> + 'a;

pub(super) fn update(call: &Call<'_>) -> Result<Value> {
    check_deterministic(call)?;
    let run = call.run;
    write_selection(call, &mut |old| {
        if old.is_null() {
            return Ok(Datum::Null);
        }
        // An argument that is no function is evaluated for each row anew.
        let changes = call.arg_with(1, Flags::LITERAL_OK)?;
        let changes = changes.into_func_or(Shortcut::Constant, run)?;
        let changes = changes.call_with(run, std::slice::from_ref(old), Flags::LITERAL_OK)?;
        match changes.datum(run)? {
            Datum::Null => Ok(old.clone()),
            changes => old.merge(&changes),
        }
    })
}

pub(super) fn replace(call: &Call<'_>) -> Result<Value> {
    check_deterministic(call)?;
    let func = call.arg(1)?.into_func_or(Shortcut::Constant, call.run)?;
    write_selection(call, &mut |old| func.datum(call.run, std::slice::from_ref(old)))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Value> {
    write_selection(call, &mut |_| Ok(Datum::Null))
}

/// Only what follows from the row alone is computed in one step with writing it.
fn check_deterministic(call: &Call<'_>) -> Result<()> {
    if call.bool_option("non_atomic")? == Some(true) {
        return Ok(());
    }
    let given = call.node.args.iter().skip(1);
    if given.fold(Determinism::ALWAYS, |sum, arg| sum.join(arg.determinism)).within_a_query() {
        return Ok(());
    }
    Err(Failure::logic(
        "Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?",
    ))
}

/// Writes every row of a selection, or one.
fn write_selection(call: &Call<'_>, compute: &mut Compute<'_>) -> Result<Value> {
    let options = Options::of(call)?;
    let mut stats = Stats::new(call.run, options.returns);
    let value = call.arg(0)?;
    let place = value.place;
    if let Kind::Single(single) = &value.kind {
        let key = single.key(call.run, place)?;
        let wish = Wish { key, guess: Guess::Present };
        let rows = write(call.run, &single.table, &options, &[wish], &mut |_, old| compute(old))
            .at(place)?;
        rows.into_iter().for_each(|row| stats.add(row));
        return Ok(call.datum_value(stats.into_datum()));
    }
    // What a write changes may move a row to where it is found again; but not by primary key.
    let stays = match &value.kind {
        Kind::Table(_) => true,
        Kind::Slice(slice) => {
            slice.index.as_ref().is_none_or(|index| *index == slice.table.rows.primary_key())
        }
        _ => false,
    };
    let (table, seq) = value.into_selection(call.run)?;
    let batch_max = if stays { BATCH_ROWS_MAX } else { usize::MAX };
    let mut rows = Keys { seq, primary_key: table.rows.primary_key() };
    loop {
        let keys = rows.next(call, batch_max)?;
        if keys.is_empty() {
            return Ok(call.datum_value(stats.into_datum()));
        }
        for keys in keys.chunks(BATCH_ROWS_MAX) {
            write_keys(call, &table, &options, keys, &mut stats, compute)?;
        }
    }
}

fn write_keys(
    call: &Call<'_>,
    table: &Arc<Table>,
    options: &Options,
    keys: &[Datum],
    stats: &mut Stats,
    compute: &mut Compute<'_>,
) -> Result<()> {
    let wish = |key: &Datum| Wish { key: key.clone(), guess: Guess::Present };
    let wishes: Vec<_> = keys.iter().map(wish).collect();
    let rows = write(call.run, table, options, &wishes, &mut |_, old| compute(old))?;
    rows.into_iter().for_each(|row| stats.add(row));
    Ok(())
}

/// The keys of a selection's rows.
struct Keys {
    seq: Seq,
    primary_key: Arc<str>,
}

impl Keys {
    /// So many of them; none at the end.
    fn next(&mut self, call: &Call<'_>, most: usize) -> Result<Vec<Datum>> {
        let mut keys = Vec::new();
        while keys.len() < most
            && let Next::Item(row) = self.seq.next_value(call.run)?
        {
            keys.push(row.expect_field(&self.primary_key)?.clone());
        }
        Ok(keys)
    }
}
