//! Tables as terms know them: a name, how to read it, and parts of it that are still to be read.

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use super::{Run, Seq, Stream};
pub(crate) use crate::cluster::ReadMode;
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Failure, Place, Result};

/// A database, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Db {
    pub(crate) name: Arc<str>,
    /// Its UUID's text.
    pub(crate) id: Arc<str>,
}

/// A table that a query reads or writes.
pub(crate) struct Table {
    pub(crate) db: Db,
    pub(crate) name: Arc<str>,
    pub(crate) read_mode: ReadMode,
    pub(crate) rows: Arc<dyn Rows>,
    /// The term that named it.
    pub(crate) place: Place,
}

/// Where a table's rows are.
pub(crate) trait Rows: Send + Sync {
    /// The table's UUID as text.
    fn id(&self) -> Arc<str>;

    /// The field that holds a row's key.
    fn primary_key(&self) -> Arc<str>;

    /// The names of the indexes, in their order.
    fn indexes(&self) -> Vec<Arc<str>>;

    /// About how many rows each shard has.
    fn estimates(&self, run: &Run) -> Result<Vec<Datum>>;

    /// The row of this key, or null.
    fn get(&self, run: &Run, key: &Datum, mode: ReadMode) -> Result<Datum>;

    /// Rows by primary key or by an index.
    fn read(&self, run: &Run, wanted: &Wanted, mode: ReadMode) -> Result<Box<dyn Stream>>;

    /// Puts a document in the place of another, under the same key; null stands for none.
    ///
    /// Only tables that the database does not keep are written by this.
    fn set(&self, _: &Run, _old: &Datum, _new: &Datum) -> Result<()> {
        Err(Failure::logic("This table cannot be written."))
    }

    /// Everything written so far is on disk once this returns.
    fn sync(&self, _: &Run) -> Result<()> {
        Ok(())
    }

    /// The table as the database keeps it, if it does.
    fn stored(&self) -> Option<&super::stored::StoredRows> {
        None
    }
}

/// Which rows, by which key, in which order.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The index's name, unless it is by primary key.
    pub(crate) index: Option<Arc<str>>,
    pub(crate) keys: Keys,
    pub(crate) sorting: Sorting,
    pub(crate) yields: Yield,
}

/// What is wanted of each row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Yield {
    /// The row.
    Rows,
    /// An array of its key, or the index's value, and the row.
    Pairs,
}

/// Which keys.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// All between two bounds.
    Range(Range),
    /// These, each as often as it is there; in their order.
    Each(Vec<(Datum, usize)>),
}

/// The order that rows are wanted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sorting {
    /// Any.
    Unordered,
    Ascending,
    Descending,
}

/// Keys between two bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) from: Bound<Datum>,
    pub(crate) to: Bound<Datum>,
}

impl Range {
    pub(crate) const ALL: Self = Self { from: Bound::Unbounded, to: Bound::Unbounded };

    pub(crate) fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// Whether no key can be in it.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (
                Bound::Included(from) | Bound::Excluded(from),
                Bound::Included(to) | Bound::Excluded(to),
            ) => from >= to,
        }
    }

    /// Whether a key is in it.
    pub(crate) fn contains(&self, key: &Datum) -> bool {
        use std::ops::RangeBounds as _;
        (self.from.as_ref(), self.to.as_ref()).contains(key)
    }
}

/// Part of a table that is still to be read.
#[derive(Clone)]
pub(crate) struct Slice {
    pub(crate) table: Arc<Table>,
    /// The index it is by, once one has been named; the primary key is one too.
    pub(crate) index: Option<Arc<str>>,
    pub(crate) range: Range,
    pub(crate) sorting: Sorting,
}

impl Slice {
    /// All of a table.
    pub(crate) fn all(table: Arc<Table>) -> Self {
        Self { table, index: None, range: Range::ALL, sorting: Sorting::Unordered }
    }

