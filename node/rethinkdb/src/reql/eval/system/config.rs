//! The tables `table_config` and `db_config`, written: what a table is told to be like.

use std::sync::Arc;

use super::wrong_format;
use crate::cluster::ServerId;
use crate::reql::datum::Datum;
use crate::reql::eval::Run;
use crate::reql::eval::admin::{check_reachable, check_shards, documents, op_failed};
use crate::reql::eval::stored::refused;
use crate::reql::failure::{Failure, Result};
use crate::{CatalogError, Durability, Member, Table, TableConfig, Uuid, WriteAcks};

const DB: &str = "db_config";

fn wrong(what: &str) -> Box<Failure> {
    wrong_format("table_config", what)
}

/// The table whose row of `table_config` this is.
fn table(run: &Run, row: &Datum) -> Result<Arc<Table>> {
    let id = row.expect_field("id")?.expect_str()?;
    let catalog = run.env()?.database.catalog();
    let table = documents::tables(&catalog).find(|table| table.uuid.to_string() == id);
    let table = table.and_then(|table| catalog.table_of(table.id));
    table.cloned().ok_or_else(|| refused(&CatalogError::TableGone))
}

/// What the table is to be like.
fn config(run: &Run, table: &Table, new: &Datum) -> Result<TableConfig> {
    let old = documents::config(run, table)?;
    let (old, new) = (old.expect_object()?.clone(), new.expect_object()?);
    let unknown: Vec<_> =
        new.keys().filter(|name| !old.contains_key(&***name)).map(|name| &**name).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(" ");
        return Err(wrong(&format!("Unexpected key(s): {unknown}")));
    }
    for name in old.keys() {
        if !new.contains_key(name) {
            return Err(wrong(&format!("Expected a field named `{name}`.")));
        }
    }
    let choice = |name: &str, one: &str, other: &str| match new[name].as_str() {
        Some(text) if text == one => Ok(true),
        Some(text) if text == other => Ok(false),
        _ => Err(wrong(&format!(
            "In `{name}`: Expected \"{one}\" or \"{other}\", got: {}",
            new[name].pretty()
        ))),
    };
    let durability = match choice("durability", "soft", "hard")? {
        true => Durability::Soft,
        false => Durability::Hard,
    };
    let write_acks = match choice("write_acks", "single", "majority")? {
        true => WriteAcks::Single,
        false => WriteAcks::Majority,
    };
    if new["indexes"] != old["indexes"] {
        return Err(wrong(
            "The `indexes` field is read-only and can't be used to create or drop indexes.",
        ));
    }
    if new["write_hook"] != old["write_hook"] {
        return Err(wrong(
            "The `write_hook` field is read-only and can't be used to create or drop a write hook \
             function.",
        ));
    }
    if new["primary_key"] != old["primary_key"] {
        return Err(op_failed("It's illegal to change a table's primary key"));
    }
    if new["db"] != old["db"] {
        return Err(wrong(&format!(
            "Database `{}` does not exist.",
            new["db"].as_str().unwrap_or_default()
        )));
    }
    let Some(shards) = new["shards"].as_array().map(|shards| shards.len()) else {
        let found = new["shards"].pretty();
        return Err(wrong(&format!("In `shards`: Expected an array, got {found}")));
    };
    if shards == 0 {
        return Err(wrong("In `shards`: You must specify at least one shard."));
    }
    let (shards, replicas) = check_shards(run, i64::try_from(shards).unwrap_or(i64::MAX))?;
    let Some(name) = new["name"].as_str().map(Arc::from) else {
        let found = new["name"].pretty();
        return Err(wrong(&format!("In `name`: Expected a table name; got {found}")));
    };
    let write_hook = table.config.write_hook.clone();
    Ok(TableConfig { name, durability, write_acks, shards, replicas, write_hook })
}

/// Writes a row of `table_config`, or takes it away with its table.
pub(super) fn write_table(run: &Run, old: &Datum, new: &Datum) -> Result<()> {
    if old.is_null() {
        return Err(wrong("Tables are made by `table_create`."));
    }
    let table = table(run, old)?;
    let env = run.env()?;
    if new.is_null() {
        env.database.drop_table(&table.db, table.name()).map_err(|wrong| refused(&wrong))?;
        env.catalog_changed();
        return Ok(());
    }
    check_reachable(run, &table, "The table's configuration was not changed.")?;
    let mut config = config(run, &table, new)?;
    if let Some(member) = &env.member
        && old.get("shards") != new.get("shards")
    {
        let placed = placement(member, new.expect_field("shards")?.expect_array()?)?;
        let most = placed.iter().map(Vec::len).max().unwrap_or(1);
        config.replicas = u16::try_from(most).expect("no server is there twice");
        let moved = member.reconfigure(table.id, member.placed(&table, placed));
        moved.map_err(|wrong| op_failed(wrong.to_string()))?;
    }
    env.database.set_table_config(table.id, config).map_err(|wrong| refused(&wrong))?;
    env.catalog_changed();
    Ok(())
}

