//! Reading ranges: of a table by primary key, of an index by value and primary key.

use std::ops::Bound;
use std::sync::Arc;

use super::{Database, DatabaseError, there};
use crate::batch::after;
use crate::catalog::{CatalogError, IndexId, TableId};
use crate::feeds::Change;
use crate::key::{self, Bounds, Key, KeyError};
use crate::reql::Datum;
use crate::row::Row;
use crate::storage::{Direction, Space};

/// A page has at most so many rows, whatever its reader asks for: all others wait while it is read.
pub const PAGE_ROWS_MAX: usize = 500;

/// A page or a step of other work ends once so much text was read from disk and made into rows: a
/// few milliseconds.
pub(crate) const STEP_BYTES: u64 = 1 << 20;

/// From one value to another. Both ends may be, or hold in an array, the two bounds of all values.
#[derive(Clone, Debug)]
pub struct KeyRange {
    /// The smallest value.
    pub lower: Bound<Datum>,
    /// The largest value.
    pub upper: Bound<Datum>,
}

impl KeyRange {
    /// All values.
    pub const ALL: Self = Self { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// One value.
    pub fn only(value: Datum) -> Self {
        Self { lower: Bound::Included(value.clone()), upper: Bound::Included(value) }
    }

    /// The value it begins with.
    pub(crate) fn value(&self) -> Option<&Datum> {
        match &self.lower {
            Bound::Included(value) | Bound::Excluded(value) => Some(value),
            Bound::Unbounded => None,
        }
    }

    /// The first key of a space in this range, and the first after it.
    fn keys(
        &self,
        space: Space,
        encode: impl Fn(&Datum, &mut Vec<u8>) -> Result<(), KeyError>,
    ) -> Result<[Vec<u8>; 2], KeyError> {
        let end = |value| {
            let mut key = space.key();
            encode(value, &mut key).map(|()| key)
        };
        let from = match &self.lower {
            Bound::Included(value) => end(value)?,
            Bound::Excluded(value) => after(&end(value)?),
            Bound::Unbounded => space.key(),
        };
        let to = match &self.upper {
            Bound::Included(value) => after(&end(value)?),
            Bound::Excluded(value) => end(value)?,
            Bound::Unbounded => after(&space.key()),
        };
        Ok([from, to])
    }
}

/// Where in a table or index a row was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place(Key);

/// Rows in the order of their places, or backwards.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows; of an index some perhaps several times.
    pub rows: Vec<Found>,
    /// Whether there may be more behind the last one.
    pub more: bool,
}

/// A row with its place.
#[derive(Clone, Debug)]
pub struct Found {
    /// To go on after it.
    pub place: Place,
    /// The row.
    pub row: Arc<Row>,
}

/// What a page is of.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub(crate) index: Option<IndexId>,
    pub(crate) range: &'a KeyRange,
    pub(crate) direction: Direction,
    /// The page begins after it.
    pub(crate) last: Option<&'a Place>,
    pub(crate) limit: usize,
}

impl Place {
    /// Whether it is of this value in an index.
    pub(crate) fn is_of(&self, index: IndexId, value: &Datum) -> bool {
        let mut key = Space::index(index).key();
        key::encode(value, &mut key) && self.0.starts_with(&key)
    }
}

impl Database {
    /// The first rows of a range of a table, or of one of its indexes, in that direction, that come
    /// after a place. Seldom as many as `limit`, which may be any number: whoever wants more goes on
    /// after the last one, and then sees what was written meanwhile.
    ///
    /// # Errors
    /// If an end of the range cannot be a key, the table or index was dropped, the index is still
    /// being built, or the storage does not work.
    pub fn page(
        &self,
        table: TableId,
        index: Option<IndexId>,
        range: &KeyRange,
        direction: Direction,
        last: Option<&Place>,
        limit: usize,
    ) -> Result<Page, DatabaseError> {
        self.page_without(table, &Stretch { index, range, direction, last, limit }, &[])
    }

    /// The same, as if these changes, newest first, had not been made.
    pub(crate) fn page_without(
        &self,
        table: TableId,
        stretch: &Stretch<'_>,
        unseen: &[Change],
    ) -> Result<Page, DatabaseError> {
        let Stretch { index, range, direction, last, limit } = *stretch;
        let [mut from, mut to] = match index {
            None => range.keys(Space::rows(table), |value, key| {
                key::encode_primary(value, key, Bounds::Allowed)
            })?,
            Some(index) => range.keys(Space::index(index), |value, key| {
                key::encode_secondary(value, key, Bounds::Allowed)
            })?,
        };
        match (last, direction) {
            (None, _) => {}
            (Some(Place(last)), Direction::Ascending) => from = from.max([&**last, &[0]].concat()),
            (Some(Place(last)), Direction::Descending) => to = to.min(last.to_vec()),
        }
        let limit = limit.min(PAGE_ROWS_MAX);
        let engine = self.engine();
        let described = there(engine.catalog(), table)?;
        if let Some(index) = index {
            described.readable(index)?;
        }
        let mut batch = engine.read();
        unseen.iter().try_for_each(|change| batch.take_back(change))?;
        let places: Vec<(Key, Vec<u8>)> = match index {
            None => {
                let keys = batch.keys(&from, &to, direction, limit)?;
                keys.into_iter().map(|key| (key.clone(), key.into_vec())).collect()
            }
            Some(index) => {
                let entries = batch.entries_between(index, &from, &to, direction, limit)?;
                entries.into_iter().map(|entry| (entry.key().into(), entry.row())).collect()
            }
        };
        let start = engine.parsed();
        let (mut rows, mut more) = (Vec::with_capacity(places.len()), places.len() == limit);
        for (place, key) in places {
            if engine.parsed() - start > STEP_BYTES {
                more = true;
                break;
            }
            if let Some(row) = batch.row(&key)? {
                rows.push(Found { place: Place(place), row });
            }
        }
        Ok(Page { rows, more })
    }
}

impl crate::catalog::Table {
    /// Whether rows can be read from an index.
    ///
    /// # Errors
    /// If it was dropped, or is not ready.
    fn readable(&self, id: IndexId) -> Result<(), CatalogError> {
        let index = self.index_of(id).ok_or(CatalogError::IndexGone)?;
        if index.ready {
            return Ok(());
        }
        let (index, database, table) = (index.name.clone(), self.db.clone(), self.name().clone());
        Err(CatalogError::IndexNotReady { index, database, table })
    }
}
