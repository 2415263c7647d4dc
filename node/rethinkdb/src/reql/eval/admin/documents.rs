//! What databases, tables and indexes look like to those who ask.

use crate::reql::datum::Datum;
use crate::reql::eval::Run;
use crate::reql::failure::{Failure, Result};
use crate::reql::index;
use crate::{Catalog, Db, Durability, Index, Table, WriteAcks};

pub(in crate::reql::eval) fn db(db: &Db) -> Datum {
    Datum::fields([("id", db.uuid.to_string().into()), ("name", Datum::String(db.name.clone()))])
}

/// The server as documents name it.
fn server(run: &Run) -> Result<Datum> {
    Ok(Datum::from(&*run.env()?.server.name))
}

/// A row of `table_config`.
pub(in crate::reql::eval) fn config(run: &Run, table: &Table) -> Result<Datum> {
    let server = server(run)?;
    let shard = Datum::fields([
        ("nonvoting_replicas", Datum::array(Vec::new())),
        ("primary_replica", server.clone()),
        ("replicas", vec![server].into()),
    ]);
    let durability = match table.config.durability {
        Durability::Hard => "hard",
        Durability::Soft => "soft",
    };
    let write_acks = match table.config.write_acks {
        WriteAcks::Majority => "majority",
        WriteAcks::Single => "single",
    };
    let indexes: Vec<_> = table.indexes().map(|index| Datum::String(index.name.clone())).collect();
    Ok(Datum::fields([
        ("db", Datum::String(table.db.clone())),
        ("durability", durability.into()),
        ("id", table.uuid.to_string().into()),
        ("indexes", indexes.into()),
        ("name", Datum::String(table.name().clone())),
        ("primary_key", Datum::String(table.primary_key.clone())),
        ("shards", vec![shard; usize::from(table.config.shards)].into()),
        ("write_acks", write_acks.into()),
        ("write_hook", write_hook(table)?),
    ]))
}

/// A table's write hook, or null. Its function's bytes are our own, as an index's are.
pub(super) fn write_hook(table: &Table) -> Result<Datum> {
    let Some(text) = &table.config.write_hook else { return Ok(Datum::Null) };
    let source = index::read(text).map_err(Failure::logic)?.print();
    let function = [HOOK_PREFIX, text.as_bytes()].concat();
    Ok(Datum::fields([
        ("function", Datum::Binary(function.into())),
        ("query", format!("setWriteHook({source})").into()),
    ]))
}

/// A row of `table_status`: one server is always ready.
pub(in crate::reql::eval) fn status(run: &Run, table: &Table) -> Result<Datum> {
    let server = server(run)?;
    let replica = Datum::fields([("server", server.clone()), ("state", "ready".into())]);
    let shard = Datum::fields([
        ("primary_replicas", vec![server.clone()].into()),
        ("replicas", vec![replica].into()),
    ]);
    let ready =
        ["all_replicas_ready", "ready_for_outdated_reads", "ready_for_reads", "ready_for_writes"];
    Ok(Datum::fields([
        ("db", Datum::String(table.db.clone())),
        ("id", table.uuid.to_string().into()),
        ("name", Datum::String(table.name().clone())),
        ("raft_leader", server),
        ("shards", vec![shard; usize::from(table.config.shards)].into()),
        ("status", Datum::fields(ready.map(|name| (name, true.into())))),
    ]))
}

/// What the bytes start with that stand for a write hook's function.
pub(super) const HOOK_PREFIX: &[u8] = b"$reql_write_hook_function$";

/// What the bytes start with that stand for an index's function.
pub(super) const FUNCTION_PREFIX: &[u8] = b"$reql_index_function$";

/// What `index_status` tells of an index. Its function's bytes are our own: a server reads back only
/// what it wrote itself.
pub(super) fn index(index: &Index, source: &str) -> Datum {
    let options = if index.multi { ", {multi: true}" } else { "" };
    let query = format!("indexCreate('{}', {source}{options})", index.name);
    let multi = if index.multi { b'm' } else { b's' };
    let function = [FUNCTION_PREFIX, &[multi], index.function.as_bytes()].concat();
    let mut fields = vec![
        ("function", Datum::Binary(function.into())),
        ("geo", false.into()),
        ("index", Datum::String(index.name.clone())),
        ("multi", index.multi.into()),
        ("outdated", false.into()),
        ("query", query.into()),
        ("ready", index.ready.into()),
    ];
    if !index.ready {
        fields.push(("progress", 0.into()));
    }
    Datum::object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// All tables, those of the first database first.
pub(in crate::reql::eval) fn tables(catalog: &Catalog) -> impl Iterator<Item = &Table> {
    catalog.dbs().flat_map(|db| db.tables()).map(|table| &**table)
}
