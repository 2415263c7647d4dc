//! What was written and is not in the tree yet, and how it gets there.
//!
//! A write waits; a flush takes all that waits to the log; when much is in the log, it is settled, in the tree.
//! Whatever is further from the tree was written later, and counts. How full each may grow stands here.
//! Not here: who writes to the disk (`flush`, `settle`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log::Logged;
use crate::key::Key;
use crate::storage::{Direction, Slot, Stands as _, StorageError, Writes, merged};

/// So many keys that were flushed are settled,
const SETTLE_KEYS: usize = 50_000;

/// or texts of so many bytes;
const SETTLE_BYTES: usize = 32 << 20;

/// and nothing more is flushed while so many times as much is not settled.
const FULL: usize = 4;

/// All that is not in the tree yet.
#[derive(Default)]
pub(super) struct Memtables {
    /// What the next flush will take.
    waiting: Writes,
    /// Rows of about so many bytes are in there.
    waiting_bytes: usize,
    /// What a flush is taking to the log.
    flushing: Option<Arc<Writes>>,
    /// What is in the log.
    logged: BTreeMap<Key, Logged>,
    /// Texts of so many bytes are in there.
    logged_bytes: usize,
    /// What is being settled.
    settling: Option<Arc<BTreeMap<Key, Logged>>>,
}

impl Memtables {
    /// What is to stand under a key, if anything was written there.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Slot> {
        let flushing = || self.flushing.as_deref()?.get(key);
        let logged = || self.logged.get(key).or_else(|| self.settling.as_deref()?.get(key));
        self.waiting.get(key).or_else(flushing).or_else(|| Some(&logged()?.slot))
    }

    /// The first keys of a range, with those that `in_tree` reads; [`merged`].
    pub(super) fn keys(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        in_tree: impl Fn(&[u8], &[u8], usize) -> Result<Vec<Key>, StorageError>,
    ) -> Result<Vec<Key>, StorageError> {
        let settled = |from: &[u8], to: &[u8], limit| match self.settling.as_deref() {
            Some(settling) => merged(settling, from, to, direction, limit, &in_tree),
            None => in_tree(from, to, limit),
        };
        let logged = |from: &[u8], to: &[u8], limit| {
            merged(&self.logged, from, to, direction, limit, settled)
        };
        merged(&self.waiting, from, to, direction, limit, |from, to, limit| {
            match self.flushing.as_deref() {
                Some(flushing) => merged(flushing, from, to, direction, limit, logged),
                None => logged(from, to, limit),
            }
        })
    }

    pub(super) fn write(&mut self, writes: Writes) {
        for slot in writes.values() {
            self.waiting_bytes += if let Slot::Row(row) = slot { row.weight() } else { 0 };
        }
        self.waiting.extend(writes);
    }

    /// How many keys, and rows of about how many bytes, wait.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.waiting.len(), self.waiting_bytes)
    }

    /// What a flush is to take, if anything waits.
    ///
    /// # Panics
    /// If there is a flush already.
    pub(super) fn begin_flush(&mut self) -> Option<Arc<Writes>> {
        assert!(self.flushing.is_none(), "one flush ends before the next one begins");
        if self.waiting.is_empty() {
            return None;
        }
        self.waiting_bytes = 0;
        let writes = Arc::new(std::mem::take(&mut self.waiting));
        self.flushing = Some(writes.clone());
        Some(writes)
    }

    /// What the flush took is in the log: what was written of each key. What came and went again before it got
    /// to the tree has never been; `is_in_tree` knows whether it got there.
    ///
    /// # Panics
    /// If there is no flush.
    pub(super) fn end_flush(
        &mut self,
        logged: Vec<Logged>,
        is_in_tree: impl Fn(&[u8]) -> Result<bool, StorageError>,
    ) -> Result<(), StorageError> {
        let writes = self.flushing.clone().expect("a flush that ends has begun");
        for (key, logged) in writes.keys().zip(logged) {
            let settling = self.settling.as_deref().and_then(|settling| settling.get(key));
            let is_needed = logged.is_there()
                || settling.map_or_else(|| is_in_tree(key), |below| Ok(below.is_there()))?;
            if is_needed {
                self.note(key.clone(), logged);
            } else if let Some(before) = self.logged.remove(key) {
                self.logged_bytes -= before.texts.len();
            }
        }
        self.flushing = None;
        Ok(())
    }

    /// Takes note of what the log says of a key.
    pub(super) fn note(&mut self, key: Key, logged: Logged) {
        self.logged_bytes += logged.texts.len();
        let before = self.logged.insert(key, logged);
        self.logged_bytes -= before.map_or(0, |before| before.texts.len());
    }

    /// So much is in the log that it should be settled.
    pub(super) fn is_much(&self) -> bool {
        self.is_over(1)
    }

    /// So much is in the log that nothing more should be flushed until what is being settled is so.
    pub(super) fn is_full(&self) -> bool {
        self.is_over(FULL) && self.settling.is_some()
    }

    fn is_over(&self, times: usize) -> bool {
        self.logged.len() > times * SETTLE_KEYS || self.logged_bytes > times * SETTLE_BYTES
    }

    /// What is to be settled, if that is anything and nothing else is being settled.
    pub(super) fn begin_settle(&mut self) -> Option<Arc<BTreeMap<Key, Logged>>> {
        if self.settling.is_some() || self.logged.is_empty() {
            return None;
        }
        self.logged_bytes = 0;
        let logged = Arc::new(std::mem::take(&mut self.logged));
        self.settling = Some(logged.clone());
        Some(logged)
    }

    /// What was being settled is in the tree.
    pub(super) fn end_settle(&mut self) {
        self.settling = None;
    }

    /// Nothing is in the log and not in the tree.
    pub(super) fn is_settled(&self) -> bool {
        self.logged.is_empty() && self.settling.is_none()
    }
}
