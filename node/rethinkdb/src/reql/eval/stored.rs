//! Tables whose rows the database keeps.

use std::collections::VecDeque;
use std::sync::Arc;

use super::table::{Keys, Range, ReadMode, Rows, Sorting, Wanted, Yield};
use super::{Next, Run, Stream};
use crate::cluster;
use crate::database::Stretch;
use crate::live::{self, Attempt, Refusal};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::index::{IndexFunction, compile_index};
use crate::{
    CatalogError, Database, DatabaseError, Direction, Durability, Found, Index, KeyRange, Member,
    PAGE_ROWS_MAX, Page, Place, Swapped, TableId,
};

/// How many rows the first page of a range has; every further one has twice as many, up to
/// [`PAGE_ROWS_MAX`]: many queries need no more than a few.
const FIRST_PAGE_ROWS: usize = 32;

/// A table of the database, as it was when the query found it.
pub(crate) struct StoredRows {
    pub(crate) database: Database,
    pub(crate) table: Arc<crate::Table>,
    /// The way to it, if there are several servers.
    pub(crate) member: Option<Member>,
}

/// A failure of the catalog as a query's.
pub(super) fn refused(error: &CatalogError) -> Box<Failure> {
    Failure::new(error.kind(), error.to_string())
}

/// A failure of the database as a query's.
pub(super) fn failed(error: &DatabaseError) -> Box<Failure> {
    Failure::new(error.kind(), error.to_string())
}

/// A failure of the cluster as a query's.
pub(super) fn unreached(refusal: &Refusal) -> Box<Failure> {
    Failure::new(refusal.kind(), refusal.to_string())
}

impl StoredRows {
    /// The table of this name.
    pub(super) fn find(run: &Run, db: &str, name: &str) -> Result<Self> {
        let env = run.env()?;
        let (database, member) = (env.database.clone(), env.member.clone());
        let catalog = database.catalog();
        let table = catalog.table(db, name).map_err(|wrong| refused(&wrong))?.clone();
        Ok(Self { database, table, member })
    }

    /// Writes rows, each if it still is what was read.
    pub(super) fn write(
        &self,
        run: &Run,
        attempts: Vec<Attempt>,
        durability: Durability,
    ) -> Result<Vec<Swapped>> {
        let Some(member) = &self.member else {
            let swaps = attempts.into_iter().filter_map(Attempt::into_swap).collect();
            return self.database.swap(swaps, durability).map_err(|error| failed(&error));
        };
        let written = member.write(self.table.id, attempts, durability, run.interrupted()?);
        let written = written.map_err(|refusal| unreached(&refusal))?;
        if durability == Durability::Hard {
            self.database.sync().map_err(|error| failed(&error))?;
        }
        Ok(written)
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

    fn get(&self, run: &Run, key: &Datum, mode: ReadMode) -> Result<Datum> {
        let table = self.table.id;
        let row = match &self.member {
            None => self.database.get(table, key).map_err(|error| failed(&error))?,
            Some(member) => {
                let keys = cluster::Keys::These(vec![live::key(key)]);
                let (database, key) = (self.database.clone(), key.clone());
                let row = member.read(table, keys, mode, run.interrupted()?, move |unseen| {
                    database.get_without(table, &key, unseen)
                });
                row.map_err(|refusal| unreached(&refusal))?
            }
        };
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
            member: self.member.clone(),
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

    fn sync(&self, run: &Run) -> Result<()> {
        if let Some(member) = &self.member {
            let synced = member.sync(self.table.id, run.interrupted()?);
            synced.map_err(|refusal| unreached(&refusal))?;
        }
        self.database.sync().map_err(|error| failed(&error))
    }

    fn stored(&self) -> Option<&StoredRows> {
        Some(self)
    }
}

/// Rows, read a page at a time: what is written meanwhile behind the last page is seen.
struct Pages {
    database: Database,
    member: Option<Member>,
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
    /// Reads on; false if there is nothing more.
    fn read(&mut self, run: &Run) -> Result<bool> {
        let Some((range, _)) = self.ranges.front() else { return Ok(false) };
        let pages = match &self.member {
            Some(member) => self.read_together(run, member)?,
            None => {
                let (index, last) = (self.index.as_ref().map(|index| index.id), self.last.as_ref());
                let page =
                    self.database.page(self.table, index, range, self.direction, last, self.limit);
                vec![page.map_err(|error| failed(&error))?]
            }
        };
        settle(&self.database, self.mode)?;
        pages.into_iter().for_each(|page| self.take(&page));
        self.limit = (self.limit * 2).min(PAGE_ROWS_MAX);
        Ok(true)
    }

    /// A page of each of the next ranges, until together they have enough rows: to a cluster all of
    /// that is one operation.
    fn read_together(&self, run: &Run, member: &Member) -> Result<Vec<Page>> {
        let (table, direction, limit) = (self.table, self.direction, self.limit);
        let index = self.index.as_ref().map(|index| index.id);
        let ranges = self.ranges.iter().take(PAGE_ROWS_MAX).map(|(range, _)| range.clone());
        let ranges: Vec<KeyRange> = ranges.collect();
        let keys = match (index, &ranges[..]) {
            // What an index finds may be anywhere.
            (Some(_), _) => cluster::Keys::All,
            (None, [range]) => live::between(&range.lower, &range.upper),
            (None, ranges) => cluster::Keys::These(
                ranges.iter().filter_map(KeyRange::value).map(live::key).collect(),
            ),
        };
        let (database, last) = (self.database.clone(), self.last.clone());
        let pages = member.read(table, keys, self.mode, run.interrupted()?, move |unseen| {
            let (mut pages, mut rows, mut last) = (Vec::new(), 0, last.as_ref());
            for range in &ranges {
                let stretch = Stretch { index, range, direction, last, limit };
                let page = database.page_without(table, &stretch, unseen)?;
                (rows, last) = (rows + page.rows.len(), None);
                let is_enough = page.more || rows >= limit;
                pages.push(page);
                if is_enough {
                    break;
                }
            }
            Ok(pages)
        });
        pages.map_err(|refusal| unreached(&refusal))
    }

    /// Takes what was read of the first range, and whether there is more of it.
    fn take(&mut self, page: &Page) {
        let copies = self.ranges.front().map_or(0, |(_, copies)| *copies);
        for found in &page.rows {
            let item = self.item(found);
            self.found.extend(std::iter::repeat_n(item, copies));
        }
        match page.rows.last() {
            Some(found) if page.more => self.last = Some(found.place.clone()),
            _ => {
                self.ranges.pop_front();
                self.last = None;
            }
        }
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
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.found.pop_front() {
                return Ok(Next::Item(item));
            }
            if !self.read(run)? {
                return Ok(Next::End);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.found.is_empty() && self.ranges.is_empty()
    }
}
