//! Reading a range through writes that are not in the map below yet.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included};

use super::{Direction, StorageError};
use crate::key::Key;

/// What a write leaves under a key.
pub(crate) trait Stands {
    /// Whether there is anything.
    fn is_there(&self) -> bool;
}

/// The first keys from `from` on and before `to`: those that `below` reads, up to a limit of which
/// it is told, with those that `writes` adds and takes away.
///
/// # Errors
/// What `below` fails with.
pub(crate) fn merged<W: Stands>(
    writes: &BTreeMap<Key, W>,
    from: &[u8],
    to: &[u8],
    direction: Direction,
    limit: usize,
    mut below: impl FnMut(&[u8], &[u8], usize) -> Result<Vec<Key>, StorageError>,
) -> Result<Vec<Key>, StorageError> {
    if from >= to {
        return Ok(vec![]);
    }
    let mut range = writes.range::<[u8], _>((Included(from), Excluded(to)));
    let mut next = || match direction {
        Direction::Ascending => range.next(),
        Direction::Descending => range.next_back(),
    };
    let mut written = next();
    if written.is_none() {
        return below(from, to, limit);
    }
    let mut rest = Rest { from: from.to_vec(), to: to.to_vec(), keys: VecDeque::new(), more: true };
    let mut keys = Vec::new();
    while keys.len() < limit {
        rest.fill(direction, limit, &mut below)?;
        let order = match (written, rest.keys.front()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some(other)) => match direction {
                Direction::Ascending => key.cmp(other),
                Direction::Descending => other.cmp(key),
            },
        };
        // The written one says whether there is such a key, whatever is below.
        if order != Ordering::Less {
            let below = rest.keys.pop_front();
            keys.extend(below.filter(|_| order == Ordering::Greater));
        }
        if order != Ordering::Greater {
            let here = written.filter(|(_, stands)| stands.is_there());
            keys.extend(here.map(|(key, _)| key.clone()));
            written = next();
        }
    }
    Ok(keys)
}

/// What has not been taken from below.
struct Rest {
    from: Vec<u8>,
    to: Vec<u8>,
    keys: VecDeque<Key>,
    more: bool,
}

impl Rest {
    /// Reads more keys if the last one was taken and there may be more.
    fn fill(
        &mut self,
        direction: Direction,
        limit: usize,
        below: &mut impl FnMut(&[u8], &[u8], usize) -> Result<Vec<Key>, StorageError>,
    ) -> Result<(), StorageError> {
        if !self.keys.is_empty() || !self.more {
            return Ok(());
        }
        self.keys = below(&self.from, &self.to, limit)?.into();
        self.more = self.keys.len() == limit;
        if let Some(last) = self.keys.back() {
            match direction {
                Direction::Ascending => self.from = [&**last, &[0]].concat(),
                Direction::Descending => self.to = last.to_vec(),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Slot, Writes};
    use super::*;

    proptest! {
        #[test]
        fn a_range_is_what_it_would_be_if_all_were_written(
            stored in prop::collection::btree_set(0..60_u8, 0..40),
            written in prop::collection::btree_map(0..60_u8, any::<bool>(), 0..40),
            (from, to) in (0..60_u8, 0..60_u8),
            limit in 1..20_usize,
            ascending in any::<bool>(),
        ) {
            let direction = if ascending { Direction::Ascending } else { Direction::Descending };
            let key = |number: &u8| Key::from([*number]);
            let cut = |keys: Vec<Key>, from: &[u8], to: &[u8], limit: usize| {
                let mut keys = keys;
                keys.retain(|key| from <= &**key && &**key < to);
                if !ascending {
                    keys.reverse();
                }
                keys.truncate(limit);
                keys
            };
            let writes = written.iter().map(|(number, there)| {
                (key(number), if *there { Slot::Entry } else { Slot::Empty })
            });
            let writes: Writes = writes.collect();
            let found = merged(&writes, &[from], &[to], direction, limit, |from, to, limit| {
                Ok(cut(stored.iter().map(key).collect(), from, to, limit))
            });
            let mut all = stored.clone();
            for (number, there) in &written {
                if *there { all.insert(*number) } else { all.remove(number) };
            }
            prop_assert_eq!(found.unwrap(), cut(all.iter().map(key).collect(), &[from], &[to], limit));
        }
    }
}
