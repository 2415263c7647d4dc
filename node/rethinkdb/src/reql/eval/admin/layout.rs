//! What a table is told to be like, and what it is like: `config`, `status`, `reconfigure`, `rebalance`.
//!
//! To one server, shards are numbers that it remembers, and a shard has one replica. Several ask the
//! cluster where to put them.

use super::{
    Call, Datum, Failure, Kind, Result, Run, Value, change, check_not_system, database, documents,
    op_failed, refused, system_row,
};
use crate::cluster::LayoutError;
use crate::live::Cut;
use crate::reql::eval::reading::name_of;
use crate::reql::eval::stored::failed;
use crate::reql::eval::table::Db;
use crate::reql::failure::At;
use crate::{Member, Table, TableConfig, TableId};

/// As many shards as RethinkDB allows.
const SHARDS_MAX: i64 = 64;
/// The tag that every server has.
const DEFAULT_TAG: &str = "default";

pub(super) fn config(call: &Call<'_>) -> Result<Value> {
    let target = call.arg(0)?;
    if let Kind::Db(db) = &target.kind {
        check_not_system(db, "you can't configure it.")?;
        return system_row(call, "db_config", Datum::String(db.id.clone()));
    }
    let table = target.table(call.run)?;
    check_not_system(&table.db, "you can't configure the tables in it.")?;
    system_row(call, "table_config", Datum::String(table.rows.id()))
}

pub(super) fn status(call: &Call<'_>) -> Result<Value> {
    let target = call.arg(0)?;
    let table = target.table(call.run)?;
    check_not_system(
        &table.db,
        "the system tables in it don't have meaningful status information.",
    )?;
    system_row(call, "table_status", Datum::String(table.rows.id()))
}

/// A table, or all tables of a database.
pub(super) enum Target {
    Table(TableId),
    Db(Db),
}

impl Target {
    pub(super) fn of(call: &Call<'_>, refusal: &str) -> Result<Self> {
        if call.count() == 0 {
            let name = call.op.name;
            return Err(Failure::logic(format!(
                "`{name}` can only be called on a table or database."
            )));
        }
        let value = call.arg(0)?;
        if let Kind::Db(db) = &value.kind {
            check_not_system(db, refusal)?;
            return Ok(Self::Db(db.clone()));
        }
        let table = value.table(call.run)?;
        check_not_system(&table.db, refusal)?;
        let stored = table.rows.stored().expect("all other tables are stored");
        Ok(Self::Table(stored.table.id))
    }

    pub(super) fn tables(&self, run: &Run) -> Result<Vec<TableId>> {
        match self {
            Self::Table(id) => Ok(vec![*id]),
            Self::Db(db) => {
                let catalog = database(run)?.catalog();
                let db = catalog.db(&db.name).map_err(|wrong| refused(&wrong))?;
                Ok(db.tables().map(|table| table.id).collect())
            }
        }
    }
}

/// How many replicas, on servers with which tags.
pub(super) struct Replicas {
    tags: Vec<(String, i64)>,
    /// The tag of those that are primary.
    primary: String,
    /// The tags of those that have no vote.
    nonvoting: Vec<String>,
}

/// The option `shards`.
pub(super) fn shards(call: &Call<'_>) -> Result<Option<i64>> {
    let Some(value) = call.option("shards")? else { return Ok(None) };
    let shards = value.integer(call.run)?;
    if shards <= 0 {
        let message = "Every table must have at least one shard.";
        return Err(Failure::logic(message).at(value.place));
    }
    Ok(Some(shards))
}

