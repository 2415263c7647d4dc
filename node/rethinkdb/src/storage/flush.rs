//! Taking to the file what was written, all or nothing.

use std::sync::Arc;

use redb::Database;

use super::disk::{MAP, Map, ReadOnlyMap, part_of, parts_of, read_map};
use super::{CATALOG, PARTS, Slot, Writes};
use crate::row::{self, Shape};

/// What is on its way to the file. It needs nobody's lock.
pub(crate) struct Flush {
    file: Arc<Database>,
    writes: Arc<Writes>,
}

/// What became of a [`Flush`].
pub(crate) struct Flushed(Result<(ReadOnlyMap, Written), redb::Error>);

/// What writing meant.
#[derive(Default)]
pub(super) struct Written {
    /// How many bytes of text each key has now.
    pub(super) texts: Vec<usize>,
    /// A block stood somewhere before that does not stand there now, or a part of one.
    pub(super) over_a_block: bool,
}

impl Flush {
    pub(super) fn new(file: Arc<Database>, writes: Arc<Writes>) -> Self {
        Self { file, writes }
    }

    /// Writes, and waits until all of it is on disk.
    pub(crate) fn run(self) -> Flushed {
        Flushed(self.write().and_then(|written| Ok((read_map(&self.file)?, written))))
    }

    fn write(&self) -> Result<Written, redb::Error> {
        let mut transaction = self.file.begin_write()?;
        transaction.set_quick_repair(true);
        let mut written = Written::default();
        {
            let mut map = transaction.open_table(MAP)?;
            // A dropped table's parts go first: a new table may have a block in an old one's place.
            for key in self.writes.keys().filter(|key| is_part(key)) {
                map.remove(&**key)?;
                written.over_a_block = true;
            }
            for (key, slot) in self.writes.iter() {
                let text = if is_part(key) { 0 } else { write(&mut map, key, slot, &mut written)? };
                written.texts.push(text);
            }
        }
        transaction.commit()?;
        Ok(written)
    }
}

impl Flushed {
    pub(super) fn into_result(self) -> Result<(ReadOnlyMap, Written), redb::Error> {
        self.0
    }
}

fn is_part(key: &[u8]) -> bool {
    key[..2] < CATALOG.to_be_bytes()[..] && key[2..4] == PARTS.to_be_bytes()
}

/// Writes a key; how many bytes of text it has now.
fn write(
    map: &mut Map<'_>,
    key: &[u8],
    slot: &Slot,
    written: &mut Written,
) -> Result<usize, redb::Error> {
    let row = match slot {
        Slot::Entry => {
            map.insert(key, [].as_slice())?;
            return Ok(0);
        }
        Slot::Text(text) => {
            map.insert(key, text.as_bytes())?;
            return Ok(text.len());
        }
        Slot::Empty => None,
        Slot::Row(row) => Some(row),
    };
    let text = row.map(|row| row::write(row));
    let before = match &text {
        Some(text) => map.insert(key, text.as_slice())?,
        None => map.remove(key)?,
    };
    let over_a_block = before.is_some_and(|text| row::shape(text.value()) == Shape::Block);
    if over_a_block {
        let [first, last] = parts_of(key);
        map.retain_in(first.as_slice()..=last.as_slice(), |_, _| false)?;
        written.over_a_block = true;
    }
    let mut length = text.map_or(0, |text| text.len());
    let transactions =
        row.and_then(|row| row.block()).map_or(&[][..], |block| block.transactions());
    for (number, transaction) in (0..).zip(transactions) {
        let text = row::write_part(transaction);
        length += text.len();
        map.insert(&*part_of(key, number), text.as_bytes())?;
    }
    Ok(length)
}
