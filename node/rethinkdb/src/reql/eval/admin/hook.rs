//! Write hooks: the function that whatever is written to a table passes through.
//!
//! Here: setting and showing it. What it does to a row is in `write::hook`.

use super::{Call, Failure, Result, Value, database, documents, op_failed, refused};
use crate::SYSTEM;
use crate::TableConfig;
use crate::reql::datum::Datum;
use crate::reql::index;

pub(super) fn set(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let function = function(call)?;
    let Some(stored) = table.rows.stored() else {
        return Err(op_failed(format!(
            "Database `{SYSTEM}` is special; you can't set a write hook on the tables in it."
        )));
    };
    let database = database(call.run)?;
    let catalog = database.catalog();
    let config = &catalog.table_of(stored.table.id).unwrap_or(&stored.table).config;
    let what = match (&config.write_hook, &function) {
        (_, None) => "deleted",
        (None, _) => "created",
        (Some(_), _) => "replaced",
    };
    let config = TableConfig { write_hook: function.map(Into::into), ..config.clone() };
    database.set_table_config(stored.table.id, config).map_err(|wrong| refused(&wrong))?;
    Ok(call.datum_value(Datum::fields([(what, 1.into())])))
}

/// The function's text; none for no hook.
fn function(call: &Call<'_>) -> Result<Option<String>> {
    let value = call.arg(1)?;
    match value.peek(call.run)? {
        Some(Datum::Null) => return Ok(None),
        Some(Datum::Binary(bytes)) => {
            let text = bytes
                .strip_prefix(documents::HOOK_PREFIX)
                .and_then(|text| std::str::from_utf8(text).ok());
            let text = text.filter(|text| index::read(text).is_ok()).ok_or_else(|| {
                Failure::logic(
                    "Cannot create a write hook except from a reql_write_hook_function returned \
                     from `get_write_hook`.",
                )
                .at(value.place)
            })?;
            return Ok(Some(text.to_owned()));
        }
        _ => (),
    }
    let func = value.into_func(call.run)?;
    if !func.determinism().is_always() {
        return Err(Failure::logic(
            "Could not prove function deterministic.  Write hook functions must be deterministic.",
        )
        .at(func.place));
    }
    if func.arity() != Some(3) {
        let message = "Write hook functions must expect 3 arguments.";
        return Err(Failure::logic(message).at(func.place));
    }
    Ok(Some(func.to_text()))
}

pub(super) fn get(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let Some(stored) = table.rows.stored() else { return Ok(call.datum_value(Datum::Null)) };
    let catalog = database(call.run)?.catalog();
    let table = catalog.table_of(stored.table.id).unwrap_or(&stored.table);
    Ok(call.datum_value(documents::write_hook(table)?))
}
