//! The catalog's entries in the storage, as JSON text: one per database, table and dropped thing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Json, Object};

use super::{
    Catalog, Compile, Db, Index, IndexId, Schema, Table, TableConfig, TableId, Uuid, WriteAcks,
};
use crate::key::Key;
use crate::storage::{Durability, Space};

/// What stands in the storage about the catalog, by key.
pub(crate) type Entries = BTreeMap<Key, Arc<str>>;

/// The catalog in the storage does not read back.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the catalog on disk cannot be read: {0}")]
pub struct UnreadableCatalog(pub(crate) String);

/// The letters that entries' keys go on with.
const DB: u8 = b'd';
const DROPPED: u8 = b'p';
const SETTINGS: u8 = b's';
const TABLE: u8 = b't';

impl Catalog {
    /// All that is to stand in the storage.
    pub(crate) fn entries(&self) -> Entries {
        let settings = Json::object([
            ("native_db", Json::from(&*self.native_db)),
            ("next_number", number(self.next_number)),
        ]);
        let settings = (key(SETTINGS, &[]), settings.to_string().into());
        let dbs = self.dbs.values().map(|db| {
            let text = Json::object([("name", Json::from(&*db.name))]).to_string();
            (key(DB, &db.uuid.bytes()), text.into())
        });
        let tables = self.numbers.values().map(|table| {
            (key(TABLE, &table.id.number.to_be_bytes()), written(table).to_string().into())
        });
        let dropped = self.dropped.iter().map(|(table, index)| {
            let mut name = table.to_be_bytes().to_vec();
            name.extend(index.iter().flat_map(|index| index.to_be_bytes()));
            (key(DROPPED, &name), "".into())
        });
        [settings].into_iter().chain(dbs).chain(tables).chain(dropped).collect()
    }

    /// Reads the catalog back.
    ///
    /// # Errors
    /// If the entries are not what [`entries`](Self::entries) makes, a function does not compile any
    /// more, or the native tables are in another database.
    pub(crate) fn read(
        entries: &Entries,
        native: &'static Schema,
        native_db: Arc<str>,
        compile: Compile,
    ) -> Result<Self, UnreadableCatalog> {
        let mut catalog = Catalog::empty(native, native_db, compile);
        let mut tables = Vec::new();
        let mut was_native_db = None;
        for (key, text) in entries {
            let (letter, name) = key[Space::catalog().key().len()..]
                .split_first()
                .ok_or_else(|| bad("an entry has no kind"))?;
            let entry = if text.is_empty() {
                Json::Null
            } else {
                Json::parse(text.as_bytes()).map_err(|error| bad(&error.to_string()))?
            };
            match *letter {
                SETTINGS => {
                    catalog.next_number = get(&entry, "next_number", small)?;
                    was_native_db = Some(get(&entry, "native_db", text_of)?);
                }
                DB => {
                    let uuid = name.try_into().map(Uuid::from_bytes);
                    let uuid = uuid.map_err(|_| bad("a database has no UUID"))?;
                    let name = get(&entry, "name", text_of)?;
                    let db = Db { name: name.clone(), uuid, tables: BTreeMap::new() };
                    catalog.dbs.insert(name, Arc::new(db));
                }
                TABLE => {
                    let number = name.try_into().map(u16::from_be_bytes);
                    tables.push((number.map_err(|_| bad("a table has no number"))?, entry));
                }
                DROPPED => {
                    let dropped = match *name {
                        [a, b] => (u16::from_be_bytes([a, b]), None),
                        [a, b, c, d] => {
                            (u16::from_be_bytes([a, b]), Some(u16::from_be_bytes([c, d])))
                        }
                        _ => return Err(bad("something dropped has no number")),
                    };
                    catalog.dropped.insert(dropped);
                }
                _ => return Err(bad("an entry is of no known kind")),
            }
        }
        for (number, entry) in tables {
            let table = table(number, &entry, native, compile)?;
            if !catalog.dbs.contains_key(&table.db) {
                return Err(bad("a table's database is missing"));
            }
            catalog.put(Arc::new(table));
        }
        // Native tables keep their numbers; under another name they would be another's.
        let is_used = catalog.numbers.keys().any(|at| usize::from(*at) < native.tables.len());
        match was_native_db {
            Some(name) if is_used && name != catalog.native_db => Err(bad(&format!(
                "its BigchainDB database is `{name}`, not `{}`",
                catalog.native_db
            ))),
            _ => Ok(catalog),
        }
    }
}

