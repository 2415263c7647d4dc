//! Databases, tables, and which of their rows.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::sequence::is_open;
use super::stored::{self, StoredRows};
use super::table::{Db, Keys, Range, ReadMode, Rows, Single, Sorting, Table, Wanted, Yield};
use super::{Call, Kind, Seq, Value};
use crate::CatalogError;
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, MANY, Op};

pub(super) const OPS: &[Op] =
    &[
        Op::new(number::DB, "db", (1, 1), |call| {
            let name = name_of(call, &call.arg(0)?, "Database")?;
            Ok(call.value(Kind::Db(find_db(call, &name)?)))
        })
        .determinism(Determinism::NEVER),
        Op::new(number::TABLE, "table", (1, 2), table)
            .options(&["read_mode", "use_outdated", "identifier_format"])
            .determinism(Determinism::NEVER),
        Op::new(number::GET, "get", (2, 2), |call| {
            let (table, key) = (call.arg(0)?.table(call.run)?.clone(), call.datum(1)?);
            Ok(call.value(Kind::Single(Box::new(Single::of_key(table, key)))))
        }),
        Op::new(number::GET_ALL, "get_all", (1, MANY), get_all).options(&["index"]),
        Op::new(number::BETWEEN, "between", (3, 3), |call| between(call, false)).options(&[
            "index",
            "left_bound",
            "right_bound",
        ]),
        Op::new(number::BETWEEN_DEPRECATED, "between", (3, 3), |call| between(call, true))
            .options(&["index", "left_bound", "right_bound"]),
    ];

/// An argument that is the name of a database or table.
pub(super) fn name_of(call: &Call<'_>, value: &Value, kind: &'static str) -> Result<Arc<str>> {
    let name = value.string(call.run)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(is_plain) {
        let wrong = CatalogError::BadName { kind, name };
        return Err(stored::refused(&wrong).at(value.place));
    }
    Ok(name)
}

/// The database of this name.
pub(super) fn find_db(call: &Call<'_>, name: &str) -> Result<Db> {
    if name == crate::SYSTEM {
        return Ok(Db { name: name.into(), id: super::system::UUID.into() });
    }
    let catalog = call.run.env()?.database.catalog();
    let db = catalog.db(name).map_err(|wrong| stored::refused(&wrong))?;
    Ok(Db { name: db.name.clone(), id: db.uuid.to_string().into() })
}

/// The database that an optional first argument names, else the query's own; and whether there was
/// such an argument.
pub(super) fn db_of(call: &Call<'_>, is_given: bool) -> Result<Db> {
    if is_given {
        return Ok(call.arg(0)?.db(call.run)?.clone());
    }
    match call.option("db")? {
        Some(value) => Ok(value.db(call.run)?.clone()),
        None => find_db(call, crate::TEST),
    }
}

fn table(call: &Call<'_>) -> Result<Value> {
    if call.option("use_outdated")?.is_some() {
        return Err(Failure::logic(
            "The `use_outdated` optarg is no longer supported.  Use the `read_mode` optarg instead.",
        ));
    }
    let read_mode = match call.string_option("read_mode")?.as_deref() {
        None | Some("single") => ReadMode::Single,
        Some("majority") => ReadMode::Majority,
        Some("outdated") => ReadMode::Outdated,
        Some(other) => {
            return Err(Failure::logic(format!(
                "Read mode `{other}` unrecognized (options are \"majority\", \"single\", and \
                 \"outdated\")."
            )));
        }
    };
    let by_uuid = match call.string_option("identifier_format")?.as_deref() {
        None | Some("name") => false,
        Some("uuid") => true,
        Some(other) => {
            return Err(Failure::logic(format!(
                "Identifier format `{other}` unrecognized (options are \"name\" and \"uuid\")."
            )));
        }
    };
    let has_db = call.count() == 2;
    let db = db_of(call, has_db)?;
    let name = name_of(call, &call.arg(usize::from(has_db))?, "Table")?;
    let rows: Arc<dyn Rows> = match &*db.name {
        crate::SYSTEM => super::system::find(call.run, &name, by_uuid)?,
        _ => Arc::new(StoredRows::find(call.run, &db.name, &name)?),
    };
    let table = Table { db, name, read_mode, rows, place: call.place() };
    Ok(call.value(Kind::Table(Arc::new(table))))
}

fn get_all(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    let index = call.string_option("index")?;
    let mut keys = BTreeMap::<Datum, usize>::new();
    for index in 1..call.count() {
        let value = call.arg(index)?;
        let key = value.datum(call.run)?;
        if key.is_null() {
            return Err(Failure::missing("Keys cannot be NULL.").at(value.place));
        }
        *keys.entry(key).or_default() += 1;
    }
    let wanted = Wanted {
        index: index.filter(|index| *index != table.rows.primary_key()),
        keys: Keys::Each(keys.into_iter().collect()),
        sorting: Sorting::Unordered,
        yields: Yield::Rows,
    };
    let rows = table.rows.read(call.run, &wanted, table.read_mode)?;
    let seq = Seq::of_wanted(table.clone(), wanted, rows);
    Ok(call.value(Kind::Selection(table, seq)))
}

fn between(call: &Call<'_>, null_is_unbounded: bool) -> Result<Value> {
    let slice = call.arg(0)?.slice(call.run)?;
    let left_open = is_open(call, "left_bound", false)?;
    let right_open = is_open(call, "right_bound", true)?;
    let bound = |index: usize, unbounded: Datum| {
        let value = call.arg(index)?;
        match value.datum(call.run)? {
            Datum::Null if null_is_unbounded => Ok(unbounded),
            Datum::Null => Err(Failure::logic(
                "Cannot use `null` in BETWEEN, use `r.minval` or `r.maxval` to denote \
                 unboundedness.",
            )
            .at(value.place)),
            datum => Ok(datum),
        }
    };
    let (from, to) = (bound(1, Datum::MinVal)?, bound(2, Datum::MaxVal)?);
    let side = |datum, open| if open { Bound::Excluded(datum) } else { Bound::Included(datum) };
    let range = Range { from: side(from, left_open), to: side(to, right_open) };
    let index = match call.string_option("index")? {
        Some(index) => index,
        None => slice.index.clone().unwrap_or_else(|| slice.table.rows.primary_key()),
    };
    Ok(call.value(Kind::Slice(slice.between(index, range)?)))
}
