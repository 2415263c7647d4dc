//! The tables of database `rethinkdb`: what the server tells of itself, as documents.
//!
//! Made when they are read. Of what can be written through them there is what a table's or database's
//! `config` is changed by, and that a job is ended; the rest is refused.

use std::sync::Arc;

use super::admin::{documents, op_failed};
use super::encoding::named_uuid;
use super::identifiers::Identifiers;
use super::seq::List;
use super::table::{Keys, ReadMode, Rows, Sorting, Wanted, Yield};
use super::{Run, Stream};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::{CatalogError, Database, Durability, SYSTEM, Table, TableConfig, Uuid, WriteAcks};

/// Their names.
pub(super) const TABLES: &[&str] = &[
    "cluster_config",
    "current_issues",
    "db_config",
    "jobs",
    "logs",
    "permissions",
    "server_config",
    "server_status",
    "stats",
    "table_config",
    "table_status",
    "users",
];

/// One more, which no list has.
const SCRATCH: &str = "_debug_scratch";

/// What the tables' UUIDs are made of, with their names.
///
/// Source: RethinkDB 2.4.4, as observed.
const NAMESPACE: [u8; 16] = [
    0x0e, 0xab, 0xef, 0x01, 0x6d, 0xeb, 0x40, 0x69, 0x9a, 0x2d, 0x44, 0x8d, 0xb0, 0x57, 0xab, 0x1e,
];

/// The database's UUID.
///
/// Source: RethinkDB 2.4.4, as observed.
pub(super) const UUID: &str = "b99b9572-8e53-5fef-9a2b-5e6aba3edf1c";

/// The table of this name.
pub(super) fn find(run: &Run, name: &str, by_uuid: bool) -> Result<Arc<dyn Rows>> {
    let Some(name) = TABLES.iter().chain([&SCRATCH]).find(|known| ***known == *name) else {
        let (database, table) = (SYSTEM.into(), name.into());
        return Err(super::stored::refused(&CatalogError::NoTable { database, table }));
    };
    let database = run.env()?.database.clone();
    Ok(Arc::new(SystemRows { database, name, by_uuid }))
}

struct SystemRows {
    database: Database,
    name: &'static str,
    /// Whether servers and databases are called by their UUIDs.
    by_uuid: bool,
}

fn named<const N: usize>(fields: [(&str, Datum); N]) -> Datum {
    Datum::fields(fields)
}

impl SystemRows {
    fn documents(&self, run: &Run) -> Result<Vec<Datum>> {
        let documents = self.named_documents(run)?;
        if !self.by_uuid {
            return Ok(documents);
        }
        let identifiers = Identifiers::of_names(run.env()?);
        Ok(documents.iter().map(|document| identifiers.translate(document)).collect())
    }

    fn named_documents(&self, run: &Run) -> Result<Vec<Datum>> {
        let env = run.env()?;
        let (id, name) = (Datum::from(&*env.server.id), Datum::from(&*env.server.name));
        let catalog = self.database.catalog();
        Ok(match self.name {
            "cluster_config" => {
                vec![named([("heartbeat_timeout_secs", 10.into()), ("id", "heartbeat".into())])]
            }
            "db_config" => catalog.dbs().map(|db| documents::db(db)).collect(),
            "jobs" => super::jobs::documents(env),
            "permissions" => vec![permissions(None), permissions(Some(UUID))],
            "server_config" => vec![named([
                ("cache_size_mb", "auto".into()),
                ("id", id),
                ("name", name),
                ("tags", vec!["default".into()].into()),
            ])],
            "server_status" => vec![named([
                ("id", id),
                ("name", name),
                (
                    "network",
                    named([
                        ("canonical_addresses", Datum::array(Vec::new())),
                        ("connected_to", Datum::object([].into())),
                        ("http_admin_port", "<no http admin>".into()),
                        ("time_connected", Datum::utc(0.0)),
                    ]),
                ),
                (
                    "process",
                    named([
                        ("cache_size_mb", "auto".into()),
                        ("pid", f64::from(std::process::id()).into()),
                        ("version", env!("CARGO_PKG_VERSION").into()),
                    ]),
                ),
            ])],
            "table_config" => {
                let tables = documents::tables(&catalog);
                tables.map(|table| documents::config(run, table)).collect::<Result<_>>()?
            }
            "table_status" => {
                let tables = documents::tables(&catalog);
                tables.map(|table| documents::status(run, table)).collect::<Result<_>>()?
            }
            SCRATCH => env.scratch.documents(),
            "users" => vec![named([("id", "admin".into()), ("password", false.into())])],
            // Nothing goes wrong that would be listed, and nothing is counted or written down here.
            _ => Vec::new(),
        })
    }

