//! Changes of the catalog: what each needs, what it refuses, what it leaves to be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::schema::{NATIVE_INDEXES_MAX, same_function};
use super::{Catalog, CatalogError, Db, Index, IndexId, SYSTEM, Table, TableId, Uuid, WriteAcks};
use crate::storage::{CATALOG, Durability};

/// What may be changed of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableConfig {
    /// Its name.
    pub name: Arc<str>,
    /// What a write gets that asks for nothing.
    pub durability: Durability,
    /// Without a cluster kept as data, as what follows: there is one replica only.
    pub write_acks: WriteAcks,
    /// How many ranges of primary keys.
    pub shards: u16,
    /// How many replicas a shard is to have.
    pub replicas: u16,
    /// The function that whatever is written passes through, as JSON text.
    pub write_hook: Option<Arc<str>>,
}

/// What a new table is to be like.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// Its identity.
    pub uuid: Uuid,
    /// The field that holds a document's primary key.
    pub primary_key: Arc<str>,
    /// All that may be changed later; the name is that of the call.
    pub config: TableConfig,
}

impl TableOptions {
    /// What a table has unless its maker says otherwise.
    pub fn new(uuid: Uuid) -> Self {
        Self { uuid, primary_key: "id".into(), config: TableConfig::default() }
    }
}

/// What a new index is to be like.
#[derive(Clone, Debug)]
pub struct IndexDefinition {
    /// Its name.
    pub name: Arc<str>,
    /// Whether an array is to be found under each of its elements.
    pub multi: bool,
    /// The function, as JSON text.
    pub function: Arc<str>,
}

/// Work that a change of the catalog leaves to be done in small steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chore {
    /// The keys of a table that was dropped, or of one of its indexes, lie in the storage.
    Purge {
        /// The table's number.
        table: u16,
        /// The index's, if the table is still there.
        index: Option<u16>,
    },
    /// Rows that were there before an index are not in it.
    Build {
        /// Which index.
        index: IndexId,
    },
}

impl Catalog {
    pub(crate) fn create_db(&mut self, name: &str, uuid: Uuid) -> Result<(), CatalogError> {
        check_name("Database", name)?;
        if name == SYSTEM || self.dbs.contains_key(name) {
            return Err(CatalogError::DatabaseExists(name.into()));
        }
        let db = Db { name: name.into(), uuid, tables: BTreeMap::new() };
        self.dbs.insert(db.name.clone(), Arc::new(db));
        Ok(())
    }

    /// Takes a database away with all its tables, which are given back.
    pub(crate) fn drop_db(&mut self, name: &str) -> Result<Vec<Arc<Table>>, CatalogError> {
        if name == SYSTEM {
            return Err(CatalogError::SpecialDatabase(name.into()));
        }
        let db = self.db(name)?.clone();
        for table in db.tables() {
            self.forget(table);
        }
        self.dbs.remove(name);
        Ok(db.tables().cloned().collect())
    }

    pub(crate) fn create_table(
        &mut self,
        db: &str,
        name: &str,
        options: TableOptions,
    ) -> Result<Arc<Table>, CatalogError> {
        check_name("Table", name)?;
        if self.db(db)?.tables.contains_key(name) {
            return Err(CatalogError::TableExists { database: db.into(), table: name.into() });
        }
        let TableOptions { uuid, primary_key, config } = options;
        let native = self.native_number(db, name, &primary_key);
        let number = match native {
            Some(number) => number,
            None => self.free_number()?,
        };
        let table = Arc::new(Table {
            id: TableId::of(number, uuid),
            uuid,
            db: db.into(),
            config: TableConfig { name: name.into(), ..config },
            primary_key,
            indexes: BTreeMap::new(),
            next_index: NATIVE_INDEXES_MAX,
            native: native.map(|number| &self.native.tables[usize::from(number)]),
        });
        self.put(table.clone());
        Ok(table)
    }

    /// Takes a table away; it is given back.
    pub(crate) fn drop_table(&mut self, db: &str, name: &str) -> Result<Arc<Table>, CatalogError> {
        let table = self.table(db, name)?.clone();
        self.forget(&table);
        Ok(table)
    }

