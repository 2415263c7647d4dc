//! Taking what is in the log to the tree, all or nothing: the log is of no use then.
//!
//! It takes long, and nobody waits for it. What comes and goes meanwhile never gets into the tree.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use redb::Database;

use super::log::{self, Logged};
use super::{MAP, Map, ReadOnlyMap, SETTLED_KEY, part_of, parts_of, read_map};
use crate::key::Key;
use crate::row::{self, Shape};
use crate::storage::{CATALOG, PARTS, Slot};

/// What is on its way to the tree. It needs nobody's lock.
pub(crate) struct Settle {
    pub(super) path: PathBuf,
    pub(super) file: Arc<Database>,
    pub(super) logged: Arc<BTreeMap<Key, Logged>>,
    /// All of the logs up to this one is in the tree then.
    pub(super) number: u64,
}

/// What became of a [`Settle`].
pub(crate) struct Settled {
    /// Whoever drops the last of it has much to do, and should have nobody's lock.
    pub(super) logged: Arc<BTreeMap<Key, Logged>>,
    /// Taken by whoever takes note of it.
    pub(super) outcome: Option<Result<(ReadOnlyMap, OverABlock), redb::Error>>,
}

/// A block stood somewhere before that does not stand there now, or a part of one.
pub(super) type OverABlock = bool;

impl Settle {
    /// Writes, and waits until all of it is on disk.
    pub(crate) fn run(self) -> Settled {
        let outcome = self.write().and_then(|over_a_block| {
            log::forget(&self.path, self.number).map_err(redb::StorageError::from)?;
            Ok((read_map(&self.file)?, over_a_block))
        });
        Settled { logged: self.logged, outcome: Some(outcome) }
    }

    fn write(&self) -> Result<OverABlock, redb::Error> {
        let mut transaction = self.file.begin_write()?;
        transaction.set_quick_repair(true);
        let mut over_a_block = false;
        {
            let mut map = transaction.open_table(MAP)?;
            // A dropped table's parts go first: a new table may have a block in an old one's place.
            for key in self.logged.keys().filter(|key| is_part(key)) {
                map.remove(&**key)?;
                over_a_block = true;
            }
            for (key, logged) in self.logged.iter().filter(|(key, _)| !is_part(key)) {
                over_a_block |= write(&mut map, key, logged)?;
            }
            map.insert(SETTLED_KEY, self.number.to_string().as_bytes())?;
        }
        transaction.commit()?;
        Ok(over_a_block)
    }
}

fn is_part(key: &[u8]) -> bool {
    key[..2] < CATALOG.to_be_bytes()[..] && key[2..4] == PARTS.to_be_bytes()
}

/// Writes a key; whether a block stood there.
fn write(map: &mut Map<'_>, key: &[u8], logged: &Logged) -> Result<OverABlock, redb::Error> {
    let before = match &logged.slot {
        Slot::Entry => {
            map.insert(key, [].as_slice())?;
            return Ok(false);
        }
        Slot::Text(text) => {
            map.insert(key, text.as_bytes())?;
            return Ok(false);
        }
        Slot::Empty => map.remove(key)?,
        Slot::Row(_) => map.insert(key, logged.texts.row.as_slice())?,
    };
    let over_a_block = before.is_some_and(|text| row::shape(text.value()) == Shape::Block);
    if over_a_block {
        let [first, last] = parts_of(key);
        map.retain_in(first.as_slice()..=last.as_slice(), |_, _| false)?;
    }
    for (number, part) in (0..).zip(&logged.texts.parts) {
        map.insert(&*part_of(key, number), part.as_slice())?;
    }
    Ok(over_a_block)
}
