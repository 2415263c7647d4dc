//! Administration: databases, tables and indexes made, changed, looked at and dropped.
//!
//! Here: databases and tables. Indexes are in `index`, write hooks in `hook`, what a table is told to
//! be like in `layout`, whether it is ready in `wait`, the documents that all of these answer in
//! `documents`. The system's own database, `rethinkdb`, is in `system`; nothing here may be done to it.

pub(super) mod documents;
mod hook;
mod index;
mod layout;
mod wait;

use std::sync::Arc;

use super::reading::{db_of, find_db, name_of};
use super::table::{Db, Single, Table};
use super::write::durability;
use super::{Call, Kind, Run, Value};
use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, MANY, Op};
use crate::{CatalogError, Database, Durability, SYSTEM, TableConfig, TableOptions, Uuid};

pub(super) const OPS: &[Op] = &[
    meta(number::DB_CREATE, "db_create", (1, 1), db_create),
    meta(number::DB_DROP, "db_drop", (1, 1), db_drop),
    meta(number::DB_LIST, "db_list", (0, 0), db_list),
    meta(number::TABLE_CREATE, "table_create", (1, 2), table_create).options(&[
        "primary_key",
        "shards",
        "replicas",
        "nonvoting_replica_tags",
        "primary_replica_tag",
        "durability",
    ]),
    meta(number::TABLE_DROP, "table_drop", (1, 2), table_drop),
    meta(number::TABLE_LIST, "table_list", (0, 1), table_list),
    meta(number::INDEX_CREATE, "sindex_create", (2, 3), index::create).options(&["multi", "geo"]),
    meta(number::INDEX_DROP, "sindex_drop", (2, 2), index::drop),
    meta(number::INDEX_RENAME, "sindex_rename", (3, 3), index::rename).options(&["overwrite"]),
    meta(number::INDEX_LIST, "sindex_list", (1, 1), index::list),
    meta(number::INDEX_STATUS, "sindex_status", (1, MANY), index::status),
    meta(number::INDEX_WAIT, "sindex_wait", (1, MANY), index::status),
    meta(number::SET_WRITE_HOOK, "set_write_hook", (2, 2), hook::set),
    meta(number::GET_WRITE_HOOK, "get_write_hook", (1, 1), hook::get),
    meta(number::CONFIG, "config", (1, 1), layout::config),
    meta(number::STATUS, "status", (1, 1), layout::status),
    meta(number::WAIT, "wait", (0, 1), wait::wait).options(&["timeout", "wait_for"]),
    meta(number::RECONFIGURE, "reconfigure", (0, 1), layout::reconfigure).options(&[
        "dry_run",
        "emergency_repair",
        "nonvoting_replica_tags",
        "primary_replica_tag",
        "replicas",
        "shards",
    ]),
    meta(number::REBALANCE, "rebalance", (0, 1), layout::rebalance),
];