    /// Gives a table another name, durability and so on.
    pub(crate) fn configure(
        &mut self,
        id: TableId,
        config: TableConfig,
    ) -> Result<Arc<Table>, CatalogError> {
        let table = self.table_of(id).ok_or(CatalogError::TableGone)?.clone();
        if config.name != table.config.name {
            check_name("Table", &config.name)?;
            let (database, name) = (table.db.clone(), config.name.clone());
            if self.db(&database)?.tables.contains_key(&name) {
                return Err(CatalogError::TableExists { database, table: name });
            }
            self.db_mut(&table.db).tables.remove(table.name());
        }
        let table = Arc::new(Table { config, ..(*table).clone() });
        self.put(table.clone());
        Ok(table)
    }

    /// Declares an index. Unless it is kept natively, it is not ready before its [`Chore`] is done.
    pub(crate) fn create_index(
        &mut self,
        table: TableId,
        definition: IndexDefinition,
    ) -> Result<Arc<Index>, CatalogError> {
        let mut table = Table::clone(self.table_of(table).ok_or(CatalogError::TableGone)?);
        let IndexDefinition { name, multi, function } = definition;
        if name == table.primary_key {
            return Err(CatalogError::IndexIsPrimaryKey(name));
        }
        if table.indexes.contains_key(&name) {
            let (database, table) = (table.db, table.config.name);
            return Err(CatalogError::IndexExists { index: name, database, table });
        }
        let index = match table.native_index(&name, multi, &function) {
            Some(id) => Index { id, name, multi, function, ready: true, evaluate: None },
            None => {
                let evaluate =
                    (self.compile)(&function, multi).map_err(CatalogError::BadFunction)?;
                let number = self.free_index(&mut table)?;
                let id = IndexId { table: table.id, number, tag_length: u8::from(multi) };
                Index { id, name, multi, function, ready: false, evaluate: Some(evaluate) }
            }
        };
        let index = Arc::new(index);
        table.indexes.insert(index.name.clone(), index.clone());
        self.put(Arc::new(table));
        Ok(index)
    }

    pub(crate) fn drop_index(&mut self, table: TableId, name: &str) -> Result<(), CatalogError> {
        let mut table = Table::clone(self.table_of(table).ok_or(CatalogError::TableGone)?);
        let Some(index) = table.indexes.remove(name) else {
            let (database, table) = (table.db, table.config.name);
            return Err(CatalogError::NoIndex { index: name.into(), database, table });
        };
        // A native one goes on being kept.
        if index.evaluate.is_some() {
            self.dropped.insert((table.id.number, Some(index.id.number)));
        }
        self.put(Arc::new(table));
        Ok(())
    }

    /// Gives an index another name; an index that has it goes, if `overwrite` says so.
    pub(crate) fn rename_index(
        &mut self,
        table: TableId,
        name: &str,
        wanted: &str,
        overwrite: bool,
    ) -> Result<(), CatalogError> {
        let at = self.table_of(table).ok_or(CatalogError::TableGone)?;
        if *wanted == *at.primary_key {
            return Err(CatalogError::IndexIsPrimaryKey(wanted.into()));
        }
        if *name == *at.primary_key {
            return Err(CatalogError::IndexIsPrimaryKey(name.into()));
        }
        let (database, at_name) = (at.db.clone(), at.name().clone());
        let there = at.indexes.contains_key(name);
        if overwrite && !there {
            return Err(CatalogError::NoIndex { index: name.into(), database, table: at_name });
        }
        if name == wanted && there {
            return Ok(());
        }
        let taken = at.indexes.contains_key(wanted);
        if !there || taken && !overwrite {
            let (index, wanted) = (name.into(), wanted.into());
            return Err(CatalogError::IndexNotRenamed { index, wanted, database, table: at_name });
        }
        if taken {
            self.drop_index(table, wanted)?;
        }
        let mut at = Table::clone(self.table_of(table).expect("it was there a moment ago"));
        let index = at.indexes.remove(name).expect("it was there a moment ago");
        let index = Index { name: wanted.into(), ..(*index).clone() };
        at.indexes.insert(index.name.clone(), Arc::new(index));
        self.put(Arc::new(at));
        Ok(())
    }

    /// What is to be done first, if anything.
    pub(crate) fn chore(&self) -> Option<Chore> {
        let purge = self.dropped.first().map(|&(table, index)| Chore::Purge { table, index });
        purge.or_else(|| {
            let indexes = self.numbers.values().flat_map(|table| table.indexes());
            let unready = indexes.filter(|index| !index.ready).map(|index| index.id).min()?;
            Some(Chore::Build { index: unready })
        })
    }

