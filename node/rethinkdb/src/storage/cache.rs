//! Rows that were read or written lately, so that they need not be parsed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::Key;
use crate::row::Row;

/// How much text the cached rows may have on disk, in bytes; in memory they take some five times
/// as much.
const TEXT_MAX: usize = 64 << 20;

/// A cache of two generations: what is used moves to the young one, and when that has grown to half
/// of what is allowed, the old one is forgotten and the young one grows old.
#[derive(Default)]
pub(super) struct Cache {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    rows: BTreeMap<Key, Cached>,
    text: usize,
}

#[derive(Clone)]
struct Cached {
    row: Arc<Row>,
    text: usize,
}

impl Generation {
    fn insert(&mut self, key: Key, cached: Cached) {
        self.text += cached.text;
        if let Some(before) = self.rows.insert(key, cached) {
            self.text -= before.text;
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Cached> {
        let cached = self.rows.remove(key)?;
        self.text -= cached.text;
        Some(cached)
    }
}

impl Cache {
    pub(super) fn get(&mut self, key: &[u8]) -> Option<Arc<Row>> {
        if let Some(cached) = self.young.rows.get(key) {
            return Some(cached.row.clone());
        }
        let cached = self.old.remove(key)?;
        let row = cached.row.clone();
        self.insert(key.into(), row.clone(), cached.text);
        Some(row)
    }

    /// Remembers a row whose text has that many bytes.
    pub(super) fn insert(&mut self, key: Key, row: Arc<Row>, text: usize) {
        self.old.remove(&key);
        self.young.insert(key, Cached { row, text });
        if self.young.text > TEXT_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Shape;
    use bigchaindb_core::model::Json;

    fn row(id: &str) -> Arc<Row> {
        Arc::new(Row::new(Shape::Plain, Json::object([("id", Json::from(id))])))
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Cache::default();
        let third = TEXT_MAX / 6 + 1;
        cache.insert(b"used".to_vec().into(), row("used"), third);
        cache.insert(b"left".to_vec().into(), row("left"), third);
        for round in 0..10_u8 {
            assert!(cache.get(b"used").is_some(), "in round {round}");
            cache.insert([round].into(), row("other"), third);
            assert!(cache.young.text + cache.old.text <= TEXT_MAX + third);
        }
        assert!(cache.get(b"left").is_none());
        cache.remove(b"used");
        assert!(cache.get(b"used").is_none());
    }
}