/// Where shards are wanted: the servers of each, the primary first.
fn placement(member: &Member, shards: &[Datum]) -> Result<Vec<Vec<ServerId>>> {
    shards.iter().map(|shard| shard_placement(member, shard)).collect()
}

fn shard_placement(member: &Member, shard: &Datum) -> Result<Vec<ServerId>> {
    let wrong = |what: String| wrong(&format!("In `shards`: {what}"));
    let Some(fields) = shard.as_object() else {
        return Err(wrong(format!("Expected an object; got {}", shard.pretty())));
    };
    let known = ["nonvoting_replicas", "primary_replica", "replicas"];
    let unknown: Vec<_> =
        fields.keys().map(|name| &**name).filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        return Err(wrong(format!("Unexpected key(s): {}", unknown.join(", "))));
    }
    let field = |name: &str| {
        fields.get(name).ok_or_else(|| wrong(format!("Expected a field named `{name}`.")))
    };
    let server = |field: &str, value: &Datum| {
        let name = value.expect_str()?;
        let unknown =
            || wrong(format!("In `{field}`: Server `{name}` does not exist or is not connected."));
        member.server(name).ok_or_else(unknown)
    };
    let primary = field("primary_replica")?;
    let primary_server = server("primary_replica", primary)?;
    let mut servers = vec![primary_server];
    let replicas = field("replicas")?.expect_array()?;
    if replicas.is_empty() {
        return Err(wrong("You must specify at least one replica for each shard.".to_owned()));
    }
    for (number, replica) in replicas.iter().enumerate() {
        let server = server("replicas", replica)?;
        if replicas[..number].contains(replica) {
            let name = replica.expect_str()?;
            let words = format!("In `replicas`: Server `{name}` is listed more than once.");
            return Err(wrong(words));
        }
        if server != primary_server {
            servers.push(server);
        }
    }
    if servers.len() != replicas.len() {
        let name = primary.expect_str()?;
        return Err(wrong(format!(
            "The server listed in the `primary_replica` field (`{name}`) must also appear in \
             `replicas`."
        )));
    }
    let nonvoting = fields.get("nonvoting_replicas").and_then(Datum::as_array);
    if nonvoting.is_some_and(|servers| !servers.is_empty()) {
        return Err(op_failed("This server has no replicas that do not vote."));
    }
    Ok(servers)
}

/// Writes a row of `db_config`, or takes it away with its database.
pub(super) fn write_db(run: &Run, old: &Datum, new: &Datum) -> Result<()> {
    let env = run.env()?;
    if let Some(object) = new.as_object() {
        let unknown = object.keys().find(|name| !matches!(&***name, "id" | "name"));
        if let Some(unknown) = unknown {
            return Err(wrong_format(DB, &format!("Unexpected key(s): {unknown}")));
        }
    }
    match (old, new) {
        (old, Datum::Null) => {
            let name = old.expect_field("name")?.expect_str()?;
            env.database.drop_database(name).map_err(|wrong| refused(&wrong))?;
            env.catalog_changed();
            Ok(())
        }
        (Datum::Null, new) => {
            let Some(name) = new.get("name") else {
                return Err(wrong_format(DB, "Expected a field named `name`."));
            };
            let id = new.expect_field("id")?.expect_str()?;
            let id: Uuid = id.parse().map_err(|_| {
                wrong_format(DB, &format!("In `id`: Expected a UUID; got \"{id}\""))
            })?;
            let made = env.database.create_database(name.expect_str()?, id);
            made.map(drop).map_err(|wrong| refused(&wrong))
        }
        (old, new) => {
            let name = |row: &Datum| row.get("name").cloned().unwrap_or_default().pretty();
            Err(op_failed(format!(
                "Cannot rename database {} to {}: this server gives databases their names for \
                 good.",
                name(old),
                name(new)
            )))
        }
    }
}