const fn meta(
    number: u16,
    name: &'static str,
    count: (usize, usize),
    eval: fn(&Call<'_>) -> Result<Value>,
) -> Op {
    Op::new(number, name, count, eval).determinism(Determinism::NEVER)
}

/// A refusal of the catalog, as a query's failure.
fn refused(error: &CatalogError) -> Box<Failure> {
    super::stored::refused(error)
}

/// Whether a table can be changed by several servers: most of its replicas have to be there.
pub(super) fn check_reachable(run: &Run, table: &crate::Table, undone: &'static str) -> Result<()> {
    let Some(member) = &run.env()?.member else { return Ok(()) };
    member.check_reachable(table, undone).map_err(|error| op_failed(error.to_string()))
}

/// Something that cannot be done: class OP_FAILED.
pub(super) fn op_failed(message: impl Into<String>) -> Box<Failure> {
    Failure::new(ErrorKind::OpFailed, message)
}

fn check_not_system(db: &Db, what: &str) -> Result<()> {
    if *db.name == *SYSTEM {
        return Err(op_failed(format!("Database `{SYSTEM}` is special; {what}")));
    }
    Ok(())
}

fn database(run: &Run) -> Result<&Database> {
    Ok(&run.env()?.database)
}

fn new_uuid(run: &Run) -> Result<Uuid> {
    Ok(run.new_uuid()?.parse().expect("a new UUID is written as one"))
}

/// What changed, as these terms answer.
fn change(old: Datum, new: Datum) -> Datum {
    Datum::fields([("new_val", new), ("old_val", old)])
}

fn db_create(call: &Call<'_>) -> Result<Value> {
    let name = name_of(call, &call.arg(0)?, "Database")?;
    let db = database(call.run)?.create_database(&name, new_uuid(call.run)?);
    let db = documents::db(&*db.map_err(|wrong| refused(&wrong))?);
    Ok(call.datum_value(Datum::fields([
        ("config_changes", vec![change(Datum::Null, db)].into()),
        ("dbs_created", 1.into()),
    ])))
}

fn db_drop(call: &Call<'_>) -> Result<Value> {
    let name = name_of(call, &call.arg(0)?, "Database")?;
    let database = database(call.run)?;
    let db = database.catalog().db(&name).map(|db| documents::db(db));
    let tables = database.drop_database(&name).map_err(|wrong| refused(&wrong))?;
    call.run.env()?.catalog_changed();
    let db = db.map_err(|wrong| refused(&wrong))?;
    Ok(call.datum_value(Datum::fields([
        ("config_changes", vec![change(db, Datum::Null)].into()),
        ("dbs_dropped", 1.into()),
        ("tables_dropped", Datum::count(tables.len())),
    ])))
}

fn db_list(call: &Call<'_>) -> Result<Value> {
    let catalog = database(call.run)?.catalog();
    let mut names: Vec<_> = catalog.dbs().map(|db| Datum::String(db.name.clone())).collect();
    names.push(SYSTEM.into());
    names.sort();
    Ok(call.datum_value(call.run.array(names)?))
}

fn table_list(call: &Call<'_>) -> Result<Value> {
    let db = db_of(call, call.count() == 1)?;
    let names = if *db.name == *SYSTEM {
        super::system::names(call.run.env()?).map(Datum::from).collect()
    } else {
        let catalog = database(call.run)?.catalog();
        let db = catalog.db(&db.name).map_err(|wrong| refused(&wrong))?;
        db.tables().map(|table| Datum::String(table.name().clone())).collect()
    };
    Ok(call.datum_value(call.run.array(names)?))
}

/// The database and the name of a table that the arguments say.
fn named_table(call: &Call<'_>) -> Result<(Db, Arc<str>)> {
    let has_db = call.count() == 2;
    let db = db_of(call, has_db)?;
    let name = name_of(call, &call.arg(usize::from(has_db))?, "Table")?;
    Ok((db, name))
}

fn table_create(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let shards = layout::shards(call)?;
    let replicas = layout::replicas(call)?;
    let primary_key = call.string_option("primary_key")?.unwrap_or_else(|| "id".into());
    let durability = durability(call)?.unwrap_or(Durability::Hard);
    let (db, name) = named_table(call)?;
    check_not_system(&db, "you can't create new tables in it.")?;
    let database = database(run)?;
    if database.catalog().table(&db.name, &name).is_ok() {
        let (database, table) = (db.name, name);
        return Err(refused(&CatalogError::TableExists { database, table }));
    }
    let (shards, replicas) = layout::check(run, shards.unwrap_or(1), replicas.as_ref())?;
    let config = TableConfig { durability, shards, replicas, ..TableConfig::default() };
    let options = TableOptions { primary_key, config, ..TableOptions::new(new_uuid(run)?) };
    let table = database.create_table(&db.name, &name, options);
    let table = table.map_err(|wrong| refused(&wrong))?;
    run.env()?.catalog_changed();
    let config = documents::config(run, &table)?;
    Ok(call.datum_value(Datum::fields([
        ("config_changes", vec![change(Datum::Null, config)].into()),
        ("tables_created", 1.into()),
    ])))
}

fn table_drop(call: &Call<'_>) -> Result<Value> {
    let (db, name) = named_table(call)?;
    check_not_system(&db, "you can't drop tables in it.")?;
    let table = database(call.run)?.drop_table(&db.name, &name);
    let config = documents::config(call.run, &*table.map_err(|wrong| refused(&wrong))?)?;
    call.run.env()?.catalog_changed();
    Ok(call.datum_value(Datum::fields([
        ("config_changes", vec![change(config, Datum::Null)].into()),
        ("tables_dropped", 1.into()),
    ])))
}

/// A row of a table of the system's, as a selection.
fn system_row(call: &Call<'_>, table: &str, key: Datum) -> Result<Value> {
    let db = find_db(call, SYSTEM)?;
    let rows = super::system::find(call.run, table, false)?;
    let name = table.into();
    let read_mode = super::table::ReadMode::Single;
    let table = Arc::new(Table { db, name, read_mode, rows, place: call.place() });
    Ok(call.value(Kind::Single(Box::new(Single::of_key(table, key)))))
}

/// Whether there can be so many shards; as the catalog has it, with the number of replicas.
pub(super) fn check_shards(run: &Run, shards: i64) -> Result<(u16, u16)> {
    layout::check(run, shards, None)
}
