//! What databases, tables and indexes look like to those who ask.

use crate::cluster::{Readiness, ServerId, ShardLayout, ShardStatus, TableStatus};
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
    let member = run.env()?.member.as_ref();
    let layout = member.and_then(|member| member.layout(table.id));
    config_as(run, table, layout.as_deref())
}

/// The same, were the table to lie like this; without a layout, all on this server.
pub(super) fn config_as(run: &Run, table: &Table, layout: Option<&[ShardLayout]>) -> Result<Datum> {
    let shard = |primary: Datum, replicas: Vec<Datum>| {
        Datum::fields([
            ("nonvoting_replicas", Datum::array(Vec::new())),
            ("primary_replica", primary),
            ("replicas", replicas.into()),
        ])
    };
    let shards = match (layout, &run.env()?.member) {
        (Some(layout), Some(member)) => {
            let name = |server: &ServerId| Datum::from(member.name_of(*server));
            let placed = layout
                .iter()
                .map(|one| shard(name(&one.primary()), one.replicas.iter().map(name).collect()));
            placed.collect()
        }
        _ => {
            let server = server(run)?;
            vec![shard(server.clone(), vec![server]); usize::from(table.config.shards)]
        }
    };
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
        ("shards", shards.into()),
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
    let member = run.env()?.member.as_ref();
    let of_cluster = match member.and_then(|member| member.status(table.id)) {
        Some(status) => status.document(),
        None => of_one(&run.env()?.server.name, usize::from(table.config.shards)).document(),
    };
    let of_cluster = Datum::try_from(&of_cluster).unwrap_or_default();
    let mut fields = of_cluster.expect_object()?.clone().into_map();
    fields.extend([
        ("db".into(), Datum::String(table.db.clone())),
        ("id".into(), table.uuid.to_string().into()),
        ("name".into(), Datum::String(table.name().clone())),
    ]);
    Ok(Datum::object(fields))
}

fn of_one(server: &str, shards: usize) -> TableStatus {
    let shard = ShardStatus {
        primary_replicas: vec![server.to_owned()],
        replicas: vec![(server.to_owned(), "ready")],
    };
    TableStatus {
        raft_leader: Some(server.to_owned()),
        shards: vec![shard; shards],
        ready: Readiness::Finished,
    }
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