/// The options that say where replicas are to be.
pub(super) fn replicas(call: &Call<'_>) -> Result<Option<Replicas>> {
    let primary = call.option("primary_replica_tag")?;
    let nonvoting = call.option("nonvoting_replica_tags")?;
    let replicas = match call.option("replicas")? {
        None => None,
        Some(value) => match value.datum(call.run)? {
            Datum::Object(tags) => {
                if primary.is_none() {
                    return Err(Failure::logic(
                        "`primary_replica_tag` must be specified when `replicas` is an OBJECT.",
                    )
                    .at(value.place));
                }
                let mut replicas = Vec::new();
                for (tag, count) in &*tags {
                    let count = count.expect_integer().at(value.place)?;
                    if count < 0 {
                        let message = "Can't have a negative number of replicas";
                        return Err(Failure::logic(message).at(value.place));
                    }
                    replicas.push((tag.to_string(), count));
                }
                Some(replicas)
            }
            Datum::Number(_) => {
                for (is_given, name) in [
                    (primary.is_some(), "primary_replica_tag"),
                    (nonvoting.is_some(), "nonvoting_replica_tags"),
                ] {
                    if is_given {
                        return Err(Failure::logic(format!(
                            "`replicas` must be an OBJECT if `{name}` is specified."
                        ))
                        .at(value.place));
                    }
                }
                let count = value.integer(call.run)?;
                if count < 0 {
                    let message = format!("Integer too small: {count}");
                    return Err(Failure::logic(message).at(value.place));
                }
                Some(vec![(DEFAULT_TAG.to_owned(), count)])
            }
            other => {
                return Err(Failure::logic(format!(
                    "Expected type OBJECT or NUMBER but found {}:\n{}",
                    other.type_name(),
                    other.pretty()
                ))
                .at(value.place));
            }
        },
    };
    let mut nonvoting_tags = Vec::new();
    if let Some(value) = nonvoting {
        let tags = value.datum(call.run)?;
        let Some(tags) = tags.as_array() else {
            return Err(Failure::logic(format!(
                "Expected type ARRAY but found {}:\n{}",
                tags.type_name(),
                tags.pretty()
            ))
            .at(value.place));
        };
        for tag in tags {
            let Some(name) = tag.as_str() else {
                return Err(Failure::logic(format!(
                    "Expected type STRING but found {}:\n{}",
                    tag.type_name(),
                    tag.pretty()
                ))
                .at(value.place));
            };
            nonvoting_tags.push(name.to_owned());
        }
    }
    let primary = match primary {
        Some(value) => name_of(call, &value, "Server tag")?.to_string(),
        None => DEFAULT_TAG.to_owned(),
    };
    Ok(replicas.map(|tags| Replicas { tags, primary, nonvoting: nonvoting_tags }))
}

/// Whether the servers that are there can carry this; as the catalog has it.
pub(super) fn check(run: &Run, shards: i64, replicas: Option<&Replicas>) -> Result<(u16, u16)> {
    let servers = run.env()?.member.as_ref().map_or(1, |member| member.connected().len());
    let total: i64 =
        replicas.map_or(1, |replicas| replicas.tags.iter().map(|(_, count)| count).sum());
    if total == 0 {
        return Err(op_failed(
            "You must set `replicas` to at least one. `replicas` includes the primary replica; if \
             there are zero replicas, there is nowhere to put the data.",
        ));
    }
    if shards > SHARDS_MAX {
        return Err(op_failed(format!("Maximum number of shards is {SHARDS_MAX}.")));
    }
    if let Some(Replicas { tags, primary, nonvoting }) = replicas {
        let has = |tag: &String| tags.iter().any(|(known, _)| known == tag);
        if !has(primary) {
            return Err(op_failed(format!(
                "Can't use server tag `{primary}` for primary replicas because you specified no \
                 replicas in server tag `{primary}`."
            )));
        }
        if let Some(tag) = nonvoting.iter().find(|tag| !has(tag)) {
            return Err(op_failed(format!(
                "You specified that the replicas in server tag `{tag}` should be non-voting, but you \
                 didn't specify a number of replicas in server tag `{tag}`."
            )));
        }
    }
    for (tag, count) in replicas.iter().flat_map(|replicas| &replicas.tags) {
        if tag != DEFAULT_TAG {
            return Err(op_failed(format!("Could not find any servers with server tag `{tag}`.")));
        }
        if usize::try_from(*count).is_ok_and(|count| count > servers) {
            return Err(op_failed(format!(
                "Can't put {count} replicas on servers with the tag `{tag}` because there are only \
                 {servers} servers with the tag `{tag}`. It's impossible to have more replicas of the data \
                 than there are servers."
            )));
        }
    }
    let few = |count: i64| u16::try_from(count).expect("it is no more than the most");
    Ok((few(shards), few(total)))
}