    fn refuse_write(&self, old: &Datum) -> Box<Failure> {
        let name = self.name;
        let what = if name == "logs" { "system table" } else { "table" };
        op_failed(match name {
            "server_config" if old.is_null() => {
                format!("It's illegal to insert new rows into the `{SYSTEM}.{name}` system table.")
            }
            "cluster_config" if old.is_null() => {
                format!("It's illegal to insert new rows into the `{SYSTEM}.{name}` table.")
            }
            _ => format!("It's illegal to write to the `{SYSTEM}.{name}` {what}."),
        })
    }

    fn wrong_format(&self, what: &str) -> Box<Failure> {
        Failure::logic(format!(
            "The change you're trying to make to `{SYSTEM}.{}` has the wrong format. {what}",
            self.name
        ))
    }

    /// The table whose row of `table_config` this is.
    fn table(&self, row: &Datum) -> Result<Arc<Table>> {
        let id = row.expect_field("id")?.expect_str()?;
        let catalog = self.database.catalog();
        let table = documents::tables(&catalog).find(|table| table.uuid.to_string() == id);
        let table = table.and_then(|table| catalog.table_of(table.id));
        table.cloned().ok_or_else(|| super::stored::refused(&CatalogError::TableGone))
    }

    /// What the table is to be like.
    fn config(&self, run: &Run, table: &Table, new: &Datum) -> Result<TableConfig> {
        let old = documents::config(run, table)?;
        let (old, new) = (old.expect_object()?.clone(), new.expect_object()?);
        let unknown: Vec<_> =
            new.keys().filter(|name| !old.contains_key(&***name)).map(|name| &**name).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(" ");
            return Err(self.wrong_format(&format!("Unexpected key(s): {unknown}")));
        }
        for name in old.keys() {
            if !new.contains_key(name) {
                return Err(self.wrong_format(&format!("Expected a field named `{name}`.")));
            }
        }
        let choice = |name: &str, one: &str, other: &str| match new[name].as_str() {
            Some(text) if text == one => Ok(true),
            Some(text) if text == other => Ok(false),
            _ => Err(self.wrong_format(&format!(
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
            return Err(self.wrong_format(
                "The `indexes` field is read-only and can't be used to create or drop indexes.",
            ));
        }
        if new["write_hook"] != old["write_hook"] {
            return Err(self.wrong_format(
                "The `write_hook` field is read-only and can't be used to create or drop a write hook \
                 function.",
            ));
        }
        if new["primary_key"] != old["primary_key"] {
            return Err(op_failed("It's illegal to change a table's primary key"));
        }
        if new["db"] != old["db"] {
            return Err(self.wrong_format(&format!(
                "Database `{}` does not exist.",
                new["db"].as_str().unwrap_or_default()
            )));
        }
        let Some(shards) = new["shards"].as_array().map(|shards| shards.len()) else {
            let found = new["shards"].pretty();
            return Err(self.wrong_format(&format!("In `shards`: Expected an array, got {found}")));
        };
        if shards == 0 {
            return Err(self.wrong_format("In `shards`: You must specify at least one shard."));
        }
        let (shards, replicas) =
            super::admin::check_shards(i64::try_from(shards).unwrap_or(i64::MAX))?;
        let Some(name) = new["name"].as_str().map(Arc::from) else {
            let found = new["name"].pretty();
            return Err(
                self.wrong_format(&format!("In `name`: Expected a table name; got {found}"))
            );
        };
        let write_hook = table.config.write_hook.clone();
        Ok(TableConfig { name, durability, write_acks, shards, replicas, write_hook })
    }

    fn write_table(&self, run: &Run, old: &Datum, new: &Datum) -> Result<()> {
        let refused = |wrong| super::stored::refused(&wrong);
        if old.is_null() {
            return Err(self.wrong_format("Tables are made by `table_create`."));
        }
        let table = self.table(old)?;
        if new.is_null() {
            return self.database.drop_table(&table.db, table.name()).map(drop).map_err(refused);
        }
        let config = self.config(run, &table, new)?;
        self.database.set_table_config(table.id, config).map(drop).map_err(refused)
    }

    fn write_db(&self, old: &Datum, new: &Datum) -> Result<()> {
        let refused = |wrong| super::stored::refused(&wrong);
        if let Some(object) = new.as_object() {
            let unknown = object.keys().find(|name| !matches!(&***name, "id" | "name"));
            if let Some(unknown) = unknown {
                return Err(self.wrong_format(&format!("Unexpected key(s): {unknown}")));
            }
        }
        match (old, new) {
            (old, Datum::Null) => {
                let name = old.expect_field("name")?.expect_str()?;
                self.database.drop_database(name).map(drop).map_err(refused)
            }
            (Datum::Null, new) => {
                let Some(name) = new.get("name") else {
                    return Err(self.wrong_format("Expected a field named `name`."));
                };
                let id = new.expect_field("id")?.expect_str()?;
                let id: Uuid = id.parse().map_err(|_| {
                    self.wrong_format(&format!("In `id`: Expected a UUID; got \"{id}\""))
                })?;
                self.database.create_database(name.expect_str()?, id).map(drop).map_err(refused)
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
}

fn permissions(database: Option<&str>) -> Datum {
    let mut id = vec![Datum::from("admin")];
    id.extend(database.map(Datum::from));
    let mut granted = vec![("config", true), ("read", true), ("write", true)];
    if database.is_none() {
        granted.push(("connect", true));
    }
    let granted = granted.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let mut fields =
        vec![("id", id.into()), ("permissions", Datum::object(granted)), ("user", "admin".into())];
    if database.is_some() {
        fields.push(("database", SYSTEM.into()));
    }
    Datum::object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

impl Rows for SystemRows {
    fn id(&self) -> Arc<str> {
        named_uuid(NAMESPACE, self.name).to_string().into()
    }

    fn primary_key(&self) -> Arc<str> {
        "id".into()
    }

    fn indexes(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn estimates(&self, run: &Run) -> Result<Vec<Datum>> {
        Ok(vec![Datum::count(self.documents(run)?.len())])
    }

    fn get(&self, run: &Run, key: &Datum, _: ReadMode) -> Result<Datum> {
        let mut documents = self.documents(run)?.into_iter();
        Ok(documents.find(|row| row.get("id") == Some(key)).unwrap_or_default())
    }

    fn read(&self, run: &Run, wanted: &Wanted, _: ReadMode) -> Result<Box<dyn Stream>> {
        if let Some(index) = wanted.index.clone() {
            let (database, table) = (SYSTEM.into(), self.name.into());
            let wrong = CatalogError::IndexNotFound { index, database, table };
            return Err(super::stored::refused(&wrong));
        }
        let key = |row: &Datum| row.get("id").cloned().unwrap_or_default();
        let mut documents = self.documents(run)?;
        documents.sort_by_key(|row| key(row));
        if wanted.sorting == Sorting::Descending {
            documents.reverse();
        }
        let found = documents.into_iter().flat_map(|row| {
            let copies = match &wanted.keys {
                Keys::Range(range) => usize::from(range.contains(&key(&row))),
                Keys::Each(keys) => keys
                    .iter()
                    .find(|(wanted, _)| *wanted == key(&row))
                    .map_or(0, |(_, copies)| *copies),
            };
            std::iter::repeat_n(row, copies)
        });
        let yielded = |row| match wanted.yields {
            Yield::Rows => row,
            Yield::Pairs => Datum::array(vec![key(&row), row]),
        };
        Ok(Box::new(List::new(found.map(yielded).collect())))
    }

    fn set(&self, run: &Run, old: &Datum, new: &Datum) -> Result<()> {
        let names;
        let (old, new) = if self.by_uuid {
            let identifiers = Identifiers::of_uuids(run.env()?);
            names = (identifiers.translate(old), identifiers.translate(new));
            (&names.0, &names.1)
        } else {
            (old, new)
        };
        match self.name {
            "table_config" => self.write_table(run, old, new),
            "db_config" => self.write_db(old, new),
            "jobs" => super::jobs::write(run.env()?, old, new),
            SCRATCH => run.env()?.scratch.set(old, new),
            _ => Err(self.refuse_write(old)),
        }
    }

    fn sync(&self, _: &Run) -> Result<()> {
        Err(op_failed("Artificial tables don't support `sync()`."))
    }
}
