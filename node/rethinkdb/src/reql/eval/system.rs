//! The tables of database `rethinkdb`: what the server tells of itself, as documents.
//!
//! Made when they are read. Of what can be written through them there is what a table's or database's
//! `config` is changed by (`config`), that a job is ended, and, with several servers, what goes wrong
//! between them (`harms`); the rest is refused. What is told of servers is in `servers`.

mod config;
mod harms;
mod servers;

use std::sync::Arc;

use super::admin::{documents, op_failed};
use super::encoding::named_uuid;
use super::identifiers::Identifiers;
use super::seq::List;
use super::table::{Keys, ReadMode, Rows, Sorting, Wanted, Yield};
use super::{Run, Stream};
use crate::reql::datum::Datum;
use crate::reql::env::Env;
use crate::reql::failure::{Failure, Result};
use crate::{CatalogError, Database, SYSTEM};

/// The table of what goes wrong between several servers: of our own, and not there if there is one.
const HARMS: &str = "harms";

/// Their names.
const TABLES: &[&str] = &[
    "cluster_config",
    "current_issues",
    "db_config",
    HARMS,
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

/// Their names, on this server.
pub(super) fn names(env: &Env) -> impl Iterator<Item = &'static str> {
    let has_harms = env.member.is_some();
    TABLES.iter().copied().filter(move |name| has_harms || *name != HARMS)
}

/// The table of this name.
pub(super) fn find(run: &Run, name: &str, by_uuid: bool) -> Result<Arc<dyn Rows>> {
    let known = names(run.env()?).chain([SCRATCH]).find(|known| *known == name);
    let Some(name) = known else {
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
        let catalog = self.database.catalog();
        Ok(match self.name {
            "cluster_config" => {
                vec![named([("heartbeat_timeout_secs", 10.into()), ("id", "heartbeat".into())])]
            }
            "db_config" => catalog.dbs().map(|db| documents::db(db)).collect(),
            HARMS => harms::documents(env),
            "jobs" => super::jobs::documents(env),
            "permissions" => vec![permissions(None), permissions(Some(UUID))],
            "server_config" => servers::configs(env),
            "server_status" => servers::statuses(env),
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
}

/// What a row of a system table cannot be.
fn wrong_format(table: &str, what: &str) -> Box<Failure> {
    Failure::logic(format!(
        "The change you're trying to make to `{SYSTEM}.{table}` has the wrong format. {what}"
    ))
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
            "table_config" => config::write_table(run, old, new),
            "db_config" => config::write_db(run, old, new),
            HARMS => harms::write(run, old, new),
            "jobs" => super::jobs::write(run.env()?, old, new),
            SCRATCH => run.env()?.scratch.set(old, new),
            _ => Err(self.refuse_write(old)),
        }
    }

    fn sync(&self, _: &Run) -> Result<()> {
        Err(op_failed("Artificial tables don't support `sync()`."))
    }
}