pub(super) fn reconfigure(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let target = Target::of(call, "you can't configure the tables in it.")?;
    let dry_run = call.bool_option("dry_run")?.unwrap_or(false);
    if let Some(repair) = call.option("emergency_repair")?
        && !repair.datum(run)?.is_null()
    {
        return Err(repair_refusal(call, &repair, &target)?);
    }
    let required = |name: &str| Failure::logic(format!("Missing required argument `{name}`."));
    let shards = shards(call)?.ok_or_else(|| required("shards"))?;
    if call.option("replicas")?.is_none() {
        return Err(required("replicas"));
    }
    let (shards, replicas) = check(run, shards, replicas(call)?.as_ref())?;
    let member = run.env()?.member.as_ref();
    let (mut configs, mut statuses) = (Vec::new(), Vec::new());
    for id in target.tables(run)? {
        let Some(old) = database(run)?.catalog().table_of(id).cloned() else { continue };
        let (old_config, old_status) =
            (documents::config(run, &old)?, documents::status(run, &old)?);
        let mut new = Table::clone(&old);
        new.config = TableConfig { shards, replicas, ..old.config.clone() };
        let laid_out = |member: &Member| {
            member.plan(&old, shards.into(), replicas.into(), Cut::AsIs).map_err(unplaced)
        };
        let layout = member.map(laid_out).transpose()?;
        configs.push(change(old_config, documents::config_as(run, &new, layout.as_deref())?));
        if !dry_run {
            if let (Some(member), Some(layout)) = (member, layout) {
                member.reconfigure(id, layout).map_err(unplaced)?;
            }
            let new = database(run)?.set_table_config(id, new.config);
            let new = new.map_err(|wrong| refused(&wrong))?;
            statuses.push(change(old_status, documents::status(run, &new)?));
        }
    }
    let count = if dry_run { 0 } else { configs.len() };
    let mut fields =
        vec![("config_changes", Datum::array(configs)), ("reconfigured", Datum::count(count))];
    if !dry_run {
        fields.push(("status_changes", Datum::array(statuses)));
    }
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
    Ok(call.datum_value(Datum::object(fields.collect())))
}

fn repair_refusal(call: &Call<'_>, repair: &Value, target: &Target) -> Result<Box<Failure>> {
    let mode = repair.string(call.run)?;
    if !matches!(&*mode, "unsafe_rollback" | "unsafe_rollback_or_erase") {
        return Ok(Failure::logic(
            "`emergency_repair` should be \"unsafe_rollback\" or \"unsafe_rollback_or_erase\"",
        )
        .at(repair.place));
    }
    for name in ["nonvoting_replica_tags", "primary_replica_tag", "replicas", "shards"] {
        if call.option(name)?.is_some() {
            return Ok(Failure::logic(
                "In emergency repair mode, you can't specify shards, replicas, etc.",
            ));
        }
    }
    Ok(match target {
        Target::Db(_) => Failure::logic(
            "Can't emergency repair an entire database at once; instead you should run \
             `reconfigure()` on each table individually.",
        ),
        Target::Table(_) => op_failed("This table doesn't need to be repaired."),
    })
}

fn unplaced(error: LayoutError) -> Box<Failure> {
    op_failed(error.to_string())
}

/// Cuts shards anew where rows are. With one server there is nothing to be spread more evenly.
pub(super) fn rebalance(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let target = Target::of(call, "you can't rebalance the tables in it.")?;
    let (mut changes, mut rebalanced) = (Vec::new(), 0);
    for id in target.tables(run)? {
        let Some(table) = database(run)?.catalog().table_of(id).cloned() else { continue };
        // Whether anything moved is not counted; whether there was anything that could, is.
        let rows = database(run)?.count(id).map_err(|wrong| failed(&wrong))?;
        rebalanced += usize::from(rows > 0);
        let old = documents::status(run, &table)?;
        if let Some(member) = &run.env()?.member {
            rebalance_table(member, &table)?;
        }
        changes.push(change(old, documents::status(run, &table)?));
    }
    Ok(call.datum_value(Datum::fields([
        ("rebalanced", Datum::count(rebalanced)),
        ("status_changes", Datum::array(changes)),
    ])))
}

/// Cuts a table's shards so that they have as many rows each, if they have not.
fn rebalance_table(member: &Member, table: &Table) -> Result<()> {
    let old = member.layout(table.id).unwrap_or_default();
    let replicas = old.first().map_or(1, |shard| shard.replicas.len());
    let new = member.plan(table, old.len().max(1), replicas, Cut::Anew).map_err(unplaced)?;
    let same = new.iter().map(|shard| &shard.range).eq(old.iter().map(|shard| &shard.range));
    if same { Ok(()) } else { member.reconfigure(table.id, new).map_err(unplaced) }
}
