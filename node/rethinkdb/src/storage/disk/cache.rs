//! What was read or written lately, so that it need not be parsed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::Key;

/// How much text the documents of one cache may have on disk, in bytes; in memory they take some
/// five times as much.
const TEXT_MAX: usize = 64 << 20;

/// A cache of two generations: what is used moves to the young one, and when that has grown to half
/// of what is allowed, the old one is forgotten and the young one grows old.
pub(super) struct Cache<T> {
    young: Generation<T>,
    old: Generation<T>,
}

struct Generation<T> {
    documents: BTreeMap<Key, Cached<T>>,
    text: usize,
}

struct Cached<T> {
    document: Arc<T>,
    text: usize,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { young: Generation::default(), old: Generation::default() }
    }
}

impl<T> Default for Generation<T> {
    fn default() -> Self {
        Self { documents: BTreeMap::new(), text: 0 }
    }
}

impl<T> Generation<T> {
    fn insert(&mut self, key: Key, cached: Cached<T>) {
        self.text += cached.text;
        if let Some(before) = self.documents.insert(key, cached) {
            self.text -= before.text;
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Cached<T>> {
        let cached = self.documents.remove(key)?;
        self.text -= cached.text;
        Some(cached)
    }
}

impl<T> Cache<T> {
    pub(super) fn get(&mut self, key: &[u8]) -> Option<Arc<T>> {
        if let Some(cached) = self.young.documents.get(key) {
            return Some(cached.document.clone());
        }
        let Cached { document, text } = self.old.remove(key)?;
        self.insert(key.into(), document.clone(), text);
        Some(document)
    }

    /// Remembers a document whose text has that many bytes.
    pub(super) fn insert(&mut self, key: Key, document: Arc<T>, text: usize) {
        self.old.remove(&key);
        self.young.insert(key, Cached { document, text });
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

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Cache::default();
        let third = TEXT_MAX / 6 + 1;
        cache.insert(b"used".to_vec().into(), Arc::new("used"), third);
        cache.insert(b"left".to_vec().into(), Arc::new("left"), third);
        for round in 0..10_u8 {
            assert!(cache.get(b"used").is_some(), "in round {round}");
            cache.insert([round].into(), Arc::new("other"), third);
            assert!(cache.young.text + cache.old.text <= TEXT_MAX + third);
        }
        assert!(cache.get(b"left").is_none());
        cache.remove(b"used");
        assert!(cache.get(b"used").is_none());
    }
}
