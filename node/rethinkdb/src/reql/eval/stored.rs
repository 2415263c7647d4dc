//! Tables whose rows the database keeps.

use std::collections::VecDeque;
use std::sync::Arc;

use super::table::{Keys, Range, ReadMode, Rows, Sorting, Wanted, Yield};
use super::{Next, Run, Stream};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::index::{IndexFunction, compile_index};
use crate::{
    CatalogError, Database, DatabaseError, Direction, Found, Index, KeyRange, PAGE_ROWS_MAX, Place,
    TableId,
};

/// How many rows the first page of a range has; every further one has twice as many, up to
/// [`PAGE_ROWS_MAX`]: many queries need no more than a few.
const FIRST_PAGE_ROWS: usize = 32;

/// A table of the database, as it was when the query found it.
pub(crate) struct StoredRows {
    pub(crate) database: Database,
    pub(crate) table: Arc<crate::Table>,
}

/// A failure of the catalog as a query's.
pub(super) fn refused(error: &CatalogError) -> Box<Failure> {
    Failure::new(error.kind(), error.to_string())
}

/// A failure of the database as a query's.
pub(super) fn failed(error: &DatabaseError) -> Box<Failure> {
    Failure::new(error.kind(), error.to_string())
}

impl StoredRows {
    /// The table of this name.
    pub(super) fn find(run: &Run, db: &str, name: &str) -> Result<Self> {
        let database = run.env()?.database.clone();
        let catalog = database.catalog();
        let table = catalog.table(db, name).map_err(|wrong| refused(&wrong))?.clone();
        Ok(Self { database, table })
    }

    pub(super) fn index(&self, name: &str) -> Result<Arc<Index>> {
        // Indexes are made and dropped while a query runs.
        let catalog = self.database.catalog();
        let table = catalog.table_of(self.table.id).unwrap_or(&self.table);
        table.index(name).cloned().map_err(|wrong| refused(&wrong))
    }
}

/// What was read is on disk once this returns, if the reader wants it so.
fn settle(database: &Database, mode: ReadMode) -> Result<()> {
    match mode {
        ReadMode::Majority => database.sync().map_err(|error| failed(&error)),
        ReadMode::Single | ReadMode::Outdated => Ok(()),
    }
}

impl Rows for StoredRows {
    fn id(&self) -> Arc<str> {
        self.table.uuid.to_string().into()
    }

    fn primary_key(&self) -> Arc<str> {
        self.table.primary_key.clone()
    }

    fn indexes(&self) -> Vec<Arc<str>> {
        let catalog = self.database.catalog();
        let table = catalog.table_of(self.table.id).unwrap_or(&self.table);
        table.indexes().map(|index| index.name.clone()).collect()
    }

    fn estimates(&self, _: &Run) -> Result<Vec<Datum>> {
        let count = self.database.count(self.table.id).map_err(|error| failed(&error))?;
        let catalog = self.database.catalog();
        let table = catalog.table_of(self.table.id).unwrap_or(&self.table);
        let shards = u64::from(table.config.shards.max(1));
        #[expect(clippy::cast_precision_loss, reason = "ReQL has no other numbers than doubles")]
        let share =
            |shard| Datum::Number((count / shards + u64::from(shard < count % shards)) as f64);
        Ok((0..shards).map(share).collect())
    }

    fn get(&self, _: &Run, key: &Datum, mode: ReadMode) -> Result<Datum> {
        let row = self.database.get(self.table.id, key).map_err(|error| failed(&error))?;
        settle(&self.database, mode)?;
        Ok(row.map_or(Datum::Null, |row| row.datum()))
    }

    fn read(&self, _: &Run, wanted: &Wanted, mode: ReadMode) -> Result<Box<dyn Stream>> {
        let index = wanted.index.as_deref().map(|name| self.index(name)).transpose()?;
        let values = match (&index, wanted.yields) {
            (Some(index), Yield::Pairs) => {
                let compiled = compile_index(&index.function, index.multi);
                Some(compiled.map_err(Failure::logic)?)
            }
            _ => None,
        };
        let direction = match wanted.sorting {
            Sorting::Descending => Direction::Descending,
            Sorting::Ascending | Sorting::Unordered => Direction::Ascending,
        };
        let ranges = match &wanted.keys {
            Keys::Range(range) if range.is_empty() => VecDeque::new(),
            Keys::Range(Range { from, to }) => {
                [(KeyRange { lower: from.clone(), upper: to.clone() }, 1)].into()
            }
            Keys::Each(keys) => {
                keys.iter().map(|(key, copies)| (KeyRange::only(key.clone()), *copies)).collect()
            }
        };
        Ok(Box::new(Pages {
            database: self.database.clone(),
            table: self.table.id,
            primary_key: self.table.primary_key.clone(),
            index,
            values,
            yields: wanted.yields,
            mode,
            direction,
            ranges,
            last: None,
            limit: FIRST_PAGE_ROWS,
            found: VecDeque::new(),
        }))
    }

    fn sync(&self, _: &Run) -> Result<()> {
        self.database.sync().map_err(|error| failed(&error))
    }

    fn stored(&self) -> Option<&StoredRows> {
        Some(self)
    }
}

/// Rows, read a page at a time: what is written meanwhile behind the last page is seen.
struct Pages {
    database: Database,
    table: TableId,
    primary_key: Arc<str>,
    index: Option<Arc<Index>>,
    /// The index's function, if its values are wanted.
    values: Option<IndexFunction>,
    yields: Yield,
    mode: ReadMode,
    direction: Direction,
    /// The ranges still to be read, each with how often its rows are wanted.
    ranges: VecDeque<(KeyRange, usize)>,
    /// Where the last page of the first range ended.
    last: Option<Place>,
    limit: usize,
    /// What has been read and not been asked for.
    found: VecDeque<Datum>,
}

impl Pages {
    /// Reads one more page; false if there is none.
    fn read(&mut self) -> Result<bool> {
        let Some((range, copies)) = self.ranges.front() else { return Ok(false) };
        let (index, last) = (self.index.as_ref().map(|index| index.id), self.last.as_ref());
        let page = self.database.page(self.table, index, range, self.direction, last, self.limit);
        let page = page.map_err(|error| failed(&error))?;
        settle(&self.database, self.mode)?;
        for found in &page.rows {
            let item = self.item(found);
            self.found.extend(std::iter::repeat_n(item, *copies));
        }
        self.limit = (self.limit * 2).min(PAGE_ROWS_MAX);
        match page.rows.last() {
            Some(found) if page.more => self.last = Some(found.place.clone()),
            _ => {
                self.ranges.pop_front();
                self.last = None;
            }
        }
        Ok(true)
    }

    fn item(&self, found: &Found) -> Datum {
        let row = found.row.datum();
        if self.yields == Yield::Rows {
            return row;
        }
        let value = match (&self.index, &self.values) {
            (Some(index), Some(values)) => {
                let mut values = values(&row).into_iter();
                values.find(|value| found.place.is_of(index.id, value))
            }
            _ => row.get(&self.primary_key).cloned(),
        };
        Datum::array(vec![value.unwrap_or_default(), row])
    }
}

impl Stream for Pages {
    fn next(&mut self, _: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.found.pop_front() {
                return Ok(Next::Item(item));
            }
            if !self.read()? {
                return Ok(Next::End);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.found.is_empty() && self.ranges.is_empty()
    }
}