fn key(letter: u8, name: &[u8]) -> Key {
    let mut key = Space::catalog().key();
    key.push(letter);
    key.extend(name);
    key.into()
}

fn written(table: &Table) -> Json {
    let indexes = table.indexes.values().map(|index| {
        Json::object([
            ("function", Json::from(&*index.function)),
            ("multi", index.multi.into()),
            ("name", Json::from(&*index.name)),
            ("native", index.evaluate.is_none().into()),
            ("number", number(index.id.number)),
            ("ready", index.ready.into()),
            ("tag_length", number(index.id.tag_length.into())),
        ])
    });
    let config = &table.config;
    Json::object([
        ("db", Json::from(&*table.db)),
        ("hard", (config.durability == Durability::Hard).into()),
        ("indexes", indexes.collect::<Vec<_>>().into()),
        ("majority", (config.write_acks == WriteAcks::Majority).into()),
        ("name", Json::from(&*config.name)),
        ("next_index", number(table.next_index)),
        ("primary_key", Json::from(&*table.primary_key)),
        ("replicas", number(config.replicas)),
        ("shards", number(config.shards)),
        ("uuid", table.uuid.to_string().into()),
        ("write_hook", config.write_hook.as_deref().map_or(Json::Null, Json::from)),
    ])
}

fn table(
    number: u16,
    entry: &Json,
    native: &'static Schema,
    compile: Compile,
) -> Result<Table, UnreadableCatalog> {
    let uuid = get(entry, "uuid", text_of)?.parse();
    let uuid: Uuid = uuid.map_err(|_| bad("a table's UUID is none"))?;
    let id = TableId::of(number, uuid);
    let config = TableConfig {
        name: get(entry, "name", text_of)?,
        durability: match get(entry, "hard", Json::as_bool)? {
            true => Durability::Hard,
            false => Durability::Soft,
        },
        write_acks: match get(entry, "majority", Json::as_bool)? {
            true => WriteAcks::Majority,
            false => WriteAcks::Single,
        },
        shards: get(entry, "shards", small)?,
        replicas: get(entry, "replicas", small)?,
        // Files that were written before there were hooks have no such field.
        write_hook: get(entry, "write_hook", text_of).ok(),
    };
    let mut indexes = BTreeMap::new();
    for entry in get(entry, "indexes", Json::as_array)? {
        let index = index(id, entry, compile)?;
        indexes.insert(index.name.clone(), Arc::new(index));
    }
    Ok(Table {
        id,
        uuid,
        db: get(entry, "db", text_of)?,
        config,
        primary_key: get(entry, "primary_key", text_of)?,
        indexes,
        next_index: get(entry, "next_index", small)?,
        native: native.tables.get(usize::from(number)),
    })
}

fn index(table: TableId, entry: &Json, compile: Compile) -> Result<Index, UnreadableCatalog> {
    let function = get(entry, "function", text_of)?;
    let multi = get(entry, "multi", Json::as_bool)?;
    let tag_length = get(entry, "tag_length", small)?;
    let evaluate = match get(entry, "native", Json::as_bool)? {
        true => None,
        false => Some(compile(&function, multi).map_err(|error| bad(&error))?),
    };
    let id = IndexId {
        table,
        number: get(entry, "number", small)?,
        tag_length: u8::try_from(tag_length).map_err(|_| bad("an index's tag is too long"))?,
    };
    let (name, ready) = (get(entry, "name", text_of)?, get(entry, "ready", Json::as_bool)?);
    Ok(Index { id, name, multi, function, ready, evaluate })
}

fn get<'a, T>(
    entry: &'a Json,
    field: &str,
    read: impl FnOnce(&'a Json) -> Option<T>,
) -> Result<T, UnreadableCatalog> {
    let value = entry.as_object().and_then(|fields: &Object| fields.get(field)).and_then(read);
    value.ok_or_else(|| bad(&format!("`{field}` is missing in an entry")))
}

fn text_of(value: &Json) -> Option<Arc<str>> {
    value.as_str().map(Arc::from)
}

fn small(value: &Json) -> Option<u16> {
    u16::try_from(value.as_i64()?).ok()
}

fn number(value: u16) -> Json {
    Json::Int(value.into())
}

fn bad(what: &str) -> UnreadableCatalog {
    UnreadableCatalog(what.to_owned())
}
