//! Indexes made, renamed, dropped and looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::documents::{self, FUNCTION_PREFIX};
use super::{check_reachable, database, op_failed, refused};
use crate::reql::datum::Datum;
use crate::reql::eval::stored::StoredRows;
use crate::reql::eval::table::Table;
use crate::reql::eval::{Call, Run, Value};
use crate::reql::failure::{At, Failure, Result};
use crate::reql::{index, number};
use crate::{CatalogError, Index, IndexDefinition, SYSTEM};

/// The table that is the first argument, which the database keeps.
fn stored(table: &Table) -> Result<&StoredRows> {
    table.rows.stored().ok_or_else(|| {
        op_failed(format!(
            "Database `{SYSTEM}` is special; you can't create secondary indexes on the tables in it."
        ))
    })
}

pub(super) fn create(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let table = call.arg(0)?.table(run)?.clone();
    let name = call.string(1)?;
    if name == table.rows.primary_key() {
        return Err(refused(&CatalogError::IndexIsPrimaryKey(name)));
    }
    let (function, mut multi) = function(call, &name)?;
    if let Some(wanted) = call.bool_option("multi")? {
        multi = wanted;
    }
    if call.bool_option("geo")? == Some(true) {
        return Err(Failure::logic("Geospatial indexes are not available on this server."));
    }
    let id = stored(&table)?.table.id;
    let definition = IndexDefinition { name, multi, function: function.into() };
    let table = &stored(&table)?.table;
    check_reachable(run, table, "The secondary index was not created.")?;
    database(run)?.create_index(id, definition).map_err(|wrong| refused(&wrong))?;
    Ok(call.datum_value(Datum::fields([("created", 1.into())])))
}

/// The function's text, and whether it is to be used as a `multi` index.
fn function(call: &Call<'_>, name: &str) -> Result<(String, bool)> {
    if call.count() < 3 {
        // The variable's number is the one that RethinkDB gives it.
        let name = Datum::from(name).to_json();
        let (func, array) = (number::FUNC, number::MAKE_ARRAY);
        let (field, var) = (number::GET_FIELD, number::VAR);
        let text = format!("[{func},[[{array},[-19]],[{field},[[{var},[-19]],{name}]]]]");
        return Ok((text, false));
    }
    let value = call.arg(2)?;
    if let Some(Datum::Binary(bytes)) = value.peek(call.run)? {
        return of_bytes(&bytes).at(value.place);
    }
    let func = value.into_func(call.run)?;
    if !func.determinism().is_always() {
        return Err(Failure::logic(
            "Could not prove function deterministic.  Index functions must be deterministic.",
        )
        .at(func.place));
    }
    Ok((func.to_text(), false))
}

/// What `index_status` gave as an index's function.
fn of_bytes(bytes: &[u8]) -> Result<(String, bool)> {
    let Some(rest) = bytes.strip_prefix(FUNCTION_PREFIX) else {
        return Err(Failure::logic(
            "Cannot create an sindex except from a reql_index_function returned from \
             `index_status` in the field `function`.",
        ));
    };
    let read = match rest.split_first() {
        Some((b'm', text)) => Some((text, true)),
        Some((b's', text)) => Some((text, false)),
        _ => None,
    };
    let read = read.and_then(|(text, multi)| Some((std::str::from_utf8(text).ok()?, multi)));
    match read {
        Some((text, multi)) => Ok((text.to_owned(), multi)),
        None => Err(Failure::logic(
            "Binary blob passed to index create could not be interpreted as a \
             reql_index_function (it was made by another server).",
        )),
    }
}

pub(super) fn drop(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let name = call.string(1)?;
    let Some(stored) = table.rows.stored() else { return Err(no_index(&table, name)) };
    check_reachable(call.run, &stored.table, "The secondary index was not dropped.")?;
    database(call.run)?.drop_index(stored.table.id, &name).map_err(|wrong| refused(&wrong))?;
    Ok(call.datum_value(Datum::fields([("dropped", 1.into())])))
}

fn no_index(table: &Table, index: Arc<str>) -> Box<Failure> {
    let (database, table) = (table.db.name.clone(), table.name.clone());
    refused(&CatalogError::NoIndex { index, database, table })
}

pub(super) fn rename(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let (name, wanted) = (call.string(1)?, call.string(2)?);
    let overwrite = call.bool_option("overwrite")?.unwrap_or(false);
    let Some(stored) = table.rows.stored() else { return Err(no_index(&table, name)) };
    check_reachable(call.run, &stored.table, "The secondary index was not renamed.")?;
    let renamed = database(call.run)?.rename_index(stored.table.id, &name, &wanted, overwrite);
    renamed.map_err(|wrong| refused(&wrong))?;
    let count = i32::from(name != wanted);
    Ok(call.datum_value(Datum::fields([("renamed", count.into())])))
}

pub(super) fn list(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let names = table.rows.indexes().into_iter().map(Datum::String).collect();
    Ok(call.datum_value(Datum::array(names)))
}

/// All of a table's indexes, or those that are named. Waiting for them is the same: an index is ready
/// when `index_create` has answered, but for one that another client makes at this moment.
pub(super) fn status(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let table = call.arg(0)?.table(run)?.clone();
    let names: BTreeSet<_> =
        (1..call.count()).map(|index| call.string(index)).collect::<Result<_>>()?;
    loop {
        let indexes = indexes(run, &table)?;
        if let Some(missing) =
            names.iter().find(|name| indexes.iter().all(|index| index.name != **name))
        {
            let (database, table) = (table.db.name.clone(), table.name.clone());
            let index = missing.clone();
            return Err(refused(&CatalogError::IndexNotFound { index, database, table }));
        }
        let wanted = indexes.iter().filter(|index| names.is_empty() || names.contains(&index.name));
        let wanted: Vec<_> = wanted.collect();
        if call.op.number == number::INDEX_WAIT && wanted.iter().any(|index| !index.ready) {
            // Whoever makes it needs the processor more than we do.
            run.check_interrupted()?;
            std::thread::yield_now();
            continue;
        }
        let documents = wanted.into_iter().map(|index| document(index)).collect::<Result<_>>()?;
        return Ok(call.datum_value(Datum::array(documents)));
    }
}

fn indexes(run: &Run, table: &Table) -> Result<Vec<Arc<Index>>> {
    let Some(stored) = table.rows.stored() else { return Ok(Vec::new()) };
    let catalog = database(run)?.catalog();
    let table = catalog.table_of(stored.table.id);
    let table = table.ok_or_else(|| refused(&CatalogError::TableGone))?;
    Ok(table.indexes().cloned().collect())
}

fn document(index: &Index) -> Result<Datum> {
    let func = index::read(&index.function).map_err(Failure::logic)?;
    Ok(documents::index(index, &func.print()))
}
