//! Databases and servers in the documents of system tables: by name, or by UUID if the query says
//! `identifier_format: "uuid"`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reql::datum::{Datum, deep};
use crate::reql::env::Env;

/// Fields whose texts are names of servers, or lists of such.
const SERVERS: &[&str] = &[
    "nonvoting_replicas",
    "primary_replica",
    "primary_replicas",
    "raft_leader",
    "replicas",
    "server",
    "servers",
];
/// Fields whose text is the name of a database.
const DATABASES: &[&str] = &["database", "db"];

type Names = BTreeMap<Arc<str>, Datum>;

/// From names to UUIDs, or back.
pub(super) struct Identifiers {
    servers: Names,
    databases: Names,
}

impl Identifiers {
    /// From names to UUIDs.
    pub(super) fn of_names(env: &Env) -> Self {
        Self::paired(env, |name, id| (name, id))
    }

    /// From UUIDs to names.
    pub(super) fn of_uuids(env: &Env) -> Self {
        Self::paired(env, |name, id| (id, name))
    }

    fn paired(env: &Env, order: impl Fn(Arc<str>, Arc<str>) -> (Arc<str>, Arc<str>)) -> Self {
        let pair = |name: &str, id: &str| {
            let (from, to) = order(name.into(), id.into());
            (from, Datum::String(to))
        };
        let catalog = env.database.catalog();
        let databases = catalog.dbs().map(|db| pair(&db.name, &db.uuid.to_string()));
        let system = pair(crate::SYSTEM, super::system::UUID);
        Self {
            servers: [pair(&env.server.name, &env.server.id)].into(),
            databases: databases.chain([system]).collect(),
        }
    }

    /// A document, one for the other wherever there is one.
    pub(super) fn translate(&self, document: &Datum) -> Datum {
        deep(|| match document {
            Datum::Object(object) => {
                let field = |(name, value): (&Arc<str>, &Datum)| {
                    let names = match &**name {
                        name if SERVERS.contains(&name) => Some(&self.servers),
                        name if DATABASES.contains(&name) => Some(&self.databases),
                        _ => None,
                    };
                    (name.clone(), names.map_or(value.clone(), |names| replaced(value, names)))
                };
                let fields = object.iter().map(field);
                Datum::object(fields.map(|(name, value)| (name, self.translate(&value))).collect())
            }
            Datum::Array(items) => {
                Datum::array(items.iter().map(|item| self.translate(item)).collect())
            }
            other => other.clone(),
        })
    }
}

fn replaced(value: &Datum, names: &Names) -> Datum {
    match value {
        Datum::String(name) => names.get(name).unwrap_or(value).clone(),
        Datum::Array(items) => {
            Datum::array(items.iter().map(|item| replaced(item, names)).collect())
        }
        other => other.clone(),
    }
}