    /// Whether that is still to be done.
    pub(crate) fn has(&self, chore: Chore) -> bool {
        match chore {
            Chore::Purge { table, index } => self.dropped.contains(&(table, index)),
            Chore::Build { index } => {
                let table = self.table_of(index.table);
                table.and_then(|table| table.index_of(index)).is_some_and(|index| !index.ready)
            }
        }
    }

    /// What dropped indexes of a table have left to be done.
    pub(crate) fn dropped_indexes(&self, table: TableId) -> Vec<Chore> {
        let of_table = self.dropped.iter().filter(|(number, _)| *number == table.number);
        let indexes = of_table.filter(|(_, index)| index.is_some());
        indexes.map(|&(table, index)| Chore::Purge { table, index }).collect()
    }

    /// A chore is done.
    pub(crate) fn done(&mut self, chore: Chore) {
        match chore {
            Chore::Purge { table, index } => {
                self.dropped.remove(&(table, index));
            }
            Chore::Build { index } => {
                let Some(table) = self.table_of(index.table) else { return };
                let Some(built) = table.index_of(index) else { return };
                let built = Arc::new(Index { ready: true, ..(**built).clone() });
                let mut table = Table::clone(table);
                table.indexes.insert(built.name.clone(), built);
                self.put(Arc::new(table));
            }
        }
    }

    /// The number that is kept for a table of this name, if it is one of the native ones.
    pub(crate) fn native_number(&self, db: &str, name: &str, primary_key: &str) -> Option<u16> {
        if *db != *self.native_db || primary_key != "id" {
            return None;
        }
        self.native.table(name).map(|id| id.number).filter(|at| !self.numbers.contains_key(at))
    }

    /// Whether keys of a dropped table with this number still lie in the storage.
    pub(crate) fn is_being_purged(&self, number: u16) -> bool {
        self.dropped.contains(&(number, None))
    }

    /// Puts a table in its place, over what it was.
    pub(super) fn put(&mut self, table: Arc<Table>) {
        self.numbers.insert(table.id.number, table.clone());
        self.db_mut(&table.db).tables.insert(table.name().clone(), table.clone());
    }

    fn forget(&mut self, table: &Table) {
        self.numbers.remove(&table.id.number);
        self.db_mut(&table.db).tables.remove(table.name());
        // The whole table goes, with what is left of indexes dropped before.
        self.dropped.retain(|(number, _)| *number != table.id.number);
        self.dropped.insert((table.id.number, None));
    }

    fn db_mut(&mut self, name: &str) -> &mut Db {
        Arc::make_mut(self.dbs.get_mut(name).expect("a table's database is there"))
    }

    /// The next number that no table has or had until lately, so that an old id means nothing for
    /// as long as possible.
    fn free_number(&mut self) -> Result<u16, CatalogError> {
        let first = u16::try_from(self.native.tables.len()).expect("there are few native tables");
        let from = self.next_number.max(first);
        let free = (from..CATALOG)
            .chain(first..from)
            .find(|number| !self.numbers.contains_key(number) && !self.is_being_purged(*number));
        let free = free.ok_or(CatalogError::Full("tables"))?;
        self.next_number = free + 1;
        Ok(free)
    }

    fn free_index(&self, table: &mut Table) -> Result<u16, CatalogError> {
        let (first, from) = (NATIVE_INDEXES_MAX, table.next_index.max(NATIVE_INDEXES_MAX));
        let number = table.id.number;
        let free = (from..INDEXES_MAX).chain(first..from).find(|at| {
            table.indexes.values().all(|index| index.id.number != *at)
                && !self.dropped.contains(&(number, Some(*at)))
        });
        let free = free.ok_or(CatalogError::Full("indexes"))?;
        table.next_index = free + 1;
        Ok(free)
    }
}

/// One more than the largest number of an index; beyond, and below the first, other things have
/// their places in a table's keys.
const INDEXES_MAX: u16 = u16::MAX - 8;

impl Table {
    /// The native index that this definition is the one of.
    fn native_index(&self, name: &str, multi: bool, function: &str) -> Option<IndexId> {
        let (number, native) =
            (0..).zip(self.native?.indexes).find(|(_, index)| index.name == name)?;
        let same = native.value.is_multi() == multi && same_function(native.function, function);
        same.then(|| IndexId { table: self.id, number, tag_length: native.value.tag_length() })
    }
}

fn check_name(kind: &'static str, name: &str) -> Result<(), CatalogError> {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(proper) {
        return Err(CatalogError::BadName { kind, name: name.into() });
    }
    Ok(())
}