    /// The slice in the order of an index.
    pub(crate) fn sorted(mut self, index: Arc<str>, sorting: Sorting) -> Result<Self> {
        let place = self.table.place;
        if self.sorting != Sorting::Unordered {
            return Err(Failure::logic(
                "Cannot perform multiple indexed ORDER_BYs on the same table.",
            )
            .at(place));
        }
        if let Some(other) = self.index.filter(|other| *other != index) {
            return Err(Failure::logic(format!(
                "Cannot order by index `{index}` after calling BETWEEN on index `{other}`."
            ))
            .at(place));
        }
        self.index = Some(index);
        self.sorting = sorting;
        Ok(self)
    }

    /// The slice between two bounds of an index.
    pub(crate) fn between(mut self, index: Arc<str>, range: Range) -> Result<Self> {
        let place = self.table.place;
        if !self.range.is_all() {
            let message = "Cannot perform multiple BETWEENs on the same table.";
            return Err(Failure::logic(message).at(place));
        }
        if let Some(other) = self.index.filter(|other| *other != index) {
            return Err(Failure::logic(format!(
                "Cannot call BETWEEN on index `{index}` after ordering on index `{other}`."
            ))
            .at(place));
        }
        self.index = Some(index);
        self.range = range;
        Ok(self)
    }

    /// Which rows these are.
    pub(super) fn wanted(&self, yields: Yield) -> Wanted {
        let primary_key = self.table.rows.primary_key();
        Wanted {
            index: self.index.clone().filter(|index| *index != primary_key),
            keys: Keys::Range(self.range.clone()),
            sorting: self.sorting,
            yields,
        }
    }

    /// The rows.
    pub(crate) fn rows(&self, run: &Run) -> Result<Seq> {
        self.read(run, Yield::Rows)
    }

    /// What is wanted of the rows.
    pub(crate) fn read(&self, run: &Run, yields: Yield) -> Result<Seq> {
        let wanted = self.wanted(yields);
        let rows = self.table.rows.read(run, &wanted, self.table.read_mode)?;
        Ok(Seq::of_wanted(self.table.clone(), wanted, rows))
    }
}

/// One row of a table, read when it is asked for.
pub(crate) struct Single {
    pub(crate) table: Arc<Table>,
    pub(crate) which: Which,
    row: OnceLock<Datum>,
}

/// Which row.
pub(crate) enum Which {
    /// The one of this key.
    Key(Datum),
    /// The first of these; what to say if there is none.
    First(Slice, String),
}

impl Single {
    pub(crate) fn of_key(table: Arc<Table>, key: Datum) -> Self {
        Self { table, which: Which::Key(key), row: OnceLock::new() }
    }

    pub(crate) fn of_first(slice: Slice, of_none: String) -> Self {
        let (table, row) = (slice.table.clone(), OnceLock::new());
        Self { table, which: Which::First(slice, of_none), row }
    }

    pub(crate) fn of_row(table: Arc<Table>, row: Datum) -> Self {
        let key = row.get(&table.rows.primary_key()).cloned().unwrap_or_default();
        Self { table, which: Which::Key(key), row: row.into() }
    }

    /// The row, or null; always the same once it was read.
    pub(crate) fn row(&self, run: &Run, place: Place) -> Result<&Datum> {
        if let Some(row) = self.row.get() {
            return Ok(row);
        }
        let row = match &self.which {
            Which::Key(key) => self.table.rows.get(run, key, self.table.read_mode).at(place)?,
            Which::First(slice, of_none) => match slice.rows(run).at(place)?.next_value(run)? {
                super::Next::Item(row) => row,
                _ => return Err(Failure::logic(&**of_none).at(place)),
            },
        };
        Ok(self.row.get_or_init(|| row))
    }

    /// The row's key.
    pub(crate) fn key(&self, run: &Run, place: Place) -> Result<Datum> {
        match &self.which {
            Which::Key(key) => Ok(key.clone()),
            Which::First(..) => {
                let row = self.row(run, place)?;
                Ok(row.expect_field(&self.table.rows.primary_key())?.clone())
            }
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.db.name, self.name)
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.table, self.wanted(Yield::Rows))
    }
}
